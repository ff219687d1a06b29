//! A deny-list in Redis, shared by processes and machines.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use boltguard_types::NumericDate;
use redis::{
    Client, Connection, ConnectionLike, FromRedisValue, Pipeline, RedisError, RedisResult,
};

use crate::RevocationError;

/// A deny-list in Redis 7, Valkey, or a server that speaks as they do.
///
/// Each question is one round trip, for which the calling thread waits: a fifth of a millisecond on one machine.
/// So this is no [`RevocationStore`](crate::RevocationStore). Ask it at the edge, between authentication and the
/// guard, and on a thread that may wait.
///
/// Redis forgets an entry when its time is over. A server with a `maxmemory-policy` other than `noeviction` may
/// forget one sooner, and then a revoked token lives again: see [`may_evict`](Self::may_evict).
///
/// ```no_run
/// use std::time::{Duration, SystemTime};
/// use boltguard_revocation::{RedisRevocation, entry_until};
/// use boltguard_types::NumericDate;
///
/// let store = RedisRevocation::open("redis://127.0.0.1:6379/0")?;
/// let now = NumericDate::from(SystemTime::now());
/// let exp = now + Duration::from_secs(900);
/// store.revoke("some-id", entry_until(Some(exp), Duration::ZERO), now)?;
/// assert!(store.is_revoked("some-id")?);
/// # Ok::<(), boltguard_revocation::RevocationError>(())
/// ```
pub struct RedisRevocation {
    client: Client,
    prefix: Box<str>,
    timeout: Duration,
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
            idle: Mutex::default(),
        })
    }

    /// Begins all keys with this text.
    ///
    /// What a key holds does not matter, so the list of a Django site can be shared: its cache in Redis begins its
    /// keys with `:1:revoked_tokens:`, unless configured otherwise.
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

    /// Whether the token of this id is revoked.
    ///
    /// # Errors
    ///
    /// [`RevocationError::Unavailable`] if the server does not answer; the token must not pass then.
    pub fn is_revoked(&self, token_id: &str) -> Result<bool, RevocationError> {
        let (exists,) = self.ask(redis::pipe().exists(self.key(token_id)))?;
        Ok(exists)
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
        let key = self.key(token_id);
        match until.map(|until| seconds(until.since(now))) {
            Some(0) => Ok(()),
            Some(life @ 1..=LONGEST) => self.ask(&keep_for(&key, life)),
            Some(_) | None => self.ask(redis::pipe().cmd("SET").arg(key).arg(1).ignore()),
        }
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

    fn key(&self, token_id: &str) -> String {
        [&self.prefix, token_id].concat()
    }

    /// Sends the commands on an idle connection, or on a new one if there is none or the server has closed it.
    fn ask<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, RevocationError> {
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
        .map_err(cause)
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

/// Extends what is there and ends sooner, then writes what is not there. In this order nothing can lapse in between.
fn keep_for(key: &str, life: u64) -> Pipeline {
    let mut commands = redis::pipe();
    commands.cmd("EXPIRE").arg(key).arg(life).arg("GT").ignore();
    commands
        .cmd("SET")
        .arg(key)
        .arg(1)
        .arg("EX")
        .arg(life)
        .arg("NX")
        .ignore();
    commands
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

/// A thousand years, beyond which the server's numbers may end.
const LONGEST: u64 = 1000 * 366 * 24 * 3600;

/// Connections that are kept for the next question.
const MOST_IDLE: usize = 16;
