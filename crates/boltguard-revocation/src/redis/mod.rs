//! A revocation list in Redis, shared by processes and machines.

mod keys;
mod pool;
mod scripts;
mod truth;

use std::fmt;
use std::time::Duration;

use boltguard_types::NumericDate;
use redis::{FromRedisValue, Pipeline, RedisError};

use self::keys::Keys;
pub(crate) use self::pool::Pool;
use self::scripts::{raise, set_or_extend};
use crate::{
    MarkState, RevocationError, RevocationLevel, RevocationQuery, Sentinel, UnixMillis, Watermark,
};

/// A revocation list in Redis 7, Valkey, or a compatible server.
///
/// Each lookup is one round trip, which blocks the calling thread for about 0.2 ms on the same machine. Therefore this
/// type doesn't implement [`RevocationStore`](crate::RevocationStore). Call it between authentication and the guard, on
/// a thread that may block.
///
/// If the server loses its data, no token seems to be revoked. A [`Sentinel`] detects this: the store is
/// [unavailable](RevocationError::Unavailable) until the tokens of the lost entries have expired, or until
/// [`accept_loss`](Self::accept_loss) is called. It can't detect a loss before its first lookup, or a server that was
/// restored from an older backup. Enable persistence in Redis (`appendonly yes`).
///
/// Redis removes entries when they expire. A server with a `maxmemory-policy` other than `noeviction` can remove them
/// earlier, so that revoked tokens are accepted again; see [`may_evict`](Self::may_evict).
///
/// ```no_run
/// use std::time::{Duration, SystemTime};
/// use boltguard_revocation::{RedisRevocation, retain_until};
/// use boltguard_types::NumericDate;
///
/// let store = RedisRevocation::open("redis://127.0.0.1:6379/0")?;
/// let now = NumericDate::from(SystemTime::now());
/// let exp = now + Duration::from_secs(900);
/// store.revoke("some-id", retain_until(Some(exp), Duration::ZERO), now)?;
/// assert!(store.is_revoked("some-id")?);
/// # Ok::<(), boltguard_revocation::RevocationError>(())
/// ```
pub struct RedisRevocation {
    pool: Pool,
    keys: Keys,
    leeway: Duration,
    sentinel: Sentinel,
}

impl RedisRevocation {
    /// Creates a list at this URL, `redis://[user[:password]@]host[:port][/database]` or `unix:///path`.
    ///
    /// The connection is opened by the first lookup. The default prefix of keys is `boltguard:revoked:`, and the
    /// default timeout is one second.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Url`] if the URL is invalid.
    pub fn open(url: impl AsRef<str>) -> Result<Self, RevocationError> {
        let url = url.as_ref();
        Ok(Self {
            pool: Pool::open(url, Duration::from_secs(1))?,
            keys: Keys {
                prefix: "boltguard:revoked:".into(),
            },
            leeway: Duration::ZERO,
            sentinel: Sentinel::new(),
        })
    }

