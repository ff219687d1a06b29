//! What a guard requires, and what a caller is granted.

use std::error::Error;
use std::fmt;

/// The name of one thing that a caller may do, such as `blog.add_post`.
///
/// A permission is never a pattern: `*` has a meaning only in a [`Grant`], so that no guard opens
/// wider than it reads.
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
    /// Reads a permission's name: any text without white space, control characters and `*`.
    ///
    /// # Errors
    ///
    /// - [`PermissionError::Character`] for white space or a control character.
    /// - [`PermissionError::Empty`] for the empty text.
    /// - [`PermissionError::Wildcard`] for a `*`.
    pub fn new(name: &str) -> Result<Self, PermissionError> {
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

    /// The name.
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

/// What a caller is granted: one permission, everything under a prefix (`blog.*`), or everything (`*`).
///
/// Only these two spellings are patterns. `blog.*` covers what begins with `blog.` and goes on, so not
/// `blog` and not `blog.`; a `*` anywhere else is an ordinary character, which no [`Permission`] contains.
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
    /// Everything: `*`.
    All,
    /// The one permission of this name.
    One(&'a str),
    /// Everything that begins with this prefix, which ends in a dot.
    Under(&'a str),
}

impl<'a> Grant<'a> {
    /// Reads a grant; any text is one.
    #[must_use]
    #[inline]
    pub fn parse(text: &'a str) -> Self {
        match text.strip_suffix('*') {
            None => Self::One(text),
            Some("") => Self::All,
            Some(prefix) if prefix.len() > 1 && prefix.ends_with('.') => Self::Under(prefix),
            Some(_) => Self::One(text),
        }
    }

    /// Whether the grant lets its holder do what `permission` names.
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

/// Hides the text, which comes from a credential.
impl fmt::Debug for Grant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "All",
            Self::One(_) => "One(..)",
            Self::Under(_) => "Under(..)",
        })
    }
}

/// The text is no permission's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PermissionError {
    /// It holds white space or a control character.
    Character,
    /// It is empty.
    Empty,
    /// It holds `*`, which has a meaning only in what is granted.
    Wildcard,
}

impl fmt::Display for PermissionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => "a permission's name holds no white space and no control character",
            Self::Empty => "a permission's name is not empty",
            Self::Wildcard => {
                "a permission's name holds no `*`; what is granted may be `*`, or end in it after a dot as `blog.*` does"
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
    fn names_that_no_permission_has_are_refused() {
        for (name, why) in [
            ("", PermissionError::Empty),
            ("a b", PermissionError::Character),
            ("a\u{a0}b", PermissionError::Character),
            ("a\0", PermissionError::Character),
            ("*", PermissionError::Wildcard),
        ] {
            assert_eq!(Permission::new(name), Err(why), "{name:?}");
        }
    }

    #[test]
    fn a_star_out_of_place_is_told_where_it_may_stand() {
        let message = PermissionError::Wildcard.to_string();
        assert!(message.contains("after a dot as `blog.*`"), "{message}");
    }

    #[test]
    fn a_prefix_covers_neither_itself_nor_its_neighbours() {
        let grant = Grant::parse("blog.*");
        for outside in ["blog", "blog.", "blogger.add", "blo", "x.blog.add"] {
            assert!(!grant.covers_name(outside), "{outside}");
        }
    }

    #[test]
    fn a_lone_dot_and_star_is_no_pattern() {
        assert_eq!(Grant::parse(".*"), Grant::One(".*"));
    }

    proptest! {
        #[test]
        fn an_exact_grant_covers_its_own_name_alone(a in "[a-z.]{1,8}", b in "[a-z.]{1,8}") {
            prop_assert_eq!(Grant::parse(&a).covers_name(&b), a == b);
        }

        #[test]
        fn a_prefix_grant_covers_what_goes_on_after_its_dot(prefix in "[a-z]{1,4}", name in "[a-z.]{1,8}") {
            let text = format!("{prefix}.*");
            let expected = name.strip_prefix(&format!("{prefix}.")).is_some_and(|rest| !rest.is_empty());
            prop_assert_eq!(Grant::parse(&text).covers_name(&name), expected);
        }
    }
}
