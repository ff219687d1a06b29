//! The responses of extractors.

use std::error::Error;
use std::fmt;

use axum_core::response::{IntoResponse, Response};
use boltguard::Refusal;
use http::StatusCode;

/// Why a handler isn't called, or doesn't allow its caller: a refusal, or a missing layer.
///
/// A refusal results in its response, with 401, 403 or 503, and a missing [`GuardLayer`](crate::GuardLayer) in 500.
#[derive(Debug)]
pub struct Rejection(Kind);

#[derive(Debug)]
enum Kind {
    Refused(Box<Refusal>),
    WithoutLayer,
}

impl Rejection {
    /// Logs the mistake of the service, about which clients learn nothing.
    pub(crate) fn without_layer() -> Self {
        tracing::error!("{WITHOUT_LAYER}");
        Self(Kind::WithoutLayer)
    }

    /// Returns the refusal, unless a layer is missing.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.0 {
            Kind::Refused(refusal) => Some(refusal),
            Kind::WithoutLayer => None,
        }
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self(Kind::Refused(Box::new(refusal)))
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        match self.0 {
            Kind::Refused(refusal) => http::Response::from(*refusal).into_response(),
            Kind::WithoutLayer => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Refused(refusal) => fmt::Display::fmt(refusal, f),
            Kind::WithoutLayer => f.write_str(WITHOUT_LAYER),
        }
    }
}

impl Error for Rejection {}

const WITHOUT_LAYER: &str = "a handler has an extractor of boltguard_axum, but its route has no `GuardLayer`; \
     add one with `route_layer`";
