//! Every target that needs no other implementation.

mod admit;
mod api_key;
mod authorization;
mod base64url;
mod claims;
mod compact;
mod der;
mod guard_text;
mod header;
mod json;
mod jwk;
mod jwks;
mod jwks_answer;
mod mint;
mod oracle;
mod pem;
mod service;

/// A target: a function of bytes that panics where a promise is broken.
pub type Target = fn(&[u8]);

/// The targets by the names of their directories.
pub const ALL: &[(&str, Target)] = &[
    ("admit", admit::run),
    ("api_key", api_key::run),
    ("authorization", authorization::run),
    ("base64url", base64url::run),
    ("claims", claims::run),
    ("compact", compact::run),
    ("der", der::run),
    ("guard_text", guard_text::run),
    ("header", header::run),
    ("json", json::run),
    ("jwk", jwk::run),
    ("jwks", jwks::run),
    ("jwks_answer", jwks_answer::run),
    ("mint", mint::run),
    ("pem", pem::run),
];

/// Runs the target of this name.
///
/// # Panics
///
/// If there is none, and where the target finds a promise broken.
pub fn run(name: &str, data: &[u8]) {
    let found = ALL.iter().find(|(known, _)| *known == name);
    let (_, target) = found.expect("a target of this name");
    target(data);
}
