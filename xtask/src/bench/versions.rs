//! The versions of the compared crates.

/// The crates in the Rust benches.
const CRATES: [&str; 13] = [
    "aws-lc-rs",
    "axum",
    "axum-jwt-auth",
    "boltguard",
    "casbin",
    "cedar-policy",
    "jsonwebtoken",
    "jwt",
    "jwt-authorizer",
    "jwt-compact",
    "jwt-simple",
    "p521",
    "ring",
];

/// The versions of [`CRATES`] in a `Cargo.lock`, whose tables have their name and their version on a line each.
pub(super) fn read(lock: &str) -> Vec<(String, String)> {
    let value = |line: &str, name: &str| {
        let quoted = line.strip_prefix(name)?.strip_prefix(" = \"")?;
        Some(quoted.strip_suffix('"')?.to_owned())
    };
    let mut versions = Vec::new();
    let mut lines = lock.lines();
    while let Some(line) = lines.next() {
        let named = value(line, "name").filter(|name| CRATES.contains(&name.as_str()));
        if let Some(name) = named
            && let Some(version) = lines.next().and_then(|line| value(line, "version"))
        {
            versions.push((name, version));
        }
    }
    versions
}

/// The names and versions on one line.
pub(super) fn text(versions: &[(String, String)]) -> String {
    let texts = versions
        .iter()
        .map(|(name, version)| format!("{name} {version}"));
    texts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_crates_are_read() {
        let versions = read(include_str!("../../../Cargo.lock"));
        let mut names: Vec<String> = versions.into_iter().map(|(name, _)| name).collect();
        // Two libraries depend on earlier versions of axum and jsonwebtoken.
        names.dedup();
        assert_eq!(names, CRATES);
    }
}
