//! Tests of one claim's value.

use serde_json::Value;

/// A value that a claim is compared with. Numbers are whole: comparing fractions invites surprises.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scalar {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A text, compared exactly.
    Text(Box<str>),
}

impl Scalar {
    fn equals(&self, value: &Value) -> bool {
        match self {
            Self::Bool(wanted) => value.as_bool() == Some(*wanted),
            Self::Integer(wanted) => value.as_i64() == Some(*wanted),
            Self::Text(wanted) => value.as_str() == Some(&**wanted),
        }
    }
}

impl From<bool> for Scalar {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Scalar {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Scalar {
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
/// use boltguard_types::ClaimTest;
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
    any_of: Vec<Scalar>,
    all_of: Vec<Scalar>,
    none_of: Vec<Scalar>,
}

impl ClaimTest {
    /// Asks that the claim is there and not `null`.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self {
            name: name.into(),
            any_of: Vec::new(),
            all_of: Vec::new(),
            none_of: Vec::new(),
        }
    }

    /// Asks also that the claim is, or contains, at least one of these values.
    #[must_use]
    pub fn any_of<S: Into<Scalar>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        extend_sorted(&mut self.any_of, values);
        self
    }

    /// Asks also that the claim contains every one of these values.
    #[must_use]
    pub fn all_of<S: Into<Scalar>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        extend_sorted(&mut self.all_of, values);
        self
    }

    /// Asks also that the claim contains none of these values.
    #[must_use]
    pub fn none_of<S: Into<Scalar>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        extend_sorted(&mut self.none_of, values);
        self
    }

    /// The claim's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The values of which one must be there; empty where any will do.
    #[must_use]
    pub fn required_any(&self) -> &[Scalar] {
        &self.any_of
    }

    /// The values that must all be there.
    #[must_use]
    pub fn required_all(&self) -> &[Scalar] {
        &self.all_of
    }

    /// The values that must not be there.
    #[must_use]
    pub fn forbidden(&self) -> &[Scalar] {
        &self.none_of
    }

    /// Whether the claim's value, `None` where the token has no such claim, passes the test.
    #[must_use]
    pub fn holds(&self, claim: Option<&Value>) -> bool {
        let members = match claim {
            None | Some(Value::Null) => return false,
            Some(Value::Array(members)) => members.as_slice(),
            Some(single) => std::slice::from_ref(single),
        };
        let has = |wanted: &Scalar| members.iter().any(|member| wanted.equals(member));
        (self.any_of.is_empty() || self.any_of.iter().any(has))
            && self.all_of.iter().all(has)
            && !self.none_of.iter().any(has)
    }
}

/// Values are kept sorted and once each, so that equal tests are equal values.
fn extend_sorted<S: Into<Scalar>>(list: &mut Vec<Scalar>, values: impl IntoIterator<Item = S>) {
    list.extend(values.into_iter().map(Into::into));
    list.sort_unstable();
    list.dedup();
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
