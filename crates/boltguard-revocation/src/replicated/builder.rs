//! The configuration of a replicated list.

use std::fmt;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use boltguard_types::NumericDate;

use super::feed::Feed;
use super::follower::Shared;
use super::lookup::LookupThreads;
use super::{ReplicatedRevocation, RevocationTruth, StalePolicy, clock};
use crate::RevocationError;
use crate::redis::Pool;
use crate::replica::{Replica, SyncSettings, Synchronizer};

/// The configuration of a [`ReplicatedRevocation`].
#[must_use]
pub struct ReplicatedRevocationBuilder {
    truth: Arc<dyn RevocationTruth>,
    feed: Option<Feed>,
    settings: SyncSettings,
    limit: usize,
    stale_policy: StalePolicy,
    system_time: Box<dyn Fn() -> NumericDate + Send + Sync>,
    /// Whether a setting of the stream was given without a stream.
    lacks_stream: bool,
}

impl ReplicatedRevocationBuilder {
    pub(super) fn new(
        url: &str,
        truth: impl RevocationTruth + 'static,
    ) -> Result<Self, RevocationError> {
        let feed = Feed {
            pool: Pool::open(url, Duration::ZERO)?,
            prefix: "boltguard:revocations:".into(),
            rows: 100_000,
            replicas: 0,
        };
        Ok(Self {
            feed: Some(feed),
            ..Self::polling(truth)
        })
    }

    pub(super) fn polling(truth: impl RevocationTruth + 'static) -> Self {
        Self {
            truth: Arc::new(truth),
            feed: None,
            settings: SyncSettings::new(Duration::from_secs(5)),
            limit: 1_000_000,
            stale_policy: StalePolicy::Deny,
            system_time: Box::new(clock::system_time),
            lacks_stream: false,
        }
    }

    /// Sets the time after which a revocation has taken effect in all processes. The default is 5 seconds.
    ///
    /// The server is queried four times in this duration. A query fails after half of it, and at most a second.
    pub fn with_max_staleness(mut self, max_staleness: Duration) -> Self {
        self.settings = SyncSettings::new(max_staleness);
        self
    }

    /// Sets the prefix of the keys of the stream. The default is `boltguard:revocations:`.
    pub fn with_prefix(self, prefix: impl AsRef<str>) -> Self {
        let prefix = prefix.as_ref();
        self.with_feed(|feed| feed.prefix = prefix.into())
    }

    /// Sets the maximum number of entries in memory, of up to 76 bytes each. The default is a million.
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Sets the approximate number of rows that are kept in the stream. The default is 100,000.
    ///
    /// The rows of a minute are sufficient. Fewer rows cause reads of the truth.
    pub fn with_stream_length(self, rows: usize) -> Self {
        self.with_feed(|feed| feed.rows = rows)
    }

    /// Sets how many replica servers must receive a revocation before it is acknowledged, with `WAIT`. The default is
    /// zero.
    ///
    /// With replica servers, use at least one, and configure `min-replicas-to-write 1`. Otherwise, a failover can lose
    /// a row of the stream, and its revocation takes up to a minute to take effect.
    pub fn with_replica_servers(self, count: usize) -> Self {
        self.with_feed(|feed| feed.replicas = count)
    }

    /// Sets what a check does if the copy may have missed an entry. The default is [`StalePolicy::Deny`].
    pub fn with_stale_policy(mut self, policy: StalePolicy) -> Self {
        self.stale_policy = policy;
        self
    }

    /// Replaces the system clock, for tests.
    pub fn with_system_clock(
        mut self,
        system_time: impl Fn() -> NumericDate + Send + Sync + 'static,
    ) -> Self {
        self.system_time = Box::new(system_time);
        self
    }

    /// Starts the threads. Nothing is read before this.
    ///
    /// # Errors
    ///
    /// - [`RevocationError::Settings`] if `max_staleness`, the limit or the stream length is zero, or if a list without
    ///   a stream has a prefix, a stream length or replica servers.
    /// - [`RevocationError::Unavailable`] if the operating system can't create a thread. A server that can't be reached
    ///   isn't an error.
    pub fn start(mut self) -> Result<ReplicatedRevocation, RevocationError> {
        self.check_settings()?;
        if let Some(feed) = &mut self.feed {
            let timeout = self.settings.max_staleness() / 2;
            feed.pool.set_timeout(timeout.min(Duration::from_secs(1)));
        }
        let replica = Arc::new(Replica::new(self.limit));
        let new = match self.feed {
            Some(_) => Synchronizer::new,
            None => Synchronizer::polling,
        };
        let sync = new(Arc::clone(&replica), self.settings);
        let lookups = match self.stale_policy {
            StalePolicy::LookUp => Some(LookupThreads::start(&self.truth).map_err(unavailable)?),
            StalePolicy::Deny => None,
        };
        let shared = Arc::new(Shared::new(sync, self.truth, self.feed, self.system_time));
        let store = ReplicatedRevocation {
            replica,
            shared,
            lookups,
        };
        spawn_threads(&store.shared)?;
        Ok(store)
    }

    fn check_settings(&self) -> Result<(), RevocationError> {
        let has_rows = self.feed.as_ref().is_none_or(|feed| feed.rows > 0);
        let is_positive = !self.settings.max_staleness().is_zero() && self.limit > 0 && has_rows;
        match is_positive && !self.lacks_stream {
            true => Ok(()),
            false => Err(RevocationError::Settings),
        }
    }

    fn with_feed(mut self, change: impl FnOnce(&mut Feed)) -> Self {
        match &mut self.feed {
            Some(feed) => change(feed),
            None => self.lacks_stream = true,
        }
        self
    }
}

fn spawn_threads(shared: &Arc<Shared>) -> Result<(), RevocationError> {
    let (reads, received) = mpsc::channel();
    let (reader, follower) = (Arc::clone(shared), Arc::clone(shared));
    let thread = |name: &str| thread::Builder::new().name(name.to_owned());
    let read = move || reader.read_truth(&received);
    thread("boltguard-truth").spawn(read).map_err(unavailable)?;
    let follow = move || follower.follow(&reads);
    thread("boltguard-follow")
        .spawn(follow)
        .map_err(unavailable)?;
    Ok(())
}

fn unavailable(_: std::io::Error) -> RevocationError {
    RevocationError::Unavailable
}

/// Hides the URL, which can contain a password.
impl fmt::Debug for ReplicatedRevocationBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplicatedRevocationBuilder")
            .field("settings", &self.settings)
            .field("limit", &self.limit)
            .field("stale_policy", &self.stale_policy)
            .finish_non_exhaustive()
    }
}
