//! The claims of one token.

use std::time::Duration;

use boltguard_types::NumericDate;
use serde::Serialize;

use crate::payload::Payload;
use crate::{MintError, Minter, text, token_id};

/// A token about to be signed.
///
/// What can't be written is told by [`TokenBuilder::sign`], the first of several.
#[must_use = "the token is made by `sign`"]
pub struct TokenBuilder<'a> {
    minter: &'a Minter,
    lifetime: Duration,
    payload: Payload,
    refusal: Option<MintError>,
}

impl<'a> TokenBuilder<'a> {
    #[inline]
    pub(crate) fn new(minter: &'a Minter, subject: &str, lifetime: Duration) -> Self {
        Self {
            minter,
            lifetime,
            payload: Payload::about(subject),
            refusal: None,
        }
    }

    /// Says who issues the token: `iss`, RFC 7519 §4.1.1.
    #[inline]
    pub fn issuer(mut self, issuer: &str) -> Self {
        self.add("iss", |json| text::push(json, issuer));
        self
    }

    /// Says whom the token is for: `aud`, RFC 7519 §4.1.3; a text for one, a list for several.
    #[inline]
    pub fn audience<S: AsRef<str>>(mut self, audience: impl IntoIterator<Item = S>) -> Self {
        let audience: Vec<S> = audience.into_iter().collect();
        if audience.is_empty() || audience.iter().any(|one| one.as_ref().is_empty()) {
            self.note(Err(MintError::Audience));
        }
        self.add("aud", |json| text::push_one_or_list(json, &audience));
        self
    }

    /// Says from when on the token is accepted: `nbf`, RFC 7519 §4.1.5.
    #[inline]
    pub fn not_before(mut self, date: NumericDate) -> Self {
        self.try_add("nbf", |json| text::push_date(json, date));
        self
    }

    /// Grants permissions, as the list `permissions`.
    #[inline]
    pub fn permissions<S: AsRef<str>>(mut self, permissions: impl IntoIterator<Item = S>) -> Self {
        self.add("permissions", |json| text::push_list(json, permissions));
        self
    }

    /// Grants OAuth scopes, as the text `scope` of [RFC 8693 §4.2](https://www.rfc-editor.org/rfc/rfc8693#section-4.2).
    pub fn scopes<S: AsRef<str>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        let mut spaced = String::new();
        for scope in scopes {
            let scope = scope.as_ref();
            if !is_scope(scope) {
                self.note(Err(MintError::Scope));
            }
            let space = if spaced.is_empty() { "" } else { " " };
            spaced.extend([space, scope]);
        }
        self.add("scope", |json| text::push(json, &spaced));
        self
    }

    /// Adds a claim; numbers that are not finite become `null`.
    #[inline]
    pub fn claim<T: Serialize + ?Sized>(mut self, name: &str, value: &T) -> Self {
        let added = self.payload.add_value(name, value);
        self.note(added);
        self
    }

    /// Adds the members of a map or a struct as claims.
    #[inline]
    pub fn claims<T: Serialize + ?Sized>(mut self, claims: &T) -> Self {
        let added = self.payload.add_members(claims);
        self.note(added);
        self
    }

    /// Adds the members of a JSON object as claims.
    pub fn claims_json(mut self, object: &str) -> Self {
        let added = self.payload.add_object(object);
        self.note(added);
        self
    }

    /// Signs the token, issued at `now`.
    ///
    /// `iat` is the whole second of `now`, and `exp` as many whole seconds later as the lifetime has. A lifetime with
    /// a fraction is kept to the fraction.
    ///
    /// # Errors
    ///
    /// - [`MintError::ReservedClaim`] if a claim would replace `sub`, `exp`, `iat` or `jti`, and
    ///   [`MintError::DuplicateClaim`] if one was given twice.
    /// - [`MintError::Scope`] for a scope that can't be one.
    /// - [`MintError::NotJson`] or [`MintError::NotAnObject`] for claims that can't be written.
    /// - [`MintError::Lifetime`] if the lifetime is zero or ends beyond any date.
    /// - [`MintError::TooDeep`], [`MintError::TooLarge`] or [`MintError::WrongType`] if the token would not be
    ///   accepted.
    /// - [`MintError::Random`] or [`MintError::Sign`] if the system or the key fails.
    #[inline]
    pub fn sign(self, now: NumericDate) -> Result<String, MintError> {
        if let Some(refusal) = self.refusal {
            return Err(refusal);
        }
        let expires = expiry(now, self.lifetime)?;
        let token_id = token_id::generate(now)?;
        let payload = self.payload.finish(now, expires, &token_id)?;
        self.minter.sign(&payload)
    }

    fn add(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.try_add(name, |json| {
            write(json);
            Ok(())
        });
    }

    fn try_add(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>) -> Result<(), MintError>) {
        let added = self.payload.add(name, write);
        self.note(added);
    }

    fn note(&mut self, added: Result<(), MintError>) {
        self.refusal = self.refusal.or(added.err());
    }
}

/// RFC 6749 §3.3: with a space in it, one scope would be two.
fn is_scope(text: &str) -> bool {
    let may_stand = |byte| matches!(byte, b'!'..=b'~') && !matches!(byte, b'"' | b'\\');
    !text.is_empty() && text.bytes().all(may_stand)
}

/// When a token of this lifetime ends.
fn expiry(now: NumericDate, lifetime: Duration) -> Result<NumericDate, MintError> {
    let is_whole = lifetime.subsec_nanos() == 0;
    let issued = if is_whole {
        NumericDate::from_secs(now.as_secs())
    } else {
        now
    };
    let expires = issued + lifetime;
    // Beyond 2^53, doubles skip seconds.
    if lifetime.is_zero() || expires <= now || expires.as_f64() > 9_007_199_254_740_992.0 {
        return Err(MintError::Lifetime);
    }
    Ok(expires)
}
