//! base64url at each length and position, since errors of fast decoders are found at the edges of blocks.

use boltguard_encoding::base64url::{
    Base64Error, decode, decode_into, decode_slice, encode, encode_slice,
};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Decodes six bits per character, and rejects leftover bits that are set, RFC 4648 §3.5.
fn slowly(text: &[u8]) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for byte in text {
        let value = ALPHABET.iter().position(|letter| letter == byte)?;
        bits = bits << 6 | u32::try_from(value).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    let left_over = bits & ((1 << count) - 1);
    (count < 6 && left_over == 0).then_some(bytes)
}

/// Checks that all functions that decode return the same.
fn check(text: &str) {
    let expected = slowly(text.as_bytes()).ok_or(Base64Error);
    assert_eq!(decode(text), expected, "{text:?}");
    let mut appended = b"before".to_vec();
    let into = decode_into(text, &mut appended).map(|()| appended[6..].to_vec());
    assert_eq!(into, expected, "{text:?}");
    let mut room = vec![0; text.len()];
    let slice = decode_slice(text, &mut room).map(|length| room[..length].to_vec());
    assert_eq!(slice, expected, "{text:?}");
}

/// Returns bytes whose encoding has each character of the alphabet.
fn bytes(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| u8::try_from(index * 167 % 251).unwrap())
        .collect()
}

#[test]
fn every_length_comes_back() {
    for length in 0..700 {
        let text = encode(bytes(length));
        assert_eq!(slowly(text.as_bytes()), Some(bytes(length)));
        check(&text);
    }
}

#[test]
fn every_character_counts_at_every_place() {
    for length in (0..8)
        .chain(21..27)
        .chain(45..60)
        .chain([96, 97, 98, 192, 385])
    {
        let text = encode(bytes(length));
        for at in 0..text.len() {
            for other in [
                'A', '_', '-', '9', 'z', '+', '/', '=', ' ', '\0', '\n', '@', '[', '`', '{',
                '\u{7f}', '.', 'é', '\u{ff21}',
            ] {
                check(&format!("{}{other}{}", &text[..at], &text[at + 1..]));
            }
        }
    }
}

#[test]
fn every_ascii_character_is_known_or_foreign_at_the_edges_of_a_block() {
    let text = encode(bytes(96));
    for at in [
        0, 1, 15, 16, 31, 32, 33, 47, 48, 63, 64, 65, 95, 96, 126, 127,
    ] {
        for other in '\0'..='\u{7f}' {
            check(&format!("{}{other}{}", &text[..at], &text[at + 1..]));
        }
    }
}

#[test]
fn every_length_of_text_is_decoded_or_refused() {
    for length in 0..300 {
        check(&"A".repeat(length));
        check(&"_".repeat(length));
        check(&"=".repeat(length));
    }
}

#[test]
fn a_buffer_that_is_too_short_is_an_error() {
    let text = encode(bytes(100));
    for room in [0, 1, 50, 99] {
        assert_eq!(
            decode_slice(&text, &mut vec![0; room]),
            Err(Base64Error),
            "{room}"
        );
    }
    assert_eq!(decode_slice(&text, &mut [0; 100]), Ok(100));
}

#[test]
fn a_text_is_written_as_it_is_returned() {
    for length in 0..200 {
        let text = encode(bytes(length));
        let mut room = vec![0; text.len() + 3];
        assert_eq!(encode_slice(bytes(length), &mut room), Some(text.len()));
        assert_eq!(&room[..text.len()], text.as_bytes());
        if let Some(short) = text.len().checked_sub(1) {
            assert_eq!(encode_slice(bytes(length), &mut room[..short]), None);
        }
    }
}
