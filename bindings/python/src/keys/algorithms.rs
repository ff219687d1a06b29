//! Algorithms as Python names them.

use boltguard::keys::Algorithm;
use boltguard::types::ReasonCode;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

use crate::errors::{Class, coded};

/// The algorithms that a caller allows, each once.
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

    /// These, but those of HMAC.
    pub(crate) fn without_symmetric(&self) -> Self {
        let mut others = Self::NONE;
        let asymmetric = self
            .as_slice()
            .iter()
            .filter(|algorithm| !algorithm.is_symmetric());
        asymmetric.for_each(|algorithm| others.add(*algorithm));
        others
    }

    /// Whether all of them are of HMAC.
    pub(crate) fn is_symmetric(&self) -> bool {
        self.as_slice()
            .iter()
            .all(|algorithm| algorithm.is_symmetric())
    }

    /// Reads a list of names; a single name stands for a list of one.
    pub(crate) fn read(names: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::read_each(names, |_| true)
    }

    /// As [`read`](Self::read), but `none` may be listed, as in PyJWT: no token is ever verified by it.
    pub(crate) fn read_beside_none(names: &Bound<'_, PyAny>) -> PyResult<Self> {
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
            let listed = names.try_iter().map_err(|_| no_list(names))?;
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
                "no algorithm is allowed: name those that the key is for",
            ));
        }
        Ok(allowed)
    }

    /// The algorithms.
    pub(crate) fn as_slice(&self) -> &[Algorithm] {
        &self.list[..self.len]
    }

    /// Whether this one is among them.
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

/// The algorithm of this name.
pub(crate) fn named(name: &Bound<'_, PyString>) -> PyResult<Algorithm> {
    let text = name.to_str().unwrap_or_default();
    text.parse()
        .map_err(|unknown: boltguard::keys::UnknownAlgorithm| {
            let hint = match unknown.suggestion() {
                Some(meant) => format!(": `{meant}` is probably meant"),
                None => String::new(),
            };
            let shown = if is_like_a_name(text) || unknown.suggestion().is_some() {
                format!("there is no algorithm `{text}`{hint}")
            } else {
                format!(
                    "there is no algorithm of this name, a text of {} bytes",
                    text.len()
                )
            };
            coded(
                name.py(),
                Class::UnsupportedAlgorithmError,
                ReasonCode::AlgorithmNotAllowed,
                shown,
            )
        })
}

/// Whether a text is like the name of an algorithm. Any other may be a key, given in the wrong place, and is not shown.
fn is_like_a_name(text: &str) -> bool {
    let is_numbered = text.split_at_checked(2).is_some_and(|(family, number)| {
        let families = ["HS", "RS", "PS", "ES"];
        let number = number.trim_start_matches(['-', '_', ' ']);
        let number = number.trim_end_matches(['k', 'K']);
        families
            .iter()
            .any(|known| known.eq_ignore_ascii_case(family))
            && number.len() <= 4
            && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    is_numbered || ["", "none", "Ed25519", "Ed448"].contains(&text)
}

/// The algorithm that an object names, if it is a name.
pub(crate) fn named_by_any(name: &Bound<'_, PyAny>) -> PyResult<Algorithm> {
    match name.cast::<PyString>() {
        Ok(name) => named(name),
        Err(_) => Err(refused(name.py(), "an algorithm is named by a str")),
    }
}

/// Whether letting other threads run is worth the 5 ms that coming back may take.
pub(crate) fn takes_long_to_verify(algorithm: Algorithm) -> bool {
    algorithm.is_slow_to_verify()
}

/// As [`takes_long_to_verify`].
pub(crate) fn takes_long_to_sign(algorithm: Algorithm) -> bool {
    algorithm.is_slow_to_sign()
}

#[cold]
fn no_list(names: &Bound<'_, PyAny>) -> PyErr {
    let class = names.get_type().name().map(|name| name.to_string());
    let class = class.unwrap_or_default();
    PyTypeError::new_err(format!("algorithms must be a list of str, not {class}"))
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
