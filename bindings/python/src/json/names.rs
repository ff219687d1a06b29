//! A cache of the names of object members as Python strings.
//!
//! A cached name needs no allocation, and its hash is computed once.

use std::sync::{Mutex, MutexGuard};

use pyo3::prelude::*;
use pyo3::types::PyString;

/// The cache. While another thread uses it, each name becomes a new string.
pub(crate) struct Names(Option<MutexGuard<'static, Slots>>);

impl Names {
    /// Locks the cache for the conversion of one object.
    pub(crate) fn borrow() -> Self {
        Self(CACHE.try_lock().ok())
    }

    /// The Python string for a name in UTF-8.
    #[inline]
    pub(crate) fn get<'py>(
        &mut self,
        py: Python<'py>,
        name: &[u8],
    ) -> PyResult<Bound<'py, PyString>> {
        match &mut self.0 {
            Some(slots) if name.len() <= LONGEST => slots[slot_of(name)].get(py, name),
            _ => PyString::from_bytes(py, name),
        }
    }
}

/// A slot of the cache. A new name replaces the previous one.
struct Slot(Option<(Box<[u8]>, Py<PyString>)>);

impl Slot {
    #[inline]
    fn get<'py>(&mut self, py: Python<'py>, name: &[u8]) -> PyResult<Bound<'py, PyString>> {
        match &self.0 {
            Some((known, string)) if **known == *name => Ok(string.bind(py).clone()),
            _ => self.replace(py, name),
        }
    }

    fn replace<'py>(&mut self, py: Python<'py>, name: &[u8]) -> PyResult<Bound<'py, PyString>> {
        let string = PyString::from_bytes(py, name)?;
        self.0 = Some((name.into(), string.clone().unbind()));
        Ok(string)
    }
}

/// The slot for a name, by its length and its first and last bytes. Different names may share a slot.
#[inline]
fn slot_of(bytes: &[u8]) -> usize {
    let ends = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(32)
        }
        _ => bytes
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    let mixed = (ends ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (64 - SLOTS.ilog2())) as usize
}

type Slots = [Slot; SLOTS];

static CACHE: Mutex<Slots> = Mutex::new([const { Slot(None) }; SLOTS]);

const SLOTS: usize = 256;
const LONGEST: usize = 32;
