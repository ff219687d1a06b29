//! Rules about the values of claims: the settings, and their checks. Add new kinds of rules here.

use std::collections::HashMap;

use boltguard_encoding::json::{JsonError, Reader};
use boltguard_grants::{ClaimTest, ClaimValue};
use boltguard_types::work::step;
use serde_json::Value;

use crate::claims::Body;
use crate::class::LABELS;
use crate::field::Field;
use crate::{ClaimsError, ClaimsPolicy, PolicyError};

impl ClaimsPolicy {
    /// Requires that this claim has exactly this value. If called again for the same claim, either value is accepted.
    ///
    /// The members of a list are not compared; use [`requiring`](Self::requiring) for that.
    ///
    /// ```
    /// use boltguard_jwt::ClaimsPolicy;
    ///
    /// let policy = ClaimsPolicy::new()
    ///     .with_claim("token_use", "access")
    ///     .with_claim("tenant", "a")
    ///     .with_claim("tenant", "b");
    /// ```
    #[must_use]
    pub fn with_claim(mut self, name: impl AsRef<str>, value: impl Into<ClaimValue>) -> Self {
        let name = name.as_ref();
        self.rules.rule(name).values.push(value.into());
        self
    }

    /// Requires that a claim passes this test. If called again, every test has to pass.
    ///
    /// A claim that is absent or `null` fails every test, and a list stands for each of its members, as in a guard. A
    /// test with an empty list of values is a [mistake](Self::check_settings). Unlike
    /// [`with_claim`](Self::with_claim), a test never admits a token that
    /// [`for_authentication`](Self::for_authentication) rejects.
    ///
    /// ```
    /// use boltguard_jwt::ClaimsPolicy;
    /// use boltguard_grants::ClaimTest;
    ///
    /// let policy = ClaimsPolicy::new()
    ///     .requiring(ClaimTest::new("acr").any_of(["urn:example:silver", "urn:example:gold"]))
    ///     .requiring(ClaimTest::new("azp").any_of(["mobile-app"]))
    ///     .requiring(ClaimTest::new("amr").all_of(["mfa"]).none_of(["sms"]));
    /// assert_eq!(policy.check_settings(), Ok(()));
    /// ```
    #[must_use]
    pub fn requiring(mut self, test: ClaimTest) -> Self {
        let has_empty_list = test.has_empty_list();
        self.rules.rule(test.name()).tests.push(test);
        self.refuse_if(has_empty_list, PolicyError::NoClaimValue)
    }
}

/// Rules by the names of their claims, in the order of the settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    list: Vec<Rule>,
    places: HashMap<Box<str>, usize>,
}

/// Up to this number, each claim is searched separately.
const FEW: usize = 4;

impl Rules {
    /// Returns the rule for this claim. A new rule accepts any value.
    fn rule(&mut self, name: &str) -> &mut Rule {
        let next = self.list.len();
        let place = *self.places.entry(name.into()).or_insert(next);
        if place == next {
            self.list.push(Rule::new(name));
        }
        &mut self.list[place]
    }

    /// Returns whether [`with_claim`](ClaimsPolicy::with_claim) was called for this claim.
    pub(crate) fn lists_values(&self, name: &str) -> bool {
        let place = self.places.get(name);
        place.is_some_and(|place| !self.list[*place].values.is_empty())
    }

    #[inline]
    pub(crate) fn check(&self, body: &Body) -> Result<(), ClaimsError> {
        if self.list.is_empty() {
            return Ok(());
        }
        let found = (self.list.len() > FEW).then(|| self.find_all(body));
        self.list.iter().enumerate().try_for_each(|(place, rule)| {
            rule.check(body, || match &found {
                Some(found) => found.get(&place).copied(),
                None => body.get(&rule.name),
            })
        })
    }

    /// Finds the values of all claims that have rules, in one pass.
    #[cold]
    fn find_all<'b>(&self, body: &'b Body) -> HashMap<usize, &'b str> {
        let mut found = HashMap::new();
        // The payload was valid when it was read first, so there is no error.
        let _ = Reader::new(body.as_json()).object(|reader, name| {
            step();
            let value = reader.read_raw()?;
            if let Some(place) = self.places.get(&*name.to_text()) {
                found.insert(*place, value);
            }
            Ok::<_, JsonError>(())
        });
        found
    }
}

/// The requirements for one claim.
#[derive(Clone, Debug)]
struct Rule {
    name: Box<str>,
    /// The accepted values; any value is accepted if the list is empty.
    values: Vec<ClaimValue>,
    /// The tests that have to pass.
    tests: Vec<ClaimTest>,
}

impl Rule {
    fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            values: Vec::new(),
            tests: Vec::new(),
        }
    }

    /// Checks the claim. `find` searches the payload, unless the position of the claim is known.
    #[inline]
    fn check<'b>(
        &self,
        body: &'b Body,
        find: impl FnOnce() -> Option<&'b str>,
    ) -> Result<(), ClaimsError> {
        if !self.tests.is_empty() {
            return self.check_any(find());
        }
        let label = LABELS.iter().find(|claim| claim.name() == &*self.name);
        match label.map(|claim| body.label(*claim)) {
            Some(Field::Absent) => Err(self.missing()),
            Some(Field::Value(span)) => self.check_string(&body.text(span)),
            Some(Field::Mistyped) | None => self.check_any(find()),
        }
    }

    fn check_string(&self, found: &str) -> Result<(), ClaimsError> {
        let is_same =
            |value: &ClaimValue| matches!(value, ClaimValue::String(text) if **text == *found);
        self.verdict(self.values.iter().any(is_same))
    }

    #[cold]
    fn check_any(&self, json: Option<&str>) -> Result<(), ClaimsError> {
        let json = json.filter(|json| *json != "null");
        let json = json.ok_or_else(|| self.missing())?;
        let found = serde_json::from_str(json).map_err(|_| self.mismatch())?;
        let is_listed =
            self.values.is_empty() || self.values.iter().any(|value| is_same(value, &found));
        self.verdict(is_listed && self.tests.iter().all(|test| test.holds(Some(&found))))
    }

    fn verdict(&self, is_accepted: bool) -> Result<(), ClaimsError> {
        if is_accepted {
            Ok(())
        } else {
            Err(self.mismatch())
        }
    }

    fn missing(&self) -> ClaimsError {
        ClaimsError::Missing((&*self.name).into())
    }

    fn mismatch(&self) -> ClaimsError {
        ClaimsError::Mismatch((&*self.name).into())
    }
}

/// Compares a value exactly. Unlike a test, it doesn't compare the members of a list.
fn is_same(value: &ClaimValue, found: &Value) -> bool {
    match value {
        ClaimValue::Bool(wanted) => found.as_bool() == Some(*wanted),
        ClaimValue::Integer(wanted) => found.as_i64() == Some(*wanted),
        ClaimValue::String(wanted) => found.as_str() == Some(&**wanted),
    }
}
