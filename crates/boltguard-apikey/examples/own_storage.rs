//! API keys in a custom store. The example uses a table behind a lock; a service would use a database.
//!
//! Run it with `cargo run --example own_storage`.

#![expect(clippy::disallowed_methods, reason = "a service reads the clock")]

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Write};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use boltguard_apikey::{
    ApiKeyEntry, ApiKeyError, ApiKeyVerifier, KeyDigest, KeyFormat, Peppers, StoredKey,
};
use boltguard_keys::{Algorithm, Secret};
use boltguard_types::NumericDate;

/// A database row, which contains the digest of a key instead of the key.
#[derive(Clone)]
struct Row {
    digest: [u8; 32],
    owner: String,
    permissions: String,
    created_at: f64,
    expires_at: Option<f64>,
    revoked: bool,
}

/// A service with a table of keys.
struct Service {
    rows: RwLock<HashMap<String, Row>>,
    verifier: ApiKeyVerifier,
    peppers: Peppers,
}

impl Service {
    fn new(pepper: Secret) -> Result<Self, ApiKeyError> {
        let peppers = Peppers::new(pepper);
        Ok(Self {
            rows: RwLock::default(),
            verifier: ApiKeyVerifier::new(KeyFormat::new("acme")?, peppers.clone()),
            peppers,
        })
    }

    /// Generates a key, inserts its row and returns the key, which can't be displayed again.
    fn create(
        &self,
        owner: &str,
        permissions: &str,
        now: NumericDate,
    ) -> Result<String, ApiKeyError> {
        let key = self.verifier.format().generate()?;
        let row = Row {
            digest: *key.digest(&self.peppers).as_bytes(),
            owner: owner.to_owned(),
            permissions: permissions.to_owned(),
            created_at: now.as_f64(),
            expires_at: Some((now + Duration::from_secs(90 * 24 * 3600)).as_f64()),
            revoked: false,
        };
        self.write().insert(key.id().to_owned(), row);
        Ok(key.expose().to_owned())
    }

    /// Authenticates a caller. A mistyped key is rejected before the lookup, which could also be asynchronous.
    fn authenticate(
        &self,
        presented: &str,
        now: NumericDate,
    ) -> Result<Arc<ApiKeyEntry>, ApiKeyError> {
        let key = self.verifier.parse(presented)?;
        let stored = self.select(key.id());
        self.verifier.admit(&key, stored.as_ref(), now)
    }

    fn select(&self, id: &str) -> Option<StoredKey> {
        let row = self
            .rows
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)?
            .clone();
        let created_at = NumericDate::from_f64(row.created_at)?;
        let mut stored = StoredKey::from_parts(id, KeyDigest::from_bytes(row.digest), created_at)
            .owned_by(row.owner)
            .with_permissions(row.permissions.split_whitespace());
        if let Some(expires_at) = row.expires_at {
            stored = stored.expiring(NumericDate::from_f64(expires_at)?);
        }
        Some(if row.revoked {
            stored.with_revocation(created_at)
        } else {
            stored
        })
    }

    fn revoke(&self, id: &str) {
        if let Some(row) = self.write().get_mut(id) {
            row.revoked = true;
        }
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<String, Row>> {
        self.rows.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout();
    let now = NumericDate::from(SystemTime::now());
    let service = Service::new(Secret::generate(Algorithm::Hs256)?)?;

    let key = service.create("ada", "blog.* shop.read", now)?;
    writeln!(out, "new key: {key}")?;

    let caller = service.authenticate(&key, now)?;
    let permissions: Vec<_> = caller.permissions().collect();
    writeln!(
        out,
        "authenticated as {} with {permissions:?}",
        caller.user_id()
    )?;

    let mistyped = key.replacen("acme", "acne", 1);
    for (description, presented) in [
        ("wrong prefix", mistyped.as_str()),
        ("truncated", &key[..40]),
    ] {
        let error = service
            .authenticate(presented, now)
            .err()
            .map(|error| error.to_string());
        writeln!(out, "{description}: {error:?}")?;
    }

    service.revoke(caller.public_id());
    let error = service.authenticate(&key, now).err();
    writeln!(out, "revoked: {error:?}")?;
    Ok(())
}
