//! The headers that common issuers write, encoded beforehand, so that they are compared as text and not decoded.

use std::sync::LazyLock;

use boltguard_encoding::base64url;
use boltguard_keys::{Algorithm, VerifyingKey};

use crate::{Header, JwsError};

/// What reading the header `segment` gives, if it is one of those without a `kid`, of any algorithm.
#[inline]
pub(crate) fn read_common(segment: &[u8]) -> Option<Result<&'static Header, JwsError>> {
    if !LENGTHS.contains(&segment.len()) {
        return None;
    }
    let mark = mark_of(segment)?;
    let mut all = UNNAMED.iter();
    let known = all.find(|known| known.mark == mark && known.text.as_bytes() == segment)?;
    Some(known.header.as_ref().map_err(|why| *why))
}

/// The name of an algorithm has four or five letters, and there is a `typ` or none.
const LENGTHS: [usize; 4] = [19, 20, 35, 36];

/// The characters at the two places where common headers of one length name their algorithms, mixed: most other
/// headers are told apart by them.
#[inline]
fn mark_of(segment: &[u8]) -> Option<u64> {
    let (_, from_name) = segment.split_at_checked(NAME_AT)?;
    let (to_name, _) = segment.split_at_checked(segment.len() - 2)?;
    let [first, last] = [from_name.first_chunk()?, to_name.last_chunk()?];
    let [first, last] = [first, last].map(|eight| u64::from_le_bytes(*eight));
    Some(first ^ last.rotate_left(32))
}

/// The last character before the name in `{"alg":"`.
const NAME_AT: usize = 10;

/// The encoded headers that are common for tokens of this key, with their meaning.
pub(crate) fn usual_headers(key: &VerifyingKey) -> Vec<(Box<str>, Header)> {
    let name = key.algorithm().name();
    let texts = match key.key_id() {
        None => unnamed(name),
        Some(kid) => named(name, kid.as_str()),
    };
    let read = |text: Box<str>| Some((text.clone(), Header::parse(&text).ok()?));
    texts.into_iter().filter_map(read).collect()
}

struct Known {
    mark: u64,
    text: Box<str>,
    header: Result<Header, JwsError>,
}

/// `none` is among them, since tokens that say so are sent by whoever tries doors.
static UNNAMED: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let texts = short_names().chain(["none"]).flat_map(unnamed);
    let known = |text: Box<str>| {
        Some(Known {
            mark: mark_of(text.as_bytes())?,
            header: Header::parse(&text),
            text,
        })
    };
    texts.filter_map(known).collect()
});

/// The names that have the length of those in [`LENGTHS`]; `ES256K` is rare.
fn short_names() -> impl Iterator<Item = &'static str> {
    let names = Algorithm::ALL.iter().map(|algorithm| algorithm.name());
    names.filter(|name| name.len() <= 5)
}

fn unnamed(algorithm: &str) -> Vec<Box<str>> {
    let (alg, typ) = (&member("alg", algorithm), &member("typ", "JWT"));
    encode(&[&[alg, typ], &[typ, alg], &[alg]])
}

fn named(algorithm: &str, kid: &str) -> Vec<Box<str>> {
    let (alg, typ) = (&member("alg", algorithm), &member("typ", "JWT"));
    let kid = &member("kid", kid);
    encode(&[
        &[alg, typ, kid],
        &[alg, kid, typ],
        &[typ, alg, kid],
        &[typ, kid, alg],
        &[kid, typ, alg],
        &[alg, kid],
    ])
}

fn member(name: &str, value: &str) -> String {
    format!("\"{name}\":{}", serde_json::Value::from(value))
}

fn encode(layouts: &[&[&String]]) -> Vec<Box<str>> {
    let encoded = |members: &&[&String]| {
        let members: Vec<&str> = members.iter().map(|member| member.as_str()).collect();
        base64url::encode(format!("{{{}}}", members.join(","))).into()
    };
    layouts.iter().map(encoded).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn usual_headers_mean_what_is_read_in_them() {
        for Known { text, header, .. } in &*UNNAMED {
            assert_eq!(*header, Header::parse(text), "{text}");
            let found = read_common(text.as_bytes()).map(|header| header.cloned());
            assert_eq!(found.as_ref(), Some(header), "{text}");
            for other in [&text[1..], &text[..text.len() - 1], &format!("{text}A")] {
                assert_eq!(read_common(other.as_bytes()), None, "{other}");
            }
        }
        let marks: HashSet<u64> = UNNAMED.iter().map(|known| known.mark).collect();
        assert_eq!(marks.len(), UNNAMED.len());
        assert_eq!(UNNAMED.len(), 3 * (short_names().count() + 1));
        for short in 0..18 {
            assert_eq!(read_common(&[b'A'; 18][..short]), None);
        }
    }

    #[test]
    fn none_is_known_and_refused() {
        for layout in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"none","typ":"JWT"}"#,
            r#"{"typ":"JWT","alg":"none"}"#,
        ] {
            let found = read_common(base64url::encode(layout).as_bytes());
            assert_eq!(found, Some(Err(JwsError::AlgorithmNotAllowed)), "{layout}");
        }
    }
}
