//! Algorithms, given as names.

use boltguard::keys::Algorithm;
use boltguard::types::ReasonCode;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

use crate::errors::{Class, coded};

/// A set of algorithms, in the order in which they were given.
#[derive(Clone, Copy)]
pub(crate) struct Algorithms {
    list: [Algorithm; COUNT],
    len: usize,
}

const COUNT: usize = Algorithm::ALL.len();

impl Algorithms {
    const NONE: Self = Self {
        list: [Algorithm::Hs256; COUNT],
        len: 0,
    };

    /// One algorithm.
    pub(crate) fn one(algorithm: Algorithm) -> Self {
        let list = [algorithm; COUNT];
        Self { list, len: 1 }
    }

    /// Every algorithm.
    pub(crate) fn all() -> Self {
        let mut all = Self::NONE;
        Algorithm::ALL
            .iter()
            .for_each(|algorithm| all.add(*algorithm));
        all
    }

    /// The algorithms that aren't HMAC algorithms.
    pub(crate) fn without_symmetric(&self) -> Self {
        let mut others = Self::NONE;
        let asymmetric = self
            .as_slice()
            .iter()
            .filter(|algorithm| !algorithm.is_symmetric());
        asymmetric.for_each(|algorithm| others.add(*algorithm));
        others
    }

    /// Whether all of them are HMAC algorithms.
    pub(crate) fn is_symmetric(&self) -> bool {
        self.as_slice()
            .iter()
            .all(|algorithm| algorithm.is_symmetric())
    }

    /// Whether one of them is an HMAC algorithm.
    pub(crate) fn has_symmetric(&self) -> bool {
        self.as_slice()
            .iter()
            .any(|algorithm| algorithm.is_symmetric())
    }

    /// Reads a list of names, or a single name.
    pub(crate) fn read(names: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::read_each(names, |_| true)
    }

    /// Like [`read`](Self::read), but skips `none`, which PyJWT accepts in the list. It never verifies a token.
    pub(crate) fn read_except_none(names: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::read_each(names, |name| !name.eq("none").unwrap_or(false))
    }

    fn read_each(
        names: &Bound<'_, PyAny>,
        counts: impl Fn(&Bound<'_, PyAny>) -> bool,
    ) -> PyResult<Self> {
        if let Ok(name) = names.cast::<PyString>() {
            return Ok(Self::one(named(name)?));
        }
        let mut allowed = Self::NONE;
        if let Ok(list) = names.cast::<PyList>() {
            for name in list.iter().filter(&counts) {
                allowed.add(named_by_any(&name)?);
            }
        } else {
            let listed = names.try_iter().map_err(|_| not_a_list(names))?;
            for name in listed {
                let name = name?;
                if counts(&name) {
                    allowed.add(named_by_any(&name)?);
                }
            }
        }
        if allowed.len == 0 {
            return Err(refused(
                names.py(),
                "algorithms must not be empty; list the algorithms that the key is used with",
            ));
        }
        Ok(allowed)
    }

    /// The algorithms.
    pub(crate) fn as_slice(&self) -> &[Algorithm] {
        &self.list[..self.len]
    }

    /// Whether this is one of them.
    pub(crate) fn contains(&self, algorithm: Algorithm) -> bool {
        self.as_slice().contains(&algorithm)
    }

    fn add(&mut self, algorithm: Algorithm) {
        if !self.contains(algorithm) {
            self.list[self.len] = algorithm;
            self.len += 1;
        }
    }
}

/// The algorithm with this name.
pub(crate) fn named(name: &Bound<'_, PyString>) -> PyResult<Algorithm> {
    let text = name.to_str().unwrap_or_default();
    text.parse()
        .map_err(|unknown: boltguard::keys::UnknownAlgorithm| {
            coded(
                name.py(),
                Class::UnsupportedAlgorithmError,
                ReasonCode::AlgorithmNotAllowed,
                unsupported(text, unknown.suggestion()),
            )
        })
}

fn unsupported(name: &str, suggestion: Option<Algorithm>) -> String {
    match suggestion {
        Some(meant) => format!("algorithm \"{name}\" isn't supported; did you mean \"{meant}\"?"),
        None if is_like_a_name(name) => format!("algorithm \"{name}\" isn't supported"),
        None => format!(
            "algorithm isn't supported; its name is a string of {} bytes",
            name.len()
        ),
    }
}

/// Whether a string resembles the name of an algorithm. Any other string may be a misplaced key, and isn't shown.
fn is_like_a_name(string: &str) -> bool {
    let is_numbered = string.split_at_checked(2).is_some_and(|(family, number)| {
        let families = ["HS", "RS", "PS", "ES"];
        let number = number.trim_start_matches(['-', '_', ' ']);
        let number = number.trim_end_matches(['k', 'K']);
        families
            .iter()
            .any(|known| known.eq_ignore_ascii_case(family))
            && number.len() <= 4
            && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    is_numbered || ["", "none", "Ed25519", "Ed448"].contains(&string)
}

/// The algorithm with the name that an object is.
pub(crate) fn named_by_any(name: &Bound<'_, PyAny>) -> PyResult<Algorithm> {
    match name.cast::<PyString>() {
        Ok(name) => named(name),
        Err(_) => Err(refused(
            name.py(),
            "the name of an algorithm must be a string",
        )),
    }
}

/// Whether verifying takes long enough that other threads should run, although resuming may take 5 ms.
pub(crate) fn takes_long_to_verify(algorithm: Algorithm) -> bool {
    algorithm.is_slow_to_verify()
}

/// Whether signing takes long enough, see [`takes_long_to_verify`].
pub(crate) fn takes_long_to_sign(algorithm: Algorithm) -> bool {
    algorithm.is_slow_to_sign()
}

#[cold]
fn not_a_list(names: &Bound<'_, PyAny>) -> PyErr {
    let class = names.get_type().name().map(|name| name.to_string());
    let class = class.unwrap_or_default();
    PyTypeError::new_err(format!("algorithms must be a list of strings, not {class}"))
}

#[cold]
fn refused(py: Python<'_>, message: &str) -> PyErr {
    coded(
        py,
        Class::InvalidAlgorithmError,
        ReasonCode::AlgorithmNotAllowed,
        message,
    )
}
