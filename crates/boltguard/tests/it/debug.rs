//! Debug output contains neither credentials nor personal data.

use std::fmt::Debug;
use std::time::Duration;

use boltguard::apikey::{ApiKeyVerifier, ApiKeys, KeyFormat, MemoryKeyStore, Peppers, StoredKey};
use boltguard::grants::{Identity, Requirements};
use boltguard::guard::{CheckResults, Guard};
use boltguard::jwks::{JwksSource, JwksUrl, Response};
use boltguard::jws::UnverifiedJws;
use boltguard::jwt::{CachedClaims, Claims, ClaimsPolicy};
use boltguard::keys::{Algorithm, Key, Secret, SigningKey, VerifyingKey};
use boltguard::mint::Minter;
use boltguard::revocation::replica::{RevocationEntry, StreamId, StreamRow};
use boltguard::revocation::{MemoryRevocation, RevocationLevel, RevocationQuery};
use boltguard::session::{
    MemorySessionStore, SessionKeys, SessionPolicy, Sessions, UnverifiedRefreshToken,
};
use boltguard::types::{Subject, TokenId};
use boltguard::{
    ApiKeyBackend, ApiKeySource, Authentication, Credential, EdgeBackend, HeaderName, Need,
    Revocation, RevocationStatus, Step,
};

use crate::support::{
    NOW, admitted, bearer, check, done, gate, jwt, revocation_check, secret, token,
};

const CLAIMS: &str = r#"{"sub":"hidden","jti":"hidden","exp":1300819380,"email":"hidden",
    "permissions":["hidden.*"],"scope":"hidden"}"#;

#[test]
fn debug_output_has_no_credentials_and_no_personal_data() {
    let keys = ApiKeys::builder()
        .key("sk-hidden")
        .permissions("sk-hidden", ["hidden.add"]);
    let keys = ApiKeySource::Static(keys.build().unwrap());
    let keys = ApiKeyBackend::new(keys, HeaderName::new("x-api-key").unwrap());
    let elsewhere = jwt().with_revocation(Revocation::External);
    let gate = gate([elsewhere.into(), keys.into()], &Guard::authenticated());

    let value = bearer(CLAIMS);
    let headers = [("authorization", value.as_str())];
    let need = revocation_check(&gate, &headers);
    let step = gate.evaluate(&headers, NOW);
    let known = done(
        need.clone()
            .resume(RevocationStatus::NotRevoked, &headers, NOW),
    );
    let holder = check(&gate, &[("x-api-key", "sk-hidden")]);
    let mut shown = vec![
        format!("{gate:?} {gate:#?} {:?}", secret()),
        format!("{need:?} {need:#?} {step:?}"),
        format!("{known:?} {known:#?} {holder:?} {holder:#?}"),
    ];
    for caller in [admitted(known), admitted(holder)] {
        let explanation = gate.explain(&caller, &CheckResults::new());
        shown.push(format!("{caller:?} {:?}", caller.view()));
        shown.push(format!("{:?} {explanation:?}", caller.principal()));
        if let Credential::ApiKey(caller) = caller.credential() {
            shown.push(format!("{caller:?} {:?}", caller.entry()));
        }
    }
    let bytes = format!("{:?}", b"hidden");
    let token = value.trim_start_matches("Bearer ");
    for text in shown {
        for hidden in token
            .split('.')
            .chain(["hidden", bytes.trim_matches(['[', ']'])])
        {
            assert!(!text.contains(hidden), "{text}");
        }
    }
}

/// Checks that no part of a secret is in the debug output of these values.
#[track_caller]
fn assert_hidden(secret: &str, values: &[&dyn Debug]) {
    let bytes = format!("{:?}", secret.as_bytes());
    let parts = secret.split(['.', ' ']);
    for (number, value) in values.iter().enumerate() {
        let shown = format!("{value:?} {value:#?}");
        for hidden in parts.clone().chain([bytes.trim_matches(['[', ']'])]) {
            assert!(!shown.contains(hidden), "value {number}: {shown}");
        }
    }
}

#[test]
fn token_is_hidden_in_each_of_its_states() {
    let token = token(CLAIMS);
    let key = VerifyingKey::new(&secret(), Algorithm::Hs256).unwrap();
    let unverified = UnverifiedJws::parse(&token).unwrap();
    let verified = unverified.clone().verify(&key).unwrap();
    let claims = Claims::read(verified.clone(), &Requirements::new()).unwrap();
    let cached = CachedClaims::new(&claims);
    let policy = ClaimsPolicy::new();
    let admitted = policy.admit(claims.clone(), NOW).unwrap();
    let user_id = admitted.user_id();
    let error = admitted.deserialize::<u8>().unwrap_err();
    let values: [&dyn Debug; 7] = [
        &unverified,
        &verified,
        &claims,
        &cached,
        &admitted,
        &user_id,
        &error,
    ];
    assert_hidden(&token, &values);
    assert_hidden("hidden", &values);
}

