//! Log records about refused requests.

use boltguard::Refusal;
use http::request::Parts;
use http::{Method, Response, Uri};

/// What a record contains of a request.
pub(crate) struct LoggedRequest {
    method: Method,
    uri: Uri,
}

/// Marks a response that an inner layer has logged.
#[derive(Clone)]
struct Logged;

impl LoggedRequest {
    pub(crate) fn new(parts: &Parts) -> Self {
        Self {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
        }
    }

    /// Logs the refusal, if the response has one: by this layer, or by an extractor or a handler.
    pub(crate) fn log<B>(&self, mut response: Response<B>) -> Response<B> {
        let extensions = response.extensions_mut();
        if extensions.get::<Logged>().is_some() {
            return response;
        }
        if let Some(refusal) = extensions.get::<Refusal>() {
            self.log_refusal(refusal);
            extensions.insert(Logged);
        }
        response
    }

    fn log_refusal(&self, refusal: &Refusal) {
        tracing::info!(
            target: "boltguard",
            method = %self.method,
            // With escapes, so that a client can't add lines to a log file.
            path = ?self.uri.path(),
            reason = refusal.reason().as_str(),
            status = refusal.status(),
            claim = refusal.claim(),
            "request refused"
        );
    }
}
