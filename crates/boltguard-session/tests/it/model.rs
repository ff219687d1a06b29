//! Random schedules against a model that remembers everything.

use std::collections::HashMap;

use boltguard_session::{MemorySessionStore, SessionError, SessionStore, Sessions};
use proptest::prelude::*;

use crate::support::{LIMITS, LOGIN, after, keys, sessions};

/// One request: it waits, and then presents the token that is `age` generations older than the current one.
#[derive(Clone, Copy, Debug)]
enum Step {
    Refresh { wait: u64, age: i64 },
    Logout { wait: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Ended,
    Expired,
    Invalid,
    Replayed,
    Reused,
    Rotated,
}

/// The session as the documentation describes it: the time of the first use of each generation.
#[derive(Default)]
struct Model {
    first_uses: Vec<u64>,
    has_ended: bool,
}

impl Model {
    fn current(&self) -> i64 {
        i64::try_from(self.first_uses.len()).unwrap()
    }

    fn expires(&self) -> u64 {
        let issued = self.first_uses.last().unwrap_or(&0);
        let limits = [
            issued + LIMITS.refresh_lifetime.as_secs(),
            LIMITS.session_lifetime.as_secs(),
        ];
        limits.into_iter().min().unwrap()
    }

    fn present(&mut self, generation: i64, now: u64) -> Expected {
        let first_use = self
            .first_uses
            .get(usize::try_from(generation).unwrap())
            .copied();
        match first_use {
            _ if generation > self.current() => Expected::Invalid,
            _ if self.has_ended => Expected::Ended,
            _ if now >= self.expires() => Expected::Expired,
            None => {
                self.first_uses.push(now);
                Expected::Rotated
            }
            Some(used)
                if generation == self.current() - 1
                    && now - used < LIMITS.reuse_grace.as_secs() =>
            {
                Expected::Replayed
            }
            Some(_) => {
                self.has_ended = true;
                Expected::Reused
            }
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let wait = prop_oneof![4 => 0..4_u64, 1 => 4..22_u64];
    let age = prop_oneof![8 => Just(0), 4 => Just(1), 1 => -2..6_i64];
    prop_oneof![
        30 => (wait.clone(), age).prop_map(|(wait, age)| Step::Refresh { wait, age }),
        1 => wait.prop_map(|wait| Step::Logout { wait }),
    ]
}

/// What was observed of a session, independently of the model.
#[derive(Default)]
struct Observed {
    /// The successor of each generation that was accepted.
    successors: HashMap<i64, String>,
    is_over: bool,
}

fn check_step(
    sessions: &Sessions<MemorySessionStore>,
    model: &mut Model,
    observed: &mut Observed,
    id: &boltguard_session::SessionId,
    (age, now): (i64, u64),
) -> Result<Expected, TestCaseError> {
    let generation = (model.current() - age).max(0);
    let expected = model.present(generation, now);
    let token = keys().issue(id, u32::try_from(generation).unwrap());
    let actual = match sessions.refresh(token.expose(), after(now)) {
        Ok(issued) => {
            prop_assert!(!observed.is_over);
            let bytes = issued.token.expose().to_owned();
            let earlier = observed.successors.insert(generation, bytes.clone());
            prop_assert!(earlier.is_none_or(|earlier| earlier == bytes));
            prop_assert!(after(now) < issued.expires);
            if issued.is_replay {
                Expected::Replayed
            } else {
                Expected::Rotated
            }
        }
        Err(SessionError::Ended) => Expected::Ended,
        Err(SessionError::Expired) => Expected::Expired,
        Err(SessionError::Invalid) => Expected::Invalid,
        Err(SessionError::Reused(_)) => Expected::Reused,
        Err(other) => return Err(TestCaseError::fail(other.to_string())),
    };
    observed.is_over |= matches!(
        actual,
        Expected::Ended | Expected::Expired | Expected::Reused
    );
    prop_assert_eq!(actual, expected);
    let stored = sessions.store().find(id).unwrap().unwrap();
    prop_assert_eq!(stored.ended.is_some(), model.has_ended);
    Ok(actual)
}

fn run(steps: Vec<Step>) -> Result<Vec<Expected>, TestCaseError> {
    let sessions = sessions();
    let id = sessions.create("42", LOGIN).unwrap().state.id;
    let (mut model, mut observed, mut now) = (Model::default(), Observed::default(), 0);
    let mut results = Vec::new();
    for step in steps {
        match step {
            Step::Logout { wait } => {
                now += wait;
                model.has_ended = true;
                observed.is_over = true;
                sessions.end(&id, after(now)).unwrap();
            }
            Step::Refresh { wait, age } => {
                now += wait;
                results.push(check_step(
                    &sessions,
                    &mut model,
                    &mut observed,
                    &id,
                    (age, now),
                )?);
            }
        }
    }
    Ok(results)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn sessions_follow_the_model(steps in prop::collection::vec(step(), 1..40)) {
        run(steps)?;
    }
}

/// The model must not agree with the crate because the schedules meet only a few cases.
#[test]
fn schedules_reach_each_result() {
    let refresh = |wait, age| Step::Refresh { wait, age };
    let steps = [
        refresh(0, 0),
        refresh(2, 1),
        refresh(0, -1),
        refresh(1, 1),
        refresh(0, 0),
    ];
    let results = run(steps.into()).unwrap();
    assert_eq!(
        results,
        [
            Expected::Rotated,
            Expected::Replayed,
            Expected::Invalid,
            Expected::Reused,
            Expected::Ended
        ]
    );
    assert_eq!(run(vec![refresh(20, 0)]).unwrap(), [Expected::Expired]);
}
