//! Verification of presented keys.

use std::sync::Arc;

use boltguard_types::NumericDate;

use crate::{
    ApiKeyEntry, ApiKeyError, KeyDigest, KeyFormat, KeyStore, ParsedKey, Peppers, StoredKey,
};

/// A verifier of generated keys against stored records.
///
/// A key with another format or a wrong checksum is rejected without a lookup. An unknown ID takes the same time and
/// returns the same error as a known ID with a wrong secret. Only a caller with the correct secret learns that a key
/// has expired or was revoked.
///
/// [`verify`](Self::verify) performs all steps with a synchronous store. For an asynchronous lookup, do it between
/// [`parse`](Self::parse) and [`admit`](Self::admit):
///
/// ```
/// # use boltguard_apikey::*;
/// # use boltguard_keys::{Algorithm, Secret};
/// # use boltguard_types::NumericDate;
/// # use std::sync::Arc;
/// # fn row_from_database(_: &str) -> Option<StoredKey> { None }
/// # fn handle(verifier: &ApiKeyVerifier, presented: &str, now: NumericDate) -> Result<Arc<ApiKeyEntry>, ApiKeyError> {
/// let key = verifier.parse(presented)?;
/// let stored = row_from_database(key.id());
/// let caller = verifier.admit(&key, stored.as_ref(), now)?;
/// # Ok(caller)
/// # }
/// # let verifier = ApiKeyVerifier::new(KeyFormat::new("sk")?, Peppers::new(Secret::generate(Algorithm::Hs256)?));
/// # let key = verifier.format().generate()?;
/// # let now = NumericDate::from_secs(0);
/// # assert_eq!(handle(&verifier, key.expose(), now), Err(ApiKeyError::Unknown));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ApiKeyVerifier {
    format: KeyFormat,
    peppers: Peppers,
}

impl ApiKeyVerifier {
    /// Creates a verifier for keys with this format and digests with these secrets.
    #[must_use]
    pub const fn new(format: KeyFormat, peppers: Peppers) -> Self {
        Self { format, peppers }
    }

    /// Returns the format of the keys.
    #[must_use]
    pub const fn format(&self) -> &KeyFormat {
        &self.format
    }

    /// Looks up a key, verifies it, and records its use in the store.
    ///
    /// # Errors
    ///
    /// Those of [`parse`](Self::parse) and [`admit`](Self::admit), and [`ApiKeyError::Unavailable`] if the store is
    /// unavailable.
    pub fn verify<S: KeyStore + ?Sized>(
        &self,
        store: &S,
        presented: &str,
        now: NumericDate,
    ) -> Result<Arc<ApiKeyEntry>, ApiKeyError> {
        let key = self.parse(presented)?;
        let found = store.find(key.id())?;
        let digest = self.check(&key, found.as_deref(), now)?;
        let found = found.ok_or(ApiKeyError::Unknown)?;
        store.record_use(&found, digest, now);
        Ok(Arc::clone(found.entry()))
    }

    /// Parses a presented key.
    ///
    /// # Errors
    ///
    /// Those of [`KeyFormat::parse`].
    pub fn parse<'a>(&self, presented: &'a str) -> Result<ParsedKey<'a>, ApiKeyError> {
        self.format.parse(presented)
    }

    /// Verifies a key against the record that was found for its ID.
    ///
    /// # Errors
    ///
    /// - [`ApiKeyError::Expired`] if the key matches and has expired.
    /// - [`ApiKeyError::Revoked`] if the key matches and was revoked.
    /// - [`ApiKeyError::Unknown`] if there is no record, or the key doesn't match.
    pub fn admit(
        &self,
        key: &ParsedKey<'_>,
        found: Option<&StoredKey>,
        now: NumericDate,
    ) -> Result<Arc<ApiKeyEntry>, ApiKeyError> {
        self.check(key, found, now)?;
        let stored = found.ok_or(ApiKeyError::Unknown)?;
        Ok(Arc::clone(stored.entry()))
    }

    /// Verifies a key and returns its digest with the current secret.
    fn check(
        &self,
        key: &ParsedKey<'_>,
        found: Option<&StoredKey>,
        now: NumericDate,
    ) -> Result<KeyDigest, ApiKeyError> {
        let digest = found.map_or(&DUMMY, StoredKey::digest);
        let current = self.peppers.recognize(key.key, digest);
        let (stored, current) = found.zip(current).ok_or(ApiKeyError::Unknown)?;
        stored.check(now)?;
        Ok(current)
    }
}

/// The digest that is compared if no record was found, so that the time doesn't reveal whether an ID exists.
static DUMMY: KeyDigest = KeyDigest::from_bytes([0; 32]);