    /// Sets the prefix of all keys.
    ///
    /// The list can be shared with a Django site, whose Redis cache uses the prefix `:1:revoked_tokens:` unless
    /// configured otherwise. The prefix is followed by the token ID, or by `sha256:` and its hexadecimal digest if the
    /// ID is longer than 128 bytes or contains characters other than printable ASCII. The value is the expiry date of
    /// the entry in seconds since the epoch, or 0 for a permanent entry.
    ///
    /// The keys of watermarks have `boltguard:level:` after the prefix, then `session:`, `subject:`, `issuer:` or
    /// `key:`, and the hexadecimal SHA-256 digest of the `sid`, `sub`, `iss` or `kid`. For a subject of one issuer, `:`
    /// and the digest of the issuer follow. The value is the time at or before which the tokens were issued, in
    /// milliseconds since the epoch, or 2^53 - 1 for a session. A token ID that begins like such a key is always stored
    /// as a digest.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl AsRef<str>) -> Self {
        let prefix = prefix.as_ref();
        self.keys.prefix = prefix.into();
        self
    }

    /// Sets the timeout for connecting and for each response.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.pool.set_timeout(timeout);
        self
    }

    /// Keeps entries for longer than `until` by the largest leeway of all services that accept the tokens.
    ///
    /// With this, call [`revoke`](Self::revoke) with `exp` plus [`CLOCK_SKEW_MARGIN`](crate::CLOCK_SKEW_MARGIN).
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Returns whether the token with this ID is revoked.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Unavailable`] if the server is unavailable, or lost entries of tokens that haven't expired.
    /// The token must be rejected then.
    pub fn is_revoked(&self, token_id: &str) -> Result<bool, RevocationError> {
        let keys = self.keys.token(token_id);
        self.look_up(&keys, &[], |found| Ok(found.exists))
    }

    /// Returns whether a token is revoked at any level, in one round trip.
    ///
    /// # Errors
    ///
    /// Those of [`is_revoked`](Self::is_revoked).
    pub fn check(&self, query: &RevocationQuery<'_>) -> Result<bool, RevocationError> {
        let levels: Vec<_> = query.levels().map(|level| self.keys.level(level)).collect();
        let keys = self.keys.token(query.token_id());
        self.look_up(&keys, &levels, |found| {
            Ok(found.exists || query.is_revoked_by(found.latest()?))
        })
    }

    /// Reads these keys until the mark is valid. Returns whether the token is revoked by what was found.
    fn look_up(
        &self,
        keys: &[String],
        levels: &[String],
        is_revoked: impl Fn(Found) -> Result<bool, RevocationError>,
    ) -> Result<bool, RevocationError> {
        for _ in 0..ATTEMPTS {
            let (found, mark, now) = self.read(keys, levels)?;
            if is_revoked(found)? {
                return Ok(true);
            }
            let result = match self.sentinel.examine(parse(mark), now) {
                MarkState::Intact => return Ok(false),
                MarkState::Lost => return Err(RevocationError::Unavailable),
                MarkState::Missing(mark) => self.write_mark(mark, &["NX"])?,
                MarkState::Outdated(mark) => self.write_mark(mark, &[])?,
            };
            // A server that is full or read-only can still be queried.
            if result == MarkWrite::Rejected && !self.sentinel.has_seen_mark() {
                return Ok(false);
            }
        }
        Err(RevocationError::Unavailable)
    }

    fn read(
        &self,
        keys: &[String],
        levels: &[String],
    ) -> Result<(Found, Option<String>, NumericDate), RevocationError> {
        let mut commands = redis::pipe();
        commands.exists(keys);
        commands
            .cmd("MGET")
            .arg(self.keys.mark())
            .arg(levels)
            // The clock of the server is the same for all clients.
            .cmd("TIME");
        let (found, mut values, now): (u8, Vec<Option<String>>, _) = self.query(&commands)?;
        let watermarks = values.split_off(1.min(values.len()));
        let found = Found {
            exists: found > 0,
            watermarks,
        };
        Ok((found, values.pop().flatten(), time(now)))
    }

    /// Revokes the token with this ID until `until`, rounded up to a whole second, or permanently if it is `None`.
    ///
    /// Revoking a token again can extend the entry, but never shortens it.
    ///
    /// # Errors
    ///
    /// - [`RevocationError::Full`] if the server is out of memory.
    /// - [`RevocationError::Unavailable`] if the server is unavailable.
    pub fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        let Some((until, ttl)) = self.retention(until, now) else {
            return Ok(());
        };
        for key in self.keys.token(token_id) {
            let value = until.map_or(0, |until| until.as_secs().saturating_add(1));
            self.query::<()>(&set_or_extend(&key, value, ttl))?;
        }
        self.update_mark(until, now)
    }

    /// Revokes all tokens of a level that were issued at or before the time of the watermark.
    ///
    /// If the level already has a watermark, the later time and the longer retention are kept, also if several clients
    /// revoke at once.
    ///
    /// # Errors
    ///
    /// Those of [`revoke`](Self::revoke).
    pub fn revoke_level(
        &self,
        level: RevocationLevel<'_>,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        let Some((until, ttl)) = self.retention(watermark.until(), now) else {
            return Ok(());
        };
        let key = self.keys.level(level);
        self.query::<()>(&raise(&key, watermark.before(), ttl))?;
        self.update_mark(until, now)
    }

    /// Returns until when an entry is kept, and its time to live in seconds, which is zero for a permanent entry.
    /// Returns `None` if the entry has expired.
    fn retention(
        &self,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Option<(Option<NumericDate>, u64)> {
        let until = until.map(|until| until + self.leeway);
        match until.map(|until| seconds(until.since(now))) {
            Some(0) => None,
            Some(ttl @ 1..=MAX_TTL) => Some((until, ttl)),
            Some(_) | None => Some((None, 0)),
        }
    }

    /// Accepts the loss of entries, for all clients of the server: tokens whose entries were lost are accepted again.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Unavailable`] if the server is unavailable.
    pub fn accept_loss(&self) -> Result<(), RevocationError> {
        let (mark,) = self.query(redis::pipe().get(self.keys.mark()))?;
        let mark = Sentinel::accepting_loss(parse(mark)).to_string();
        self.query(redis::pipe().set(self.keys.mark(), mark).ignore())
    }

    /// Returns whether the server can evict entries before they expire, because its memory is limited and its policy
    /// isn't `noeviction`.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Unavailable`] if the server is unavailable.
    pub fn may_evict(&self) -> Result<bool, RevocationError> {
        let (info,): (String,) = self.query(redis::pipe().cmd("INFO").arg("memory"))?;
        let contains = |line| info.lines().any(|other| other == line);
        Ok(!contains("maxmemory:0") && !contains("maxmemory_policy:noeviction"))
    }

    /// Updates the mark for an entry that is kept until this time.
    fn update_mark(
        &self,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        for _ in 0..ATTEMPTS {
            let (mark,) = self.query(redis::pipe().get(self.keys.mark()))?;
            let mark = parse(mark);
            let (next, condition) = match (self.sentinel.examine(mark, now), mark) {
                (MarkState::Missing(next), _) => (Some(next), ["NX"].as_slice()),
                (MarkState::Outdated(next), _) => (Some(next), [].as_slice()),
                (_, Some(mark)) => (self.sentinel.mark_for(mark, until, now), [].as_slice()),
                (_, None) => (None, [].as_slice()),
            };
            let Some(next) = next else { return Ok(()) };
            if self.write_mark(next, condition)? == MarkWrite::Rejected {
                return Err(RevocationError::Full);
            }
        }
        Err(RevocationError::Unavailable)
    }

    /// Writes the mark. With `NX`, an existing mark is kept.
    fn write_mark(&self, mark: u128, condition: &[&str]) -> Result<MarkWrite, RevocationError> {
        let mut commands = redis::pipe();
        commands.cmd("SET").arg(self.keys.mark());
        commands.arg(mark.to_string()).arg(condition);
        match self.pool.query::<()>(commands.ignore()) {
            Ok(()) => Ok(MarkWrite::Done),
            Err(error) if error.clone().into_server_errors().is_some() => Ok(MarkWrite::Rejected),
            Err(_) => Err(RevocationError::Unavailable),
        }
    }

    fn query<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, RevocationError> {
        self.pool.query(commands).map_err(to_revocation_error)
    }
}

