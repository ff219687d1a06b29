//! Claims that must have one of a few values.

use boltguard_types::Scalar;
use serde_json::Value;

use crate::ClaimsError;
use crate::claims::Body;
use crate::class::LABELS;
use crate::field::Field;

/// A claim, and the values of which it must have one.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    name: Box<str>,
    values: Vec<Scalar>,
}

impl Rule {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            values: Vec::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn accept(&mut self, value: Scalar) {
        self.values.push(value);
    }

    #[inline]
    pub(crate) fn check(&self, body: &Body) -> Result<(), ClaimsError> {
        let label = LABELS.iter().find(|(_, name)| *name == &*self.name);
        match label.map(|(claim, _)| body.label(*claim)) {
            Some(Field::Absent) => Err(ClaimsError::Missing),
            Some(Field::Value(span)) => self.check_text(&body.text(span)),
            Some(Field::Mistyped) | None => self.check_any(body),
        }
    }

    fn check_text(&self, found: &str) -> Result<(), ClaimsError> {
        let is_it = |value: &Scalar| matches!(value, Scalar::Text(text) if **text == *found);
        verdict(self.values.iter().any(is_it))
    }

    #[cold]
    fn check_any(&self, body: &Body) -> Result<(), ClaimsError> {
        let json = body.get(&self.name).filter(|json| *json != "null");
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
