//! Grants that nobody has, since a claim is not of the type that it should be.

use std::fmt;

use boltguard_encoding::json::{Kind, Reader};

use crate::claims::Body;
use crate::field::Claim;

/// A claim that was meant to grant something, and doesn't, or not all that it says.
///
/// It holds nothing of the claim's value.
///
/// ```
/// # use boltguard_jwt::IgnoredGrant;
/// # fn log(ignored: IgnoredGrant) {
/// eprintln!("{ignored}"); // the claim `scope` is an object, and neither a string nor a list of strings
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IgnoredGrant {
    claim: &'static str,
    found: &'static str,
}

impl IgnoredGrant {
    /// Every one that there may be.
    pub fn all() -> impl Iterator<Item = Self> {
        let named = |claim| FOUND.into_iter().map(move |found| Self { claim, found });
        GRANTS.into_iter().flat_map(move |(_, name)| named(name))
    }

    /// The name of the claim: `permissions`, `scope` or `scp`.
    #[must_use]
    pub fn claim(self) -> &'static str {
        self.claim
    }

    /// What it is instead, such as `an object`.
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
        let named = grants.filter(|(claim, _)| ignored.contains(*claim));
        named
            .filter_map(|(_, claim)| {
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
const GRANTS: [(Claim, &str); 3] = [
    (Claim::Permissions, "permissions"),
    (Claim::Scope, "scope"),
    (Claim::Scp, "scp"),
];

impl fmt::Display for IgnoredGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { claim, found } = self;
        write!(
            f,
            "the claim `{claim}` is {found}, and neither a string nor a list of strings"
        )
    }
}
