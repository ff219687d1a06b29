//! When the signing keys of an issuer are published and used, [OpenID Connect Core 1.0
//! §10.1.1](https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys).

use std::error::Error;
use std::fmt;
use std::time::Duration;

use boltguard_types::NumericDate;

/// The times of a sequence of signing keys, from which the state of each key follows.
///
/// A key is published before it signs, so that verifiers that cache the published keys know it. It stays published
/// after its successor signs, until the last token that it signed can't be accepted anywhere.
///
/// ```
/// use std::time::Duration;
///
/// use boltguard_keys::{KeyState, KeyTimes, RotationPolicy, RotationSchedule};
/// use boltguard_types::NumericDate;
///
/// let policy = RotationPolicy {
///     token_lifetime: Duration::from_secs(900),
///     cache_lifetime: Duration::from_secs(3600),
///     leeway: Duration::ZERO,
/// };
/// let first = KeyTimes { published_from: None, signs_from: NumericDate::from_secs(0) };
/// let second = KeyTimes {
///     published_from: Some(NumericDate::from_secs(10_000)),
///     signs_from: NumericDate::from_secs(13_600),
/// };
/// let schedule = RotationSchedule::new(vec![first, second], policy)?;
///
/// let states = |secs| schedule.states(NumericDate::from_secs(secs));
/// assert_eq!(states(9_999), [KeyState::Signing, KeyState::Pending]);
/// assert_eq!(states(10_000), [KeyState::Signing, KeyState::Next]);
/// assert_eq!(states(13_600), [KeyState::Retiring, KeyState::Signing]);
/// assert_eq!(states(13_600 + 900 + 60), [KeyState::Retired, KeyState::Signing]);
/// # Ok::<(), boltguard_keys::RotationError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RotationSchedule {
    keys: Vec<KeyTimes>,
    policy: RotationPolicy,
}

/// The times of one key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyTimes {
    /// When the key is first published. Only the first key of a schedule doesn't need it: it is always published.
    pub published_from: Option<NumericDate>,
    /// When the key starts to sign.
    pub signs_from: NumericDate,
}

/// How long tokens and published keys are used elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    /// The longest lifetime of a token.
    pub token_lifetime: Duration,
    /// How long verifiers may cache the published keys, including all caches between.
    pub cache_lifetime: Duration,
    /// The largest leeway of a verifier.
    pub leeway: Duration,
}

/// The state of a key at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyState {
    /// Not published yet.
    Pending,
    /// Published, and doesn't sign yet.
    Next,
    /// Signs. At most one key does.
    Signing,
    /// Published for the tokens that it signed, and doesn't sign any more.
    Retiring,
    /// Not published any more, because its last token isn't accepted anywhere.
    Retired,
}

impl KeyState {
    /// Returns whether verifiers should know the key.
    #[must_use]
    pub const fn is_published(self) -> bool {
        matches!(self, Self::Next | Self::Signing | Self::Retiring)
    }

    /// Returns the name of the state in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Next => "next",
            Self::Signing => "signing",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }
}

impl RotationSchedule {
    /// How much longer a key is published because the clocks of servers differ.
    pub const CLOCK_SKEW_MARGIN: Duration = Duration::from_secs(60);

    /// Creates a schedule of keys in the order in which they sign.
    ///
    /// # Errors
    ///
    /// - [`RotationError::NoKeys`] if there are none.
    /// - [`RotationError::NotPublished`] if `published_from` is missing, except for the first key.
    /// - [`RotationError::OutOfOrder`] if a key doesn't sign later than its predecessor.
    /// - [`RotationError::SignsTooEarly`] if a key signs before verifiers know it.
    pub fn new(keys: Vec<KeyTimes>, policy: RotationPolicy) -> Result<Self, RotationError> {
        if keys.is_empty() {
            return Err(RotationError::NoKeys);
        }
        for (index, pair) in (1..).zip(keys.windows(2)) {
            let &[before, key] = pair else { continue };
            if key.signs_from <= before.signs_from {
                return Err(RotationError::OutOfOrder { index });
            }
            let published = key.published_from;
            let published = published.ok_or(RotationError::NotPublished { index })?;
            let earliest = published + policy.cache_lifetime;
            if key.signs_from < earliest {
                return Err(RotationError::SignsTooEarly { index, earliest });
            }
        }
        Ok(Self { keys, policy })
    }

