//! Revocation of sessions, subjects, issuers and keys.

use std::sync::Arc;
use std::time::Duration;

use boltguard::guard::Guard;
use boltguard::jws::{HeaderFields, sign};
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, SigningKey};
use boltguard::revocation::{
    MemoryRevocation, RevocationError, RevocationLevel, RevocationStore, UnixMillis, Watermark,
};
use boltguard::types::{NumericDate, ReasonCode};
use boltguard::{Backend, Gate, JwtBackend, Revocation};

use crate::support::{
    NOW, admitted, bearer, check, gate, jwt, jwt_with, refused, revocation_check, secret,
};

/// A token with all levels, whose strings have escapes.
const CLAIMS: &str = r#"{"sub":"4\u0032","iss":"https://a.example","sid":"s\u00e9ance","jti":"t-1",
    "iat":1300818990,"exp":1300819380}"#;

fn token(claims: &str) -> String {
    let signer = SigningKey::new(&secret(), Algorithm::Hs256).unwrap();
    let header = HeaderFields::new().with("kid", "key 1");
    format!(
        "Bearer {}",
        sign(claims.as_bytes(), &header, &signer).unwrap()
    )
}

fn guarded(backend: JwtBackend, revocation: Revocation) -> Gate {
    let backend: Backend = backend.with_revocation(revocation).into();
    gate([backend], &Guard::authenticated())
}

fn local(store: &Arc<MemoryRevocation>) -> Revocation {
    Revocation::InProcess(Arc::clone(store) as _)
}