#[test]
fn issued_token_is_hidden() {
    let minter = Minter::new(SigningKey::new(&secret(), Algorithm::Hs256).unwrap());
    let minted = minter
        .token("42", Duration::from_secs(60))
        .token_id("hidden");
    let minted = minted.sign(NOW).unwrap();
    assert_hidden(&minted.token, &[&minted, &minter]);
    assert_hidden("hidden", &[&minted, &minted.jti]);
}

#[test]
fn api_key_is_hidden_in_each_of_its_forms() {
    let format = KeyFormat::new("sk").unwrap();
    let key = format.generate().unwrap();
    let peppers = Peppers::new(Secret::new(b"hidden and thirty-two bytes long").unwrap());
    let stored = StoredKey::new(&key, &peppers, NOW).owned_by("hidden");
    let store = MemoryKeyStore::from_iter([stored.clone()]);
    let verifier = ApiKeyVerifier::new(format, peppers.clone());
    let parsed = verifier.parse(key.expose()).unwrap();
    let entry = verifier.verify(&store, key.expose(), NOW).unwrap();
    let uses = store.take_uses();
    let builder = ApiKeys::builder().key(key.expose());
    let builder_shown = format!("{builder:?}");
    let fixed = builder.build().unwrap();
    // The ID in the key is public.
    let secret = key.expose().rsplit('_').next().unwrap();
    let values: [&dyn Debug; 10] = [
        &key,
        &peppers,
        &stored,
        &store,
        &verifier,
        &parsed,
        &entry,
        &uses,
        &builder_shown,
        &fixed,
    ];
    assert_hidden(secret, &values);
    assert_hidden("hidden", &values);
}

#[test]
fn refresh_token_is_hidden() {
    let keys = SessionKeys::new(&Secret::new(b"hidden and thirty-two bytes long").unwrap());
    let sessions = Sessions::new(MemorySessionStore::new(), keys, SessionPolicy::default());
    let issued = sessions.create("hidden", NOW).unwrap();
    let presented = issued.token.expose().to_owned();
    let unverified = UnverifiedRefreshToken::parse(&presented).unwrap();
    let verified = sessions.verify(&presented).unwrap();
    let secret = presented.rsplit('_').next().unwrap();
    let values: [&dyn Debug; 4] = [&sessions, &issued, &unverified, &verified];
    assert_hidden(secret, &values);
    assert_hidden("hidden", &values);
}

#[test]
fn identifiers_in_revocations_are_hidden() {
    let query = RevocationQuery::new("hidden")
        .with_subject(Some("hidden"))
        .with_session_id(Some("hidden"));
    let level = RevocationLevel::Subject {
        subject: "hidden",
        issuer: Some("hidden"),
    };
    let store = MemoryRevocation::new();
    store.revoke("hidden", None, NOW).unwrap();
    let entry = RevocationEntry::token("hidden", None);
    let row = StreamRow::new(StreamId::default(), &entry);
    let names = (Subject::from("hidden"), TokenId::from("hidden"));
    assert_hidden("hidden", &[&query, &level, &store, &entry, &row, &names]);
}

#[test]
fn keys_and_responses_are_hidden() {
    let bytes = b"hidden and thirty-two bytes long";
    let key = Key::Secret(Secret::new(bytes).unwrap());
    let signer = SigningKey::new(&key, Algorithm::Hs256).unwrap();
    let verifier = VerifyingKey::new(&key, Algorithm::Hs256).unwrap();
    let response = Response {
        body: bytes.to_vec(),
        ..Response::default()
    };
    let source = JwksSource::from(JwksUrl::new("https://host/jwks?key=hidden").unwrap());
    assert_hidden("hidden", &[&key, &signer, &verifier, &response, &source]);
}

#[test]
fn caller_is_hidden_in_what_an_evaluation_needs() {
    let session = EdgeBackend::new("session");
    let gate = gate(
        [jwt().into(), session.into()],
        &r#"check("a")"#.parse().unwrap(),
    );
    let value = bearer(CLAIMS);
    let headers = [("authorization", value.as_str())];
    let checks = gate.evaluate(&headers, NOW);
    let Step::Need(Need::Authenticate(need)) = gate.evaluate(&[("cookie", "hidden")], NOW) else {
        panic!("the edge authenticates")
    };
    let identified = Authentication::Identified(
        Identity::new("hidden", "session")
            .with_permissions(["hidden"])
            .with_claim("email", "hidden"),
    );
    let found = need
        .clone()
        .resume(identified.clone(), &[("cookie", "hidden")], NOW);
    let rejected = gate.evaluate(&[("authorization", "Bearer hidden")], NOW);
    let values: [&dyn Debug; 5] = [&checks, &need, &identified, &found, &rejected];
    assert_hidden(value.trim_start_matches("Bearer "), &values[..1]);
    assert_hidden("hidden", &values);
}
