//! Which crate may depend on which: only on those of a lower row.

use super::Finding;
use crate::workspace::{Dependency, Member};

/// The published crates, from the lowest row up. Crates of one row don't depend on each other.
const ROWS: [&[&str]; 7] = [
    &["boltguard-encoding", "boltguard-types"],
    &["boltguard-grants", "boltguard-keys", "boltguard-revocation"],
    &[
        "boltguard-apikey",
        "boltguard-guard",
        "boltguard-jwks",
        "boltguard-jws",
    ],
    &["boltguard-jwt", "boltguard-mint", "boltguard-session"],
    &["boltguard"],
    &["boltguard-actix", "boltguard-python", "boltguard-tower"],
    &["boltguard-axum"],
];

/// Crates outside the rows. They may depend on any crate, and only tests may depend on them.
const TOOLS: [&str; 4] = [
    "boltguard-bench",
    "boltguard-fleet",
    "boltguard-testing",
    "xtask",
];

/// Dependencies that only these crates may have, even for tests.
const RESERVED: [(&str, &[&str]); 8] = [
    ("aws-lc-rs", &["boltguard-keys"]),
    ("k256", &["boltguard-keys"]),
    ("p256", &["boltguard-keys"]),
    ("p384", &["boltguard-keys"]),
    ("ring", &["boltguard-keys", "boltguard-bench"]),
    ("p521", &["boltguard-keys", "boltguard-bench"]),
    ("pyo3", &["boltguard-python"]),
    (
        "http",
        &[
            "boltguard",
            "boltguard-axum",
            "boltguard-bench",
            "boltguard-python",
            "boltguard-tower",
        ],
    ),
];

/// Checks every dependency of every member of the workspace.
pub(super) fn check(members: &[Member]) -> Vec<Finding> {
    members
        .iter()
        .flat_map(|member| check_member(member, members))
        .collect()
}

fn check_member(member: &Member, members: &[Member]) -> Vec<Finding> {
    let place = member.manifest.display().to_string();
    if row_of(&member.name).is_none() && !is_tool(&member.name) {
        let what = format!(
            "{} has no row; give it one in xtask/src/tidy/layers.rs",
            member.name
        );
        return vec![Finding::new(place, what)];
    }
    let complaint = |dependency| complaint(member, dependency, members);
    member
        .dependencies
        .iter()
        .filter_map(complaint)
        .map(|what| Finding::new(&place, what))
        .collect()
}

fn complaint(member: &Member, dependency: &Dependency, members: &[Member]) -> Option<String> {
    let (from, to) = (&member.name, &dependency.name);
    if RESERVED
        .iter()
        .any(|(name, allowed)| name == to && !allowed.contains(&from.as_str()))
    {
        return Some(format!("{from} names {to}, which is not for it"));
    }
    let is_ours = members.iter().any(|member| member.name == *to);
    // Tests may use crates of higher rows, because cargo builds them after everything else.
    if !is_ours || dependency.is_dev() || is_tool(from) {
        return None;
    }
    match (row_of(from), row_of(to)) {
        (Some(above), Some(below)) if below < above => None,
        (Some(own), Some(other)) => Some(format!(
            "{from} (row {own}) depends on {to} (row {other}); only lower rows are allowed"
        )),
        _ => Some(format!(
            "{from} depends on {to}, which is for tests and tools"
        )),
    }
}

fn row_of(name: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&name))
}

fn is_tool(name: &str) -> bool {
    TOOLS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The complaints about a workspace of four crates, the last of which has these dependencies.
    fn complaints(name: &str, dependencies: &str) -> Vec<String> {
        let package = |name: &str, dependencies: &str| {
            format!(
                r#"{{"name": "{name}", "manifest_path": "/m/{name}/Cargo.toml", "features": {{}}, "dependencies": [{dependencies}]}}"#
            )
        };
        let packages = [
            package("boltguard-jwt", ""),
            package("boltguard-types", ""),
            package("boltguard-testing", ""),
        ];
        let text = format!(
            r#"{{"packages": [{}, {}]}}"#,
            packages.join(","),
            package(name, dependencies)
        );
        let members = Member::read_all(&text).unwrap();
        check(&members)
            .into_iter()
            .map(|finding| finding.what)
            .collect()
    }

    fn on(name: &str, kind: &str) -> String {
        format!(r#"{{"name": "{name}", "kind": {kind}, "optional": false}}"#)
    }

    #[test]
    fn a_crate_may_depend_on_a_lower_row() {
        let none: [&str; 0] = [];
        assert_eq!(
            complaints("boltguard-jws", &on("boltguard-types", "null")),
            none
        );
        assert_eq!(
            complaints(
                "boltguard",
                &[on("boltguard-jwt", "null"), on("serde", "null")].join(",")
            ),
            none
        );
    }

    fn not_lower(from: &str, to: &str) -> String {
        let row = |name| row_of(name).unwrap();
        format!(
            "{from} (row {}) depends on {to} (row {}); only lower rows are allowed",
            row(from),
            row(to)
        )
    }

    #[test]
    fn a_crate_that_reaches_upward_is_caught() {
        for kind in ["null", r#""build""#] {
            let found = complaints("boltguard-guard", &on("boltguard-jwt", kind));
            assert_eq!(found, [not_lower("boltguard-guard", "boltguard-jwt")]);
        }
    }

    #[test]
    fn a_crate_that_reaches_sideways_is_caught() {
        let found = complaints("boltguard-mint", &on("boltguard-jwt", "null"));
        assert_eq!(found, [not_lower("boltguard-mint", "boltguard-jwt")]);
    }

    #[test]
    fn ring_outside_the_keys_is_caught_even_in_tests() {
        for kind in ["null", r#""dev""#, r#""build""#] {
            assert_eq!(
                complaints("boltguard-jws", &on("ring", kind)),
                ["boltguard-jws names ring, which is not for it"]
            );
            assert_eq!(
                complaints("boltguard", &on("p521", kind)),
                ["boltguard names p521, which is not for it"]
            );
            assert!(
                complaints(
                    "boltguard-keys",
                    &[on("ring", kind), on("p521", kind)].join(",")
                )
                .is_empty()
            );
        }
    }

    #[test]
    fn what_is_for_tests_stays_in_tests() {
        assert!(complaints("boltguard-jws", &on("boltguard-testing", r#""dev""#)).is_empty());
        let found = complaints("boltguard-jws", &on("boltguard-testing", "null"));
        assert_eq!(
            found,
            ["boltguard-jws depends on boltguard-testing, which is for tests and tools"]
        );
    }

    #[test]
    fn a_crate_without_a_row_is_caught() {
        let found = complaints("boltguard-oidc", "");
        assert_eq!(
            found,
            ["boltguard-oidc has no row; give it one in xtask/src/tidy/layers.rs"]
        );
    }
}
