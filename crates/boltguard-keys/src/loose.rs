//! Lenient decoders, to detect keys and to read them from configurations. They aren't used for tokens and JWKs.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// Decodes base64 in either alphabet, with or without padding, over several lines or in quotes.
pub(crate) fn base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let dense = dense(text)?;
    let bytes = LOOSE.decode(&*dense).ok()?;
    (!bytes.is_empty()).then(|| Zeroizing::new(bytes))
}

/// Decodes hexadecimal digits.
pub(crate) fn hexadecimal(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    let digits = digits.map(|byte| digit(*byte)).collect::<Option<Vec<_>>>();
    let digits = Zeroizing::new(digits?);
    let pairs = digits.chunks_exact(2);
    let is_whole = !digits.is_empty() && pairs.remainder().is_empty();
    is_whole.then(|| Zeroizing::new(pairs.map(|pair| pair[0] << 4 | pair[1]).collect()))
}

/// Decodes percent encoding. Returns `None` if the string has none.
pub(crate) fn percent(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if !text.contains(&b'%') {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        let pair = behind
            .get(..2)
            .and_then(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
        match pair.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    Some(bytes)
}

/// Removes zeros and a byte order mark, which converts UTF-16 and UTF-32 to ASCII. Returns `None` if there are none.
pub(crate) fn without_zeros(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if !text.contains(&0) {
        return None;
    }
    let others = text.iter().copied().filter(|byte| *byte != 0);
    let bytes: Zeroizing<Vec<u8>> = Zeroizing::new(others.collect());
    let marks: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];
    let behind = marks.iter().find_map(|mark| bytes.strip_prefix(*mark));
    Some(match behind {
        Some(behind) => Zeroizing::new(behind.to_vec()),
        None => bytes,
    })
}

/// Converts base64 to the standard alphabet without whitespace. Returns `None` for any other string.
fn dense(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut dense = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b'-' => dense.push(b'+'),
            b'_' => dense.push(b'/'),
            b'+' | b'/' | b'=' => dense.push(*first),
            letter if letter.is_ascii_alphanumeric() => dense.push(*letter),
            b'"' | b'\'' => {}
            // A line end as two characters, as in JSON and in `.env` files, or one that is escaped for a shell.
            b'\\' => match behind.split_first() {
                Some((b'n' | b'r' | b't', behind)) => rest = behind,
                Some((b'\\' | b'\n' | b'\r', _)) => {}
                _ => return None,
            },
            blank if blank.is_ascii_whitespace() => {}
            _ => return None,
        }
    }
    Some(dense)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

const LOOSE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_in_each_layout() {
        for text in [
            "+/8=", "-_8=", "-_8", " +/\n8= ", "\"+/8=\"", "'+/8'", "+/\\n8", "+/9",
        ] {
            assert_eq!(
                base64(text.as_bytes()).unwrap()[..2],
                [0xfb, 0xff],
                "{text}"
            );
        }
        for text in ["", "\n", "=", "a", "é", "+/8=x", "+/8*", "+\\x/8", "+/8\\"] {
            assert!(base64(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn hexadecimal_digits_come_in_pairs() {
        assert_eq!(*hexadecimal(b"00fF 1\n0").unwrap(), [0, 0xff, 0x10]);
        for text in ["", " ", "0", "0g"] {
            assert!(hexadecimal(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn percent_signs_that_encode_nothing_stay() {
        assert_eq!(&**percent(b"%41%4").unwrap(), b"A%4");
        assert_eq!(&**percent(b"%zz%%41").unwrap(), b"%zz%A");
        assert!(percent(b"A").is_none());
    }
}
