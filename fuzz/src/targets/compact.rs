//! Any text as a token. Almost none has a good signature, and every one that has is written in the one way there is.

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
        (Ok(ours), Ok(other)) => {
            assert_eq!(ours.payload(), other.payload());
            assert!(assumed.is_ok());
            let parts = [
                header.expect("a header").into_bytes(),
                payload.expect("a payload"),
                signature.expect("a signature"),
            ];
            assert_eq!(parts.map(base64url::encode).join("."), text);
        }
        (Err(ours), Err(other)) => assert_eq!(ours, other),
        _ => panic!("{verified:?} {among:?}"),
    }
}
