//! The extension module `boltguard._rust`: what Python sees of the engine.
//!
//! Nothing is decided here. Objects cross into Rust once, when they are built; a request is one call.

use pyo3::prelude::*;

mod errors;
mod json_to_py;
mod name_cache;
mod py_to_json;
mod revocation;
mod time;

/// The engine of Boltguard.
#[pymodule(gil_used = false)]
mod _rust {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::revocation::MemoryRevocation;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
