//! What happens to the fleet, and the figures of it.

use std::time::Duration;

use crate::fleet::Simulation;
use crate::node::Lag;
use crate::servers::Load;
use crate::settings::{Capacity, Fleet};

/// The figures of a scenario.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) time: Duration,
    pub(crate) redis: Load,
    pub(crate) database: Load,
    pub(crate) lag: Lag,
    /// The time for which nodes were stale, added up.
    pub(crate) stale: Duration,
    /// After which time half of the nodes, 99 % of them, and all of them were fresh.
    pub(crate) fresh: [Option<Duration>; 3],
    pub(crate) violations: u64,
}

/// All nodes start within `spread`, and nothing fails.
pub(crate) fn cold_start(fleet: Fleet, spread: Duration) -> Outcome {
    let simulation = Simulation::new(fleet, Capacity::default(), spread);
    recover(simulation, Duration::ZERO)
}

/// Two minutes of normal operation.
pub(crate) fn normal_operation(fleet: Fleet) -> Outcome {
    let mut simulation = started(fleet);
    let start = simulation.now();
    simulation.run(Duration::from_secs(120));
    outcome(&simulation, start)
}

/// Redis stops for this time, and has lost all data afterwards. The times count from its return.
pub(crate) fn loss_of_redis(fleet: Fleet, outage: Duration) -> Outcome {
    let mut simulation = started(fleet);
    simulation.lose_redis(outage);
    recover(simulation, outage)
}

/// One node stops for this time. The times count from its return.
pub(crate) fn stalled_node(fleet: Fleet, pause: Duration) -> Outcome {
    let mut simulation = started(Fleet { nodes: 1, ..fleet });
    simulation.pause(0, pause);
    recover(simulation, pause)
}

/// Returns a fleet that has been running for some time, all of whose nodes are fresh.
fn started(fleet: Fleet) -> Simulation {
    let mut simulation = Simulation::new(fleet, Capacity::default(), Duration::from_secs(10));
    simulation.run_until_fresh(LIMIT);
    simulation.run(Duration::from_secs(60));
    simulation.reset();
    simulation
}

/// Continues for this time, and then until all nodes are fresh.
fn recover(mut simulation: Simulation, after: Duration) -> Outcome {
    simulation.run(after);
    let start = simulation.now();
    simulation.run_until_fresh(LIMIT);
    outcome(&simulation, start)
}

fn outcome(simulation: &Simulation, start: Duration) -> Outcome {
    Outcome {
        time: simulation.now() - start,
        redis: simulation.redis.load,
        database: simulation.database.load,
        lag: simulation.lag,
        stale: simulation.freshness.stale,
        fresh: simulation
            .freshness
            .reached
            .map(|at| Some(at?.saturating_sub(start))),
        violations: simulation.freshness.violations,
    }
}

/// After which time a fleet that isn't fresh is given up.
const LIMIT: Duration = Duration::from_secs(7200);

#[cfg(test)]
mod tests {
    use super::*;

    /// A fleet with a fiftieth of the nodes and of the revocations.
    fn small() -> Fleet {
        Fleet {
            nodes: 20,
            revocations_per_hour: 20_000,
            scale: 1,
            ..Fleet::large(Duration::from_secs(60))
        }
    }

    fn check(outcome: &Outcome) {
        assert_eq!(outcome.violations, 0);
        assert!(outcome.fresh.iter().all(Option::is_some), "{outcome:?}");
    }

    #[test]
    fn cold_start_reads_everything_once_per_node() {
        let fleet = small();
        let outcome = cold_start(fleet, Duration::ZERO);
        check(&outcome);
        assert_eq!(outcome.database.requests, 20);
        let rows = outcome.database.rows.abs_diff(20 * fleet.live_entries());
        assert!(rows <= 20 * 10, "{outcome:?}");
    }

    #[test]
    fn revocations_take_effect_within_the_interval_of_queries() {
        let outcome = normal_operation(small());
        assert_eq!((outcome.violations, outcome.stale), (0, Duration::ZERO));
        let interval = Duration::from_millis(1250);
        assert!(outcome.lag.longest <= interval + Duration::from_millis(10));
        assert!(outcome.lag.average() <= interval.mul_f64(0.6));
        // Four in five seconds from each node, for two minutes.
        assert!(outcome.redis.requests.abs_diff(20 * 96) <= 20);
        // Each row is sent once to each node.
        assert!(outcome.redis.rows.abs_diff(20 * 667) <= 20 * 10);
    }

    #[test]
    fn loss_of_redis_makes_no_node_read_everything() {
        let fleet = Fleet {
            lifetime: Duration::from_secs(900),
            ..small()
        };
        let outage = Duration::from_secs(30);
        let outcome = loss_of_redis(fleet, outage);
        check(&outcome);
        assert!(outcome.stale >= 20 * Duration::from_secs(20), "{outcome:?}");
        assert!(
            outcome.database.rows < 20 * fleet.live_entries() / 3,
            "{outcome:?}"
        );
        let always = Fleet {
            always_reads_everything: true,
            ..fleet
        };
        let other = loss_of_redis(always, outage);
        check(&other);
        assert!(other.database.rows > 3 * outcome.database.rows, "{other:?}");
    }

    #[test]
    fn stalled_node_reads_pages_of_the_stream() {
        let outcome = stalled_node(small(), Duration::from_secs(600));
        check(&outcome);
        assert!(
            outcome.fresh[2] <= Some(Duration::from_secs(1)),
            "{outcome:?}"
        );
    }

    #[test]
    fn sessions_take_more_bytes_than_tokens() {
        let sessions = Fleet {
            revokes_sessions: true,
            ..small()
        };
        let (tokens, sessions) = (normal_operation(small()), normal_operation(sessions));
        assert_eq!(sessions.violations, 0);
        assert!(sessions.redis.bytes > tokens.redis.bytes);
    }

    #[test]
    fn simulation_is_deterministic() {
        let run = || format!("{:?}", loss_of_redis(small(), Duration::from_secs(10)));
        assert_eq!(run(), run());
    }
}
