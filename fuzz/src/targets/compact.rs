//! Verification of tokens: all functions agree, and a token with a valid signature has exactly one encoding.

use boltguard::jws::{MAX_TOKEN_LEN, UnverifiedJws, insecure};
use boltguard_encoding::base64url;

use super::service::{KEYS, VERIFIER};

pub(super) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (header, payload, signature) = (
        insecure::header_text(text),
        insecure::payload(text),
        insecure::signature(text),
    );
    let parsed = UnverifiedJws::parse(text);
    if let Ok(jws) = &parsed {
        assert!(text.len() <= MAX_TOKEN_LEN);
        assert_eq!(header.as_deref(), Ok(jws.unverified_header().as_json()));
    }
    let assumed = parsed.clone().and_then(insecure::assume_verified);
    if let Ok(jws) = &assumed {
        assert_eq!(payload.as_deref(), Ok(jws.payload()));
    }
    let verified = VERIFIER.verify(text);
    let among = parsed.and_then(|jws| jws.verify_among(&KEYS));
    match (&verified, &among) {
        (Ok(one), Ok(other)) => {
            assert_eq!(one.payload(), other.payload());
            assert!(assumed.is_ok());
            let parts = [
                header.expect("the header is valid").into_bytes(),
                payload.expect("the payload is valid"),
                signature.expect("the signature is valid"),
            ];
            assert_eq!(parts.map(base64url::encode).join("."), text);
        }
        (Err(one), Err(other)) => assert_eq!(one, other),
        _ => panic!("{verified:?} {among:?}"),
    }
}
