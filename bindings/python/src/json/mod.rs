//! Conversion between JSON and Python objects.

pub(crate) mod from_python;
mod names;
pub(crate) mod to_python;
