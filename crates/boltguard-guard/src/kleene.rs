//! Kleene's strong logic of three values.

use std::ops::{BitAnd, BitOr, Not};

/// True, false, or not known.
///
/// `&` is the lesser of two values and `|` the greater, `!` turns the order round: what is unknown stays so
/// until another value decides.
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
    /// It does not hold.
    False,
    /// Nobody can tell yet.
    Unknown,
    /// It holds.
    True,
}

impl Kleene {
    /// The value as a word: `false`, `unknown` or `true`.
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
    fn the_operators_agree_with_the_table() {
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
