//! The in-memory store, compared with a map that never removes entries.

use std::collections::HashMap;

use boltguard_revocation::{MemoryRevocation, RevocationError};
use boltguard_types::NumericDate;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Operation {
    Revoke(u8, Option<i64>),
    Check(u8),
    Purge,
    Wait(i64),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (0..24_u8, prop::option::weighted(0.9, 0..40_i64)).prop_map(|(id, ttl)| Operation::Revoke(id, ttl)),
        2 => (0..24_u8).prop_map(Operation::Check),
        1 => Just(Operation::Purge),
        2 => (0..15_i64).prop_map(Operation::Wait),
    ]
}

/// Expiry dates by ID; `i64::MAX` for permanent entries.
#[derive(Default)]
struct Model {
    entries: HashMap<u8, i64>,
    now: i64,
}

impl Model {
    fn is_revoked(&self, id: u8) -> bool {
        self.entries.get(&id).is_some_and(|until| *until > self.now)
    }

    fn valid_entries(&self) -> usize {
        self.entries
            .values()
            .filter(|until| **until > self.now)
            .count()
    }

    /// Adds an entry, and returns false if the store is full.
    fn revoke(&mut self, id: u8, ttl: Option<i64>, limit: usize) -> bool {
        let until = ttl.map_or(i64::MAX, |ttl| self.now + ttl);
        let fits = until <= self.now || self.is_revoked(id) || self.valid_entries() < limit;
        if fits {
            let entry = self.entries.entry(id).or_insert(until);
            *entry = until.max(*entry);
        }
        fits
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn store_agrees_with_model(limit in 1..20_usize, operations in prop::collection::vec(operation(), 1..120)) {
        let store = MemoryRevocation::with_capacity_limit(limit);
        let mut model = Model { now: 1_700_000_000, ..Model::default() };
        for operation in operations {
            let now = NumericDate::from_secs(model.now);
            match operation {
                Operation::Revoke(id, ttl) => {
                    let until = ttl.map(|ttl| NumericDate::from_secs(model.now + ttl));
                    let expected = match model.revoke(id, ttl, limit) {
                        true => Ok(()),
                        false => Err(RevocationError::Full),
                    };
                    prop_assert_eq!(store.revoke(&id.to_string(), until, now), expected);
                }
                Operation::Check(id) => {
                    prop_assert_eq!(store.is_revoked(&id.to_string(), now), model.is_revoked(id));
                }
                Operation::Purge => {
                    store.purge(now);
                    prop_assert_eq!(store.len(), model.valid_entries());
                }
                Operation::Wait(secs) => model.now += secs,
            }
            prop_assert!(store.len() >= model.valid_entries() && store.len() <= limit);
        }
    }
}
