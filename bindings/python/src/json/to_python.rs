//! Converting JSON to Python objects, in one pass.

use boltguard_encoding::json::{JsonError, Kind, Number, Reader, Text};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};

use crate::json::names::Names;

/// Converts a JSON object to a `dict`.
///
/// Integers are exact at any size. As in `json.loads`, the last of several members with the same name is used. The
/// engine rejects duplicate claims before.
pub(crate) fn object<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyDict>> {
    let mut reader = Reader::new(text);
    let mut builder = Builder::new(py);
    let built = builder.object(&mut reader).and_then(|object| {
        reader.finish()?;
        Ok(object)
    });
    built.map_err(|error| match builder.failure {
        Some(failure) => failure,
        None => PyValueError::new_err(error.to_string()),
    })
}

struct Builder<'py> {
    py: Python<'py>,
    names: Names,
    /// The elements of all unfinished lists, the innermost last.
    elements: Vec<Bound<'py, PyAny>>,
    /// The exception that Python raised. The reader is then stopped by another error.
    failure: Option<PyErr>,
}

/// Small enough for two registers, which doubles the speed. This is why exceptions are in [`Builder::failure`].
type Built<'py, T = PyAny> = Result<Bound<'py, T>, JsonError>;

impl<'py> Builder<'py> {
    fn new(py: Python<'py>) -> Self {
        Self {
            py,
            names: Names::borrow(),
            elements: Vec::with_capacity(CAPACITY),
            failure: None,
        }
    }

    fn value(&mut self, reader: &mut Reader<'_>) -> Built<'py> {
        Ok(match reader.kind()? {
            Kind::Array => self.list(reader)?.into_any(),
            Kind::Bool => PyBool::new(self.py, reader.bool()?).to_owned().into_any(),
            Kind::Null => {
                reader.null()?;
                self.py.None().into_bound(self.py)
            }
            Kind::Number => self.number(reader.number()?)?,
            Kind::Object => self.object(reader)?.into_any(),
            Kind::String => self.text(reader.string()?)?.into_any(),
        })
    }

    fn object(&mut self, reader: &mut Reader<'_>) -> Built<'py, PyDict> {
        let object = PyDict::new(self.py);
        reader.object(|reader, name| {
            let name = self.name(name)?;
            let value = self.value(reader)?;
            let set = object.set_item(name, value);
            self.note(set)
        })?;
        Ok(object)
    }

    fn list(&mut self, reader: &mut Reader<'_>) -> Built<'py, PyList> {
        let first = self.elements.len();
        reader.array(|reader| {
            let element = self.value(reader)?;
            self.elements.push(element);
            Ok::<_, JsonError>(())
        })?;
        let list = PyList::new(self.py, self.elements.drain(first..));
        self.note(list)
    }

    #[inline]
    fn name(&mut self, name: Text<'_>) -> Built<'py, PyString> {
        match name.plain_bytes() {
            Some(plain) => {
                let name = self.names.get(self.py, plain);
                self.note(name)
            }
            None => self.text(name),
        }
    }

    /// Python checks that the bytes are UTF-8, so Rust doesn't check them before.
    #[inline]
    fn text(&mut self, text: Text<'_>) -> Built<'py, PyString> {
        match text.plain_bytes() {
            Some(plain) => {
                let text = PyString::from_bytes(self.py, plain);
                self.note(text)
            }
            None => Ok(PyString::new(self.py, &text.to_text())),
        }
    }

    fn number(&mut self, number: Number<'_>) -> Built<'py> {
        let literal = number.as_str();
        match number.as_i64() {
            Some(whole) => Ok(PyInt::new(self.py, whole).into_any()),
            None if literal.contains(['.', 'e', 'E']) => {
                Ok(PyFloat::new(self.py, number.as_f64()).into_any())
            }
            None => {
                let whole = self.py.get_type::<PyInt>().call1((literal,));
                self.note(whole)
            }
        }
    }

    #[inline]
    fn note<T>(&mut self, done: PyResult<T>) -> Result<T, JsonError> {
        done.map_err(|failure| {
            self.failure = Some(failure);
            JsonError::Syntax
        })
    }
}

/// The initial capacity of the buffer of list elements.
const CAPACITY: usize = 32;
