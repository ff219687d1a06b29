//! Reading JSON Web Keys.

use std::collections::HashSet;

use boltguard_types::KeyId;
use zeroize::Zeroizing;

use crate::asn1::{self, RsaNumbers};
use crate::curve::Curve;
use crate::encoding;
use crate::json::{self, Json, Members};
use crate::private::RsaPrivate;
use crate::public::{RsaPublic, RsaScheme};
use crate::{Jwk, Key, KeyError, PrivateKey, PublicKey, Secret};

/// One key of a set: its name counts even where the key can't be used.
pub(crate) struct Member {
    pub(crate) kid: Option<KeyId>,
    pub(crate) is_private: bool,
    pub(crate) jwk: Result<Jwk, KeyError>,
}

pub(crate) fn parse(json: &str) -> Result<Jwk, KeyError> {
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
        kid: optional(members, "kid").ok().flatten().map(KeyId::from),
        is_private: is_private(members),
        jwk: read(members),
    })
}

fn read(members: &Members) -> Result<Jwk, KeyError> {
    let key = match required(members, "kty")? {
        "oct" => Key::Secret(Secret::from_base64url(required(members, "k")?)?),
        "RSA" if is_private(members) => Key::Private(rsa_private(members)?),
        "RSA" => Key::Public(rsa_public(members)?),
        "EC" => ec(members)?,
        "OKP" => okp(members)?,
        _ => return Err(KeyError::Unsupported),
    };
    Ok(Jwk {
        key,
        kid: optional(members, "kid")?.map(KeyId::from),
        algorithm: optional(members, "alg")?.map(Box::from),
        purpose: optional(members, "use")?.map(Box::from),
        operations: operations(members)?,
    })
}

fn rsa_public(members: &Members) -> Result<PublicKey, KeyError> {
    PublicKey::rsa(&uint(members, "n")?, &uint(members, "e")?, RsaScheme::Any)
}

/// RFC 7518 §6.3.2: `d` alone would do, but no library computes the primes; a third prime is not supported.
fn rsa_private(members: &Members) -> Result<PrivateKey, KeyError> {
    if members.contains_key("oth") {
        return Err(KeyError::Unsupported);
    }
    let number = |name| uint(members, name).map(Zeroizing::new);
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
    PrivateKey::rsa(RsaPrivate {
        pkcs1: asn1::pkcs1_of(&numbers)?,
        public,
    })
}

fn ec(members: &Members) -> Result<Key, KeyError> {
    let curve = Curve::from_name(required(members, "crv")?)?;
    // RFC 7518 §6.2.1: coordinates and the private key have the full length.
    let part = |name| fixed(members, name, curve.field_len());
    let point = [&[4], &**part("x")?, &**part("y")?].concat();
    if members.contains_key("d") {
        PrivateKey::ec(curve, &part("d")?, Some(&point)).map(Key::Private)
    } else {
        PublicKey::ec(curve, &point).map(Key::Public)
    }
}

fn okp(members: &Members) -> Result<Key, KeyError> {
    if required(members, "crv")? != "Ed25519" {
        return Err(KeyError::Unsupported);
    }
    let x = fixed(members, "x", 32)?;
    if members.contains_key("d") {
        PrivateKey::ed25519(&fixed(members, "d", 32)?, Some(&x)).map(Key::Private)
    } else {
        PublicKey::ed25519(&x).map(Key::Public)
    }
}

/// Whether there is a member that only a private key has.
fn is_private(members: &Members) -> bool {
    let names: &[&str] = match required(members, "kty") {
        Ok("RSA") => &["d", "p", "q", "dp", "dq", "qi", "oth"],
        Ok("EC" | "OKP") => &["d"],
        _ => &[],
    };
    names.iter().any(|name| members.contains_key(*name))
}

/// RFC 7517 §4.3: a list of texts, each once.
fn operations(members: &Members) -> Result<Option<Vec<Box<str>>>, KeyError> {
    let list = match members.get("key_ops") {
        None => return Ok(None),
        Some(Json::List(list)) => list,
        Some(_) => return Err(KeyError::JwkMember),
    };
    let name = |one: &Json| match one {
        Json::Text(name) => Ok(Box::from(name.as_str())),
        _ => Err(KeyError::JwkMember),
    };
    let operations = list
        .iter()
        .map(name)
        .collect::<Result<Vec<Box<str>>, _>>()?;
    if operations.iter().collect::<HashSet<_>>().len() < operations.len() {
        return Err(KeyError::JwkMember);
    }
    Ok(Some(operations))
}

/// A number without leading zeros, RFC 7518 §2 (Base64urlUInt).
fn uint(members: &Members, name: &str) -> Result<Vec<u8>, KeyError> {
    let bytes = encoding::decode(required(members, name)?)?;
    match bytes.first() {
        None => Err(KeyError::JwkMember),
        Some(0) if bytes.len() > 1 => Err(KeyError::JwkMember),
        Some(_) => Ok(bytes),
    }
}

fn fixed(members: &Members, name: &str, length: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let bytes = encoding::decode_secret(required(members, name)?)?;
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(KeyError::JwkMember)
    }
}

fn required<'a>(members: &'a Members, name: &str) -> Result<&'a str, KeyError> {
    optional(members, name)?.ok_or(KeyError::JwkMember)
}

fn optional<'a>(members: &'a Members, name: &str) -> Result<Option<&'a str>, KeyError> {
    match members.get(name) {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text)),
        Some(_) => Err(KeyError::JwkMember),
    }
}
