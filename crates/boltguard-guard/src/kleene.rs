//! Kleene's strong three-valued logic.

use std::ops::{BitAnd, BitOr, Not};

/// A truth value: true, false or unknown.
///
/// With the order false < unknown < true, `&` is the minimum and `|` the maximum of two values. `!` reverses the order.
///
/// | `&` | false | unknown | true | | `\|` | false | unknown | true | | `!` | |
/// | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
/// | **false** | false | false | false | | **false** | false | unknown | true | | **false** | true |
/// | **unknown** | false | unknown | unknown | | **unknown** | unknown | unknown | true | | **unknown** | unknown |
/// | **true** | false | unknown | true | | **true** | true | true | true | | **true** | false |
///
/// ```
/// use boltguard_guard::Kleene::{False, True, Unknown};
///
/// assert_eq!(False & Unknown, False);
/// assert_eq!(True | Unknown, True);
/// assert_eq!(!Unknown, Unknown);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kleene {
    /// The condition is false.
    False,
    /// The value isn't known.
    Unknown,
    /// The condition is true.
    True,
}

impl Kleene {
    /// Returns the value as a string: `false`, `unknown` or `true`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::False => "false",
            Self::Unknown => "unknown",
            Self::True => "true",
        }
    }
}

impl From<bool> for Kleene {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

impl From<Option<bool>> for Kleene {
    fn from(value: Option<bool>) -> Self {
        value.map_or(Self::Unknown, Self::from)
    }
}

impl BitAnd for Kleene {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        self.min(other)
    }
}

impl BitOr for Kleene {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.max(other)
    }
}

impl Not for Kleene {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kleene::{False, True, Unknown};

    #[test]
    fn operators_match_the_truth_table() {
        for (a, b, and, or) in [
            (False, False, False, False),
            (False, Unknown, False, Unknown),
            (False, True, False, True),
            (Unknown, Unknown, Unknown, Unknown),
            (Unknown, True, Unknown, True),
            (True, True, True, True),
        ] {
            assert_eq!((a & b, b & a, a | b, b | a), (and, and, or, or));
        }
        assert_eq!((!False, !Unknown, !True), (True, Unknown, False));
    }
}
