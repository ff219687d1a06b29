//! Claims that have to be there, RFC 7519 §4.

use std::collections::HashSet;

use boltguard_encoding::json::{JsonError, Reader};

use crate::claims::Body;
use crate::field::{Claim, Marks};
use crate::one_of::OneOf;

/// The names of claims that a policy requires.
#[derive(Clone, Debug, Default)]
pub(crate) struct Required {
    /// All of them, in their order.
    names: Vec<Box<str>>,
    /// Those that are noted where the claims are read.
    noted: Marks,
    /// Those that are looked for, all at once.
    others: OneOf,
}

impl Required {
    pub(crate) fn exp() -> Self {
        ["exp"].into_iter().collect()
    }

    /// Whether all of them are there and not `null`.
    #[inline]
    pub(crate) fn are_in(&self, body: &Body) -> bool {
        (body.registered.has_values(self.noted) || self.are_written_in(body))
            && (self.others.is_empty() || self.count_others(body) == self.others.len())
    }

    /// Of a claim whose type does not matter, the type was noted and not whether it is `null`.
    #[cold]
    fn are_written_in(&self, body: &Body) -> bool {
        let expires =
            !self.noted.contains(Claim::Expires) || body.registered.expires().value().is_some();
        let mut noted = NOTED
            .iter()
            .filter(|(_, claim)| self.noted.contains(*claim));
        expires && noted.all(|(name, _)| body.get(name).is_some_and(|value| value != "null"))
    }

    fn count_others(&self, body: &Body) -> usize {
        let mut count = 0;
        for_each_given(body, |name| {
            count += usize::from(self.others.contains(name))
        });
        count
    }

    /// The first that is not there, or is `null`.
    #[cold]
    pub(crate) fn missing_in(&self, body: &Body) -> Option<&str> {
        let mut given = HashSet::new();
        for_each_given(body, |name| given.extend([name.to_vec()]));
        if body.registered.expires().value().is_none() {
            given.remove(&b"exp"[..]);
        }
        let mut names = self.names.iter().map(|name| &**name);
        names.find(|name| !given.contains(name.as_bytes()))
    }
}

/// Names each claim that is not `null`, once.
fn for_each_given(body: &Body, mut each: impl FnMut(&[u8])) {
    // The claims were read before, so reading them again finds no fault.
    let _ = Reader::new(body.as_json()).object(|reader, name| {
        match (reader.read_raw()?, name.plain_bytes()) {
            ("null", _) => {}
            (_, Some(plain)) => each(plain),
            (_, None) => each(name.to_text().as_bytes()),
        }
        Ok::<_, JsonError>(())
    });
}

impl<'a> FromIterator<&'a str> for Required {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut required = Self::default();
        let mut others = Vec::new();
        for name in names {
            required.names.push(name.into());
            match NOTED.iter().find(|(noted, _)| *noted == name) {
                Some((_, claim)) => required.noted.insert(*claim),
                None => others.push(name.into()),
            }
        }
        required.others.extend(others);
        required
    }
}

const NOTED: [(&str, Claim); 7] = [
    ("aud", Claim::Audience),
    ("exp", Claim::Expires),
    ("iat", Claim::Issued),
    ("iss", Claim::Issuer),
    ("jti", Claim::TokenId),
    ("nbf", Claim::NotBefore),
    ("sub", Claim::Subject),
];
