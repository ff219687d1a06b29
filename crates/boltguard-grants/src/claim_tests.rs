//! Claim tests with their IDs.

use std::collections::HashMap;

use boltguard_types::work::step;
use serde_json::Value;

use crate::claim_test::Members;
use crate::names::{Endings, MAX_SCANNED};
use crate::{ClaimTest, RequirementId};

/// Distinct tests with their IDs, grouped by claim.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClaimTests {
    ids: HashMap<ClaimTest, RequirementId>,
    claims: Vec<TestsOfClaim>,
    index: HashMap<Box<[u8]>, usize>,
    /// The endings of the claim names.
    endings: Endings,
}

#[derive(Clone, Debug)]
pub(crate) struct TestsOfClaim {
    name: Box<str>,
    tests: Vec<(ClaimTest, RequirementId)>,
}

impl ClaimTests {
    /// Returns the ID of a test, adding it if it is new.
    pub(crate) fn id(
        &mut self,
        test: &ClaimTest,
        next: impl FnOnce() -> RequirementId,
    ) -> RequirementId {
        step();
        if let Some(id) = self.ids.get(test) {
            return *id;
        }
        let id = next();
        self.ids.insert(test.clone(), id);
        self.claim_mut(test.name()).tests.push((test.clone(), id));
        id
    }

    fn claim_mut(&mut self, name: &str) -> &mut TestsOfClaim {
        self.endings.insert(name.as_bytes());
        let index = *self.index.entry(name.as_bytes().into()).or_insert_with(|| {
            self.claims.push(TestsOfClaim {
                name: name.into(),
                tests: Vec::new(),
            });
            self.claims.len() - 1
        });
        &mut self.claims[index]
    }

    /// Returns whether a test refers to the claim.
    #[inline]
    pub(crate) fn mention(&self, name: &[u8]) -> bool {
        !self.claims.is_empty() && self.endings.may_have(name) && self.find(name).is_some()
    }

    #[inline]
    fn find(&self, name: &[u8]) -> Option<&TestsOfClaim> {
        if self.claims.len() > MAX_SCANNED {
            step();
            return self.index.get(name).map(|index| &self.claims[*index]);
        }
        self.claims.iter().find(|claim| {
            step();
            claim.name.as_bytes() == name
        })
    }

    /// Calls `pass` with the ID of each test that the claim passes.
    pub(crate) fn passed(&self, name: &[u8], value: &Value, mut pass: impl FnMut(RequirementId)) {
        let (Some(claim), Some(members)) = (self.find(name), Members::of(value)) else {
            return;
        };
        for (test, id) in &claim.tests {
            step();
            if test.passes(&members) {
                pass(*id);
            }
        }
    }

    /// Returns the names of the claims that are tested.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.claims.iter().map(|claim| &*claim.name)
    }
}
