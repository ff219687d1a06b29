//! Errors of documents, with their places.

use std::error::Error;
use std::fmt;

use boltguard_guard::ParseGuardError;
use boltguard_jwks::JwksConfigError;
use boltguard_jwt::ClaimPathError;
use boltguard_keys::KeyError;

use super::Document;
use crate::ConfigError;

/// The error of a document whose structure is valid, with the place of the invalid value.
///
/// ```
/// use boltguard::config::{Document, PolicyBuilder};
///
/// let document: Document = serde_json::from_str(
///     r#"{"version": 1, "backends": {}, "routes": [{"name": "a", "backends": [], "guard": "stafff"}]}"#,
/// )?;
/// let error = PolicyBuilder::new(&document).build().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "routes[0].guard: line 1, column 1: unknown atom; did you mean `staff`?"
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentError {
    place: Box<str>,
    problem: DocumentProblem,
}

impl DocumentError {
    pub(super) fn new(place: impl Into<Box<str>>, problem: impl Into<DocumentProblem>) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
        }
    }

    /// Returns the place of the invalid value, such as `routes[3].guard`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Returns what is wrong with it.
    #[must_use]
    pub fn problem(&self) -> &DocumentProblem {
        &self.problem
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl Error for DocumentError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.problem {
            DocumentProblem::ClaimPath(error) => Some(error),
            DocumentProblem::Config(error) => Some(error),
            DocumentProblem::Guard(error) => Some(error),
            DocumentProblem::Jwks(error) => Some(error),
            DocumentProblem::Key(error) => Some(error),
            _ => None,
        }
    }
}

/// What is wrong with a value of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentProblem {
    /// The algorithm is unknown.
    Algorithm,
    /// The service doesn't provide the API keys of the backend.
    ApiKeysMissing,
    /// The string isn't the path of a claim.
    ClaimPath(ClaimPathError),
    /// The backend or the route is invalid as a whole.
    Config(ConfigError),
    /// The name of the claim is empty.
    EmptyClaim,
    /// The string or the list is empty.
    Empty,
    /// The file can't be read.
    File,
    /// The guard can't be parsed.
    Guard(ParseGuardError),
    /// The header is configured, but tokens are only accepted in the cookie.
    HeaderNotRead,
    /// The issuer isn't the one whose keys are discovered.
    IssuerMismatch,
    /// The URL or issuer is invalid.
    Jwks(JwksConfigError),
    /// The key can't be used.
    Key(KeyError),
    /// The leeway isn't a number of seconds.
    Leeway,
    /// The largest age isn't a positive number of seconds.
    MaxAge,
    /// The method isn't the name of an HTTP method in upper case.
    Method,
    /// The keys of another issuer are combined with other keys.
    MixedKeys,
    /// The route was omitted by the export, but its guard isn't `deny_all`.
    Omitted,
    /// The path doesn't start with a slash.
    Path,
    /// The name or ID occurs twice.
    Repeated,
    /// The service doesn't provide the store of revoked tokens.
    RevocationStoreMissing,
    /// A setting for an unavailable store, without a store.
    StoreErrorWithoutStore,
    /// The service provides API keys for a backend that isn't one for API keys.
    UnexpectedApiKeys,
    /// There is no backend with this ID.
    UnknownBackend,
    /// Tokens of another issuer are accepted for any audience and issuer.
    UnrestrictedIssuer,
    /// The environment variable isn't set, or isn't a string.
    Variable,
    /// The version isn't supported.
    Version,
}

impl fmt::Display for DocumentProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = match self {
            Self::ClaimPath(error) => return error.fmt(f),
            Self::Config(error) => return error.fmt(f),
            Self::Guard(error) => return error.fmt(f),
            Self::Jwks(error) => return error.fmt(f),
            Self::Key(error) => return error.fmt(f),
            Self::Version => {
                return write!(f, "unsupported version; expected {}", Document::VERSION);
            }
            Self::Algorithm => "unknown algorithm; use a name of RFC 7518, such as HS256 or RS256",
            Self::ApiKeysMissing => {
                "the service doesn't provide the API keys of this backend; call with_api_keys"
            }
            Self::Empty => "the value is empty",
            Self::EmptyClaim => "the name of a claim is empty",
            Self::File => "the file can't be read; check that it exists and its permissions",
            Self::HeaderNotRead => {
                "tokens are only accepted in the cookie; remove this setting, or `only` of the cookie"
            }
            Self::IssuerMismatch => {
                "must be the issuer in `discover`, whose keys are used; remove it, or use another backend"
            }
            Self::Leeway => "expected a number of seconds, zero or more",
            Self::MaxAge => "expected a number of seconds, more than zero",
            Self::Method => "expected the name of an HTTP method in upper case, such as GET",
            Self::MixedKeys => {
                "the keys of another issuer can't be combined with other keys; use a backend for each issuer"
            }
            Self::Omitted => {
                "the guard of a route with `omitted` must be deny_all; to allow access, write the guard and remove `omitted`"
            }
            Self::Path => "the path must start with a slash",
            Self::Repeated => "the value occurs twice; remove one, or use different names",
            Self::RevocationStoreMissing => {
                "the service doesn't provide the store in memory; call with_revocation_store"
            }
            Self::StoreErrorWithoutStore => {
                "there is no store of revoked tokens; remove this setting, or set `revocation`"
            }
            Self::UnexpectedApiKeys => {
                "the service provides API keys, but the document has no API key backend with this ID"
            }
            Self::UnknownBackend => "there is no backend with this ID",
            Self::UnrestrictedIssuer => {
                "the keys of another issuer require `issuer` or `audience`, because it may issue tokens for other services"
            }
            Self::Variable => "the environment variable isn't set, or isn't a UTF-8 string",
        };
        f.write_str(message)
    }
}

impl From<ClaimPathError> for DocumentProblem {
    fn from(error: ClaimPathError) -> Self {
        Self::ClaimPath(error)
    }
}

impl From<ConfigError> for DocumentProblem {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<JwksConfigError> for DocumentProblem {
    fn from(error: JwksConfigError) -> Self {
        Self::Jwks(error)
    }
}

impl From<KeyError> for DocumentProblem {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

impl From<ParseGuardError> for DocumentProblem {
    fn from(error: ParseGuardError) -> Self {
        Self::Guard(error)
    }
}
