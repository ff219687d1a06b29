//! The parts of a token by which it can be revoked.

use std::borrow::Cow;

use boltguard_jws::UnverifiedJws;
use boltguard_jwt::{AdmittedClaims, UserId};
use boltguard_revocation::RevocationQuery;
use boltguard_types::KeyId;

/// Returns the query for a token with these claims, whose header has this `kid`.
pub(crate) fn revocation_query<'c>(
    claims: &'c AdmittedClaims,
    key_id: Option<&'c KeyId>,
) -> RevocationQuery<'c> {
    RevocationQuery::new(claims.token_id().unwrap_or_default())
        .with_session_id(session_id(claims))
        .with_subject(claims.user_id().map(text).or_else(|| claims.subject()))
        .with_issuer(claims.issuer())
        .with_key_id(key_id.map(KeyId::as_str))
        .with_issued_at(claims.issued())
}

/// Returns the `kid` of a token that was verified.
#[cold]
pub(crate) fn key_id(token: &str) -> Option<KeyId> {
    let jws = UnverifiedJws::parse(token).ok()?;
    jws.unverified_header().key_id().map(KeyId::from)
}

/// Returns the claim `sid`. A number is used as written.
pub(crate) fn session_id(claims: &AdmittedClaims) -> Option<Cow<'_, str>> {
    let json = claims.get("sid")?;
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str(json).ok().map(Cow::Owned),
        b'-' | b'0'..=b'9' => Some(json.into()),
        _ => None,
    }
}

fn text(id: UserId<'_>) -> Cow<'_, str> {
    match id {
        UserId::Integer(digits) => digits.into(),
        UserId::String(text) => text,
    }
}
