//! Grants that are ignored because a claim has the wrong type.

use std::borrow::Cow;
use std::fmt;

use boltguard_encoding::json::{Kind, Reader};

use crate::claims::Body;
use crate::field::Claim;
use crate::sources::GrantSources;

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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IgnoredGrant {
    claim: Cow<'static, str>,
    found: &'static str,
}

impl IgnoredGrant {
    /// Returns the name of the claim: `permissions`, `scope` or `scp`, or the path that the policy names.
    #[must_use]
    pub fn claim(&self) -> &str {
        &self.claim
    }

    /// Returns the type of its value, such as `an object`.
    #[must_use]
    pub fn found(&self) -> &'static str {
        self.found
    }

    #[inline]
    pub(crate) fn all_of(body: &Body, sources: Option<&GrantSources>) -> Vec<Self> {
        match sources {
            _ if body.registered.ignored_grants.is_empty() => Vec::new(),
            None => Self::find(body),
            Some(sources) => Self::find_in(body, sources),
        }
    }

    #[cold]
    fn find_in(body: &Body, sources: &GrantSources) -> Vec<Self> {
        let mistyped = sources.mistyped(body).into_iter();
        mistyped
            .filter_map(|(path, json)| {
                let claim = Cow::Owned(path.to_owned());
                let found = kind_of(json)?;
                Some(Self { claim, found })
            })
            .collect()
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
                let claim = Cow::Borrowed(claim);
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
