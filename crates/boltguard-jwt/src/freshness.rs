//! How long ago the user of a token was authenticated, OpenID Connect Core §2 and
//! [RFC 9470](https://www.rfc-editor.org/rfc/rfc9470).

use std::time::Duration;

use boltguard_encoding::json::Reader;
use boltguard_grants::Requirements;
use boltguard_types::NumericDate;

use crate::AdmittedClaims;

impl AdmittedClaims {
    /// Returns `auth_time`, the time at which the user was authenticated.
    #[must_use]
    pub fn authenticated_at(&self) -> Option<NumericDate> {
        let mut reader = Reader::new(self.get("auth_time")?);
        let number = reader.try_number().ok()??;
        match number.as_i64() {
            Some(secs) => Some(NumericDate::from_secs(secs)),
            None => NumericDate::from_f64(number.as_f64()),
        }
    }

    /// Returns the same claims, evaluated for the [authentications](boltguard_grants::FreshAuth) that `requirements`
    /// contain, at the time `now`.
    ///
    /// [`ClaimsPolicy::admit`](crate::ClaimsPolicy::admit) doesn't evaluate them, so that a guard denies access. The
    /// age is the time since `auth_time`, never since `iat`, because a refresh token yields new tokens without the
    /// user. An `auth_time` in the future doesn't count. The leeway of the policy applies.
    #[must_use]
    pub fn with_freshness(mut self, requirements: &Requirements, now: NumericDate) -> Self {
        self.checked_at = now;
        if requirements.has_fresh_auth() {
            self.forget_grants();
            self = self.with_requirements(requirements);
        }
        self
    }

    /// Determines which authentications the claims meet.
    pub(crate) fn read_freshness(&mut self, requirements: &Requirements) {
        let Some(time) = self.authenticated_at() else {
            return;
        };
        let (now, leeway) = (self.checked_at, self.leeway);
        let is_recent = |max_age: Duration| now < time + max_age + leeway && time <= now + leeway;
        let acr = self.get("acr").and_then(string);
        let mut grants = requirements.reader_continuing(self.grant_set());
        grants.authentication(is_recent, acr.as_deref());
        let grant_set = grants.finish();
        self.set_grant_set(grant_set);
    }
}

fn string(json: &str) -> Option<String> {
    let text = Reader::new(json).string().ok()?;
    Some(text.to_text().into_owned())
}
