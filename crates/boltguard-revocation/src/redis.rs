//! A deny-list in Redis, shared by processes and machines.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use boltguard_types::NumericDate;
use redis::{
    Client, Connection, ConnectionLike, FromRedisValue, Pipeline, RedisError, RedisResult,
};
use sha2::{Digest, Sha256};

use crate::{MarkState, RevocationError, Sentinel};

/// A deny-list in Redis 7, Valkey, or a server that speaks as they do.
///
/// Each question is one round trip, for which the calling thread waits: a fifth of a millisecond on one machine.
/// So this is no [`RevocationStore`](crate::RevocationStore). Ask it at the edge, between authentication and the
/// guard, and on a thread that may wait.
///
/// A server that was emptied answers like one on which nothing is revoked. A [`Sentinel`] notices that: from then on
/// the store is [unavailable](RevocationError::Unavailable) until the lost entries no longer matter, or until
/// [`accept_loss`](Self::accept_loss) is called. It can't notice an emptied server that it asks for the first time, nor
/// a server that was restored from an older copy: let Redis write its changes to disk (`appendonly yes`).
///
/// Redis forgets an entry when its time is over. A server with a `maxmemory-policy` other than `noeviction` may
/// forget one sooner, and then a revoked token lives again: see [`may_evict`](Self::may_evict).
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
    /// A list at this address, `redis://[user[:password]@]host[:port][/database]` or `unix:///path`.
    ///
    /// Nothing connects before the first question. Keys begin with `boltguard:revoked:`, and an answer may take a
    /// second.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Address`] if the text is no such address.
    pub fn open(url: &str) -> Result<Self, RevocationError> {
        Ok(Self {
            client: Client::open(url).map_err(|_| RevocationError::Address)?,
            prefix: "boltguard:revoked:".into(),
            timeout: Duration::from_secs(1),
            leeway: Duration::ZERO,
            sentinel: Sentinel::new(),
            idle: Mutex::default(),
        })
    }

    /// Begins all keys with this text.
    ///
    /// The list of a Django site can be shared: its cache in Redis begins its keys with `:1:revoked_tokens:`, unless
    /// configured otherwise. A key ends with the token id, or with `sha256:` and its hexadecimal digest where the id is
    /// longer than 128 bytes or has other characters than visible ASCII, and holds the time in seconds since the epoch
    /// until which it is kept, or 0.
    #[must_use]
    pub fn with_prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Gives up on connecting, and on an answer, after this time.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        // The system takes zero for "never".
        self.timeout = timeout.max(Duration::from_millis(1));
        self
    }

    /// Keeps entries for this much longer than `until`: the largest leeway of all who accept the tokens.
    ///
    /// With it, `revoke` can be given the `exp` of the token and the [`CLOCK_SKEW_MARGIN`](crate::CLOCK_SKEW_MARGIN).
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Whether the token of this id is revoked.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Unavailable`] if the server does not answer, or has lost entries that still matter; the token
    /// must not pass then.
    pub fn is_revoked(&self, token_id: &str) -> Result<bool, RevocationError> {
        for _ in 0..ATTEMPTS {
            let mut question = redis::pipe();
            question.exists(self.keys(token_id)).get(self.mark_key());
            // The clock of the server is the same for all who ask.
            let (held, mark, now): (u8, _, _) = self.ask(question.cmd("TIME"))?;
            if held > 0 {
                return Ok(true);
            }
            let written = match self.sentinel.examine(parse(mark), time(now)) {
                MarkState::Intact => return Ok(false),
                MarkState::Lost => return Err(RevocationError::Unavailable),
                MarkState::Missing(mark) => self.write_mark(mark, &["NX"])?,
                MarkState::Outdated(mark) => self.write_mark(mark, &[])?,
            };
            // A server that is full, or may only be read, answers all the same.
            if written == Written::Refused && !self.sentinel.has_seen_mark() {
                return Ok(false);
            }
        }
        Err(RevocationError::Unavailable)
    }

    /// Revokes the token of this id until `until`, rounded up to a whole second, or for good.
    ///
    /// Revoking it again may extend its time and never shortens it.
    ///
    /// # Errors
    ///
    /// - [`RevocationError::Full`] if the server has no memory left.
    /// - [`RevocationError::Unavailable`] if it does not answer.
    pub fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        let until = until.map(|until| until + self.leeway);
        let life = until.map(|until| seconds(until.since(now)));
        let life = match life {
            Some(0) => return Ok(()),
            Some(life @ 1..=LONGEST) => life,
            Some(_) | None => 0,
        };
        let until = until.filter(|_| life > 0);
        for key in self.keys(token_id) {
            let end = until.map_or(0, |until| until.as_secs().saturating_add(1));
            self.ask::<()>(&keep(&key, end, life))?;
        }
        self.cover(until, now)
    }

    /// Goes on as if nothing had been lost, for this store and all that share it: tokens whose revocations were lost
    /// are accepted again.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Unavailable`] if the server does not answer.
    pub fn accept_loss(&self) -> Result<(), RevocationError> {
        let (mark,) = self.ask(redis::pipe().get(self.mark_key()))?;
        let mark = Sentinel::accepting_loss(parse(mark)).to_string();
        self.ask(redis::pipe().set(self.mark_key(), mark).ignore())
    }

    /// Whether the server may forget entries before their time: its memory is limited, and its policy is to evict.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Unavailable`] if the server does not answer.
    pub fn may_evict(&self) -> Result<bool, RevocationError> {
        let (info,): (String,) = self.ask(redis::pipe().cmd("INFO").arg("memory"))?;
        let says = |line| info.lines().any(|other| other == line);
        Ok(!says("maxmemory:0") && !says("maxmemory_policy:noeviction"))
    }

    /// Makes the mark say that there are entries which are kept until this time.
    fn cover(&self, until: Option<NumericDate>, now: NumericDate) -> Result<(), RevocationError> {
        for _ in 0..ATTEMPTS {
            let (mark,) = self.ask(redis::pipe().get(self.mark_key()))?;
            let mark = parse(mark);
            let (next, condition) = match (self.sentinel.examine(mark, now), mark) {
                (MarkState::Missing(next), _) => (Some(next), ["NX"].as_slice()),
                (MarkState::Outdated(next), _) => (Some(next), [].as_slice()),
                (_, Some(mark)) => (self.sentinel.covering(mark, until, now), [].as_slice()),
                (_, None) => (None, [].as_slice()),
            };
            let Some(next) = next else { return Ok(()) };
            if self.write_mark(next, condition)? == Written::Refused {
                return Err(RevocationError::Full);
            }
        }
        Err(RevocationError::Unavailable)
    }

    /// Writes the mark; `NX` unless another writer was faster.
    fn write_mark(&self, mark: u128, condition: &[&str]) -> Result<Written, RevocationError> {
        let mut commands = redis::pipe();
        commands.cmd("SET").arg(self.mark_key());
        commands.arg(mark.to_string()).arg(condition);
        match self.try_ask::<()>(commands.ignore()) {
            Ok(()) => Ok(Written::Yes),
            Err(error) if error.clone().into_server_errors().is_some() => Ok(Written::Refused),
            Err(_) => Err(RevocationError::Unavailable),
        }
    }

    fn mark_key(&self) -> String {
        [&self.prefix, MARK].concat()
    }

    /// The key of a token id, and the other one that it has where not every cache of Django's takes it as it is.
    fn keys(&self, token_id: &str) -> Vec<String> {
        let is_plain = token_id.len() <= 128
            && token_id.bytes().all(|byte| byte.is_ascii_graphic())
            && !token_id.starts_with(HASHED)
            && token_id != MARK;
        let plain = [&self.prefix, token_id].concat();
        if is_plain {
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

    /// Sends the commands on an idle connection, or on a new one if there is none or the server has closed it.
    fn ask<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, RevocationError> {
        self.try_ask(commands).map_err(cause)
    }

    fn try_ask<T: FromRedisValue>(&self, commands: &Pipeline) -> RedisResult<T> {
        let idle = self.idle().pop();
        let first = idle.map(|connection| self.ask_on(connection, commands));
        match first {
            Some(Err(error)) if error.is_connection_dropped() && !error.is_timeout() => {
                self.idle().clear();
                self.connect().and_then(|new| self.ask_on(new, commands))
            }
            Some(answer) => answer,
            None => self.connect().and_then(|new| self.ask_on(new, commands)),
        }
    }

    fn ask_on<T: FromRedisValue>(
        &self,
        mut connection: Connection,
        commands: &Pipeline,
    ) -> RedisResult<T> {
        let answer = commands.query(&mut connection);
        // After a time-out the answer may still come, and would be taken for that of the next question.
        let is_in_step = match &answer {
            Ok(_) => true,
            Err(error) => !error.is_io_error() && !error.is_unrecoverable_error(),
        };
        if is_in_step && connection.is_open() {
            let mut idle = self.idle();
            if idle.len() < MOST_IDLE {
                idle.push(connection);
            }
        }
        answer
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
        // The address may hold a password.
        f.debug_struct("RedisRevocation")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Whether the server took a mark, or answered that it may not be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Refused,
    Yes,
}

/// Keeps a key for so many seconds, or for good where it is zero, unless it is kept longer already; in one step, so
/// that no other writer comes in between.
fn keep(key: &str, end: i64, life: u64) -> Pipeline {
    let mut commands = redis::pipe();
    let script = commands.cmd("EVAL").arg(KEEP).arg(1).arg(key);
    script.arg(end).arg(life).ignore();
    commands
}

const KEEP: &str = "
local life, left = tonumber(ARGV[2]), redis.call('TTL', KEYS[1])
if left == -1 or (life > 0 and left >= life) then return end
if life == 0 then redis.call('SET', KEYS[1], ARGV[1])
else redis.call('SET', KEYS[1], ARGV[1], 'EX', life) end
";

fn parse(mark: Option<String>) -> Option<u128> {
    mark?.parse().ok()
}

fn time((seconds, _micros): (i64, i64)) -> NumericDate {
    NumericDate::from_secs(seconds)
}

fn seconds(life: Duration) -> u64 {
    life.as_secs()
        .saturating_add(u64::from(life.subsec_nanos() > 0))
}

fn cause(error: RedisError) -> RevocationError {
    let answers = error.into_server_errors();
    let mut codes = answers
        .iter()
        .flat_map(|all| all.iter().map(|(_, answer)| answer.code()));
    match codes.any(|code| code == "OOM") {
        true => RevocationError::Full,
        false => RevocationError::Unavailable,
    }
}

/// How often a mark is written before it is clear that the server does not keep it.
const ATTEMPTS: u32 = 4;

/// Where the mark is, after the prefix.
const MARK: &str = "boltguard:mark";
const HASHED: &str = "sha256:";

/// A thousand years, beyond which the server's numbers may end.
const LONGEST: u64 = 1000 * 366 * 24 * 3600;

/// Connections that are kept for the next question.
const MOST_IDLE: usize = 16;
