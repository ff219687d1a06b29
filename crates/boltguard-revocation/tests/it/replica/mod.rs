//! The replica against a model of the server, under faults.
//!
//! The invariant: a revocation that was acknowledged more than `max_staleness` ago is never reported as "not revoked"
//! before the token expires. Each mutant violates it, so the schedules are hard enough.

mod mutants;
mod world;

use std::sync::Arc;

use boltguard_revocation::replica::{Replica, ReplicaError};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};

use self::mutants::{
    Faithful, ForgetsEpoch, ForgetsPromotion, KeepsEpochInKey, Mutant, ReadsOnlyStream,
    TrustsConnection,
};
use self::world::{MAX_STALENESS, Step, Violation, World};

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1..250_u64).prop_map(Step::Run),
        6 => prop::option::weighted(0.9, 100..3_000_u64).prop_map(Step::Revoke),
        3 => prop::option::weighted(0.9, 100..3_000_u64).prop_map(Step::RevokeHere),
        2 => Just(Step::WriteTruthOnly),
        2 => Just(Step::AppendPending),
        2 => (1..400_u64).prop_map(Step::Pause),
        2 => Just(Step::Flush),
        2 => Just(Step::DeleteStream),
        1 => prop::bool::ANY.prop_map(|keeps_data| Step::Restart { keeps_data }),
        1 => (0..3_usize).prop_map(Step::Trim),
        1 => Just(Step::DeleteRow),
        1 => (0..4_usize).prop_map(|lost| Step::FailOver { lost }),
        1 => Just(Step::Reconnect),
        1 => Just(Step::SwitchBack),
        1 => prop::bool::ANY.prop_map(|is_silent| Step::LoseQuery { is_silent }),
        1 => Just(Step::InvalidRow),
        1 => (1..200_u64).prop_map(Step::SlowTruth),
        1 => Just(Step::FailTruth),
        1 => (-4_000..4_000_i64).prop_map(Step::SetClock),
        1 => prop::bool::ANY.prop_map(Step::Stop),
    ]
}

fn schedule() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..40)
}

fn run(mut world: World, steps: &[Step]) -> Result<World, Violation> {
    for step in steps {
        world.take(*step)?;
    }
    Ok(world)
}

fn stream(limit: usize, mutant: impl Mutant + 'static) -> World {
    World::new(Arc::new(Replica::new(limit)), true, Box::new(mutant))
}

fn polling(limit: usize) -> World {
    World::new(Arc::new(Replica::new(limit)), false, Box::new(Faithful))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn revocations_take_effect_in_time(steps in schedule()) {
        let world = run(stream(10_000, Faithful), &steps);
        prop_assert_eq!(world.and_then(World::recover), Ok(()));
    }

    #[test]
    fn polled_revocations_take_effect_in_time(steps in schedule()) {
        let world = run(polling(10_000), &steps);
        prop_assert_eq!(world.and_then(World::recover), Ok(()));
    }

    #[test]
    fn full_replica_accepts_no_revoked_token(steps in schedule(), limit in 1..12_usize, is_polling: bool) {
        let world = if is_polling { polling(limit) } else { stream(limit, Faithful) };
        prop_assert_eq!(run(world, &steps).map(drop), Ok(()));
    }
}

/// Returns whether some schedule violates the invariant.
fn is_violated<M: Mutant + 'static>(mutant: impl Fn() -> M) -> bool {
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::with_cases(4096)
    };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&schedule(), |steps| {
        let world = run(stream(10_000, mutant()), &steps);
        world
            .map(drop)
            .map_err(|violation| TestCaseError::fail(format!("{violation:?}")))
    });
    result.is_err()
}

#[test]
fn mutant_that_trusts_the_connection_is_detected() {
    assert!(is_violated(TrustsConnection::default));
}

#[test]
fn mutant_that_reads_only_the_stream_is_detected() {
    assert!(is_violated(|| ReadsOnlyStream));
}

#[test]
fn mutant_without_the_epoch_is_detected() {
    assert!(is_violated(|| ForgetsEpoch));
}

#[test]
fn mutant_with_the_epoch_in_another_key_is_detected() {
    assert!(is_violated(|| KeepsEpochInKey));
}

/// The shortest schedules that distinguish the mutants.
#[test]
fn mutants_fail_in_these_cases() {
    let flush = [
        Step::Run(100),
        Step::Revoke(None),
        Step::Flush,
        Step::Run(150),
    ];
    assert!(run(stream(9, ForgetsEpoch), &flush).is_err());
    assert!(run(stream(9, ReadsOnlyStream), &flush).is_err());
    assert!(run(stream(9, TrustsConnection::default()), &flush).is_err());
    assert!(run(stream(9, Faithful), &flush).is_ok());
    let delete = flush.map(|step| match step {
        Step::Flush => Step::DeleteStream,
        other => other,
    });
    assert!(run(stream(9, KeepsEpochInKey), &delete).is_err());
    assert!(run(stream(9, Faithful), &delete).is_ok());
    // As many rows are hidden as had been read before.
    let trim = [
        Step::Revoke(None),
        Step::Run(100),
        Step::DeleteStream,
        Step::Revoke(None),
        Step::Revoke(None),
        Step::Trim(1),
        Step::Run(150),
    ];
    assert!(run(stream(9, KeepsEpochInKey), &trim).is_err());
    assert!(run(stream(9, Faithful), &trim).is_ok());
    let promote = [
        Step::Revoke(None),
        Step::Run(100),
        Step::Revoke(None),
        Step::FailOver { lost: 1 },
        Step::SwitchBack,
        Step::Run(150),
    ];
    assert!(run(stream(9, ForgetsPromotion), &promote).is_err());
    assert!(run(stream(9, Faithful), &promote).is_ok());
}

