//! Both encodings beside slower readers of them.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod base64url;
mod cursor;
mod debug;
mod names;
mod numbers;
mod rfc;
mod texts;