    /// Returns the lifetimes.
    #[must_use]
    pub const fn policy(&self) -> &RotationPolicy {
        &self.policy
    }

    /// Returns the state of each key.
    #[must_use]
    pub fn states(&self, now: NumericDate) -> Vec<KeyState> {
        (0..self.keys.len())
            .map(|index| self.state(index, now))
            .collect()
    }

    /// Returns the index of the key that signs, or `None` before the first one does.
    #[must_use]
    pub fn signing(&self, now: NumericDate) -> Option<usize> {
        self.keys.iter().rposition(|key| key.signs_from <= now)
    }

    /// Returns when the key isn't published any more, or `None` if no key follows it.
    #[must_use]
    pub fn published_until(&self, index: usize) -> Option<NumericDate> {
        let successor = self.keys.get(index.checked_add(1)?)?;
        let last_token_expires = successor.signs_from + self.policy.token_lifetime;
        Some(last_token_expires + self.policy.leeway + Self::CLOCK_SKEW_MARGIN)
    }

    /// Returns when a state changes next after `now`, or `None` if none does.
    #[must_use]
    pub fn next_change(&self, now: NumericDate) -> Option<NumericDate> {
        let times = self.keys.iter().enumerate().flat_map(|(index, key)| {
            let ends = self.published_until(index);
            [key.published_from, Some(key.signs_from), ends]
        });
        times.flatten().filter(|time| *time > now).min()
    }

    fn state(&self, index: usize, now: NumericDate) -> KeyState {
        let signing = self.signing(now);
        if signing == Some(index) {
            return KeyState::Signing;
        }
        if signing > Some(index) {
            return match self.published_until(index) {
                Some(end) if now >= end => KeyState::Retired,
                _ => KeyState::Retiring,
            };
        }
        let published = self.keys.get(index).and_then(|key| key.published_from);
        match published {
            Some(start) if now < start => KeyState::Pending,
            _ => KeyState::Next,
        }
    }
}

/// The error of an invalid sequence of signing keys. Indexes start at 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RotationError {
    /// Two keys are the same, or have the same `kid`.
    Duplicate {
        /// The index of the second one.
        index: usize,
    },
    /// There are no keys.
    NoKeys,
    /// `published_from` is missing.
    NotPublished {
        /// The index of the key.
        index: usize,
    },
    /// A key doesn't sign later than its predecessor.
    OutOfOrder {
        /// The index of the key.
        index: usize,
    },
    /// A key signs before all verifiers know it.
    SignsTooEarly {
        /// The index of the key.
        index: usize,
        /// The earliest time at which it can sign.
        earliest: NumericDate,
    },
    /// A key is an HMAC secret, which can't be published.
    Symmetric {
        /// The index of the key.
        index: usize,
    },
}

impl fmt::Display for RotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate { index } => {
                write!(
                    f,
                    "key {index} is the same as another key, or has its `kid`"
                )
            }
            Self::NoKeys => f.write_str("there are no signing keys"),
            Self::NotPublished { index } => {
                write!(
                    f,
                    "key {index} requires the time from which it is published"
                )
            }
            Self::OutOfOrder { index } => {
                write!(f, "key {index} doesn't sign later than the key before it")
            }
            Self::SignsTooEarly { index, earliest } => write!(
                f,
                "key {index} signs before all verifiers know it; the earliest possible time is {} \
                 seconds since the epoch",
                earliest.as_f64()
            ),
            Self::Symmetric { index } => {
                write!(f, "key {index} is an HMAC secret, which can't be published")
            }
        }
    }
}

impl Error for RotationError {}
