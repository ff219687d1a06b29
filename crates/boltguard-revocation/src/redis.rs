//! A revocation list in Redis, shared by processes and machines.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use boltguard_types::NumericDate;
use redis::{
    Client, Connection, ConnectionLike, FromRedisValue, Pipeline, RedisError, RedisResult,
};
use sha2::{Digest, Sha256};

use crate::{MarkState, RevocationError, Sentinel};

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
    client: Client,
    prefix: Box<str>,
    timeout: Duration,
    leeway: Duration,
    sentinel: Sentinel,
    idle: Mutex<Vec<Connection>>,
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
    pub fn open(url: &str) -> Result<Self, RevocationError> {
        Ok(Self {
            client: Client::open(url).map_err(|_| RevocationError::Url)?,
            prefix: "boltguard:revoked:".into(),
            timeout: Duration::from_secs(1),
            leeway: Duration::ZERO,
            sentinel: Sentinel::new(),
            idle: Mutex::default(),
        })
    }

    /// Sets the prefix of all keys.
    ///
    /// The list can be shared with a Django site, whose Redis cache uses the prefix `:1:revoked_tokens:` unless
    /// configured otherwise. The prefix is followed by the token ID, or by `sha256:` and its hexadecimal digest if the
    /// ID is longer than 128 bytes or contains characters other than printable ASCII. The value is the expiry date of
    /// the entry in seconds since the epoch, or 0 for a permanent entry.
    #[must_use]
    pub fn with_prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets the timeout for connecting and for each response.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        // Zero means no timeout for the operating system.
        self.timeout = timeout.max(Duration::from_millis(1));
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
        for _ in 0..ATTEMPTS {
            let mut commands = redis::pipe();
            commands.exists(self.keys(token_id)).get(self.mark_key());
            // The clock of the server is the same for all clients.
            let (found, mark, now): (u8, _, _) = self.query(commands.cmd("TIME"))?;
            if found > 0 {
                return Ok(true);
            }
            let result = match self.sentinel.examine(parse(mark), time(now)) {
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
        let until = until.map(|until| until + self.leeway);
        let ttl = until.map(|until| seconds(until.since(now)));
        let ttl = match ttl {
            Some(0) => return Ok(()),
            Some(ttl @ 1..=MAX_TTL) => ttl,
            Some(_) | None => 0,
        };
        let until = until.filter(|_| ttl > 0);
        for key in self.keys(token_id) {
            let value = until.map_or(0, |until| until.as_secs().saturating_add(1));
            self.query::<()>(&set_or_extend(&key, value, ttl))?;
        }
        self.update_mark(until, now)
    }

    /// Accepts the loss of entries, for all clients of the server: tokens whose entries were lost are accepted again.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Unavailable`] if the server is unavailable.
    pub fn accept_loss(&self) -> Result<(), RevocationError> {
        let (mark,) = self.query(redis::pipe().get(self.mark_key()))?;
        let mark = Sentinel::accepting_loss(parse(mark)).to_string();
        self.query(redis::pipe().set(self.mark_key(), mark).ignore())
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
            let (mark,) = self.query(redis::pipe().get(self.mark_key()))?;
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
        commands.cmd("SET").arg(self.mark_key());
        commands.arg(mark.to_string()).arg(condition);
        match self.try_query::<()>(commands.ignore()) {
            Ok(()) => Ok(MarkWrite::Done),
            Err(error) if error.clone().into_server_errors().is_some() => Ok(MarkWrite::Rejected),
            Err(_) => Err(RevocationError::Unavailable),
        }
    }

    fn mark_key(&self) -> String {
        [&self.prefix, MARK].concat()
    }

    /// Returns the keys of a token ID. There is a second one if some of Django's cache backends don't support the ID as
    /// a key.
    fn keys(&self, token_id: &str) -> Vec<String> {
        let is_supported = token_id.len() <= 128
            && token_id.bytes().all(|byte| byte.is_ascii_graphic())
            && !token_id.starts_with(HASHED)
            && token_id != MARK;
        let plain = [&self.prefix, token_id].concat();
        if is_supported {
            return vec![plain];
        }
        let digest = Sha256::digest(token_id);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let hashed = [&self.prefix, HASHED, &digest].concat();
        if token_id == MARK {
            return vec![hashed];
        }
        vec![plain, hashed]
    }

    /// Runs the commands on an idle connection, or on a new one if there is none or the server has closed it.
    fn query<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, RevocationError> {
        self.try_query(commands).map_err(to_revocation_error)
    }

    fn try_query<T: FromRedisValue>(&self, commands: &Pipeline) -> RedisResult<T> {
        let idle = self.idle().pop();
        let result = idle.map(|connection| self.query_on(connection, commands));
        match result {
            Some(Err(error)) if error.is_connection_dropped() && !error.is_timeout() => {
                self.idle().clear();
                self.connect().and_then(|new| self.query_on(new, commands))
            }
            Some(result) => result,
            None => self.connect().and_then(|new| self.query_on(new, commands)),
        }
    }

    fn query_on<T: FromRedisValue>(
        &self,
        mut connection: Connection,
        commands: &Pipeline,
    ) -> RedisResult<T> {
        let result = commands.query(&mut connection);
        // After a timeout, the response can still arrive, and would be read as the response to the next commands.
        let is_reusable = match &result {
            Ok(_) => true,
            Err(error) => !error.is_io_error() && !error.is_unrecoverable_error(),
        };
        if is_reusable && connection.is_open() {
            let mut idle = self.idle();
            if idle.len() < MAX_IDLE {
                idle.push(connection);
            }
        }
        result
    }

    fn connect(&self) -> RedisResult<Connection> {
        let connection = self.client.get_connection_with_timeout(self.timeout)?;
        connection.set_read_timeout(Some(self.timeout))?;
        connection.set_write_timeout(Some(self.timeout))?;
        Ok(connection)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RedisRevocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL can contain a password.
        f.debug_struct("RedisRevocation")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The result of writing a mark.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MarkWrite {
    Done,
    Rejected,
}

/// Returns a command that sets a key with a time to live in seconds, or permanently if it is zero, unless the key is
/// already kept for longer. It is a script, and therefore atomic.
fn set_or_extend(key: &str, value: i64, ttl: u64) -> Pipeline {
    let mut commands = redis::pipe();
    let script = commands.cmd("EVAL").arg(SET_OR_EXTEND).arg(1).arg(key);
    script.arg(value).arg(ttl).ignore();
    commands
}

const SET_OR_EXTEND: &str = "
local ttl, current = tonumber(ARGV[2]), redis.call('TTL', KEYS[1])
if current == -1 or (ttl > 0 and current >= ttl) then return end
if ttl == 0 then redis.call('SET', KEYS[1], ARGV[1])
else redis.call('SET', KEYS[1], ARGV[1], 'EX', ttl) end
";

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

/// The key of the mark, after the prefix.
const MARK: &str = "boltguard:mark";
const HASHED: &str = "sha256:";

/// The maximum time to live: a thousand years. Redis doesn't support arbitrarily large ones.
const MAX_TTL: u64 = 1000 * 366 * 24 * 3600;

/// The maximum number of idle connections.
const MAX_IDLE: usize = 16;
