//! Callers: anonymous, or authenticated with an identity.

use std::collections::BTreeMap;
use std::fmt;

use boltguard_types::Subject;
use serde_json::Value;

use crate::GrantSet;

/// The caller of a service.
#[derive(Clone, Debug, PartialEq)]
pub enum Principal {
    /// No backend has authenticated the caller.
    Anonymous,
    /// A backend has authenticated the caller.
    Known(Identity),
}

/// The identity and the grants of an authenticated caller.
///
/// ```
/// use boltguard_grants::Identity;
///
/// let editor = Identity::new("42", "jwt").staff().with_permissions(["blog.*"]);
/// assert_eq!(editor.subject.as_str(), "42");
/// ```
#[derive(Clone, PartialEq)]
pub struct Identity {
    /// The subject of the credential.
    pub subject: Subject,
    /// The backend that authenticated the caller: `jwt`, `api_key`, or the name of a custom backend.
    pub backend: Box<str>,
    /// Whether the caller is a staff member.
    pub is_staff: bool,
    /// Whether the caller is a superuser, which implies neither permissions nor staff membership.
    pub is_superuser: bool,
    /// Granted permissions, which can be wildcards; see [`Grant`](boltguard_types::Grant).
    pub permissions: Vec<Box<str>>,
    /// Granted OAuth scopes, RFC 6749 §3.3, compared exactly.
    pub scopes: Vec<Box<str>>,
    /// Roles, compared exactly.
    pub roles: Vec<Box<str>>,
    /// The claims of the credential.
    pub claims: BTreeMap<String, Value>,
}

impl Identity {
    /// Creates an identity without grants and claims.
    pub fn new(subject: impl Into<Subject>, backend: impl AsRef<str>) -> Self {
        let backend = backend.as_ref();
        Self {
            subject: subject.into(),
            backend: backend.into(),
            is_staff: false,
            is_superuser: false,
            permissions: Vec::new(),
            scopes: Vec::new(),
            roles: Vec::new(),
            claims: BTreeMap::new(),
        }
    }

    /// Makes the caller a staff member.
    #[must_use]
    pub fn staff(mut self) -> Self {
        self.is_staff = true;
        self
    }

    /// Makes the caller a superuser.
    #[must_use]
    pub fn superuser(mut self) -> Self {
        self.is_superuser = true;
        self
    }

    /// Adds granted permissions, which can be wildcards.
    #[must_use]
    pub fn with_permissions(mut self, permissions: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.permissions
            .extend(permissions.into_iter().map(|name| name.as_ref().into()));
        self
    }

    /// Adds granted OAuth scopes.
    #[must_use]
    pub fn with_scopes(mut self, scopes: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.scopes
            .extend(scopes.into_iter().map(|name| name.as_ref().into()));
        self
    }

    /// Adds roles.
    #[must_use]
    pub fn with_roles(mut self, roles: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.roles
            .extend(roles.into_iter().map(|name| name.as_ref().into()));
        self
    }

    /// Adds a claim.
    #[must_use]
    pub fn with_claim(mut self, name: impl AsRef<str>, value: impl Into<Value>) -> Self {
        let name = name.as_ref();
        self.claims.insert(name.to_owned(), value.into());
        self
    }
}

/// Shows only the backend, because everything else is personal data.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

/// The part of an authenticated caller that a compiled guard reads.
///
/// The anonymous caller is `None::<&PrincipalView>`.
#[derive(Clone, Copy)]
pub struct PrincipalView<'a> {
    /// The backend that authenticated the caller.
    pub backend: &'a str,
    /// Whether the caller is a staff member.
    pub is_staff: bool,
    /// Whether the caller is a superuser.
    pub is_superuser: bool,
    /// The requirements of the guard that the caller meets.
    pub grant_set: &'a GrantSet,
}

/// Shows only the backend.
impl fmt::Debug for PrincipalView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrincipalView")
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use boltguard_types::{Grant, Permission, TokenId};

    use super::*;
    use crate::Requirements;

    #[test]
    fn debug_hides_personal_data() {
        let identity = Identity::new("hidden-user", "jwt")
            .with_permissions(["hidden.add"])
            .with_scopes(["hidden"])
            .with_roles(["hidden"])
            .with_claim("hidden", "hidden");
        let mut requirements = Requirements::new();
        for number in 0..20 {
            requirements.permission(&Permission::new(format!("blog.p{number}")).unwrap());
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
        for output in [
            format!("{identity:?} {:?}", Principal::Known(identity.clone())),
            format!("{principal:?} {grant_set:?} {reader:?}"),
            format!("{:?}", Subject::from("hidden")),
            format!("{:?}", TokenId::from("hidden")),
            format!("{:?}", Grant::parse("hidden")),
            format!("{:?}", Grant::parse("hidden.*")),
        ] {
            assert!(!output.contains("hidden"), "{output}");
        }
    }
}
