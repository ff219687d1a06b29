//! Tests of a claim's value.

use std::collections::HashSet;

use boltguard_types::work::step;
use serde_json::Value;

use crate::names::MAX_SCANNED;

/// A value that a claim is compared with. Numbers are integers, because fractions can't be compared reliably.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClaimValue {
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A string, compared exactly.
    String(Box<str>),
}

/// A [`ClaimValue`] that borrows its string.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Borrowed<'v> {
    Bool(bool),
    Integer(i64),
    String(&'v str),
}

impl ClaimValue {
    fn borrowed(&self) -> Borrowed<'_> {
        match self {
            Self::Bool(value) => Borrowed::Bool(*value),
            Self::Integer(value) => Borrowed::Integer(*value),
            Self::String(value) => Borrowed::String(value),
        }
    }
}

impl<'v> Borrowed<'v> {
    /// Converts a JSON value. Returns `None` for a value that no [`ClaimValue`] equals.
    fn of(value: &'v Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::Number(value) => value.as_i64().map(Self::Integer),
            Value::String(value) => Some(Self::String(value)),
            Value::Array(_) | Value::Null | Value::Object(_) => None,
        }
    }
}

/// The values of a claim: the members of its array, or its single value.
pub(crate) enum Members<'v> {
    Few(&'v [Value]),
    Many(HashSet<Borrowed<'v>>),
}

impl<'v> Members<'v> {
    /// Reads the values of a claim. Returns `None` for `null`, which is treated as absent.
    pub(crate) fn of(claim: &'v Value) -> Option<Self> {
        let members = match claim {
            Value::Null => return None,
            Value::Array(members) => members.as_slice(),
            single => std::slice::from_ref(single),
        };
        if members.len() <= MAX_SCANNED {
            return Some(Self::Few(members));
        }
        let counted = members.iter().inspect(|_| step());
        Some(Self::Many(counted.filter_map(Borrowed::of).collect()))
    }

    fn contains(&self, value: &ClaimValue) -> bool {
        let value = value.borrowed();
        match self {
            Self::Few(members) => members.iter().any(|member| {
                step();
                Borrowed::of(member) == Some(value)
            }),
            Self::Many(members) => {
                step();
                members.contains(&value)
            }
        }
    }
}

impl From<bool> for ClaimValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for ClaimValue {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for ClaimValue {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

/// A test of one claim of a token.
///
/// A claim that is absent or `null` fails every test, including `none_of`. The members of a claim that is an array are
/// its values.
///
/// ```
/// use boltguard_grants::ClaimTest;
/// use serde_json::json;
///
/// let mfa = ClaimTest::new("amr").any_of(["mfa", "hwk"]);
/// assert!(mfa.holds(Some(&json!(["pwd", "mfa"]))));
/// assert!(!mfa.holds(Some(&json!("pwd"))));
/// assert!(!ClaimTest::new("amr").none_of(["sms"]).holds(None));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimTest {
    name: Box<str>,
    any_of: Vec<ClaimValue>,
    all_of: Vec<ClaimValue>,
    none_of: Vec<ClaimValue>,
    has_empty_list: bool,
}

impl ClaimTest {
    /// Creates a test that requires the claim to be present and not `null`.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self {
            name: name.into(),
            any_of: Vec::new(),
            all_of: Vec::new(),
            none_of: Vec::new(),
            has_empty_list: false,
        }
    }

    /// Also requires that the claim is, or contains, at least one of these values.
    ///
    /// If the list is [empty](Self::has_empty_list), here or in the methods below, no claim passes the test.
    #[must_use]
    pub fn any_of<S: Into<ClaimValue>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.has_empty_list |= extend_sorted(&mut self.any_of, values) == 0;
        self
    }

    /// Also requires that the claim contains all of these values.
    #[must_use]
    pub fn all_of<S: Into<ClaimValue>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.has_empty_list |= extend_sorted(&mut self.all_of, values) == 0;
        self
    }

    /// Also requires that the claim contains none of these values.
    #[must_use]
    pub fn none_of<S: Into<ClaimValue>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.has_empty_list |= extend_sorted(&mut self.none_of, values) == 0;
        self
    }

    /// Returns whether one of the lists of values was empty. Guards reject such a test, because it would require less
    /// than it appears to.
    #[must_use]
    pub fn has_empty_list(&self) -> bool {
        self.has_empty_list
    }

    /// Returns the name of the claim.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the values of which the claim must contain at least one. Empty if there is no such condition.
    #[must_use]
    pub fn required_any(&self) -> &[ClaimValue] {
        &self.any_of
    }

    /// Returns the values that the claim must contain.
    #[must_use]
    pub fn required_all(&self) -> &[ClaimValue] {
        &self.all_of
    }

    /// Returns the values that the claim must not contain.
    #[must_use]
    pub fn forbidden(&self) -> &[ClaimValue] {
        &self.none_of
    }

    /// Returns whether a claim's value passes the test. An absent claim is `None`.
    #[must_use]
    pub fn holds(&self, claim: Option<&Value>) -> bool {
        claim
            .and_then(Members::of)
            .is_some_and(|members| self.passes(&members))
    }

    pub(crate) fn passes(&self, members: &Members<'_>) -> bool {
        let has = |value: &ClaimValue| members.contains(value);
        !self.has_empty_list
            && (self.any_of.is_empty() || self.any_of.iter().any(has))
            && self.all_of.iter().all(has)
            && !self.none_of.iter().any(has)
    }
}

