//! The source files.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// A source file of the project.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// Relative to the root of the workspace, with `/` on every system.
    pub(super) path: String,
    pub(super) text: String,
}

const PLACES: [&str; 14] = [
    ".cargo",
    ".ci",
    "Cargo.toml",
    "clippy.toml",
    "README.md",
    "benches",
    "bindings",
    "crates",
    "deny.toml",
    "docs",
    "fuzz",
    "xtask",
    "SECURITY.md",
    "CONTRIBUTING.md",
];

const ENDINGS: [&str; 10] = [
    "css", "html", "js", "md", "py", "pyi", "rs", "run", "sh", "toml",
];

/// Directories of generated files and test data.
const SKIPPED: [&str; 6] = [
    "__pycache__",
    "artifacts",
    "crashes",
    "seeds",
    "target",
    "vectors",
];

impl Source {
    pub(super) fn read_all(workspace: &Workspace) -> Result<Vec<Self>> {
        let mut sources = Vec::new();
        for place in PLACES
            .iter()
            .map(|place| workspace.path(place))
            .filter(|place| place.exists())
        {
            collect(workspace.root(), &place, &mut sources)?;
        }
        sources.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(sources)
    }

    /// The extension of the file, or the whole name if it has none.
    pub(super) fn ending(&self) -> &str {
        self.path.rsplit(['.', '/']).next().unwrap_or_default()
    }

    /// Whether the file is at or below a place.
    pub(super) fn is_in(&self, place: &str) -> bool {
        self.path
            .strip_prefix(place)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether it is a test, an example, or support code for tests.
    pub(super) fn is_test(&self) -> bool {
        let places = ["/benches/", "/examples/", "/tests/"];
        places.iter().any(|place| self.path.contains(place))
            || self.is_in("crates/boltguard-testing")
    }

    /// The lines with their numbers.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .zip(1..)
            .map(|(line, number)| (number, line))
    }
}

fn collect(root: &Path, path: &Path, sources: &mut Vec<Source>) -> Result<()> {
    if path.is_dir() {
        let entries = fs::read_dir(path).context(format!("read {}", path.display()))?;
        for entry in entries
            .flatten()
            .filter(|entry| !is_skipped(&entry.file_name().to_string_lossy()))
        {
            collect(root, &entry.path(), sources)?;
        }
        return Ok(());
    }
    let relative = path
        .strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/");
    let source = Source {
        path: relative,
        text: String::new(),
    };
    if ENDINGS.contains(&source.ending()) {
        let text = fs::read_to_string(path).context(format!("read {}", path.display()))?;
        sources.push(Source { text, ..source });
    }
    Ok(())
}

fn is_skipped(name: &str) -> bool {
    SKIPPED.contains(&name) || name.starts_with('.')
}
