//! The libraries.

// Its macro is used by the modules below.
#[macro_use]
mod settings;

mod axum_jwt_auth;
mod jsonwebtoken;
mod jwt_authorizer;

use std::future::Future;

use boltguard_testing::conformance::Row;
use serde_json::Value;

use crate::clock::Clock;

/// A library, and how it verifies the token of a row.
pub(crate) struct Library {
    pub(crate) name: &'static str,
    /// Verifies the token at the time of the row, and returns its claims if it is accepted.
    pub(crate) verify: fn(&Row, Clock) -> Option<Value>,
    /// Returns whether the library doesn't have an algorithm or a setting of the row.
    pub(crate) lacks: fn(&Row) -> bool,
}

pub(crate) const OWN: Library = Library {
    name: "Boltguard",
    verify: |row, _| row.admit(),
    lacks: |_| false,
};

pub(crate) fn all() -> [Library; 4] {
    [
        OWN,
        jsonwebtoken::library(),
        axum_jwt_auth::LIBRARY,
        jwt_authorizer::LIBRARY,
    ]
}

/// Returns the allowed algorithms by type of key, because a list for keys of several types is an error in these
/// libraries.
fn families(row: &Row) -> Vec<Vec<&str>> {
    let family = |name: &str| match name.get(..2) {
        Some("PS") => "RS".to_owned(),
        start => start.unwrap_or_default().to_owned(),
    };
    let mut families: Vec<Vec<&str>> = Vec::new();
    for name in &row.algorithms {
        match families
            .iter_mut()
            .find(|names| family(names[0]) == family(name))
        {
            Some(names) => names.push(name),
            None => families.push(vec![name]),
        }
    }
    families
}

/// Runs a future that doesn't use the network.
fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime is available").block_on(future)
}
