//! Grants that are ignored because a claim has the wrong type.

use std::fmt;

use boltguard_encoding::json::{Kind, Reader};

use crate::claims::Body;
use crate::field::Claim;

/// A claim whose grants are ignored, all or in part, because it has the wrong type.
///
/// It doesn't contain the claim's value.
///
/// ```
/// # use boltguard_jwt::IgnoredGrant;
/// # fn log(ignored: IgnoredGrant) {
/// eprintln!("{ignored}"); // the claim `scope` must be a string or a list of strings, not an object
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IgnoredGrant {
    claim: &'static str,
    found: &'static str,
}

impl IgnoredGrant {
    /// Returns all possible values.
    pub fn all() -> impl Iterator<Item = Self> {
        let named = |claim| FOUND.into_iter().map(move |found| Self { claim, found });
        GRANTS
            .into_iter()
            .flat_map(move |claim| named(claim.name()))
    }

    /// Returns the name of the claim: `permissions`, `scope` or `scp`.
    #[must_use]
    pub fn claim(self) -> &'static str {
        self.claim
    }

    /// Returns the type of its value, such as `an object`.
    #[must_use]
    pub fn found(self) -> &'static str {
        self.found
    }

    #[inline]
    pub(crate) fn all_of(body: &Body) -> Vec<Self> {
        if body.registered.ignored_grants.is_empty() {
            Vec::new()
        } else {
            Self::find(body)
        }
    }

    #[cold]
    fn find(body: &Body) -> Vec<Self> {
        let ignored = body.registered.ignored_grants;
        let grants = GRANTS.into_iter();
        let named = grants.filter(|claim| ignored.contains(*claim));
        named
            .filter_map(|claim| {
                let claim = claim.name();
                let found = kind_of(body.get(claim)?)?;
                Some(Self { claim, found })
            })
            .collect()
    }
}

fn kind_of(json: &str) -> Option<&'static str> {
    match Reader::new(json).kind().ok()? {
        Kind::Array => Some(FOUND[0]),
        Kind::Bool => Some(FOUND[1]),
        Kind::Number => Some(FOUND[2]),
        Kind::Object => Some(FOUND[3]),
        Kind::Null | Kind::String => None,
    }
}

const FOUND: [&str; 4] = [
    "a list with other values than strings",
    "true or false",
    "a number",
    "an object",
];
const GRANTS: [Claim; 3] = [Claim::Permissions, Claim::Scope, Claim::Scp];

impl fmt::Display for IgnoredGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { claim, found } = self;
        write!(
            f,
            "the claim `{claim}` must be a string or a list of strings, not {found}"
        )
    }
}
