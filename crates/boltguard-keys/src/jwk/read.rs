//! Reading JSON Web Keys.

use std::collections::HashSet;

use boltguard_types::KeyId;
use zeroize::Zeroizing;

use crate::asn1::{self, RsaNumbers};
use crate::encoding;
use crate::json::{self, Json, Members};
use crate::private::RsaPrivate;
use crate::public::{RsaPublic, RsaScheme};
use crate::{Curve, Jwk, JwkProblem, Key, KeyError, PrivateKey, PublicKey, Secret};

/// One key of a set: its `kid` is recorded even if the key can't be used.
pub(crate) struct Member {
    pub(crate) kid: Option<KeyId>,
    pub(crate) is_private: bool,
    pub(crate) jwk: Result<Jwk, JwkProblem>,
}

pub(crate) fn parse(json: &str) -> Result<Jwk, JwkProblem> {
    read(&json::parse(json)?)
}

pub(crate) fn parse_set(json: &str) -> Result<Vec<Member>, KeyError> {
    let set = json::parse(json)?;
    let Some(Json::List(keys)) = set.get("keys") else {
        return Err(KeyError::Jwks);
    };
    keys.iter().map(member).collect()
}

fn member(json: &Json) -> Result<Member, KeyError> {
    let Json::Object(members) = json else {
        return Err(KeyError::Jwks);
    };
    Ok(Member {
        kid: kid(members).ok().flatten(),
        is_private: is_private(members),
        jwk: read(members),
    })
}

fn read(members: &Members) -> Result<Jwk, JwkProblem> {
    let key = match required(members, "kty")? {
        "oct" => Key::Secret(secret(members)?),
        "RSA" if is_private(members) => Key::Private(rsa_private(members)?),
        "RSA" => Key::Public(rsa_public(members)?),
        "EC" => ec(members)?,
        "OKP" => okp(members)?,
        _ => return Err(unsupported("kty")),
    };
    Ok(Jwk {
        key,
        kid: kid(members)?,
        algorithm: optional(members, "alg")?.map(Box::from),
        purpose: optional(members, "use")?.map(Box::from),
        operations: operations(members)?,
    })
}

fn secret(members: &Members) -> Result<Secret, JwkProblem> {
    let bytes = bytes(members, "k")?;
    Ok(Secret::new(&bytes)?)
}

fn rsa_public(members: &Members) -> Result<PublicKey, JwkProblem> {
    let (n, e) = (uint(members, "n")?, uint(members, "e")?);
    Ok(PublicKey::rsa(&n, &e, RsaScheme::Any)?)
}

/// RFC 7518 §6.3.2: `d` would be sufficient, but no library computes the primes; a third prime is not supported.
fn rsa_private(members: &Members) -> Result<PrivateKey, JwkProblem> {
    if has(members, "oth") {
        return Err(unsupported("oth"));
    }
    let number = |name| uint(members, name);
    let (n, e, d, p, q) = (
        number("n")?,
        number("e")?,
        number("d")?,
        number("p")?,
        number("q")?,
    );
    let (dp, dq, qi) = (number("dp")?, number("dq")?, number("qi")?);
    let public = RsaPublic::new(&n, &e, RsaScheme::Any)?;
    let numbers = RsaNumbers {
        n: &n,
        e: &e,
        d: &d,
        p: &p,
        q: &q,
        dp: &dp,
        dq: &dq,
        qi: &qi,
    };
    Ok(PrivateKey::rsa(RsaPrivate {
        pkcs1: asn1::pkcs1_of(&numbers)?,
        public,
    })?)
}

fn ec(members: &Members) -> Result<Key, JwkProblem> {
    let curve = Curve::from_name(required(members, "crv")?).map_err(no_curve)?;
    // RFC 7518 §6.2.1: coordinates and the private key have the full length.
    let part = |name| fixed(members, name, curve.field_len());
    let point = [&[4], &**part("x")?, &**part("y")?].concat();
    Ok(if has(members, "d") {
        Key::Private(PrivateKey::ec(curve, &part("d")?, Some(&point))?)
    } else {
        Key::Public(PublicKey::ec(curve, &point)?)
    })
}

