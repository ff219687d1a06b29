//! Requirements of a recent authentication.

use std::time::Duration;

/// A requirement that the user was authenticated recently, and optionally with one of some authentication contexts,
/// [RFC 9470](https://www.rfc-editor.org/rfc/rfc9470).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FreshAuth {
    max_age: u32,
    acr: Vec<Box<str>>,
    has_empty_list: bool,
}

impl FreshAuth {
    /// Requires that the user was authenticated less than `max_age` seconds ago.
    #[must_use]
    pub fn new(max_age: u32) -> Self {
        Self {
            max_age,
            acr: Vec::new(),
            has_empty_list: false,
        }
    }

    /// Also requires that the authentication context class is one of these values, in order of preference.
    #[must_use]
    pub fn with_acr(mut self, values: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let values = values.into_iter().map(|value| value.as_ref().into());
        self.acr = values.collect();
        self.has_empty_list = self.acr.is_empty();
        self
    }

    /// Returns the largest age, in seconds.
    #[must_use]
    pub fn max_age(&self) -> u32 {
        self.max_age
    }

    /// Returns the accepted authentication context classes. Empty if all are accepted.
    #[must_use]
    pub fn acr(&self) -> &[Box<str>] {
        &self.acr
    }

    /// Returns whether the list of authentication context classes was empty. Guards reject such a requirement.
    #[must_use]
    pub fn has_empty_list(&self) -> bool {
        self.has_empty_list
    }

    /// Returns whether an authentication meets the requirement. `is_recent` returns whether it is younger than a time.
    #[must_use]
    pub fn is_met(&self, is_recent: impl Fn(Duration) -> bool, acr: Option<&str>) -> bool {
        let is_accepted = |acr: &str| self.acr.iter().any(|accepted| **accepted == *acr);
        !self.has_empty_list
            && is_recent(Duration::from_secs(self.max_age.into()))
            && (self.acr.is_empty() || acr.is_some_and(is_accepted))
    }

    /// Returns whether every authentication that meets this requirement also meets `other`.
    #[must_use]
    pub fn implies(&self, other: &Self) -> bool {
        let is_accepted = |acr| other.acr.contains(acr);
        self.max_age <= other.max_age
            && (other.acr.is_empty() || (!self.acr.is_empty() && self.acr.iter().all(is_accepted)))
    }
}
