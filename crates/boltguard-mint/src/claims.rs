//! A builder for tokens.

use std::time::Duration;

use boltguard_encoding::json::write::{push_string, push_strings};
use boltguard_types::NumericDate;
use serde::Serialize;

use crate::payload::Payload;
use crate::{MintError, Minter, json, token_id};

/// A builder for a token.
///
/// [`sign`](Self::sign) returns the first error of all methods.
#[must_use = "`sign` returns the token"]
pub struct TokenBuilder<'a> {
    minter: &'a Minter,
    lifetime: Duration,
    payload: Payload,
    id_seed: Option<u64>,
    error: Option<MintError>,
}

impl<'a> TokenBuilder<'a> {
    #[inline]
    pub(crate) fn new(minter: &'a Minter, subject: &str, lifetime: Duration) -> Self {
        Self {
            minter,
            lifetime,
            payload: Payload::new(subject),
            id_seed: None,
            error: None,
        }
    }

    /// Sets the issuer: `iss`, RFC 7519 §4.1.1.
    #[inline]
    pub fn issuer(mut self, issuer: &str) -> Self {
        self.add("iss", |output| push_string(output, issuer));
        self
    }

    /// Sets the audience: `aud`, RFC 7519 §4.1.3. A single audience is written as a string, several as an array.
    #[inline]
    pub fn audience<S: AsRef<str>>(mut self, audience: impl IntoIterator<Item = S>) -> Self {
        let audience: Vec<S> = audience.into_iter().collect();
        if audience.is_empty() || audience.iter().any(|item| item.as_ref().is_empty()) {
            self.record(Err(MintError::Audience));
        }
        self.add("aud", |output| json::push_one_or_list(output, &audience));
        self
    }

    /// Sets the date before which the token isn't accepted: `nbf`, RFC 7519 §4.1.5.
    #[inline]
    pub fn not_before(mut self, date: NumericDate) -> Self {
        self.try_add("nbf", |output| json::push_date(output, date));
        self
    }

    /// Derives `jti` from the date of issue and this seed, instead of generating it.
    ///
    /// A token that is issued again with the same seed, date and claims is the same, byte for byte, if the signature
    /// algorithm is deterministic. Of the seed, 62 bits are used. Tokens that are issued at the same time must have
    /// different seeds.
    #[inline]
    pub const fn id_seed(mut self, seed: u64) -> Self {
        self.id_seed = Some(seed);
        self
    }

    /// Adds the permissions as an array in the claim `permissions`.
    #[inline]
    pub fn permissions<S: AsRef<str>>(mut self, permissions: impl IntoIterator<Item = S>) -> Self {
        self.add("permissions", |output| push_strings(output, permissions));
        self
    }

    /// Adds OAuth scopes as a space-separated string in the claim `scope`,
    /// [RFC 8693 §4.2](https://www.rfc-editor.org/rfc/rfc8693#section-4.2).
    pub fn scopes<S: AsRef<str>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        let mut joined = String::new();
        for scope in scopes {
            let scope = scope.as_ref();
            if !is_scope(scope) {
                self.record(Err(MintError::Scope));
            }
            let separator = if joined.is_empty() { "" } else { " " };
            joined.extend([separator, scope]);
        }
        self.add("scope", |output| push_string(output, &joined));
        self
    }

    /// Adds a claim. Numbers that aren't finite become `null`.
    #[inline]
    pub fn claim<T: Serialize + ?Sized>(mut self, name: &str, value: &T) -> Self {
        let result = self.payload.add_value(name, value);
        self.record(result);
        self
    }

    /// Adds the members of a map or a struct as claims.
    #[inline]
    pub fn claims<T: Serialize + ?Sized>(mut self, claims: &T) -> Self {
        let result = self.payload.add_members(claims);
        self.record(result);
        self
    }

    /// Adds the members of a JSON object as claims.
    pub fn claims_json(mut self, object: &str) -> Self {
        let result = self.payload.add_object(object);
        self.record(result);
        self
    }

    /// Signs the token, issued at `now`.
    ///
    /// `iat` is `now`, rounded down to a whole second, and `exp` is `iat` plus the lifetime. If the lifetime has a
    /// fraction of a second, `exp` is `now` plus the lifetime instead.
    ///
    /// # Errors
    ///
    /// - [`MintError::ReservedClaim`] if a claim would replace `sub`, `exp`, `iat` or `jti`, and
    ///   [`MintError::DuplicateClaim`] if a claim was added twice.
    /// - [`MintError::Audience`] or [`MintError::Scope`] for an invalid audience or scope.
    /// - [`MintError::NotJson`] or [`MintError::NotAnObject`] for claims that can't be serialized.
    /// - [`MintError::Lifetime`] if the lifetime is zero or too long.
    /// - [`MintError::TooDeep`], [`MintError::TooLarge`] or [`MintError::WrongType`] if the token would be rejected.
    /// - [`MintError::Random`] or [`MintError::Sign`] if the system or the key fails.
    #[inline]
    pub fn sign(self, now: NumericDate) -> Result<String, MintError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let expires = expiry(now, self.lifetime)?;
        let token_id = match self.id_seed {
            Some(seed) => token_id::derive(now, seed),
            None => token_id::generate(now)?,
        };
        let payload = self.payload.finish(now, expires, &token_id)?;
        self.minter.sign(&payload)
    }

    fn add(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.try_add(name, |output| {
            write(output);
            Ok(())
        });
    }

    fn try_add(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>) -> Result<(), MintError>) {
        let result = self.payload.add(name, write);
        self.record(result);
    }

    fn record(&mut self, result: Result<(), MintError>) {
        self.error = self.error.or(result.err());
    }
}

/// Returns whether a scope is valid, RFC 6749 §3.3. A scope with a space would be read as two.
fn is_scope(scope: &str) -> bool {
    let is_scope_byte = |byte| matches!(byte, b'!'..=b'~') && !matches!(byte, b'"' | b'\\');
    !scope.is_empty() && scope.bytes().all(is_scope_byte)
}

/// Returns the expiry date of a token with this lifetime.
fn expiry(now: NumericDate, lifetime: Duration) -> Result<NumericDate, MintError> {
    let is_whole = lifetime.subsec_nanos() == 0;
    let issued = if is_whole {
        NumericDate::from_secs(now.as_secs())
    } else {
        now
    };
    let expires = issued + lifetime;
    // Above 2^53, `f64` doesn't represent every second.
    if lifetime.is_zero() || expires <= now || expires.as_f64() > 9_007_199_254_740_992.0 {
        return Err(MintError::Lifetime);
    }
    Ok(expires)
}