/// Adds values, sorted and without duplicates so that equal tests compare as equal. Returns the number of `values`.
fn extend_sorted<S: Into<ClaimValue>>(
    list: &mut Vec<ClaimValue>,
    values: impl IntoIterator<Item = S>,
) -> usize {
    let before = list.len();
    list.extend(values.into_iter().map(Into::into));
    let added = list.len() - before;
    list.sort_unstable();
    list.dedup();
    added
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn absent_claim_fails_every_test() {
        for test in [ClaimTest::new("a"), ClaimTest::new("a").none_of(["x"])] {
            assert!(!test.holds(None));
            assert!(!test.holds(Some(&Value::Null)));
        }
    }

    #[test]
    fn empty_list_fails_every_claim() {
        let none: [&str; 0] = [];
        for test in [
            ClaimTest::new("a").any_of(none),
            ClaimTest::new("a").all_of(none),
            ClaimTest::new("a").none_of(none),
            ClaimTest::new("a").any_of(["x"]).any_of(none),
        ] {
            assert!(test.has_empty_list());
            assert!(!test.holds(Some(&json!(["x"]))), "{test:?}");
        }
        assert!(!ClaimTest::new("a").any_of(["x"]).has_empty_list());
    }

    #[test]
    fn values_of_different_types_differ() {
        let one = ClaimTest::new("a").any_of([1]);
        assert!(one.holds(Some(&json!(1))));
        for other in [json!("1"), json!(true), json!(1.5), json!({"a": 1})] {
            assert!(!one.holds(Some(&other)), "{other}");
        }
        assert!(
            !ClaimTest::new("a")
                .any_of([true])
                .holds(Some(&json!("true")))
        );
    }

    #[test]
    fn array_is_tested_for_all_and_none() {
        let test = ClaimTest::new("amr")
            .all_of(["pwd", "otp"])
            .none_of(["sms"]);
        assert!(test.holds(Some(&json!(["otp", "pwd", 3]))));
        assert!(!test.holds(Some(&json!(["otp"]))));
        assert!(!test.holds(Some(&json!(["otp", "pwd", "sms"]))));
    }

    #[test]
    fn order_of_values_is_irrelevant() {
        assert_eq!(
            ClaimTest::new("a").any_of(["x", "y"]),
            ClaimTest::new("a").any_of(["y", "x", "y"])
        );
    }
}
