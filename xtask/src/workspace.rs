//! The paths of the checkout and its build directory, and the crates in it.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use anyhow::{Context, Result, anyhow};

use crate::process;

/// The checkout that the command runs in.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// The checkout that this command was built from.
    pub(crate) fn find() -> Result<Self> {
        let here =
            env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&here)
            .parent()
            .ok_or_else(|| anyhow!("xtask/ has no parent directory"))?
            .to_owned();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(chosen) => env::current_dir()
                .context("find the current directory")?
                .join(chosen),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A path in the directory of everything that is built or installed.
    pub(crate) fn target(&self, relative: &str) -> PathBuf {
        self.target.join(relative)
    }

    /// A directory below `target/`, created if it doesn't exist.
    pub(crate) fn scratch(&self, relative: &str) -> Result<PathBuf> {
        let path = self.target(relative);
        fs::create_dir_all(&path).context(format!("create {}", path.display()))?;
        Ok(path)
    }

    /// The Python package's own directory.
    pub(crate) fn binding(&self) -> PathBuf {
        self.path("bindings/python")
    }

    /// A pinned list of Python packages.
    pub(crate) fn requirements(&self, name: &str) -> PathBuf {
        self.binding()
            .join("requirements")
            .join(name)
            .with_extension("txt")
    }

    /// The acceptance checks beside the checkout, if there are any.
    pub(crate) fn acceptance(&self) -> Option<PathBuf> {
        self.root
            .parent()
            .map(|above| above.join("shared/acceptance"))
            .filter(|path| path.is_dir())
    }

    /// Cargo at the root of the workspace, with the words of a command line as arguments.
    pub(crate) fn cargo(&self, line: &str) -> Command {
        let mut command = process::command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(line.split(' ')).current_dir(&self.root);
        command
    }

    /// The members of the workspace, as `cargo metadata` describes them.
    pub(crate) fn members(&self) -> Result<Vec<Member>> {
        let mut cargo = self.cargo("metadata --format-version 1 --no-deps");
        let text = process::capture(&mut cargo)?;
        Member::read_all(&text).context("read what `cargo metadata` printed")
    }
}

/// One crate of the workspace.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) name: String,
    #[serde(rename = "manifest_path")]
    pub(crate) manifest: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    features: BTreeMap<String, Vec<String>>,
}

/// A dependency in a manifest.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Dependency {
    /// The name of the crate, even if the manifest renames it.
    pub(crate) name: String,
    kind: Option<String>,
}

impl Member {
    /// Reads the members from the output of `cargo metadata --no-deps`.
    pub(crate) fn read_all(metadata: &str) -> serde_json::Result<Vec<Self>> {
        #[derive(Deserialize)]
        struct Metadata {
            packages: Vec<Member>,
        }
        serde_json::from_str::<Metadata>(metadata).map(|metadata| metadata.packages)
    }

    /// No feature, each of its features alone, and all of them, without `default`. More sets would take minutes.
    pub(crate) fn feature_sets(&self) -> Vec<Vec<&str>> {
        let names = self.features.keys().map(String::as_str);
        let names: Vec<&str> = names.filter(|name| *name != "default").collect();
        let mut sets = vec![Vec::new()];
        sets.extend(names.iter().map(|name| vec![*name]));
        sets.extend((names.len() > 1).then_some(names));
        sets
    }

    /// Its features except `default`, in the form that `--features` accepts for the whole workspace.
    pub(crate) fn optional_features(&self) -> impl Iterator<Item = String> {
        let names = self.features.keys().filter(|name| *name != "default");
        names.map(|name| format!("{}/{name}", self.name))
    }

    /// Whether `cargo test` runs its tests. Pytest tests the binding, and the benchmarks have no tests.
    pub(crate) fn is_tested_by_cargo(&self, workspace: &Workspace) -> bool {
        !self.manifest.starts_with(workspace.path("bindings"))
            && self.manifest != workspace.path("benches/Cargo.toml")
    }
}

impl Dependency {
    /// Whether only tests, examples and benches use it.
    pub(crate) fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feature_sets_are_none_each_alone_and_all() {
        let text = r#"{"packages": [{"name": "a", "manifest_path": "/a/Cargo.toml", "dependencies": [],
            "features": {"default": [], "a": [], "b": [], "c": []}}]}"#;
        let members = Member::read_all(text).unwrap();
        let sets = members[0]
            .feature_sets()
            .into_iter()
            .map(|set| set.concat());
        let expected = ["", "a", "b", "c", "abc"];
        assert_eq!(sets.collect::<Vec<_>>(), expected);
    }
}
