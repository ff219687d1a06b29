//! Connections to a server, which threads share.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::{Client, Connection, ConnectionLike, FromRedisValue, Pipeline, RedisResult};

use crate::RevocationError;

/// A client with idle connections.
pub(crate) struct Pool {
    client: Client,
    timeout: Duration,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(crate) fn open(url: &str, timeout: Duration) -> Result<Self, RevocationError> {
        let mut pool = Self {
            client: Client::open(url).map_err(|_| RevocationError::Url)?,
            timeout,
            idle: Mutex::default(),
        };
        pool.set_timeout(timeout);
        Ok(pool)
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Sets the timeout for connecting and for each response.
    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        // Zero means no timeout for the operating system.
        self.timeout = timeout.max(Duration::from_millis(1));
    }

    /// Runs the commands on an idle connection, or on a new one if there is none or the server has closed it.
    pub(crate) fn query<T: FromRedisValue>(&self, commands: &Pipeline) -> RedisResult<T> {
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

/// The maximum number of idle connections.
const MAX_IDLE: usize = 16;
