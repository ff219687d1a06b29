//! Claims that must have one of a few values.

use std::collections::HashMap;

use boltguard_encoding::json::{JsonError, Reader};
use boltguard_types::Scalar;
use boltguard_types::work::step;
use serde_json::Value;

use crate::ClaimsError;
use crate::claims::Body;
use crate::class::LABELS;
use crate::field::Field;

/// Rules by the names of their claims, in the order in which they were given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    list: Vec<Rule>,
    places: HashMap<Box<str>, usize>,
}

/// Up to this many claims are looked for one by one.
const FEW: usize = 4;

impl Rules {
    /// Accepts this value too.
    pub(crate) fn accept(&mut self, name: &str, value: Scalar) {
        let next = self.list.len();
        let place = *self.places.entry(name.into()).or_insert(next);
        if place == next {
            self.list.push(Rule::new(name));
        }
        self.list[place].accept(value);
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    #[inline]
    pub(crate) fn check(&self, body: &Body) -> Result<(), ClaimsError> {
        if self.list.is_empty() {
            return Ok(());
        }
        self.verdicts(body).collect()
    }

    /// The claim whose rule fails with `error`, the first of several.
    pub(crate) fn failing(&self, body: &Body, error: ClaimsError) -> Option<&str> {
        let mut verdicts = self.verdicts(body);
        let place = verdicts.position(|verdict| verdict == Err(error))?;
        Some(self.list[place].name())
    }

    fn verdicts<'r>(&'r self, body: &'r Body) -> impl Iterator<Item = Result<(), ClaimsError>> {
        let found = (self.list.len() > FEW).then(|| self.find_all(body));
        self.list.iter().enumerate().map(move |(place, rule)| {
            rule.check(body, || match &found {
                Some(found) => found.get(&place).copied(),
                None => body.get(rule.name()),
            })
        })
    }

    /// The values of all claims that there are rules for, in one pass.
    #[cold]
    fn find_all<'b>(&self, body: &'b Body) -> HashMap<usize, &'b str> {
        let mut found = HashMap::new();
        // The claims were read before, so reading them again finds no fault.
        let _ = Reader::new(body.as_json()).object(|reader, name| {
            step();
            let value = reader.skip()?;
            if let Some(place) = self.places.get(&*name.to_text()) {
                found.insert(*place, value);
            }
            Ok::<_, JsonError>(())
        });
        found
    }
}

/// A claim, and the values of which it must have one.
#[derive(Clone, Debug)]
struct Rule {
    name: Box<str>,
    values: Vec<Scalar>,
}

impl Rule {
    fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            values: Vec::new(),
        }
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn accept(&mut self, value: Scalar) {
        self.values.push(value);
    }

    /// Checks the claim, which `find` finds where it is none that says what a token is.
    #[inline]
    fn check<'b>(
        &self,
        body: &'b Body,
        find: impl FnOnce() -> Option<&'b str>,
    ) -> Result<(), ClaimsError> {
        let label = LABELS.iter().find(|(_, name)| *name == &*self.name);
        match label.map(|(claim, _)| body.label(*claim)) {
            Some(Field::Absent) => Err(ClaimsError::Missing),
            Some(Field::Value(span)) => self.check_text(&body.text(span)),
            Some(Field::Mistyped) | None => self.check_any(find()),
        }
    }

    fn check_text(&self, found: &str) -> Result<(), ClaimsError> {
        let is_it = |value: &Scalar| matches!(value, Scalar::Text(text) if **text == *found);
        verdict(self.values.iter().any(is_it))
    }

    #[cold]
    fn check_any(&self, json: Option<&str>) -> Result<(), ClaimsError> {
        let json = json.filter(|json| *json != "null");
        let json = json.ok_or(ClaimsError::Missing)?;
        let found = serde_json::from_str(json).map_err(|_| ClaimsError::Mismatch)?;
        verdict(self.values.iter().any(|value| is_same(value, &found)))
    }
}

fn verdict(is_accepted: bool) -> Result<(), ClaimsError> {
    if is_accepted {
        Ok(())
    } else {
        Err(ClaimsError::Mismatch)
    }
}

/// Unlike a guard's test, this doesn't look into lists.
fn is_same(value: &Scalar, found: &Value) -> bool {
    match value {
        Scalar::Bool(wanted) => found.as_bool() == Some(*wanted),
        Scalar::Integer(wanted) => found.as_i64() == Some(*wanted),
        Scalar::Text(wanted) => found.as_str() == Some(&**wanted),
    }
}
