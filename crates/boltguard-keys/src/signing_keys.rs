//! The signing keys of an issuer that rotates them.

use boltguard_types::{KeyId, NumericDate};

use crate::rotation::{KeyState, KeyTimes, RotationError, RotationPolicy, RotationSchedule};
use crate::{KeySet, PublicKey, SigningKey, VerifyingKey};

/// Asymmetric signing keys, of which one signs at any time, and others are published for verification.
///
/// Keys without a `kid` get the thumbprint of [RFC 7638](https://www.rfc-editor.org/rfc/rfc7638) as `kid`.
///
/// ```
/// use std::time::Duration;
///
/// use boltguard_keys::{Algorithm, Key, KeyTimes, RotationPolicy, SigningKey, SigningKeys};
/// use boltguard_types::NumericDate;
///
/// let policy = RotationPolicy {
///     token_lifetime: Duration::from_secs(900),
///     cache_lifetime: Duration::from_secs(3600),
///     leeway: Duration::ZERO,
/// };
/// let now = NumericDate::from_secs(1_800_000_000);
/// let key = SigningKey::new(&Key::generate(Algorithm::Es256)?, Algorithm::Es256)?;
/// let times = KeyTimes { published_from: None, signs_from: now };
/// let keys = SigningKeys::new(vec![(key, times)], policy)?;
///
/// assert!(keys.signing(now).is_some_and(|key| key.key_id().is_some()));
/// assert_eq!(keys.published(now).len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SigningKeys {
    keys: Vec<SigningKey>,
    schedule: RotationSchedule,
}

impl SigningKeys {
    /// Creates it from keys in the order in which they sign.
    ///
    /// # Errors
    ///
    /// - [`RotationError::Duplicate`] if a key or a `kid` occurs twice.
    /// - [`RotationError::Symmetric`] if a key is an HMAC secret.
    /// - Those of [`RotationSchedule::new`].
    pub fn new(
        keys: Vec<(SigningKey, KeyTimes)>,
        policy: RotationPolicy,
    ) -> Result<Self, RotationError> {
        let (keys, times): (Vec<SigningKey>, Vec<KeyTimes>) = keys.into_iter().unzip();
        let keys: Vec<SigningKey> = keys
            .into_iter()
            .enumerate()
            .map(|(index, key)| with_key_id(key).ok_or(RotationError::Symmetric { index }))
            .collect::<Result<_, _>>()?;
        refuse_duplicates(&keys)?;
        let schedule = RotationSchedule::new(times, policy)?;
        Ok(Self { keys, schedule })
    }

    /// Returns all keys, including those that aren't published.
    #[must_use]
    pub fn keys(&self) -> &[SigningKey] {
        &self.keys
    }

    /// Returns the times of the keys.
    #[must_use]
    pub const fn schedule(&self) -> &RotationSchedule {
        &self.schedule
    }

    /// Returns the key that signs, or `None` before the first one does.
    #[must_use]
    pub fn signing(&self, now: NumericDate) -> Option<&SigningKey> {
        self.keys.get(self.schedule.signing(now)?)
    }

    /// Returns the published keys, which verify.
    #[must_use]
    pub fn published(&self, now: NumericDate) -> KeySet {
        let states = self.schedule.states(now);
        let published = self.keys.iter().zip(states);
        let published = published.filter(|(_, state)| KeyState::is_published(*state));
        KeySet::new(published.map(|(key, _)| key.verifying_key().clone()))
    }
}

/// The key with a `kid`, unless it is a secret.
fn with_key_id(key: SigningKey) -> Option<SigningKey> {
    let public = key.verifying_key().public_key()?;
    if key.key_id().is_some() {
        return Some(key);
    }
    let thumbprint = KeyId::from(public.thumbprint());
    Some(key.with_key_id(thumbprint))
}

fn refuse_duplicates(keys: &[SigningKey]) -> Result<(), RotationError> {
    let public = |key: &SigningKey| key.verifying_key().public_key().map(PublicKey::thumbprint);
    let name = |key: &SigningKey| VerifyingKey::key_id(key.verifying_key()).cloned();
    for (index, key) in keys.iter().enumerate() {
        let mut before = keys.iter().take(index);
        if before.any(|other| public(other) == public(key) || name(other) == name(key)) {
            return Err(RotationError::Duplicate { index });
        }
    }
    Ok(())
}
