//! Claims that are admitted, and claims that must be rejected.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod accounts;
mod admitted;
mod advisories;
mod audience;
mod bounded;
mod class;
mod dates;
mod debug;
mod errors;
mod grants;
mod introspection;
mod issuer;
mod media_type;
mod mistakes;
mod names;
mod payload;
mod properties;
mod required;
mod rfc;
mod rules;
mod sources;
mod work;

use boltguard_grants::Requirements;
use boltguard_jws::{JwsError, VerifiedJws, Verifier};
use boltguard_jwt::{AdmittedClaims, Claims, ClaimsError, ClaimsPolicy};
use boltguard_keys::Algorithm::Hs256;
use boltguard_keys::{KeyError, KeySet};
use boltguard_testing::{forge, keys};
use boltguard_types::{NumericDate, ReasonCode};

/// The time at which the tests take place.
const NOW: i64 = 1_700_000_000;

/// Requires no claims, so that each test only sets what it tests.
fn lenient() -> ClaimsPolicy {
    ClaimsPolicy::new().with_required([])
}

/// The result for claims that are signed with a trusted key.
fn admit(policy: &ClaimsPolicy, payload: impl AsRef<[u8]>) -> Result<AdmittedClaims, ClaimsError> {
    admit_at(policy, payload, NumericDate::from_secs(NOW))
}

fn admit_at(
    policy: &ClaimsPolicy,
    payload: impl AsRef<[u8]>,
    now: NumericDate,
) -> Result<AdmittedClaims, ClaimsError> {
    admit_under(
        r#"{"alg":"HS256"}"#,
        policy,
        payload,
        &Requirements::new(),
        now,
    )
}

/// Like [`admit`], with the `requirements` that are met.
fn admit_wanting(
    requirements: &Requirements,
    payload: impl AsRef<[u8]>,
) -> Result<AdmittedClaims, ClaimsError> {
    admit_with(&lenient(), requirements, payload)
}

/// Like [`admit_wanting`], with this policy.
fn admit_with(
    policy: &ClaimsPolicy,
    requirements: &Requirements,
    payload: impl AsRef<[u8]>,
) -> Result<AdmittedClaims, ClaimsError> {
    let now = NumericDate::from_secs(NOW);
    admit_under(r#"{"alg":"HS256"}"#, policy, payload, requirements, now)
}

fn admit_under(
    header: &str,
    policy: &ClaimsPolicy,
    payload: impl AsRef<[u8]>,
    requirements: &Requirements,
    now: NumericDate,
) -> Result<AdmittedClaims, ClaimsError> {
    let token = forge::signed(header, payload, &keys::signing_key(Hs256));
    let verifier = Verifier::new(KeySet::new([keys::verifying_key(Hs256)]));
    let verified: VerifiedJws<'_> = verifier.verify(&token).unwrap();
    policy.admit(Claims::read(verified, requirements)?, now)
}

/// Asserts that each of the payloads is rejected with this error.
fn assert_refused(policy: &ClaimsPolicy, payloads: &[&str], expected: ClaimsError) {
    for payload in payloads {
        assert_eq!(
            admit(policy, payload).err(),
            Some(expected.clone()),
            "{payload}"
        );
    }
}

/// Asserts that each of the payloads is rejected with this reason, regardless of the claim or date.
fn assert_reason(policy: &ClaimsPolicy, payloads: &[&str], expected: ReasonCode) {
    for payload in payloads {
        let reason = admit(policy, payload).map_err(|error| error.code());
        assert_eq!(reason.err(), Some(expected), "{payload}");
    }
}

fn missing(claim: &str) -> ClaimsError {
    ClaimsError::Missing(claim.into())
}

fn mismatch(claim: &str) -> ClaimsError {
    ClaimsError::Mismatch(claim.into())
}

fn not_access_token(claim: &str) -> ClaimsError {
    ClaimsError::NotAccessToken(claim.into())
}

fn wrong_type(claim: &str) -> ClaimsError {
    ClaimsError::WrongType(claim.into())
}

/// The token has expired at [`NOW`].
fn expired(exp: i64) -> ClaimsError {
    let [exp, now] = [exp, NOW].map(NumericDate::from_secs);
    ClaimsError::Expired { exp, now }
}

/// Asserts that each of the payloads is admitted, with the claims as they were signed.
fn assert_admitted(policy: &ClaimsPolicy, payloads: &[&str]) {
    for payload in payloads {
        let claims = admit(policy, payload);
        assert_eq!(
            claims.map(|claims| claims.as_json().to_owned()),
            Ok((*payload).to_owned())
        );
    }
}

/// The reason for rejecting a token.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Refused {
    Claims(ClaimsError),
    Key(KeyError),
    Token(JwsError),
}

impl From<ClaimsError> for Refused {
    fn from(error: ClaimsError) -> Self {
        Self::Claims(error)
    }
}

impl From<KeyError> for Refused {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

impl From<JwsError> for Refused {
    fn from(error: JwsError) -> Self {
        Self::Token(error)
    }
}

/// The claims of a token, as JSON, for a service that trusts `keys`.
fn enter(token: &str, keys: &KeySet, policy: &ClaimsPolicy) -> Result<String, Refused> {
    let verifier = Verifier::new(keys.clone());
    let claims = Claims::read(verifier.verify(token)?, &Requirements::new())?;
    let admitted = policy.admit(claims, NumericDate::from_secs(NOW))?;
    Ok(admitted.as_json().to_owned())
}