/// If another clock than that of the synchronizer removed the first entry, the end of the read would hide that.
#[test]
fn own_revocation_removes_no_entry_of_a_read_in_progress() {
    let own = Step::RevokeHere(None);
    let read = [
        Step::Revoke(Some(1_000)),
        Step::SlowTruth(60),
        Step::Run(50),
    ];
    let moved = [Step::SetClock(2_000), own, own, Step::SetClock(-2_000)];
    let world = run(stream(9, Faithful), &[read.as_slice(), &moved].concat()).unwrap();
    let world = run(world, &[Step::Run(150)]).unwrap();
    assert_eq!((world.state(), world.full_reads()), (Ok(()), 1));
}

#[test]
fn slow_read_of_the_truth_does_not_make_the_replica_stale() {
    let steps = [Step::Run(100), Step::SlowTruth(5 * MAX_STALENESS)];
    let mut world = run(stream(9, Faithful), &steps).unwrap();
    for _ in 0..500 {
        world.take(Step::Run(10)).unwrap();
        assert_eq!(world.state(), Ok(()));
    }
}

/// Runs these steps, and returns how many reads of the truth they caused, and how many of them were complete.
fn count_reads(world: &mut World, steps: &[Step]) -> (usize, usize) {
    let (all, full) = (world.truth_reads(), world.full_reads());
    for step in steps {
        world.take(*step).unwrap();
    }
    assert_eq!(world.state(), Ok(()));
    (world.truth_reads() - all, world.full_reads() - full)
}

#[test]
fn older_entries_are_read_again_only_if_the_replica_lacks_them() {
    let mut world = stream(2, Faithful);
    let start = [Step::Revoke(Some(3_000)), Step::Run(100)];
    assert_eq!(count_reads(&mut world, &start), (1, 1));
    // Each is a loss of rows of the stream, which the replica may have.
    for loss in [
        Step::Flush,
        Step::DeleteStream,
        Step::Restart { keeps_data: true },
        Step::FailOver { lost: 1 },
    ] {
        let steps = [Step::Revoke(Some(1)), loss, Step::Reconnect, Step::Run(150)];
        assert_eq!(count_reads(&mut world, &steps), (1, 0), "{loss:?}");
    }
    let expire = [Step::SetClock(4_000), Step::Revoke(None), Step::Run(100)];
    count_reads(&mut world, &expire);
    let set_back = [Step::SetClock(-3_500), Step::Run(100)];
    assert_eq!(count_reads(&mut world, &set_back).1, 1);
}

#[test]
fn everything_is_read_once_per_interval() {
    let mut world = run(stream(9, Faithful), &[Step::Run(100)]).unwrap();
    let (all, full) = count_reads(&mut world, &[Step::Run(9_000)]);
    assert!((9..=12).contains(&all), "{all}");
    assert!((3..=4).contains(&full), "{full}");
}

#[test]
fn stream_longer_than_the_replica_is_followed_from_its_end() {
    let mut world = stream(100, Faithful);
    for _ in 0..300 {
        world.take(Step::Revoke(Some(1))).unwrap();
    }
    world.take(Step::SetClock(1_000)).unwrap();
    world.take(Step::Run(100)).unwrap();
    assert_eq!(world.state(), Ok(()));
    world.take(Step::Revoke(None)).unwrap();
    world.take(Step::Run(150)).unwrap();
    assert_eq!((world.state(), world.replica().len()), (Ok(()), 1));
}

#[test]
fn many_rows_are_read_in_pages() {
    let mut world = run(stream(1_000, Faithful), &[Step::Run(100)]).unwrap();
    for _ in 0..100 {
        world.take(Step::Revoke(None)).unwrap();
    }
    let reads = world.truth_reads();
    world.take(Step::Run(300)).unwrap();
    assert_eq!((world.replica().len(), world.truth_reads()), (100, reads));
}

#[test]
fn replica_is_available_again_when_entries_have_expired() {
    let mut world = run(stream(2, Faithful), &[Step::Run(100)]).unwrap();
    for _ in 0..3 {
        world.take(Step::Revoke(Some(500))).unwrap();
    }
    world.take(Step::Run(100)).unwrap();
    assert_eq!(world.state(), Err(ReplicaError::Full));
    world.take(Step::Run(3_000)).unwrap();
    assert_eq!(world.state(), Ok(()));
}
