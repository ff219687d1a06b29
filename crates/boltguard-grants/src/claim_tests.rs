//! Tests of claims with their numbers.

use std::collections::HashMap;

use serde_json::Value;

use crate::claim_test::Members;
use crate::names::{Endings, FEW};
use crate::{ClaimTest, RequirementId};
use boltguard_types::work::step;

/// Distinct tests with their numbers, by the claims that they test.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClaimTests {
    numbers: HashMap<ClaimTest, RequirementId>,
    claims: Vec<TestsOfClaim>,
    index: HashMap<Box<[u8]>, usize>,
    /// Those of the claims' names.
    endings: Endings,
}

#[derive(Clone, Debug)]
pub(crate) struct TestsOfClaim {
    name: Box<str>,
    tests: Vec<(ClaimTest, RequirementId)>,
}

impl ClaimTests {
    pub(crate) fn number(
        &mut self,
        test: &ClaimTest,
        next: impl FnOnce() -> RequirementId,
    ) -> RequirementId {
        step();
        if let Some(id) = self.numbers.get(test) {
            return *id;
        }
        let id = next();
        self.numbers.insert(test.clone(), id);
        self.claim(test.name()).tests.push((test.clone(), id));
        id
    }

    fn claim(&mut self, name: &str) -> &mut TestsOfClaim {
        self.endings.insert(name.as_bytes());
        let place = *self.index.entry(name.as_bytes().into()).or_insert_with(|| {
            self.claims.push(TestsOfClaim {
                name: name.into(),
                tests: Vec::new(),
            });
            self.claims.len() - 1
        });
        &mut self.claims[place]
    }

    /// Whether a test asks about the claim of this name.
    #[inline]
    pub(crate) fn ask(&self, name: &[u8]) -> bool {
        !self.claims.is_empty() && self.endings.may_have(name) && self.of(name).is_some()
    }

    #[inline]
    fn of(&self, name: &[u8]) -> Option<&TestsOfClaim> {
        if self.claims.len() > FEW {
            step();
            return self.index.get(name).map(|place| &self.claims[*place]);
        }
        self.claims.iter().find(|claim| {
            step();
            claim.name.as_bytes() == name
        })
    }

    /// Names the tests that a claim of this name and value passes.
    pub(crate) fn passed(&self, name: &[u8], value: &Value, mut pass: impl FnMut(RequirementId)) {
        let (Some(claim), Some(members)) = (self.of(name), Members::of(value)) else {
            return;
        };
        for (test, id) in &claim.tests {
            step();
            if test.passes(&members) {
                pass(*id);
            }
        }
    }

    /// The claims that are tested, once each.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.claims.iter().map(|claim| &*claim.name)
    }
}
