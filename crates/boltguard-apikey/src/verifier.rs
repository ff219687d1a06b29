//! Checks keys that are presented.

use std::sync::Arc;

use boltguard_types::NumericDate;

use crate::{
    ApiKeyEntry, ApiKeyError, KeyDigest, KeyFormat, KeyStore, ParsedKey, Peppers, StoredKey,
};

/// Checks generated keys against what is stored of them.
///
/// A key of another form or with a wrong checksum is refused without a look-up. An unknown id costs as much as a
/// known one with a wrong secret, and is answered alike. That a key has expired or was revoked is told to those
/// alone who hold it.
///
/// [`verify`](Self::verify) does everything, with a store in memory. Where the look-up has to wait, do it between
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
    /// Checks keys of this form with digests by these secrets.
    #[must_use]
    pub const fn new(format: KeyFormat, peppers: Peppers) -> Self {
        Self { format, peppers }
    }

    /// The form of the keys.
    #[must_use]
    pub const fn format(&self) -> &KeyFormat {
        &self.format
    }

    /// Looks a key up, checks it, and tells the store of its use.
    ///
    /// # Errors
    ///
    /// Those of [`parse`](Self::parse) and [`admit`](Self::admit).
    pub fn verify<S: KeyStore + ?Sized>(
        &self,
        store: &S,
        presented: &str,
        now: NumericDate,
    ) -> Result<Arc<ApiKeyEntry>, ApiKeyError> {
        let key = self.parse(presented)?;
        let found = store.find(key.id());
        let digest = self.examine(&key, found.as_deref(), now)?;
        let found = found.ok_or(ApiKeyError::Unknown)?;
        store.note_use(&found, digest, now);
        Ok(Arc::clone(found.entry()))
    }

    /// Reads a key that somebody presents.
    ///
    /// # Errors
    ///
    /// Those of [`KeyFormat::parse`].
    pub fn parse<'a>(&self, presented: &'a str) -> Result<ParsedKey<'a>, ApiKeyError> {
        self.format.parse(presented)
    }

    /// Checks a key against what was found under its id.
    ///
    /// # Errors
    ///
    /// - [`ApiKeyError::Expired`] if it is the stored key and its time is over.
    /// - [`ApiKeyError::Revoked`] if it is the stored key and was revoked.
    /// - [`ApiKeyError::Unknown`] if nothing was found, or another key.
    pub fn admit(
        &self,
        key: &ParsedKey<'_>,
        found: Option<&StoredKey>,
        now: NumericDate,
    ) -> Result<Arc<ApiKeyEntry>, ApiKeyError> {
        self.examine(key, found, now)?;
        let stored = found.ok_or(ApiKeyError::Unknown)?;
        Ok(Arc::clone(stored.entry()))
    }

    /// The digest of the key by the current secret, if the key is the one that was found and may be used.
    fn examine(
        &self,
        key: &ParsedKey<'_>,
        found: Option<&StoredKey>,
        now: NumericDate,
    ) -> Result<KeyDigest, ApiKeyError> {
        let digest = found.map_or(&NOBODY, StoredKey::digest);
        let current = self.peppers.recognize(key.text, digest);
        let (stored, current) = found.zip(current).ok_or(ApiKeyError::Unknown)?;
        stored.check(now)?;
        Ok(current)
    }
}

/// Compared where there is nothing to compare with, so that the time does not tell whether an id is known.
static NOBODY: KeyDigest = KeyDigest::from_bytes([0; 32]);
