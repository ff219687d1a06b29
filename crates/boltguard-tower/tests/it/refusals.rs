//! The responses to refused requests.

use std::sync::Arc;
use std::time::Duration;

use boltguard::revocation::{RevocationError, RevocationStore};
use boltguard::types::{NumericDate, ReasonCode};
use boltguard::{
    AsyncEdge, ConfigError, EdgeError, PossibleNeed, Refusal, Revocation, RevocationCheck,
    RevocationStatus, Services,
};
use boltguard_tower::GuardLayer;
use http::StatusCode;

use crate::support::{
    authenticated, bearer, gate, header, jwt, layer, request, send, text, with_edge,
};

#[tokio::test]
async fn request_without_credentials_is_challenged() {
    let response = send(&layer(jwt(), "authenticated"), request(&[])).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        header(&response, "www-authenticate"),
        r#"Bearer realm="api""#
    );
    assert_eq!(header(&response, "content-type"), "application/json");
    assert_eq!(header(&response, "vary"), "Authorization");
    assert_eq!(header(&response, "cache-control"), "");
    assert_eq!(
        text(response).await,
        r#"{"detail":"No credentials were provided.","code":"not_authenticated"}"#
    );
}

#[tokio::test]
async fn expired_token_is_challenged_with_its_error() {
    let layer = layer(jwt(), "authenticated").with_clock(|| NumericDate::from_secs(1_300_819_380));
    let response = send(&layer, authenticated()).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        header(&response, "www-authenticate"),
        r#"Bearer realm="api", error="invalid_token", error_description="The token has expired""#
    );
    assert!(text(response).await.contains(r#""code":"token_expired""#));
}

#[tokio::test]
async fn caller_without_the_permission_is_forbidden() {
    let response = send(&layer(jwt(), r#"perm("blog.add")"#), authenticated()).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        header(&response, "www-authenticate"),
        r#"Bearer realm="api", error="insufficient_scope""#
    );
    assert_eq!(header(&response, "cache-control"), "private");
    assert!(
        text(response)
            .await
            .contains(r#""code":"permission_denied""#)
    );
}

#[tokio::test]
async fn precise_reason_is_in_the_extensions_of_the_response() {
    let layer = layer(jwt(), "authenticated");
    let value = bearer(r#"{"sub":"42","exp":1300819380,"aud":"other"}"#);
    let response = send(&layer, request(&[("authorization", &value)])).await;
    let refusal: &Refusal = response.extensions().get().unwrap();
    assert_eq!(refusal.reason(), ReasonCode::AudienceMismatch);
    assert!(text(response).await.contains(r#""code":"invalid_token""#));
}

#[test]
fn gate_that_needs_an_edge_is_an_error_without_one() {
    let external = jwt().with_revocation(Revocation::External);
    let error = GuardLayer::new(gate(external, "authenticated")).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"backend "jwt" checks revocation in an external store, but the edge has none; add Services::with_revocation(...)"#
    );
}

#[test]
fn edge_that_does_not_provide_everything_is_an_error() {
    let external = jwt().with_revocation(Revocation::External);
    let edge = Services::new().with_revocation(Store(RevocationStatus::NotRevoked));
    let gate = gate(external, r#"check("author")"#);
    let error = GuardLayer::with_edge(gate, edge).unwrap_err();
    assert_eq!(error, ConfigError::Edge(EdgeError::Check("author".into())));
}

/// A store with a fixed result, after waiting.
#[derive(Clone)]
pub(crate) struct Store(pub(crate) RevocationStatus);

impl AsyncEdge for Store {
    fn provides(&self, need: &PossibleNeed<'_>) -> bool {
        matches!(need, PossibleNeed::CheckRevocation { .. })
    }

    async fn check_revocation(&mut self, need: &RevocationCheck) -> RevocationStatus {
        tokio::task::yield_now().await;
        assert_eq!(need.token_id(), "t-1");
        self.0
    }
}

#[tokio::test]
async fn edge_decides_about_a_token() {
    for (status, expected) in [
        (RevocationStatus::NotRevoked, 200),
        (RevocationStatus::Revoked, 401),
        (RevocationStatus::Unavailable, 503),
    ] {
        let external = jwt().with_revocation(Revocation::External);
        let layer = with_edge(external, "authenticated", Store(status));
        assert_eq!(send(&layer, authenticated()).await.status(), expected);
    }
}

/// A list that is unavailable for the next seven seconds.
struct Unavailable;

impl RevocationStore for Unavailable {
    fn is_revoked(&self, _: &str, _: NumericDate) -> Result<bool, RevocationError> {
        Err(RevocationError::Unavailable)
    }

    fn revoke(
        &self,
        _: &str,
        _: Option<NumericDate>,
        _: NumericDate,
    ) -> Result<(), RevocationError> {
        Err(RevocationError::Unavailable)
    }

    fn bind_leeway(&self, _: Duration) {}

    fn retry_in(&self) -> Option<Duration> {
        Some(Duration::from_secs(7))
    }
}

#[tokio::test]
async fn client_learns_when_to_retry() {
    let backend = jwt().with_revocation(Revocation::InProcess(Arc::new(Unavailable)));
    let response = send(&layer(backend, "allow_any"), authenticated()).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&response, "retry-after"), "7");
}