impl fmt::Debug for RedisRevocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL can contain a password.
        f.debug_struct("RedisRevocation")
            .field("prefix", &self.keys.prefix)
            .field("timeout", &self.pool.timeout())
            .finish_non_exhaustive()
    }
}

/// The result of writing a mark.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MarkWrite {
    Done,
    Rejected,
}

/// What the server has about a token.
struct Found {
    exists: bool,
    watermarks: Vec<Option<String>>,
}

impl Found {
    /// Returns the latest watermark.
    fn latest(&self) -> Result<Option<UnixMillis>, RevocationError> {
        let values = self.watermarks.iter().flatten();
        let times: Result<Vec<i64>, _> = values.map(|value| value.parse()).collect();
        // A value that someone else wrote: the token could be revoked.
        let times = times.map_err(|_| RevocationError::Unavailable)?;
        Ok(times.into_iter().max().map(UnixMillis::new))
    }
}

fn parse(mark: Option<String>) -> Option<u128> {
    mark?.parse().ok()
}

fn time((seconds, _micros): (i64, i64)) -> NumericDate {
    NumericDate::from_secs(seconds)
}

/// Returns whole seconds, rounded up.
fn seconds(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_add(u64::from(duration.subsec_nanos() > 0))
}

fn to_revocation_error(error: RedisError) -> RevocationError {
    let errors = error.into_server_errors();
    let mut codes = errors
        .iter()
        .flat_map(|all| all.iter().map(|(_, error)| error.code()));
    match codes.any(|code| code == "OOM") {
        true => RevocationError::Full,
        false => RevocationError::Unavailable,
    }
}

/// The maximum number of attempts to write a mark. If it doesn't exist afterwards, the server doesn't store it.
const ATTEMPTS: u32 = 4;

/// The maximum time to live: a thousand years. Redis doesn't support arbitrarily large ones.
const MAX_TTL: u64 = 1000 * 366 * 24 * 3600;
