//! Drivers, which provide what an evaluation needs until there is a decision.

use boltguard_types::NumericDate;

use crate::need::{ApiKeyRefresh, EdgeAuthentication, KeyRefresh, RevocationCheck, RunChecks};
use crate::{
    Authentication, Gate, Need, Now, Outcome, PossibleNeed, Refreshed, RequestParts,
    RevocationStatus, Step,
};

/// The services that a blocking application provides for evaluations.
///
/// Implement [`provides`](Self::provides), and the methods that the backends and guards of its gates need. Everything
/// else is unavailable, and the request is refused. An edge that doesn't state what it provides doesn't compile:
///
/// ```compile_fail,E0046
/// struct Table;
///
/// impl boltguard::Edge for Table {}
/// ```
pub trait Edge {
    /// Returns whether the edge can meet this need, which is checked at startup, see
    /// [`Gate::validate_edge_blocking`].
    ///
    /// Return `true` only for the methods that the edge implements, so that a gate that needs another one is an error
    /// at startup.
    fn provides(&self, need: &PossibleNeed<'_>) -> bool;

    /// Refreshes the keys of an issuer, such as by [`JwksClient::refresh`](boltguard_jwks::JwksClient::refresh).
    fn refresh_keys(&mut self, need: &KeyRefresh) -> Refreshed {
        let _ = need;
        Refreshed::Unavailable
    }

    /// Refreshes a snapshot of stored API keys.
    fn refresh_api_keys(&mut self, need: &ApiKeyRefresh) -> Refreshed {
        let _ = need;
        Refreshed::Unavailable
    }

    /// Checks in a store whether a token is revoked.
    fn check_revocation(&mut self, need: &RevocationCheck) -> RevocationStatus {
        let _ = need;
        RevocationStatus::Unavailable
    }

    /// Authenticates with a backend of the edge.
    fn authenticate(&mut self, need: &EdgeAuthentication) -> Authentication {
        let _ = need;
        Authentication::Unavailable
    }

    /// Runs a custom check of the guard. `None` means that it can't be run, and counts as failed.
    fn run_check(&mut self, need: &RunChecks, check: &str) -> Option<bool> {
        let _ = (need, check);
        None
    }
}

/// Provides nothing, for gates that need nothing from outside.
impl Edge for () {
    fn provides(&self, _: &PossibleNeed<'_>) -> bool {
        false
    }
}

/// The services that an asynchronous application provides for evaluations, see [`Edge`].
pub trait AsyncEdge: Send {
    /// Returns whether the edge can meet this need, which is checked at startup, see
    /// [`Gate::validate_edge`].
    ///
    /// Return `true` only for the methods that the edge implements, so that a gate that needs another one is an error
    /// at startup.
    fn provides(&self, need: &PossibleNeed<'_>) -> bool;

    /// Refreshes the keys of an issuer.
    fn refresh_keys(&mut self, need: &KeyRefresh) -> impl Future<Output = Refreshed> + Send {
        let _ = need;
        async { Refreshed::Unavailable }
    }

    /// Refreshes a snapshot of stored API keys.
    fn refresh_api_keys(&mut self, need: &ApiKeyRefresh) -> impl Future<Output = Refreshed> + Send {
        let _ = need;
        async { Refreshed::Unavailable }
    }

    /// Checks in a store whether a token is revoked.
    fn check_revocation(
        &mut self,
        need: &RevocationCheck,
    ) -> impl Future<Output = RevocationStatus> + Send {
        let _ = need;
        async { RevocationStatus::Unavailable }
    }

    /// Authenticates with a backend of the edge.
    fn authenticate(
        &mut self,
        need: &EdgeAuthentication,
    ) -> impl Future<Output = Authentication> + Send {
        let _ = need;
        async { Authentication::Unavailable }
    }

    /// Runs a custom check of the guard. `None` means that it can't be run, and counts as failed.
    fn run_check(
        &mut self,
        need: &RunChecks,
        check: &str,
    ) -> impl Future<Output = Option<bool>> + Send {
        let _ = (need, check);
        async { None }
    }
}

/// Provides nothing, for gates that need nothing from outside.
impl AsyncEdge for () {
    fn provides(&self, _: &PossibleNeed<'_>) -> bool {
        false
    }
}

impl Gate {
    /// Evaluates a request, waiting for `edge`. `clock` is read at each step.
    ///
    /// ```
    /// use boltguard::guard::Guard;
    /// use boltguard::jwt::ClaimsPolicy;
    /// use boltguard::keys::{Algorithm, Key, KeySet, Secret, SigningKey, VerifyingKey};
    /// use boltguard::types::NumericDate;
    /// use boltguard::{Edge, Gate, JwtBackend, Outcome, Revocation};
    /// use boltguard::{PossibleNeed, RevocationCheck, RevocationStatus};
    ///
    /// /// A table of revoked tokens.
    /// struct Table(Vec<String>);
    ///
    /// impl Edge for Table {
    ///     fn provides(&self, need: &PossibleNeed<'_>) -> bool {
    ///         matches!(need, PossibleNeed::CheckRevocation { .. })
    ///     }
    ///
    ///     fn check_revocation(&mut self, need: &RevocationCheck) -> RevocationStatus {
    ///         match self.0.contains(&need.token_id()) {
    ///             true => RevocationStatus::Revoked,
    ///             false => RevocationStatus::NotRevoked,
    ///         }
    ///     }
    /// }
    ///
    /// let secret = Key::Secret(Secret::new(b"a secret that is thirty-two bytes")?);
    /// let keys = KeySet::new([VerifyingKey::new(&secret, Algorithm::Hs256)?]);
    /// let backend = JwtBackend::new(keys, &[Algorithm::Hs256], ClaimsPolicy::new())?;
    /// let backend = backend.with_revocation(Revocation::External);
    /// let gate = Gate::new([backend.into()], &Guard::authenticated())?;
    /// let mut table = Table(vec![]);
    /// gate.validate_edge_blocking(&table)?;
    ///
    /// let signer = SigningKey::new(&secret, Algorithm::Hs256)?;
    /// let claims = br#"{"sub":"42","jti":"t-1","exp":1300819380}"#;
    /// let value = format!("Bearer {}", boltguard::jws::sign(claims, &Default::default(), &signer)?);
    /// let parts = [("authorization", value.as_str())];
    /// let now = || NumericDate::from_secs(1_300_819_000);
    ///
    /// let outcome = gate.check_blocking(&parts, now, &mut table);
    /// assert!(matches!(outcome, Outcome::Admitted(_)));
    /// table.0.push("t-1".to_owned());
    /// let outcome = gate.check_blocking(&parts, now, &mut table);
    /// assert!(matches!(outcome, Outcome::Refused(_)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check_blocking<P: RequestParts, N: Into<Now>>(
        &self,
        parts: &P,
        clock: impl Fn() -> N,
        edge: &mut impl Edge,
    ) -> Outcome {
        let mut step = self.evaluate(parts, clock());
        loop {
            step = match step {
                Step::Done(outcome) => return outcome,
                Step::Need(Need::RefreshKeys(need)) => {
                    let result = edge.refresh_keys(&need);
                    need.resume(result, parts, clock())
                }
                Step::Need(Need::RefreshApiKeys(need)) => {
                    let result = edge.refresh_api_keys(&need);
                    need.resume(result, parts, clock())
                }
                Step::Need(Need::CheckRevocation(need)) => {
                    let result = edge.check_revocation(&need);
                    need.resume(result, parts, clock())
                }
                Step::Need(Need::Authenticate(need)) => {
                    let result = edge.authenticate(&need);
                    need.resume(result, parts, clock())
                }
                Step::Need(Need::RunChecks(need)) => {
                    let check = first_check(&need);
                    let result = edge.run_check(&need, &check);
                    conclude(need, &check, result, clock().into().date())
                }
            }
        }
    }

