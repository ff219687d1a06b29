//! The targets that do not depend on another implementation.

mod admit;
mod api_key;
mod authorization;
mod base64url;
mod claims;
mod compact;
mod cookie;
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
mod policy;
mod refresh_token;
mod revocation_row;
mod service;

/// A target: a function of bytes that panics if an invariant is violated.
pub type Target = fn(&[u8]);

/// All targets with their names, which are also the names of the directories with inputs.
pub const ALL: &[(&str, Target)] = &[
    ("admit", admit::run),
    ("api_key", api_key::run),
    ("authorization", authorization::run),
    ("base64url", base64url::run),
    ("claims", claims::run),
    ("compact", compact::run),
    ("cookie", cookie::run),
    ("der", der::run),
    ("guard_text", guard_text::run),
    ("header", header::run),
    ("json", json::run),
    ("jwk", jwk::run),
    ("jwks", jwks::run),
    ("jwks_answer", jwks_answer::run),
    ("mint", mint::run),
    ("pem", pem::run),
    ("policy", policy::run),
    ("refresh_token", refresh_token::run),
    ("revocation_row", revocation_row::run),
];

/// Runs the target with this name.
///
/// # Panics
///
/// If the target is unknown, or if an invariant is violated.
pub fn run(name: &str, data: &[u8]) {
    let found = ALL.iter().find(|(other, _)| *other == name);
    let (_, target) = found.expect("the target exists");
    target(data);
}
