//! Claims don't appear in logs, because they are personal data.

use boltguard_grants::Requirements;
use boltguard_jws::Verifier;
use boltguard_jwt::{CachedClaims, Claims};
use boltguard_keys::Algorithm::Hs256;
use boltguard_keys::KeySet;
use boltguard_testing::{forge, keys};
use boltguard_types::{NumericDate, Permission};

use crate::{NOW, lenient};

#[test]
fn debug_shows_no_claim() {
    let payload = r#"{"sub":"hidden","exp":1814400000,"permissions":["hidden.*"],"uid":48151623}"#;
    let token = forge::signed(r#"{"alg":"HS256"}"#, payload, &keys::signing_key(Hs256));
    let verifier = Verifier::new(KeySet::new([keys::verifying_key(Hs256)]));
    let mut requirements = Requirements::new();
    requirements.permission(&Permission::new("blog.add").unwrap());
    let claims = Claims::read(verifier.verify(&token).unwrap(), &requirements).unwrap();
    let cached = CachedClaims::new(&claims);
    let mut shown = vec![
        format!("{claims:?} {claims:#?}"),
        format!("{cached:?} {cached:#?}"),
    ];
    for policy in [lenient(), lenient().with_user_id_claim("uid")] {
        let admitted = policy
            .admit(claims.clone(), NumericDate::from_secs(NOW))
            .unwrap();
        shown.push(format!(
            "{admitted:?} {admitted:#?} {:?}",
            admitted.user_id()
        ));
    }
    let bytes = format!("{:?}", b"hidden");
    for text in shown {
        for hidden in [
            "hidden",
            "48151623",
            "1814400000",
            bytes.trim_matches(['[', ']']),
        ] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
}
