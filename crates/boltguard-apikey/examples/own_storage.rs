//! API keys in a store of your own: here a table behind a lock, in your service a database.
//!
//! Run it with `cargo run --example own_storage`.

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

/// A row as a database has it: no key, only its digest.
#[derive(Clone)]
struct Row {
    digest: [u8; 32],
    owner: String,
    permissions: String,
    created: f64,
    expires: Option<f64>,
    revoked: bool,
}

/// The service: its table of keys, and what it needs to check one.
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

    /// Makes a key, writes its row and returns its text, which nobody sees again.
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
            created: now.as_f64(),
            expires: Some((now + Duration::from_secs(90 * 24 * 3600)).as_f64()),
            revoked: false,
        };
        self.write().insert(key.id().to_owned(), row);
        Ok(key.expose().to_owned())
    }

    /// Refuses a mistyped key before the look-up, which could as well be awaited.
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
        let created = NumericDate::from_f64(row.created)?;
        let mut stored = StoredKey::from_parts(id, KeyDigest::from_bytes(row.digest), created)
            .owned_by(row.owner)
            .with_permissions(row.permissions.split_whitespace());
        if let Some(end) = row.expires {
            stored = stored.expiring(NumericDate::from_f64(end)?);
        }
        Some(if row.revoked {
            stored.revoked_at(created)
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
    writeln!(out, "a new key, shown once: {key}")?;

    let caller = service.authenticate(&key, now)?;
    let permissions: Vec<_> = caller.permissions().collect();
    writeln!(
        out,
        "it stands for {} with {permissions:?}",
        caller.user_id()
    )?;

    let mistyped = key.replacen("acme", "acne", 1);
    for (what, text) in [
        ("another prefix", mistyped.as_str()),
        ("cut short", &key[..40]),
    ] {
        let refused = service
            .authenticate(text, now)
            .err()
            .map(|error| error.to_string());
        writeln!(out, "{what}: {refused:?}")?;
    }

    service.revoke(caller.public_id());
    let refused = service.authenticate(&key, now).err();
    writeln!(out, "after its revocation: {refused:?}")?;
    Ok(())
}
