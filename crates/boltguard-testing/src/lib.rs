//! Well-known keys and forged tokens. For tests only: the private keys are public.
//!
//! [`keys`] contains two keys of each type. [`forge`] assembles tokens from any header, payload and signature. It
//! doesn't share code with the crates under test, except for the signature primitive. [`conformance`] contains tokens
//! with the results that the RFCs require. [`service`] checks the example services of the integrations over HTTP.
//! [`observe`] collects log messages and metrics.
//!
//! ```
//! use boltguard_keys::Algorithm;
//! use boltguard_testing::{forge, keys};
//!
//! let key = keys::signing_key(Algorithm::Es256);
//! let genuine = forge::signed(r#"{"alg":"ES256"}"#, r#"{"sub":"42"}"#, &key);
//! let stripped = forge::token(r#"{"alg":"none"}"#, r#"{"sub":"42"}"#, b"");
//! assert_eq!(genuine.split('.').nth(1), stripped.split('.').nth(1));
//! ```

pub mod conformance;
pub mod forge;
pub mod http;
pub mod keys;
pub mod observe;
pub mod service;

/// Tests of the examples in the documentation.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../README.md")]
    struct Readme;

    #[doc = include_str!("../../../docs/tokens-and-keys.md")]
    struct TokensAndKeys;

    #[doc = include_str!("../../../docs/rust-services.md")]
    struct RustServices;
}
