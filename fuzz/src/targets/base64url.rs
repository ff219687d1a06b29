//! Decoding of base64url, compared with a naive implementation: each value has exactly one encoding.

use boltguard_encoding::base64url;

pub(super) fn run(data: &[u8]) {
    let encoded = base64url::encode(data);
    assert_eq!(base64url::decode(&encoded).as_deref(), Ok(data));
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let decoded = base64url::decode(text);
    let expected = decode_naively(text);
    assert_eq!(decoded.as_ref().ok(), expected.as_ref(), "{text:?}");
    if let Ok(bytes) = decoded {
        assert_eq!(base64url::encode(&bytes), text);
        let mut appended = b"before".to_vec();
        assert_eq!(base64url::decode_into(text, &mut appended), Ok(()));
        assert_eq!(appended.strip_prefix(b"before"), Some(&*bytes));
    }
}

/// Decodes six bits per character. The remaining bits must be zero.
fn decode_naively(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for byte in text.bytes() {
        let value = ALPHABET.iter().position(|letter| *letter == byte)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    let remainder = bits & ((1 << count) - 1);
    (count < 6 && remainder == 0).then_some(bytes)
}
