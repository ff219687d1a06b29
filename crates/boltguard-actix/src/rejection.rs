//! The responses of extractors.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use boltguard::Refusal;

/// Why a handler isn't called, or doesn't allow its caller: a refusal, or a missing middleware.
///
/// A refusal results in its response, with 401, 403 or 503. A missing [`GuardMiddleware`](crate::GuardMiddleware)
/// results in 500.
#[derive(Debug)]
pub struct Rejection(Kind);

#[derive(Debug)]
enum Kind {
    Refused(Box<Refusal>),
    WithoutMiddleware,
}

impl Rejection {
    /// Logs the mistake of the service, about which clients learn nothing.
    pub(crate) fn without_middleware() -> Self {
        log::error!("{WITHOUT_MIDDLEWARE}");
        Self(Kind::WithoutMiddleware)
    }

    /// Returns the refusal, unless a middleware is missing.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.0 {
            Kind::Refused(refusal) => Some(refusal),
            Kind::WithoutMiddleware => None,
        }
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self(Kind::Refused(Box::new(refusal)))
    }
}

impl ResponseError for Rejection {
    fn status_code(&self) -> StatusCode {
        self.refusal()
            .map_or(StatusCode::INTERNAL_SERVER_ERROR, status)
    }

    fn error_response(&self) -> HttpResponse {
        match self.refusal() {
            Some(refusal) => response(refusal.clone()),
            None => HttpResponse::new(self.status_code()),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Refused(refusal) => fmt::Display::fmt(refusal, f),
            Kind::WithoutMiddleware => f.write_str(WITHOUT_MIDDLEWARE),
        }
    }
}

impl std::error::Error for Rejection {}

/// Returns the response to a refused request, with the refusal in its extensions.
pub(crate) fn response(refusal: Refusal) -> HttpResponse {
    let mut response = HttpResponse::with_body(status(&refusal), refusal.body());
    for (name, value) in refusal.headers() {
        // The values are visible ASCII characters and spaces.
        if let Ok(value) = HeaderValue::try_from(value) {
            let name = HeaderName::from_static(name);
            response.headers_mut().insert(name, value);
        }
    }
    response.extensions_mut().insert(refusal);
    response.map_into_boxed_body()
}

fn status(refusal: &Refusal) -> StatusCode {
    // The status is valid; the other one never allows anything.
    StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::FORBIDDEN)
}

const WITHOUT_MIDDLEWARE: &str = "a handler has an extractor of boltguard_actix, but its route has no \
     `GuardMiddleware`; add one with `wrap`";