    /// Evaluates a request like [`check_blocking`](Self::check_blocking), asynchronously.
    pub async fn check<P: RequestParts + Sync, N: Into<Now>>(
        &self,
        parts: &P,
        clock: impl Fn() -> N + Sync,
        edge: &mut impl AsyncEdge,
    ) -> Outcome {
        let mut step = self.evaluate(parts, clock());
        loop {
            step = match step {
                Step::Done(outcome) => return outcome,
                Step::Need(Need::RefreshKeys(need)) => {
                    let result = edge.refresh_keys(&need).await;
                    need.resume(result, parts, clock())
                }
                Step::Need(Need::RefreshApiKeys(need)) => {
                    let result = edge.refresh_api_keys(&need).await;
                    need.resume(result, parts, clock())
                }
                Step::Need(Need::CheckRevocation(need)) => {
                    let result = edge.check_revocation(&need).await;
                    need.resume(result, parts, clock())
                }
                Step::Need(Need::Authenticate(need)) => {
                    let result = edge.authenticate(&need).await;
                    need.resume(result, parts, clock())
                }
                Step::Need(Need::RunChecks(need)) => {
                    let check = first_check(&need);
                    let result = edge.run_check(&need, &check).await;
                    conclude(need, &check, result, clock().into().date())
                }
            }
        }
    }
}

fn first_check(need: &RunChecks) -> String {
    let open = need.open_checks();
    open.first()
        .map(|check| (*check).to_owned())
        .unwrap_or_default()
}

/// Resumes with the result of a check. A check that can't be run ends the evaluation.
fn conclude(need: RunChecks, check: &str, result: Option<bool>, now: NumericDate) -> Step {
    let results = boltguard_guard::CheckResults::new();
    match result {
        Some(holds) => need.resume(&results.with(check, holds), now),
        None => Step::Done(need.finish(&results, now)),
    }
}
