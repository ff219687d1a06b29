//! A builder for tokens.

use std::time::Duration;

use boltguard_encoding::json::write::{push_string, push_strings};
use boltguard_types::{NumericDate, TokenId};
use serde::Serialize;

use crate::payload::Payload;
use crate::{MintError, MintedToken, Minter, json, token_id};

/// A builder for a token.
///
/// [`sign`](Self::sign) returns the first error of all methods.
#[must_use = "`sign` returns the token"]
pub struct TokenBuilder<'a> {
    minter: &'a Minter,
    lifetime: Duration,
    payload: Payload,
    id_source: IdSource,
    error: Option<MintError>,
}

/// Where `jti` is from.
enum IdSource {
    Given(TokenId),
    Random,
    Seed(u64),
}

impl<'a> TokenBuilder<'a> {
    #[inline]
    pub(crate) fn new(minter: &'a Minter, subject: &str, lifetime: Duration) -> Self {
        Self {
            minter,
            lifetime,
            payload: Payload::new(subject),
            id_source: IdSource::Random,
            error: None,
        }
    }

    /// Sets the issuer: `iss`, RFC 7519 §4.1.1.
    #[inline]
    pub fn issuer(mut self, issuer: impl AsRef<str>) -> Self {
        self.add("iss", |output| push_string(output, issuer.as_ref()));
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
    pub fn id_seed(mut self, seed: u64) -> Self {
        self.id_source = IdSource::Seed(seed);
        self
    }

    /// Sets `jti`, instead of generating it. No two tokens of an issuer may have the same ID.
    pub fn token_id(mut self, token_id: impl Into<TokenId>) -> Self {
        let token_id = token_id.into();
        if token_id.as_str().is_empty() {
            self.record(Err(MintError::EmptyId));
        }
        self.id_source = IdSource::Given(token_id);
        self
    }

    /// Sets the session ID: `sid`, by which all tokens of a session can be revoked.
    pub fn session_id(mut self, session_id: impl AsRef<str>) -> Self {
        let session_id = session_id.as_ref();
        if session_id.is_empty() {
            self.record(Err(MintError::EmptyId));
        }
        self.add("sid", |output| push_string(output, session_id));
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
    pub fn claim<T: Serialize + ?Sized>(mut self, name: impl AsRef<str>, value: &T) -> Self {
        let result = self.payload.add_value(name.as_ref(), value);
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
    pub fn claims_json(mut self, object: impl AsRef<str>) -> Self {
        let result = self.payload.add_object(object.as_ref());
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
    /// - [`MintError::EmptyId`] for an empty token ID or session ID.
    /// - [`MintError::Lifetime`] if the lifetime is zero or too long.
    /// - [`MintError::TooDeep`], [`MintError::TooLarge`] or [`MintError::WrongType`] if the token would be rejected.
    /// - [`MintError::Random`] or [`MintError::Sign`] if the system or the key fails.
    #[inline]
    pub fn sign(self, now: NumericDate) -> Result<MintedToken, MintError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let exp = expiry(now, self.lifetime)?;
        let jti = self.id_source.token_id(now)?;
        let payload = self.payload.finish(now, exp, jti.as_str())?;
        Ok(MintedToken {
            token: self.minter.sign(&payload)?,
            jti,
            exp,
        })
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

impl IdSource {
    #[inline]
    fn token_id(self, now: NumericDate) -> Result<TokenId, MintError> {
        let uuid = match self {
            Self::Given(token_id) => return Ok(token_id),
            Self::Random => token_id::generate(now)?,
            Self::Seed(seed) => token_id::derive(now, seed),
        };
        Ok(TokenId::from(
            &*uuid.hyphenated().encode_lower(&mut [0; 36]),
        ))
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
