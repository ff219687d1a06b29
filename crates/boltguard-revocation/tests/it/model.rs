//! The store against a plain map that never forgets and never rounds.

use std::collections::HashMap;

use boltguard_revocation::{MemoryRevocation, RevocationError};
use boltguard_types::NumericDate;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Revoke(u8, Option<i64>),
    Ask(u8),
    Purge,
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..24_u8, prop::option::weighted(0.9, 0..40_i64)).prop_map(|(id, life)| Step::Revoke(id, life)),
        2 => (0..24_u8).prop_map(Step::Ask),
        1 => Just(Step::Purge),
        2 => (0..15_i64).prop_map(Step::Wait),
    ]
}

/// Ends by id; `i64::MAX` for good.
#[derive(Default)]
struct Model {
    ends: HashMap<u8, i64>,
    now: i64,
}

impl Model {
    fn is_revoked(&self, id: u8) -> bool {
        self.ends.get(&id).is_some_and(|end| *end > self.now)
    }

    fn live(&self) -> usize {
        self.ends.values().filter(|end| **end > self.now).count()
    }

    /// Whether the entry fits among the live ones.
    fn revoke(&mut self, id: u8, life: Option<i64>, limit: usize) -> bool {
        let end = life.map_or(i64::MAX, |life| self.now + life);
        let fits = end <= self.now || self.is_revoked(id) || self.live() < limit;
        if fits {
            let held = self.ends.entry(id).or_insert(end);
            *held = end.max(*held);
        }
        fits
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn agrees_with_a_plain_map(limit in 1..20_usize, steps in prop::collection::vec(step(), 1..120)) {
        let store = MemoryRevocation::with_capacity_limit(limit);
        let mut model = Model { now: 1_700_000_000, ..Model::default() };
        for step in steps {
            let now = NumericDate::from_secs(model.now);
            match step {
                Step::Revoke(id, life) => {
                    let until = life.map(|life| NumericDate::from_secs(model.now + life));
                    let expected = match model.revoke(id, life, limit) {
                        true => Ok(()),
                        false => Err(RevocationError::Full),
                    };
                    prop_assert_eq!(store.revoke(&id.to_string(), until, now), expected);
                }
                Step::Ask(id) => {
                    prop_assert_eq!(store.is_revoked(&id.to_string(), now), model.is_revoked(id));
                }
                Step::Purge => {
                    store.purge(now);
                    prop_assert_eq!(store.len(), model.live());
                }
                Step::Wait(span) => model.now += span,
            }
            prop_assert!(store.len() >= model.live() && store.len() <= limit);
        }
    }
}
