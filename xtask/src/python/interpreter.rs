//! The installed Python interpreters.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use crate::process;

/// The minor versions of Python 3 that the package supports.
const SUPPORTED: std::ops::RangeInclusive<u32> = 10..=14;

/// A CPython that the package supports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interpreter {
    path: PathBuf,
    minor: u32,
    /// Whether it has no global lock, and so can't use wheels of the stable ABI.
    free_threaded: bool,
}

impl Interpreter {
    /// The Python to use: `BOLTGUARD_PYTHON` if it is set, otherwise `python3`, otherwise the newest.
    pub(crate) fn find() -> Result<Self> {
        if let Some(chosen) = env::var_os("BOLTGUARD_PYTHON") {
            return Self::probe(Path::new(&chosen)).ok_or_else(|| {
                anyhow!(
                    "BOLTGUARD_PYTHON is {}, which isn't a CPython 3.10 or newer",
                    chosen.display()
                )
            });
        }
        let names = ["python3".to_owned(), "python".to_owned()]
            .into_iter()
            .chain(numbered_names());
        let on_path = names.filter_map(|name| process::on_path(&name));
        on_path
            .chain(managed())
            .find_map(|path| Self::probe(&path))
            .ok_or_else(|| {
                anyhow!(
                    "no CPython 3.10 or newer found on the PATH; install one, or set BOLTGUARD_PYTHON to its path"
                )
            })
    }

    /// The oldest and the newest of the other installed versions; either may be missing.
    pub(crate) fn others(&self) -> Vec<Self> {
        let paths = numbered_names()
            .filter_map(|name| process::on_path(&name))
            .chain(managed());
        let mut found = BTreeMap::new();
        for other in paths.filter_map(|path| Self::probe(&path)) {
            if other.minor != self.minor && !other.free_threaded {
                found.entry(other.minor).or_insert(other);
            }
        }
        let mut found: Vec<Self> = found.into_values().collect();
        let newest = found.pop();
        found.truncate(1);
        found.into_iter().chain(newest).collect()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The version in the form `3.11`.
    pub(crate) fn version(&self) -> String {
        format!("3.{}", self.minor)
    }

    /// Runs the program to find out, because version managers put programs on the PATH that only print what to
    /// install.
    pub(crate) fn probe(path: &Path) -> Option<Self> {
        let mut python = super::venv::bare(path);
        let output = python
            .args(["-c", QUESTION])
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        Self::read(&String::from_utf8_lossy(&output.stdout))
            .filter(|python| SUPPORTED.contains(&python.minor))
    }

    fn read(output: &str) -> Option<Self> {
        let mut words = output.trim().splitn(5, ' ');
        if (words.next()?, words.next()?) != ("cpython", "3") {
            return None;
        }
        let (minor, free_threaded) = (words.next()?.parse().ok()?, words.next()? == "1");
        Some(Self {
            minor,
            free_threaded,
            path: words.next()?.into(),
        })
    }
}

const QUESTION: &str = "import sys, sysconfig; \
    print(sys.implementation.name, *sys.version_info[:2], sysconfig.get_config_var('Py_GIL_DISABLED') or 0, sys.executable)";

fn numbered_names() -> impl Iterator<Item = String> {
    SUPPORTED.rev().map(|minor| format!("python3.{minor}"))
}

/// The interpreters installed by pyenv and uv, newest first.
fn managed() -> Vec<PathBuf> {
    let home = env::home_dir().unwrap_or_default();
    let pyenv = env::var_os("PYENV_ROOT").map_or_else(|| home.join(".pyenv"), PathBuf::from);
    let stores = [pyenv.join("versions"), home.join(".local/share/uv/python")];
    let mut found: Vec<PathBuf> = stores
        .iter()
        .flat_map(fs::read_dir)
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin/python3"))
        .collect();
    found.sort_by_key(|path| std::cmp::Reverse(numbers(path)));
    found
}

/// The numbers in a path, so that 3.9 sorts before 3.10.
fn numbers(path: &Path) -> Vec<u32> {
    path.to_string_lossy()
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_blanks_is_read_whole() {
        let python = Interpreter::read("cpython 3 12 0 /opt/my python/bin/python3\n").unwrap();
        assert_eq!(
            python,
            Interpreter {
                path: "/opt/my python/bin/python3".into(),
                minor: 12,
                free_threaded: false
            }
        );
        assert!(
            Interpreter::read("cpython 3 13 1 /opt/python3.13t")
                .unwrap()
                .free_threaded
        );
    }

    #[test]
    fn programs_that_are_not_cpython_3_are_skipped() {
        for output in [
            "",
            "pypy 3 11 0 /opt/pypy",
            "cpython 2 7 0 /usr/bin/python",
            "Python was not found",
        ] {
            assert_eq!(Interpreter::read(output), None, "{output}");
        }
    }

    #[test]
    fn versions_sort_as_numbers() {
        assert!(numbers(Path::new("v/3.9.18/bin")) < numbers(Path::new("v/3.10.1/bin")));
    }
}
