//! A list in Redis as the truth of replicas.

use std::time::Duration;

use boltguard_types::NumericDate;
use redis::Value;

use super::keys::Stored;
use super::{RedisRevocation, time};
use crate::replica::{InvalidEntry, RevocationEntry, TruthRead};
use crate::{
    RevocationError, RevocationLevel, RevocationQuery, RevocationTruth, UnixMillis, Watermark,
};

/// The list is read with `SCAN`, which visits all keys of the database. Give the list a separate database if the
/// server has many other keys.
///
/// After a loss of data, reads fail as long as lookups do.
impl RevocationTruth for RedisRevocation {
    fn read(
        &self,
        _read: &TruthRead,
        entries: &mut dyn FnMut(RevocationEntry),
    ) -> Result<(), RevocationError> {
        // Also after the scan, so that no entry was lost meanwhile.
        self.check_mark()?;
        let mut cursor = String::from("0");
        loop {
            let keys;
            (cursor, keys) = self.scan(&cursor)?;
            self.read_keys(&keys, entries)?;
            if cursor == "0" {
                return self.check_mark();
            }
        }
    }

    fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        self.revoke(token_id, until, now)
    }

    fn revoke_level(
        &self,
        level: RevocationLevel<'_>,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        self.revoke_level(level, watermark, now)
    }

    fn check(
        &self,
        query: &RevocationQuery<'_>,
        _now: NumericDate,
    ) -> Result<bool, RevocationError> {
        self.check(query)
    }
}

impl RedisRevocation {
    /// Returns an error if entries were lost.
    fn check_mark(&self) -> Result<(), RevocationError> {
        self.look_up(&[self.keys.mark()], &[], |_| Ok(false))?;
        Ok(())
    }

    /// Returns the next cursor, and some of the keys.
    fn scan(&self, cursor: &str) -> Result<(String, Vec<String>), RevocationError> {
        let mut commands = redis::pipe();
        let scan = commands.cmd("SCAN").arg(cursor);
        scan.arg("MATCH").arg(self.keys.pattern());
        scan.arg("COUNT").arg(PAGE_SIZE);
        let (page,): ((String, Vec<Vec<u8>>),) = self.query(&commands)?;
        // Token IDs and names of levels are UTF-8.
        let keys = page.1.into_iter();
        Ok((page.0, keys.flat_map(String::from_utf8).collect()))
    }

    fn read_keys(
        &self,
        keys: &[String],
        entries: &mut dyn FnMut(RevocationEntry),
    ) -> Result<(), RevocationError> {
        let mut commands = redis::pipe();
        commands.cmd("TIME");
        for key in keys {
            commands.cmd("GET").arg(key).cmd("PTTL").arg(key);
        }
        let values: Vec<Value> = self.query(&commands)?;
        let [now, values @ ..] = &*values else {
            return Err(RevocationError::Unavailable);
        };
        let now = redis::from_redis_value_ref(now).map_err(|_| RevocationError::Unavailable)?;
        let (values, _) = values.as_chunks::<2>();
        for (key, values) in keys.iter().zip(values) {
            let entry = self.entry(key, values, time(now));
            if let Some(entry) = entry.map_err(|_| RevocationError::Unavailable)? {
                entries(entry);
            }
        }
        Ok(())
    }

    /// Returns the entry with this key, unless it has expired.
    fn entry(
        &self,
        key: &str,
        [value, ttl]: &[Value; 2],
        now: NumericDate,
    ) -> Result<Option<RevocationEntry>, InvalidEntry> {
        let Some(stored) = self.keys.parse(key) else {
            return Ok(None);
        };
        let until = match (value, ttl) {
            (Value::Nil, _) => return Ok(None),
            (_, Value::Int(NO_TTL)) => None,
            // The time of the server is in whole seconds.
            (_, Value::Int(millis @ 0..)) => {
                Some(now + Duration::from_millis(millis.unsigned_abs() + 1000))
            }
            _ => return Ok(None),
        };
        let entry = match stored {
            Stored::Level(name) => {
                let before: i64 = redis::from_redis_value_ref(value).map_err(|_| InvalidEntry)?;
                let watermark = Watermark::new(UnixMillis::new(before));
                RevocationEntry::stored_level(name, watermark.with_retention(until))?
            }
            Stored::Token(id) => RevocationEntry::token(id, until),
            Stored::TokenDigest(digest) => RevocationEntry::token_digest(digest, until)?,
        };
        Ok(Some(entry))
    }
}

/// The approximate number of keys that are read at once.
const PAGE_SIZE: usize = 1000;

/// The time to live, in the response to `PTTL`, of a permanent entry.
const NO_TTL: i64 = -1;
