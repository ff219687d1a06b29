//! Tokens don't appear in logs, where anyone who reads them could use them.

use boltguard_jws::{Signer, UnencodedJws, UnverifiedJws, Verifier, sign_unencoded};
use boltguard_keys::{Algorithm, KeySet};
use boltguard_testing::{forge, keys};

#[test]
fn debug_shows_no_segment_of_a_token() {
    let header = r#"{"alg":"HS256","kid":"k-1","x-note":"hidden"}"#;
    let payload = r#"{"sub":"hidden"}"#;
    let token = forge::signed(header, payload, &keys::signing_key(Algorithm::Hs256));
    let verifier = Verifier::new(KeySet::new([keys::verifying_key(Algorithm::Hs256)]));
    let unverified = UnverifiedJws::parse(&token).unwrap();
    let verified = verifier.verify(&token).unwrap();
    let signer = Signer::new(keys::signing_key(Algorithm::Hs256));
    let header = r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#;
    let detached = sign_unencoded(b"hidden", header, &keys::signing_key(Algorithm::Hs256)).unwrap();
    let unencoded = UnencodedJws::parse(&detached, b"hidden").unwrap();
    let bytes = format!("{:?}", b"hidden");
    for shown in [
        format!("{unverified:?}"),
        format!("{unverified:#?}"),
        format!("{:?}", unverified.unverified_header()),
        format!("{verified:?}"),
        format!("{verified:#?}"),
        format!("{verifier:?} {signer:?} {unencoded:?}"),
    ] {
        let segments = token.split('.').chain(detached.split('.'));
        let segments = segments.filter(|segment| !segment.is_empty());
        for hidden in segments.chain(["hidden", bytes.trim_matches(['[', ']'])]) {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
    assert!(format!("{unverified:?}").contains("k-1"));
}
