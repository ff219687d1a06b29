//! Refusals of gRPC calls, and services that need no credentials.
//!
//! [gRPC over HTTP/2](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).

use std::error::Error;
use std::fmt;

use boltguard::Refusal;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::GuardBody;
use crate::layer::Settings;

/// How a layer treats gRPC calls.
///
/// The response to a refused call is the status `UNAUTHENTICATED`, `PERMISSION_DENIED` or `UNAVAILABLE`. The challenge
/// is the metadata `www-authenticate`.
///
/// A call is a request with the content type `application/grpc`, or one such as `application/grpc+proto`. Other
/// requests, such as those of gRPC-Web, are refused with HTTP statuses, which their clients convert.
///
/// All services are guarded, unless they are exempt.
///
/// ```
/// use boltguard::Gate;
/// use boltguard_tower::{Grpc, GuardLayer};
///
/// fn layer(gate: Gate) -> Result<GuardLayer, Box<dyn std::error::Error>> {
///     let grpc = Grpc::new().exempting([Grpc::HEALTH, Grpc::REFLECTION])?;
///     Ok(GuardLayer::new(gate)?.with_grpc(grpc))
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Grpc {
    exempt: Vec<Box<str>>,
}

impl Grpc {
    /// The service of [health checks](https://grpc.io/docs/guides/health-checking/).
    pub const HEALTH: &str = "grpc.health.v1.Health";
    /// The service of [reflection](https://grpc.io/docs/guides/reflection/), which describes all services.
    pub const REFLECTION: &str = "grpc.reflection.v1.ServerReflection";

    /// Guards all services.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Doesn't evaluate requests for these services, which can be called without credentials, and receive no caller.
    ///
    /// The names are compared exactly with the first segment of the path.
    ///
    /// # Errors
    ///
    /// If one isn't the full name of a service.
    pub fn exempting<'s>(
        mut self,
        services: impl IntoIterator<Item = &'s str>,
    ) -> Result<Self, ServiceNameError> {
        for service in services {
            if !service.split('.').all(is_identifier) {
                return Err(ServiceNameError(service.into()));
            }
            self.exempt.push(service.into());
        }
        Ok(self)
    }

    /// Returns the status code of a refusal: `UNAUTHENTICATED`, `PERMISSION_DENIED` or `UNAVAILABLE`.
    ///
    /// The layer sets it for the calls that it refuses. A method that refuses its caller itself, such as after a check
    /// of an object, converts the refusal to a status:
    ///
    /// ```
    /// use boltguard::guard::CheckResults;
    /// use boltguard::{AdmittedCaller, Gate, Refusal};
    /// use boltguard_tower::Grpc;
    /// use tonic::{Request, Response, Status};
    ///
    /// struct Posts {
    ///     /// `Gate::for_callers(&r#"perm("blog.edit") | check("author")"#.parse()?)?`
    ///     edit_post: Gate,
    /// }
    ///
    /// impl Posts {
    ///     async fn edit(&self, request: Request<String>) -> Result<Response<()>, Status> {
    ///         let caller = request.extensions().get::<AdmittedCaller>();
    ///         let caller = caller.ok_or_else(|| Status::internal("GuardLayer is missing"))?;
    ///         let author = "ada"; // of the post in the request, from the database
    ///         let is_author = caller.user_id().as_deref() == Some(author);
    ///         let results = CheckResults::new().with("author", is_author);
    ///         caller.check(&self.edit_post, &results).map_err(|refusal| status(&refusal))?;
    ///         Ok(Response::new(()))
    ///     }
    /// }
    ///
    /// fn status(refusal: &Refusal) -> Status {
    ///     Status::new(Grpc::code(refusal).into(), refusal.detail())
    /// }
    /// ```
    #[must_use]
    pub fn code(refusal: &Refusal) -> i32 {
        match refusal.status() {
            401 => UNAUTHENTICATED,
            403 => PERMISSION_DENIED,
            _ => UNAVAILABLE,
        }
    }

    fn is_exempt(&self, path: &str) -> bool {
        let path = path.strip_prefix('/');
        let service = path.and_then(|path| path.split_once('/'));
        service.is_some_and(|(name, _)| self.exempt.iter().any(|exempt| **exempt == *name))
    }
}

impl Settings {
    /// Returns whether the request is for a service that isn't guarded.
    pub(crate) fn is_exempt(&self, parts: &Parts) -> bool {
        let path = parts.uri.path();
        self.grpc.as_ref().is_some_and(|grpc| grpc.is_exempt(path))
    }

    /// Returns whether the response to the request has a status of gRPC.
    pub(crate) fn is_grpc_call(&self, parts: &Parts) -> bool {
        self.grpc.is_some() && is_call(&parts.headers)
    }
}

/// Returns whether it is an identifier of Protocol Buffers.
fn is_identifier(word: &str) -> bool {
    let mut bytes = word.bytes();
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    bytes.next().is_some_and(is_letter)
        && bytes.all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

/// The name isn't the full name of a gRPC service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceNameError(Box<str>);

impl fmt::Display for ServiceNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, example) = (&self.0, Grpc::HEALTH);
        write!(
            f,
            "{name:?} isn't the full name of a gRPC service, such as {example:?}"
        )
    }
}

impl Error for ServiceNameError {}

/// Returns whether the request is a gRPC call.
fn is_call(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let rest = value.and_then(|value| value.strip_prefix(b"application/grpc"));
    matches!(rest, Some([] | [b'+' | b';', ..]))
}

/// Returns the response to a refused call, which only consists of headers ("Trailers-Only").
pub(crate) fn refused<R>(refusal: Refusal) -> Response<GuardBody<R>> {
    let code = Grpc::code(&refusal);
    let message = percent_encoded(refusal.detail());
    let mut response = Response::<String>::from(refusal);
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", code.into());
    // The value is ASCII.
    if let Ok(message) = HeaderValue::try_from(message) {
        headers.insert("grpc-message", message);
    }
    response.map(|_| GuardBody::refused(String::new()))
}

/// Returns the value of `grpc-message`: all bytes except for printable ASCII characters other than `%` are encoded.
fn percent_encoded(message: &str) -> String {
    let encode = |byte: u8| match byte {
        b' '..=b'~' if byte != b'%' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    message.bytes().map(encode).collect()
}

const PERMISSION_DENIED: i32 = 7;
const UNAVAILABLE: i32 = 14;
const UNAUTHENTICATED: i32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_percent_encoded() {
        for (message, encoded) in [
            ("You don't have permission.", "You don't have permission."),
            ("100 %\n", "100 %25%0A"),
            ("é~\u{7f}", "%C3%A9~%7F"),
        ] {
            assert_eq!(percent_encoded(message), encoded);
        }
    }
}