#[test]
fn caller_has_the_session_of_its_token() {
    let gate = gate([jwt().into()], &Guard::authenticated());
    for (sid, expected) in [
        (r#""s\u00e9ance""#, Some("s\u{e9}ance")),
        ("7", Some("7")),
        ("null", None),
        (r#"["a"]"#, None),
    ] {
        let claims = format!(r#"{{"sub":"1","exp":1300819380,"sid":{sid}}}"#);
        let token = token(&claims);
        let caller = admitted(check(&gate, &[("authorization", &token)]));
        assert_eq!(caller.session_id().as_deref(), expected, "{sid}");
    }
    assert_eq!(boltguard::Caller::anonymous().session_id(), None);
}

/// The levels of the token, and others.
fn levels() -> [(RevocationLevel<'static>, bool); 9] {
    let subject = |subject, issuer| RevocationLevel::Subject { subject, issuer };
    [
        (RevocationLevel::Session("s\u{e9}ance"), true),
        (subject("42", None), true),
        (subject("42", Some("https://a.example")), true),
        (RevocationLevel::Issuer("https://a.example"), true),
        (RevocationLevel::Key("key 1"), true),
        (RevocationLevel::Session("42"), false),
        (subject("42", Some("https://b.example")), false),
        (RevocationLevel::Issuer("42"), false),
        (RevocationLevel::Key("key 2"), false),
    ]
}

#[test]
fn a_token_is_refused_when_one_of_its_levels_is_revoked() {
    let policy = || ClaimsPolicy::new().with_issuer(["https://a.example"]);
    for (level, is_revoked) in levels() {
        let store = Arc::new(MemoryRevocation::new());
        let gate = guarded(jwt_with(policy()), local(&store));
        let token = token(CLAIMS);
        let headers = [("authorization", token.as_str())];
        admitted(check(&gate, &headers));
        store.revoke_level(level, Watermark::new(NOW), NOW).unwrap();
        match is_revoked {
            true => assert_eq!(
                refused(check(&gate, &headers)),
                (401, ReasonCode::TokenRevoked),
                "{level:?}"
            ),
            false => drop(admitted(check(&gate, &headers))),
        }
    }
}

#[test]
fn a_cached_token_is_refused_when_its_key_is_revoked() {
    use boltguard::keys::{Key, KeySet, PrivateKey, VerifyingKey};
    let private = PrivateKey::generate(Algorithm::Es256).unwrap();
    let public = Key::from(private.public_key().clone());
    let keys = KeySet::new([VerifyingKey::new(&public, Algorithm::Es256).unwrap()]);
    let backend = JwtBackend::new(keys, &[Algorithm::Es256], ClaimsPolicy::new()).unwrap();
    let store = Arc::new(MemoryRevocation::new());
    let gate = guarded(backend.with_cache(10).unwrap(), local(&store));
    let signer = SigningKey::new(&Key::from(private), Algorithm::Es256).unwrap();
    let header = HeaderFields::new().with("kid", "key 1");
    let token = format!(
        "Bearer {}",
        sign(CLAIMS.as_bytes(), &header, &signer).unwrap()
    );
    let headers = [("authorization", token.as_str())];
    admitted(check(&gate, &headers));
    store.revoke_key("key 1", Watermark::new(NOW), NOW).unwrap();
    assert_eq!(
        refused(check(&gate, &headers)),
        (401, ReasonCode::TokenRevoked)
    );
}

#[test]
fn a_token_issued_after_the_revocation_is_admitted() {
    let store = Arc::new(MemoryRevocation::new());
    let gate = guarded(jwt(), local(&store));
    store
        .revoke_subject("42", None, Watermark::new(NOW), NOW)
        .unwrap();
    let second = NOW.as_secs();
    for (jti, iat, is_revoked) in [
        ("t-1", Some(second - 1), true),
        ("t-1", Some(second), true),
        ("t-1", Some(second + 1), false),
        ("t-1", None, true),
        (&uuid(second * 1000), Some(second), true),
        (&uuid(second * 1000 + 1), Some(second), false),
    ] {
        let iat = iat.map_or_else(String::new, |iat| format!(r#""iat":{iat},"#));
        let token = bearer(&format!(
            r#"{{"sub":"42","jti":"{jti}",{iat}"exp":1300819380}}"#
        ));
        let outcome = check(&gate, &[("authorization", &token)]);
        match is_revoked {
            true => assert_eq!(refused(outcome).1, ReasonCode::TokenRevoked, "{jti} {iat}"),
            false => drop(admitted(outcome)),
        }
    }
}

fn uuid(millis: i64) -> String {
    let (high, low) = (millis >> 16, millis & 0xffff);
    format!("{high:08x}-{low:04x}-7000-8000-000000000000")
}

#[test]
fn the_subject_is_the_user_id_that_the_policy_names() {
    let store = Arc::new(MemoryRevocation::new());
    let policy = ClaimsPolicy::new().with_user_id_claim("uid");
    let gate = guarded(jwt_with(policy), local(&store));
    let token = bearer(r#"{"uid":7,"sub":"42","jti":"t-1","exp":1300819380}"#);
    let headers = [("authorization", token.as_str())];
    store
        .revoke_subject("42", None, Watermark::ALL, NOW)
        .unwrap();
    admitted(check(&gate, &headers));
    store
        .revoke_subject("7", None, Watermark::ALL, NOW)
        .unwrap();
    assert_eq!(refused(check(&gate, &headers)).1, ReasonCode::TokenRevoked);
}

#[test]
fn a_session_can_have_a_number() {
    let store = Arc::new(MemoryRevocation::new());
    let gate = guarded(jwt(), local(&store));
    store.revoke_session("7", None, NOW).unwrap();
    for (sid, is_revoked) in [
        ("7", true),
        ("\"7\"", true),
        ("77", false),
        ("null", false),
        ("[7]", false),
    ] {
        let token = bearer(&format!(
            r#"{{"sub":"42","sid":{sid},"jti":"t-1","exp":1300819380}}"#
        ));
        let outcome = check(&gate, &[("authorization", &token)]);
        match is_revoked {
            true => assert_eq!(refused(outcome).1, ReasonCode::TokenRevoked, "{sid}"),
            false => drop(admitted(outcome)),
        }
    }
}

#[test]
fn a_token_without_an_id_is_refused_by_a_store_with_levels() {
    let store = Arc::new(MemoryRevocation::new());
    let gate = guarded(jwt(), local(&store));
    store.revoke_session("other", None, NOW).unwrap();
    let token = bearer(r#"{"sub":"42","exp":1300819380}"#);
    let outcome = check(&gate, &[("authorization", &token)]);
    assert_eq!(refused(outcome), (401, ReasonCode::TokenIdMissing));
}

#[test]
fn an_external_store_receives_all_parts() {
    let policy = ClaimsPolicy::new().with_issuer(["https://a.example"]);
    let gate = guarded(jwt_with(policy), Revocation::External);
    let token = token(CLAIMS);
    let need = revocation_check(&gate, &[("authorization", &token)]);
    let query = need.query();
    assert_eq!(query.token_id(), "t-1");
    assert_eq!(query.session_id(), Some("s\u{e9}ance"));
    assert_eq!(query.subject(), Some("42"));
    assert_eq!(query.issuer(), Some("https://a.example"));
    assert_eq!(query.key_id(), Some("key 1"));
    assert_eq!(query.issued_at(), Some(UnixMillis::new(1_300_818_990_000)));
    for (level, belongs) in levels() {
        assert_eq!(query.levels().any(|other| other == level), belongs);
    }
}

/// A store that was written for single tokens.
struct Tokens(&'static str);

impl RevocationStore for Tokens {
    fn is_revoked(&self, token_id: &str, _: NumericDate) -> Result<bool, RevocationError> {
        Ok(token_id == self.0)
    }

    fn revoke(
        &self,
        _: &str,
        _: Option<NumericDate>,
        _: NumericDate,
    ) -> Result<(), RevocationError> {
        Err(RevocationError::Full)
    }

    fn bind_leeway(&self, _: std::time::Duration) {}
}

#[test]
fn store_for_single_tokens_receives_the_id() {
    for (revoked, is_revoked) in [("t-1", true), ("t-2", false)] {
        let gate = guarded(jwt(), Revocation::InProcess(Arc::new(Tokens(revoked))));
        let token = bearer(r#"{"sub":"42","sid":"t-2","jti":"t-1","exp":1300819380}"#);
        let outcome = check(&gate, &[("authorization", &token)]);
        match is_revoked {
            true => assert_eq!(refused(outcome).1, ReasonCode::TokenRevoked),
            false => drop(admitted(outcome)),
        }
    }
}

#[test]
fn a_session_stays_revoked_through_the_leeway() {
    let exp = NumericDate::from_secs(1_300_819_380);
    let store = Arc::new(MemoryRevocation::new());
    store.revoke_session("s", Some(exp), NOW).unwrap();
    let policy = ClaimsPolicy::new().with_leeway(Duration::from_secs(180));
    let gate = guarded(jwt_with(policy), local(&store));
    let token = bearer(r#"{"sub":"42","sid":"s","jti":"t-1","exp":1300819380}"#);
    let late = exp + Duration::from_secs(170);
    let step = gate.evaluate(&[("authorization", token.as_str())], late);
    let outcome = crate::support::done(step);
    assert_eq!(refused(outcome).1, ReasonCode::TokenRevoked);
}
