//! Strict parsers for the encodings of tokens, JSON in a single pass and base64url, and the matching writers.
//!
//! Both parsers reject ambiguous input that lenient parsers accept. If two parsers interpret the same token
//! differently, an attacker can use the difference to bypass checks. See [`json::Reader`] and [`base64url`].
//!
//! ```
//! use boltguard_encoding::{base64url, json};
//!
//! let payload = base64url::decode("eyJzdWIiOiI0MiJ9")?;
//! let mut subject = None;
//! let mut reader = json::Reader::new(std::str::from_utf8(&payload)?);
//! reader.object(|reader, name| {
//!     if name == "sub" {
//!         subject = Some(reader.string()?.to_text().into_owned());
//!     } else {
//!         reader.read_raw()?;
//!     }
//!     Ok::<_, json::JsonError>(())
//! })?;
//! reader.finish()?;
//! assert_eq!(subject.as_deref(), Some("42"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)]

pub mod base64url;
pub mod json;
