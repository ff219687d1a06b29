//! Required claims, RFC 7519 §4.

use std::collections::HashSet;

use boltguard_encoding::json::{JsonError, Reader};

use crate::ClaimsError;
use crate::claims::Body;
use crate::field::{Claim, Marks};
use crate::one_of::OneOf;

/// The names of the claims that a policy requires.
#[derive(Clone, Debug, Default)]
pub(crate) struct Required {
    /// All names, in the order of the setting.
    names: Vec<Box<str>>,
    /// The claims that are recorded when the payload is read.
    recorded: Marks,
    /// The other claims, which are searched in one pass.
    others: OneOf,
}

impl Required {
    pub(crate) fn exp() -> Self {
        ["exp"].into_iter().collect()
    }

    /// Checks that all of them are present and not `null`.
    #[inline]
    pub(crate) fn check(&self, body: &Body) -> Result<(), ClaimsError> {
        if (body.registered.has_values(self.recorded) || self.are_present(body))
            && (self.others.is_empty() || self.count_others(body) == self.others.len())
        {
            Ok(())
        } else {
            Err(self.missing(body))
        }
    }

    /// Searches the payload, because a recorded claim of the wrong type may be `null`.
    #[cold]
    fn are_present(&self, body: &Body) -> bool {
        let expires =
            !self.recorded.contains(Claim::Expires) || body.registered.expires().value().is_some();
        let mut recorded = RECORDED
            .iter()
            .filter(|claim| self.recorded.contains(**claim));
        expires && recorded.all(|claim| body.get(claim.name()).is_some_and(|value| value != "null"))
    }

    fn count_others(&self, body: &Body) -> usize {
        let mut count = 0;
        for_each_present(body, |name| {
            count += usize::from(self.others.contains(name))
        });
        count
    }

    /// Names the first one that is absent or `null`.
    #[cold]
    fn missing(&self, body: &Body) -> ClaimsError {
        let mut present = HashSet::new();
        for_each_present(body, |name| present.extend([name.to_vec()]));
        if body.registered.expires().value().is_none() {
            present.remove(&b"exp"[..]);
        }
        let mut names = self.names.iter().map(|name| &**name);
        let missing = names.find(|name| !present.contains(name.as_bytes()));
        ClaimsError::Missing(missing.unwrap_or_default().into())
    }
}

/// Calls `each` with the name of each claim that is not `null`.
fn for_each_present(body: &Body, mut each: impl FnMut(&[u8])) {
    // The payload was valid when it was read first, so there is no error.
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
            match RECORDED.iter().find(|claim| claim.name() == name) {
                Some(claim) => required.recorded.insert(*claim),
                None => others.push(name.into()),
            }
        }
        required.others.extend(others);
        required
    }
}

const RECORDED: [Claim; 7] = [
    Claim::Audience,
    Claim::Expires,
    Claim::Issued,
    Claim::Issuer,
    Claim::TokenId,
    Claim::NotBefore,
    Claim::Subject,
];
