//! A virtual environment with the package installed in it.

pub(crate) use interpreter::Interpreter;
pub(crate) use venv::Venv;

mod interpreter;
mod venv;
mod wheel;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

/// Creates or updates the main environment, with a new wheel and the packages of these lists.
pub(crate) fn environment(workspace: &Workspace, lists: &[&str]) -> Result<Venv> {
    let (venv, _wheel) = environment_and_wheel(workspace, lists)?;
    Ok(venv)
}

/// Like [`environment`]; also returns the path of the wheel.
pub(crate) fn environment_and_wheel(
    workspace: &Workspace,
    lists: &[&str],
) -> Result<(Venv, PathBuf)> {
    process::heading("virtual environment");
    let venv = Venv::open(&workspace.target("venv"), &Interpreter::find()?)?;
    venv.install(&workspace.requirements("build"))?;
    install_lists(workspace, &venv, lists)?;
    process::heading("wheel of bindings/python, release build");
    let wheel = wheel::build(workspace, &venv)?;
    venv.install_wheel(&wheel)?;
    Ok((venv, wheel))
}

/// An environment for another Python, with a wheel that is already built.
pub(crate) fn environment_of(
    workspace: &Workspace,
    python: &Interpreter,
    wheel: &Path,
    lists: &[&str],
) -> Result<Venv> {
    let venv = Venv::open(
        &workspace.target(&format!("venv-{}", python.version())),
        python,
    )?;
    install_lists(workspace, &venv, lists)?;
    venv.install_wheel(wheel)?;
    Ok(venv)
}

/// A separate environment for the benches, so that the package can't depend on what the peers install.
pub(crate) fn bench_environment(workspace: &Workspace) -> Result<Venv> {
    let (_main, wheel) = environment_and_wheel(workspace, &[])?;
    process::heading("virtual environment of the benches");
    let venv = Venv::open(&workspace.target("venv-bench"), &Interpreter::find()?)?;
    install_lists(workspace, &venv, &["bench"])?;
    venv.install_wheel(&wheel)?;
    Ok(venv)
}

fn install_lists(workspace: &Workspace, venv: &Venv, lists: &[&str]) -> Result<()> {
    lists
        .iter()
        .try_for_each(|name| venv.install(&workspace.requirements(name)))
}
