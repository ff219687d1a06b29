//! Writing public keys as JSON Web Keys.

use boltguard_encoding::json::write::push_member;
use boltguard_types::KeyId;

use crate::public::{PublicParts, RsaScheme};
use crate::{Algorithm, Jwk, KeyError, PublicKey, VerifyingKey};

pub(crate) fn write(jwk: &Jwk) -> Result<String, KeyError> {
    let key = jwk.key.public_key().ok_or(KeyError::SecretKey)?;
    Ok(public(
        key,
        jwk.kid.as_ref(),
        jwk.algorithm.as_deref(),
        jwk.purpose.as_deref(),
    ))
}

/// Keys that differ only in the algorithm are written once, without an algorithm.
pub(crate) fn write_set(keys: &[VerifyingKey]) -> String {
    let mut members: Vec<(&PublicKey, Option<&KeyId>, Option<Algorithm>)> = Vec::new();
    for key in keys {
        let Some(public) = key.public_key() else {
            continue;
        };
        let same = |(other, kid, _): &&mut (&PublicKey, Option<&KeyId>, _)| {
            *other == public && *kid == key.key_id()
        };
        match members.iter_mut().find(same) {
            Some((_, _, algorithm)) => *algorithm = algorithm.filter(|one| *one == key.algorithm()),
            None => members.push((public, key.key_id(), Some(key.algorithm()))),
        }
    }
    let texts = members
        .into_iter()
        .map(|(key, kid, algorithm)| public(key, kid, algorithm.map(Algorithm::name), Some("sig")));
    let texts: Vec<String> = texts.collect();
    format!(r#"{{"keys":[{}]}}"#, texts.join(","))
}

fn public(
    key: &PublicKey,
    kid: Option<&KeyId>,
    algorithm: Option<&str>,
    purpose: Option<&str>,
) -> String {
    let mut json = key.required_members();
    json.pop();
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            push_member(&mut json, name, value);
        }
    };
    add("kid", kid.map(KeyId::as_str));
    add("use", purpose);
    add("alg", algorithm.or_else(|| only_algorithm(key)));
    json.push('}');
    json
}

/// Returns the algorithm that the key is limited to by its own parameters.
fn only_algorithm(key: &PublicKey) -> Option<&'static str> {
    match key.parts() {
        PublicParts::Rsa(rsa) => match rsa.scheme {
            RsaScheme::PssWith(algorithm) => Some(algorithm.name()),
            RsaScheme::Any | RsaScheme::Pss => None,
        },
        _ => None,
    }
}
