//! Both encodings, compared with slower implementations.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod base64url;
mod cursor;
mod debug;
mod names;
mod numbers;
mod rfc;
mod texts;
