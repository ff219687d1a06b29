//! Callers: anonymous, or known by an identity.

use std::collections::BTreeMap;
use std::fmt;

use boltguard_types::Subject;
use serde_json::Value;

use crate::GrantSet;

/// A caller.
#[derive(Clone, Debug, PartialEq)]
pub enum Principal {
    /// Nobody has vouched for the caller.
    Anonymous,
    /// A backend has vouched for the caller.
    Known(Identity),
}

/// Who a caller is and what they are granted, as one backend vouches for it.
///
/// ```
/// use boltguard_grants::Identity;
///
/// let editor = Identity::new("42", "jwt").staff().with_permissions(["blog.*"]);
/// assert_eq!(editor.subject.as_str(), "42");
/// ```
#[derive(Clone, PartialEq)]
pub struct Identity {
    /// Whom the credential speaks of.
    pub subject: Subject,
    /// The backend that vouched: `jwt`, `api_key`, or a name of your own.
    pub backend: Box<str>,
    /// Whether the caller is of the staff.
    pub is_staff: bool,
    /// Whether the caller is an administrator. This implies no permission.
    pub is_superuser: bool,
    /// Granted permissions, wildcards included; see [`Grant`](boltguard_types::Grant).
    pub permissions: Vec<Box<str>>,
    /// Granted OAuth scopes, RFC 6749 §3.3, compared exactly.
    pub scopes: Vec<Box<str>>,
    /// The claims of the credential.
    pub claims: BTreeMap<String, Value>,
}

impl Identity {
    /// An identity that holds nothing.
    pub fn new(subject: impl Into<Subject>, backend: &str) -> Self {
        Self {
            subject: subject.into(),
            backend: backend.into(),
            is_staff: false,
            is_superuser: false,
            permissions: Vec::new(),
            scopes: Vec::new(),
            claims: BTreeMap::new(),
        }
    }

    /// Makes the caller one of the staff.
    #[must_use]
    pub fn staff(mut self) -> Self {
        self.is_staff = true;
        self
    }

    /// Makes the caller an administrator.
    #[must_use]
    pub fn superuser(mut self) -> Self {
        self.is_superuser = true;
        self
    }

    /// Grants permissions, wildcards included.
    #[must_use]
    pub fn with_permissions<'a>(mut self, granted: impl IntoIterator<Item = &'a str>) -> Self {
        self.permissions.extend(granted.into_iter().map(Box::from));
        self
    }

    /// Grants OAuth scopes.
    #[must_use]
    pub fn with_scopes<'a>(mut self, granted: impl IntoIterator<Item = &'a str>) -> Self {
        self.scopes.extend(granted.into_iter().map(Box::from));
        self
    }

    /// Adds a claim.
    #[must_use]
    pub fn with_claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }
}

/// Shows the backend alone: the rest is what a credential says of a person.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

/// What a compiled guard looks at, of a caller whom a backend has vouched for.
///
/// The anonymous caller is `None::<&PrincipalView>`.
#[derive(Clone, Copy)]
pub struct PrincipalView<'a> {
    /// The backend that vouched.
    pub backend: &'a str,
    /// Whether the caller is of the staff.
    pub is_staff: bool,
    /// Whether the caller is an administrator.
    pub is_superuser: bool,
    /// Which of the guard's requirements the caller meets.
    pub grant_set: &'a GrantSet,
}

/// Shows the backend alone.
impl fmt::Debug for PrincipalView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrincipalView")
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use boltguard_types::{Grant, Permission, TokenId};

    use crate::Requirements;

    #[test]
    fn debug_shows_nothing_of_a_person() {
        let identity = Identity::new("hidden-user", "jwt")
            .with_permissions(["hidden.add"])
            .with_scopes(["hidden"])
            .with_claim("hidden", "hidden");
        let mut requirements = Requirements::new();
        for number in 0..20 {
            requirements.permission(&Permission::new(&format!("blog.p{number}")).unwrap());
        }
        let mut reader = requirements.reader();
        reader.permission("hidden.*");
        let grant_set = requirements.grants_of(&identity);
        let principal = PrincipalView {
            backend: "jwt",
            is_staff: true,
            is_superuser: true,
            grant_set: &grant_set,
        };
        for shown in [
            format!("{identity:?} {:?}", Principal::Known(identity.clone())),
            format!("{principal:?} {grant_set:?} {reader:?}"),
            format!("{:?}", Subject::from("hidden")),
            format!("{:?}", TokenId::from("hidden")),
            format!("{:?}", Grant::parse("hidden")),
            format!("{:?}", Grant::parse("hidden.*")),
        ] {
            assert!(!shown.contains("hidden"), "{shown}");
        }
    }
}
