//! The account of a token.

use boltguard_jwt::{AccountSource, CachedClaims, ClaimsPolicy};

use crate::{admit, lenient};

/// The ID of the local account, and the kind of accounts of the token.
fn account(policy: &ClaimsPolicy, payload: &str) -> (Option<String>, AccountSource) {
    let claims = admit(policy, payload).unwrap();
    let account = claims.account().map(|id| id.as_str().to_owned());
    (account, claims.account_source())
}

#[test]
fn a_token_without_issuer_has_local_accounts() {
    let found = account(&lenient(), r#"{"sub":"1"}"#);
    assert_eq!(found, (Some("1".to_owned()), AccountSource::Local));
    assert_eq!(account(&lenient(), "{}").0, None);
}

#[test]
fn an_unnamed_issuer_has_unknown_accounts() {
    for payload in [r#"{"sub":"1","iss":"a"}"#, r#"{"iss":"","sub":"1"}"#] {
        let found = account(&lenient(), payload);
        assert_eq!(found, (None, AccountSource::Unknown), "{payload}");
    }
    let named = lenient().with_issuer(["a"]);
    let found = account(&named, r#"{"sub":"1","iss":"a"}"#);
    assert_eq!(found, (Some("1".to_owned()), AccountSource::Local));
}

#[test]
fn users_of_another_issuer_have_no_local_account() {
    let policy = lenient().with_external_accounts(7);
    for payload in [r#"{"sub":"1"}"#, r#"{"sub":"1","iss":"a"}"#] {
        let found = account(&policy, payload);
        assert_eq!(found, (None, AccountSource::External(7)), "{payload}");
    }
    let named = policy.with_issuer(["a"]).with_user_id_claim("id");
    let claims = admit(&named, r#"{"id":3,"iss":"a"}"#).unwrap();
    assert_eq!(claims.user_id().unwrap().as_str(), "3");
    assert_eq!(claims.account(), None);
}

#[test]
fn kept_claims_are_about_the_same_account() {
    use boltguard_grants::Requirements;
    use boltguard_jws::Verifier;
    use boltguard_jwt::Claims;
    use boltguard_keys::{Algorithm::Hs256, KeySet};
    use boltguard_testing::{forge, keys};
    use boltguard_types::NumericDate;

    let token = forge::signed(
        r#"{"alg":"HS256"}"#,
        r#"{"sub":"1","iss":"a"}"#,
        &keys::signing_key(Hs256),
    );
    let verifier = Verifier::new(KeySet::new([keys::verifying_key(Hs256)]));
    let claims = Claims::read(verifier.verify(&token).unwrap(), &Requirements::new()).unwrap();
    let cached = CachedClaims::new(&claims);
    let now = NumericDate::from_secs(crate::NOW);
    let admitted = lenient()
        .admit_cached(&cached, &Requirements::new(), now)
        .unwrap();
    assert_eq!(admitted.account_source(), AccountSource::Unknown);
}
