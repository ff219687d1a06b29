//! The headers that common issuers write, encoded in advance, so that they are compared and not decoded.

use boltguard_encoding::base64url;
use boltguard_encoding::json::write::push_member;
use boltguard_keys::VerifyingKey;

use crate::Header;

/// Returns the encoded headers that are common for tokens of this key, each with its parsed form.
pub(crate) fn common_headers(key: &VerifyingKey) -> Vec<(Box<str>, Header)> {
    let name = key.algorithm().name();
    let texts = match key.key_id() {
        None => unnamed(name),
        Some(kid) => named(name, kid.as_str()),
    };
    let read = |text: Box<str>| Some((text.clone(), Header::parse(&text).ok()?));
    texts.into_iter().filter_map(read).collect()
}

fn unnamed(algorithm: &str) -> Vec<Box<str>> {
    let (alg, typ) = (("alg", algorithm), ("typ", "JWT"));
    encode(&[&[alg, typ], &[typ, alg], &[alg]])
}

fn named(algorithm: &str, kid: &str) -> Vec<Box<str>> {
    let (alg, typ, kid) = (("alg", algorithm), ("typ", "JWT"), ("kid", kid));
    encode(&[
        &[alg, typ, kid],
        &[alg, kid, typ],
        &[typ, alg, kid],
        &[typ, kid, alg],
        &[kid, typ, alg],
        &[alg, kid],
    ])
}

fn encode(layouts: &[&[(&str, &str)]]) -> Vec<Box<str>> {
    let encoded = |members: &&[(&str, &str)]| {
        let mut json = String::from("{");
        for (name, value) in *members {
            push_member(&mut json, name, value);
        }
        json.push('}');
        base64url::encode(json).into()
    };
    layouts.iter().map(encoded).collect()
}
