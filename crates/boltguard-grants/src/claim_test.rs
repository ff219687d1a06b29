//! Tests of one claim's value.

use std::collections::HashSet;

use serde_json::Value;

use crate::names::FEW;
use boltguard_types::work::step;

/// A value that a claim is compared with. Numbers are whole: comparing fractions invites surprises.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClaimValue {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A text, compared exactly.
    Text(Box<str>),
}

/// A [`ClaimValue`] that borrows its text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Borrowed<'v> {
    Bool(bool),
    Integer(i64),
    Text(&'v str),
}

impl ClaimValue {
    fn borrowed(&self) -> Borrowed<'_> {
        match self {
            Self::Bool(value) => Borrowed::Bool(*value),
            Self::Integer(value) => Borrowed::Integer(*value),
            Self::Text(value) => Borrowed::Text(value),
        }
    }
}

impl<'v> Borrowed<'v> {
    /// The value, if a claim can be compared with such.
    fn of(value: &'v Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::Number(value) => value.as_i64().map(Self::Integer),
            Value::String(value) => Some(Self::Text(value)),
            Value::Array(_) | Value::Null | Value::Object(_) => None,
        }
    }
}

/// What a claim has: the members of its list, or its one value.
pub(crate) enum Members<'v> {
    Few(&'v [Value]),
    Many(HashSet<Borrowed<'v>>),
}

impl<'v> Members<'v> {
    /// `None` for `null`, which is as good as absent.
    pub(crate) fn of(claim: &'v Value) -> Option<Self> {
        let members = match claim {
            Value::Null => return None,
            Value::Array(members) => members.as_slice(),
            single => std::slice::from_ref(single),
        };
        if members.len() <= FEW {
            return Some(Self::Few(members));
        }
        let known = members.iter().inspect(|_| step());
        Some(Self::Many(known.filter_map(Borrowed::of).collect()))
    }

    fn has(&self, wanted: &ClaimValue) -> bool {
        let wanted = wanted.borrowed();
        match self {
            Self::Few(members) => members.iter().any(|member| {
                step();
                Borrowed::of(member) == Some(wanted)
            }),
            Self::Many(members) => {
                step();
                members.contains(&wanted)
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
        Self::Text(value.into())
    }
}

/// What a guard asks of one claim of the token.
///
/// A claim that is absent or `null` fails every test, `none_of` included: what a token does not say
/// proves nothing. A claim that is a list stands for each of its members.
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
    /// Asks that the claim is there and not `null`.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self {
            name: name.into(),
            any_of: Vec::new(),
            all_of: Vec::new(),
            none_of: Vec::new(),
            has_empty_list: false,
        }
    }

    /// Asks also that the claim is, or contains, at least one of these values.
    ///
    /// No claim passes a test that was given an [empty list](Self::has_empty_list), here or below.
    #[must_use]
    pub fn any_of<S: Into<ClaimValue>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.has_empty_list |= extend_sorted(&mut self.any_of, values) == 0;
        self
    }

    /// Asks also that the claim contains every one of these values.
    #[must_use]
    pub fn all_of<S: Into<ClaimValue>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.has_empty_list |= extend_sorted(&mut self.all_of, values) == 0;
        self
    }

    /// Asks also that the claim contains none of these values.
    #[must_use]
    pub fn none_of<S: Into<ClaimValue>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.has_empty_list |= extend_sorted(&mut self.none_of, values) == 0;
        self
    }

    /// Whether an empty list of values was given, by which the test would ask for less than it says. No guard takes
    /// such a test.
    #[must_use]
    pub fn has_empty_list(&self) -> bool {
        self.has_empty_list
    }

    /// The claim's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The values of which one must be there; empty where any will do.
    #[must_use]
    pub fn required_any(&self) -> &[ClaimValue] {
        &self.any_of
    }

    /// The values that must all be there.
    #[must_use]
    pub fn required_all(&self) -> &[ClaimValue] {
        &self.all_of
    }

    /// The values that must not be there.
    #[must_use]
    pub fn forbidden(&self) -> &[ClaimValue] {
        &self.none_of
    }

    /// Whether the claim's value, `None` where the token has no such claim, passes the test.
    #[must_use]
    pub fn holds(&self, claim: Option<&Value>) -> bool {
        claim
            .and_then(Members::of)
            .is_some_and(|members| self.passes(&members))
    }

    pub(crate) fn passes(&self, members: &Members<'_>) -> bool {
        let has = |wanted: &ClaimValue| members.has(wanted);
        !self.has_empty_list
            && (self.any_of.is_empty() || self.any_of.iter().any(has))
            && self.all_of.iter().all(has)
            && !self.none_of.iter().any(has)
    }
}

/// Values are kept sorted and once each, so that equal tests are equal values. Returns how many were given.
fn extend_sorted<S: Into<ClaimValue>>(
    list: &mut Vec<ClaimValue>,
    values: impl IntoIterator<Item = S>,
) -> usize {
    let before = list.len();
    list.extend(values.into_iter().map(Into::into));
    let given = list.len() - before;
    list.sort_unstable();
    list.dedup();
    given
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_token_does_not_say_proves_nothing() {
        for test in [ClaimTest::new("a"), ClaimTest::new("a").none_of(["x"])] {
            assert!(!test.holds(None));
            assert!(!test.holds(Some(&Value::Null)));
        }
    }

    #[test]
    fn no_claim_passes_a_test_with_an_empty_list() {
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
    fn kinds_of_values_are_not_mixed_up() {
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
    fn a_list_must_hold_all_and_none_as_asked() {
        let test = ClaimTest::new("amr")
            .all_of(["pwd", "otp"])
            .none_of(["sms"]);
        assert!(test.holds(Some(&json!(["otp", "pwd", 3]))));
        assert!(!test.holds(Some(&json!(["otp"]))));
        assert!(!test.holds(Some(&json!(["otp", "pwd", "sms"]))));
    }

    #[test]
    fn the_order_of_values_does_not_tell_tests_apart() {
        assert_eq!(
            ClaimTest::new("a").any_of(["x", "y"]),
            ClaimTest::new("a").any_of(["y", "x", "y"])
        );
    }
}