fn no_curve(cause: KeyError) -> JwkProblem {
    match cause {
        KeyError::NeedsEs256k => {
            let fault = "is secp256k1, which requires the Cargo feature `es256k`";
            JwkProblem::of("crv", cause, fault)
        }
        _ => unsupported("crv"),
    }
}

fn okp(members: &Members) -> Result<Key, JwkProblem> {
    if required(members, "crv")? != "Ed25519" {
        return Err(unsupported("crv"));
    }
    let x = fixed(members, "x", 32)?;
    Ok(if has(members, "d") {
        Key::Private(PrivateKey::ed25519(&fixed(members, "d", 32)?, Some(&x))?)
    } else {
        Key::Public(PublicKey::ed25519(&x)?)
    })
}

/// Returns whether there is a member that only private keys have.
fn is_private(members: &Members) -> bool {
    let names: &[&str] = match required(members, "kty") {
        Ok("RSA") => &["d", "p", "q", "dp", "dq", "qi", "oth"],
        Ok("EC" | "OKP") => &["d"],
        _ => &[],
    };
    names.iter().any(|name| has(members, name))
}

/// Returns the `kid`. Some issuers write a number, and its digits as a string in their tokens.
fn kid(members: &Members) -> Result<Option<KeyId>, JwkProblem> {
    match members.get("kid") {
        Some(Json::Integer(digits)) => Ok(Some(KeyId::from(digits.as_str()))),
        _ => Ok(optional(members, "kid")?.map(KeyId::from)),
    }
}

/// RFC 7517 §4.3: a list of strings, each once. Some issuers write a single string.
fn operations(members: &Members) -> Result<Option<Vec<Box<str>>>, JwkProblem> {
    const NAME: &str = "key_ops";
    let list = match members.get(NAME) {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::String(name)) => return Ok(Some(vec![Box::from(name.as_str())])),
        Some(Json::List(list)) => list,
        Some(_) => {
            return Err(JwkProblem::of(
                NAME,
                KeyError::JwkMember,
                "isn't a list of strings",
            ));
        }
    };
    let name = |one: &Json| match one {
        Json::String(name) => Ok(Box::from(name.as_str())),
        _ => Err(JwkProblem::of(
            NAME,
            KeyError::JwkMember,
            "isn't a list of strings",
        )),
    };
    let operations = list
        .iter()
        .map(name)
        .collect::<Result<Vec<Box<str>>, _>>()?;
    if operations.iter().collect::<HashSet<_>>().len() < operations.len() {
        return Err(JwkProblem::of(
            NAME,
            KeyError::JwkMember,
            "has an operation twice",
        ));
    }
    Ok(Some(operations))
}

/// Returns a number. RFC 7518 §2 (Base64urlUInt) doesn't allow leading zeros, but according to §6.3.1.1, some
/// libraries write one.
fn uint(members: &Members, name: &'static str) -> Result<Zeroizing<Vec<u8>>, JwkProblem> {
    let mut number = bytes(members, name)?;
    if number.is_empty() {
        return Err(JwkProblem::of_length(name));
    }
    let last = number.len() - 1;
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.drain(..zeros.min(last));
    Ok(number)
}

fn fixed(
    members: &Members,
    name: &'static str,
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, JwkProblem> {
    let bytes = bytes(members, name)?;
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(JwkProblem::of_length(name))
    }
}

fn bytes(members: &Members, name: &'static str) -> Result<Zeroizing<Vec<u8>>, JwkProblem> {
    let malformed = |cause| JwkProblem::of(name, cause, "isn't base64url without padding");
    encoding::decode_secret(required(members, name)?).map_err(malformed)
}

fn required<'a>(members: &'a Members, name: &'static str) -> Result<&'a str, JwkProblem> {
    optional(members, name)?.ok_or(JwkProblem::missing(name))
}

/// Returns a member. One with the value `null` counts as absent, because some libraries write all members.
fn optional<'a>(members: &'a Members, name: &'static str) -> Result<Option<&'a str>, JwkProblem> {
    match members.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwkProblem::of_type(name)),
    }
}

fn has(members: &Members, name: &str) -> bool {
    members
        .get(name)
        .is_some_and(|value| !matches!(value, Json::Null))
}

fn unsupported(member: &'static str) -> JwkProblem {
    JwkProblem::of(
        member,
        KeyError::Unsupported,
        "names a kind of key that isn't supported",
    )
}
