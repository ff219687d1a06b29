//! Builds the wheel of `bindings/python` through maturin.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use super::Venv;
use crate::process;
use crate::workspace::Workspace;

/// Builds a release wheel for the environment's Python, and returns its path.
pub(crate) fn build(workspace: &Workspace, venv: &Venv) -> Result<PathBuf> {
    refuse_stale_modules(&workspace.binding().join("python/boltguard"))?;
    let wheels = workspace.target("wheels");
    empty(&wheels)?;
    let mut maturin = venv.module("maturin");
    maturin.args([
        "build",
        "--release",
        "--compatibility",
        "off",
        "--manifest-path",
    ]);
    maturin
        .arg(workspace.binding().join("Cargo.toml"))
        .arg("--out")
        .arg(&wheels);
    maturin.arg("--interpreter").arg(venv.python_path());
    // Maturin and cargo build pyo3 differently. In one directory, each would rebuild it after the other.
    process::run(maturin.arg("--target-dir").arg(workspace.target("maturin")))?;
    only_wheel(&wheels)
}

/// A compiled module in the source tree would be packaged, and would shadow the new one.
fn refuse_stale_modules(package: &Path) -> Result<()> {
    let mut files = fs::read_dir(package)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    match files.find(|path| {
        path.extension()
            .is_some_and(|ending| ending == "so" || ending == "pyd")
    }) {
        None => Ok(()),
        Some(stale) => bail!(
            "{} would shadow the new module; delete it (`maturin develop` leaves such files behind)",
            stale.display()
        ),
    }
}

fn empty(directory: &Path) -> Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory).context(format!("remove {}", directory.display()))?;
    }
    Ok(())
}

fn only_wheel(directory: &Path) -> Result<PathBuf> {
    let files = fs::read_dir(directory).context(format!("read {}", directory.display()))?;
    let mut wheels = files
        .flatten()
        .map(|file| file.path())
        .filter(|path| path.extension() == Some(OsStr::new("whl")));
    wheels
        .next()
        .ok_or_else(|| anyhow!("maturin left no wheel in {}", directory.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_module_in_the_source_tree_is_refused() {
        let package =
            std::env::temp_dir().join(format!("boltguard-stale-module-{}", std::process::id()));
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("_rust.pyi"), "").unwrap();
        let before = refuse_stale_modules(&package);
        fs::write(package.join("_rust.cpython-311-x86_64-linux-gnu.so"), "").unwrap();
        let after = refuse_stale_modules(&package);
        fs::remove_dir_all(&package).unwrap();
        assert!(before.is_ok());
        assert!(after.is_err_and(|failure| failure.to_string().contains("_rust.cpython-311")));
    }
}
