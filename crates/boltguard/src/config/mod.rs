//! Configuration from a file: backends, guards and routes, in JSON or any other format of serde.
//!
//! A [`Document`] is a policy that several services share, such as a Django site and a service in Rust. A
//! [`PolicyBuilder`] reads the keys that it refers to, and creates a [`Gate`](crate::Gate) for each route.
//!
//! ```
//! use boltguard::config::{Document, KeyReader, PolicyBuilder};
//! use boltguard::types::NumericDate;
//! use boltguard::{Outcome, Step};
//!
//! let document: Document = serde_json::from_str(r#"{
//!     "version": 1,
//!     "backends": {
//!         "jwt": {
//!             "type": "jwt",
//!             "keys": [{"env": "JWT_KEY"}],
//!             "algorithms": ["HS256"],
//!             "audience": ["shop"]
//!         }
//!     },
//!     "routes": [
//!         {
//!             "name": "add-post",
//!             "methods": ["POST"],
//!             "path": "/posts/",
//!             "backends": ["jwt"],
//!             "guard": "perm(\"blog.add\") | staff"
//!         }
//!     ]
//! }"#)?;
//!
//! // In a service: `PolicyBuilder::new(&document).build()`, which reads the environment of the process.
//! struct Fixed;
//! impl KeyReader for Fixed {
//!     fn variable(&self, _name: &str) -> Option<Vec<u8>> {
//!         Some(b"a secret that is thirty-two bytes".to_vec())
//!     }
//! }
//! let policy = PolicyBuilder::new(&document).with_reader(Fixed).build()?;
//!
//! let gate = policy.gate("add-post").ok_or("the route exists")?;
//! let Step::Done(Outcome::Refused(refusal)) = gate.evaluate(&[], NumericDate::from_secs(0)) else {
//!     panic!("the request has no token")
//! };
//! assert_eq!(refusal.status(), 401);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A document never contains a key, only a [`KeyReference`]. Unknown members, duplicates and invalid values are errors,
//! whose messages begin with the place, such as `routes[3].guard`, and never contain the value of a key.

mod backend;
mod build_backend;
mod builder;
mod document;
mod error;
mod key_reader;
mod key_reference;
mod places;

pub use backend::{
    ApiKeySettings, BackendSettings, CookieSettings, JwtSettings, RevocationSetting, SettingValue,
    StoreErrorSetting,
};
pub use builder::{Policy, PolicyBuilder, PolicyRoute};
pub use document::{Document, RouteSettings};
pub use error::{DocumentError, DocumentProblem};
pub use key_reader::{KeyReader, ProcessEnvironment};
pub use key_reference::KeyReference;
