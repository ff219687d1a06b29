//! Permissions that guards require, and grants that callers have.

use std::error::Error;
use std::fmt;

/// The name of a permission, such as `blog.add_post`.
///
/// A permission is never a pattern. `*` has a meaning only in a [`Grant`], so a guard never allows more than it spells
/// out.
///
/// ```
/// use boltguard_types::{Permission, PermissionError};
///
/// assert!(Permission::new("blog.add_post").is_ok());
/// assert_eq!(Permission::new("blog.*"), Err(PermissionError::Wildcard));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission(Box<str>);

impl Permission {
    /// Validates a permission name: a non-empty string without whitespace, control characters and `*`.
    ///
    /// # Errors
    ///
    /// - [`PermissionError::Character`] if it contains whitespace or a control character.
    /// - [`PermissionError::Empty`] if it is empty.
    /// - [`PermissionError::Wildcard`] if it contains `*`.
    pub fn new(name: impl AsRef<str>) -> Result<Self, PermissionError> {
        let name = name.as_ref();
        if name.is_empty() {
            return Err(PermissionError::Empty);
        }
        if name.contains('*') {
            return Err(PermissionError::Wildcard);
        }
        if name.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(PermissionError::Character);
        }
        Ok(Self(name.into()))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A grant of a caller: one permission, all permissions with a prefix (`blog.*`), or all permissions (`*`).
///
/// Only these two forms are patterns. `blog.*` covers names that start with `blog.` and are longer, so it covers
/// neither `blog` nor `blog.`. In any other position, `*` is an ordinary character, which no [`Permission`] contains.
///
/// ```
/// use boltguard_types::{Grant, Permission};
///
/// let add = Permission::new("blog.post.add")?;
/// assert!(Grant::parse("blog.*").covers(&add));
/// assert!(Grant::parse("*").covers(&add));
/// assert!(!Grant::parse("blog*").covers(&add));
/// assert!(!Grant::parse("*.add").covers(&add));
/// # Ok::<(), boltguard_types::PermissionError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Grant<'a> {
    /// All permissions: `*`.
    All,
    /// The permission with this name.
    One(&'a str),
    /// All permissions that start with this prefix, which ends with a dot.
    Under(&'a str),
}

impl<'a> Grant<'a> {
    /// Parses a grant. Every string is a valid grant.
    #[must_use]
    #[inline]
    pub fn parse(grant: &'a str) -> Self {
        match grant.strip_suffix('*') {
            None => Self::One(grant),
            Some("") => Self::All,
            Some(prefix) if prefix.len() > 1 && prefix.ends_with('.') => Self::Under(prefix),
            Some(_) => Self::One(grant),
        }
    }

    /// Returns whether the grant includes `permission`.
    #[must_use]
    pub fn covers(&self, permission: &Permission) -> bool {
        self.covers_name(permission.as_str())
    }

    #[inline]
    pub(crate) fn covers_name(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::One(granted) => *granted == name,
            Self::Under(prefix) => name.len() > prefix.len() && name.starts_with(prefix),
        }
    }
}

/// Hides the name, which comes from a credential.
impl fmt::Debug for Grant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "All",
            Self::One(_) => "One(..)",
            Self::Under(_) => "Under(..)",
        })
    }
}

/// The error of a string that isn't a valid permission name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PermissionError {
    /// The name contains whitespace or a control character.
    Character,
    /// The name is empty.
    Empty,
    /// The name contains `*`, which is only allowed in a [`Grant`].
    Wildcard,
}

impl fmt::Display for PermissionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => "a permission name must not contain whitespace or control characters",
            Self::Empty => "a permission name must not be empty",
            Self::Wildcard => {
                "a permission name must not contain `*`; only a grant can be `*` or end with `.*`, such as `blog.*`"
            }
        })
    }
}

impl Error for PermissionError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rejects_invalid_permission_names() {
        for (name, error) in [
            ("", PermissionError::Empty),
            ("a b", PermissionError::Character),
            ("a\u{a0}b", PermissionError::Character),
            ("a\0", PermissionError::Character),
            ("*", PermissionError::Wildcard),
        ] {
            assert_eq!(Permission::new(name), Err(error), "{name:?}");
        }
    }

    #[test]
    fn wildcard_error_explains_where_wildcards_are_allowed() {
        let message = PermissionError::Wildcard.to_string();
        assert!(message.contains("such as `blog.*`"), "{message}");
    }

    #[test]
    fn prefix_covers_neither_itself_nor_similar_names() {
        let grant = Grant::parse("blog.*");
        for outside in ["blog", "blog.", "blogger.add", "blo", "x.blog.add"] {
            assert!(!grant.covers_name(outside), "{outside}");
        }
    }

    #[test]
    fn dot_and_star_alone_is_not_a_pattern() {
        assert_eq!(Grant::parse(".*"), Grant::One(".*"));
    }

    proptest! {
        #[test]
        fn exact_grant_covers_only_its_own_name(a in "[a-z.]{1,8}", b in "[a-z.]{1,8}") {
            prop_assert_eq!(Grant::parse(&a).covers_name(&b), a == b);
        }

        #[test]
        fn prefix_grant_covers_longer_names(prefix in "[a-z]{1,4}", name in "[a-z.]{1,8}") {
            let grant = format!("{prefix}.*");
            let expected = name.strip_prefix(&format!("{prefix}.")).is_some_and(|rest| !rest.is_empty());
            prop_assert_eq!(Grant::parse(&grant).covers_name(&name), expected);
        }
    }
}
