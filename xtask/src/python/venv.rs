//! A virtual environment. Nothing is installed outside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Error, Result, anyhow};

use super::Interpreter;
use crate::process;

/// A virtual environment that has a working pip.
#[derive(Clone, Debug)]
pub(crate) struct Venv {
    directory: PathBuf,
}

impl Venv {
    /// Opens the environment in `directory`, and recreates it if it doesn't fit.
    pub(crate) fn open(directory: &Path, python: &Interpreter) -> Result<Self> {
        let venv = Self {
            directory: directory.to_owned(),
        };
        if venv.fits(python) {
            return Ok(venv);
        }
        println!(
            "making {} with Python {} ({})",
            directory.display(),
            python.version(),
            python.path().display()
        );
        for make in WAYS {
            venv.remove()?;
            if make(python, directory) && venv.fits(python) {
                return Ok(venv);
            }
        }
        venv.remove()?;
        Err(no_venv(python))
    }

    /// Runs a module of the environment as a program.
    pub(crate) fn module(&self, name: &str) -> Command {
        let mut command = self.python();
        command.args(["-m", name]);
        command
    }

    /// The environment's Python, which ignores an active environment.
    pub(crate) fn python(&self) -> Command {
        let mut command = bare(&self.python_path());
        command
            .env("VIRTUAL_ENV", &self.directory)
            .env("PYTHONUNBUFFERED", "1");
        if let Some(path) = self.path_variable() {
            command.env("PATH", path);
        }
        command
    }

    pub(crate) fn python_path(&self) -> PathBuf {
        self.programs().join(if cfg!(windows) {
            "python.exe"
        } else {
            "python"
        })
    }

    /// Installs a pinned list, unless the same list is already installed.
    pub(crate) fn install(&self, requirements: &Path) -> Result<()> {
        let wanted = read_list(requirements)?;
        let stamp = self
            .directory
            .join("installed")
            .join(requirements.file_name().unwrap_or_default());
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        let failed = "pip failed, see above; without a network, it needs an index or wheels that it can reach";
        process::run(self.pip().arg("-r").arg(requirements)).context(failed)?;
        fs::create_dir_all(self.directory.join("installed"))
            .context("remember what is installed")?;
        fs::write(&stamp, wanted).context("remember what is installed")
    }

    /// Installs a wheel of this package, replacing the installed one.
    pub(crate) fn install_wheel(&self, wheel: &Path) -> Result<()> {
        process::run(
            self.pip()
                .args(["--force-reinstall", "--no-deps"])
                .arg(wheel),
        )
    }

    fn pip(&self) -> Command {
        let mut pip = self.module("pip");
        pip.args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
        ]);
        // Settings of the user that would install packages elsewhere.
        pip.env("PIP_USER", "0")
            .env_remove("PIP_TARGET")
            .env_remove("PIP_PREFIX");
        pip
    }

    /// Checks pip as well, because a failed attempt leaves an incomplete environment behind.
    fn fits(&self, python: &Interpreter) -> bool {
        let same = Interpreter::probe(&self.python_path())
            .is_some_and(|own| own.version() == python.version());
        same && process::succeeds(self.module("pip").arg("--version"))
    }

    fn remove(&self) -> Result<()> {
        if self.directory.exists() {
            fs::remove_dir_all(&self.directory)
                .context(format!("remove {}", self.directory.display()))?;
        }
        Ok(())
    }

    fn programs(&self) -> PathBuf {
        self.directory
            .join(if cfg!(windows) { "Scripts" } else { "bin" })
    }

    fn path_variable(&self) -> Option<std::ffi::OsString> {
        let old = std::env::var_os("PATH").unwrap_or_default();
        std::env::join_paths(std::iter::once(self.programs()).chain(std::env::split_paths(&old)))
            .ok()
    }
}

/// A Python that ignores other environments and modules from elsewhere.
pub(crate) fn bare(python: &Path) -> Command {
    let mut command = process::command(python);
    for name in [
        "CONDA_PREFIX",
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "VIRTUAL_ENV",
        "__PYVENV_LAUNCHER__",
    ] {
        command.env_remove(name);
    }
    command
}

type Way = fn(&Interpreter, &Path) -> bool;

/// The ways to create an environment with pip, in order of preference.
const WAYS: [Way; 4] = [
    // Fails on Debian without python3-venv, where `ensurepip` is missing.
    |python, directory| process::succeeds(bare(python.path()).args(["-m", "venv"]).arg(directory)),
    // The system's pip installs a pip into the environment, which PEP 668 allows.
    |python, directory| {
        process::succeeds(
            bare(python.path())
                .args(["-m", "venv", "--without-pip"])
                .arg(directory),
        ) && process::succeeds(
            bare(python.path())
                .args(["-m", "pip", "--python"])
                .arg(directory)
                .args(["install", "pip"]),
        )
    },
    |python, directory| {
        process::succeeds(
            bare(python.path())
                .args(["-m", "virtualenv"])
                .arg(directory),
        )
    },
    |python, directory| {
        let mut uv = process::command("uv");
        process::succeeds(
            uv.args(["venv", "--seed", "--python"])
                .arg(python.path())
                .arg(directory),
        )
    },
];

fn no_venv(python: &Interpreter) -> Error {
    let path = python.path().display();
    anyhow!(
        "Python {} ({path}) can't create a virtual environment: it has neither venv with ensurepip, pip nor virtualenv. \
         Install one of them (Debian, Ubuntu: `apt install python3-venv`), or set BOLTGUARD_PYTHON to another Python.",
        python.version()
    )
}

/// A list with the lists that it includes, so that a change in any of them is noticed.
fn read_list(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path).context(format!("read {}", path.display()))?;
    let mut whole = text.clone();
    for included in text.lines().filter_map(|line| line.strip_prefix("-r ")) {
        whole.push_str(&read_list(&path.with_file_name(included.trim()))?);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_see_no_other_environment() {
        let python = Venv {
            directory: "/somewhere/venv".into(),
        }
        .python();
        let value = |name: &str| {
            python
                .get_envs()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value)
        };
        assert_eq!(value("VIRTUAL_ENV"), Some(Some("/somewhere/venv".as_ref())));
        for removed in ["CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH"] {
            assert_eq!(value(removed), Some(None), "{removed}");
        }
        assert!(
            value("PATH")
                .flatten()
                .is_some_and(|path| path.to_string_lossy().starts_with("/somewhere/venv"))
        );
    }

    #[test]
    fn half_an_environment_does_not_fit() {
        let directory =
            std::env::temp_dir().join(format!("boltguard-half-venv-{}", std::process::id()));
        fs::create_dir_all(directory.join("bin")).unwrap();
        let fits = Interpreter::find().is_ok_and(|python| {
            Venv {
                directory: directory.clone(),
            }
            .fits(&python)
        });
        fs::remove_dir_all(&directory).unwrap();
        assert!(!fits);
    }
}
