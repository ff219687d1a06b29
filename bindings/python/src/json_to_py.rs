//! JSON text to Python objects, in one pass.

use boltguard_encoding::json::{JsonError, Kind, Number, Reader, Text};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};

use crate::name_cache::Names;

/// Turns one JSON object into a `dict`.
///
/// Integers are exact at any size. Of two members of one name the last stays, as in `json.loads`;
/// the engine has refused those that matter.
pub(crate) fn object<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyDict>> {
    let mut reader = Reader::new(text);
    let mut builder = Builder::new(py);
    Ok(builder.object(&mut reader).and_then(|object| {
        reader.finish()?;
        Ok(object)
    })?)
}

struct Builder<'py> {
    py: Python<'py>,
    names: Names,
    /// The elements of all lists that are open, the innermost last.
    elements: Vec<Bound<'py, PyAny>>,
}

type Built<'py, T = PyAny> = Result<Bound<'py, T>, Stop>;

impl<'py> Builder<'py> {
    fn new(py: Python<'py>) -> Self {
        Self {
            py,
            names: Names::borrow(),
            elements: Vec::with_capacity(USUAL_LENGTH),
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
            Kind::String => PyString::new(self.py, &reader.string()?.to_text()).into_any(),
        })
    }

    fn object(&mut self, reader: &mut Reader<'_>) -> Built<'py, PyDict> {
        let object = PyDict::new(self.py);
        reader.object(|reader, name| {
            let name = self.name(name);
            let value = self.value(reader)?;
            object.set_item(name, value)?;
            Ok::<_, Stop>(())
        })?;
        Ok(object)
    }

    fn list(&mut self, reader: &mut Reader<'_>) -> Built<'py, PyList> {
        let first = self.elements.len();
        reader.array(|reader| {
            let element = self.value(reader)?;
            self.elements.push(element);
            Ok::<_, Stop>(())
        })?;
        Ok(PyList::new(self.py, self.elements.drain(first..))?)
    }

    fn name(&mut self, name: Text<'_>) -> Bound<'py, PyString> {
        match name.plain() {
            Some(plain) => self.names.get(self.py, plain),
            None => PyString::new(self.py, &name.to_text()),
        }
    }

    fn number(&self, number: Number<'_>) -> Built<'py> {
        let literal = number.as_str();
        Ok(match number.as_i64() {
            Some(whole) => PyInt::new(self.py, whole).into_any(),
            None if literal.contains(['.', 'e', 'E']) => {
                PyFloat::new(self.py, number.as_f64()).into_any()
            }
            None => self.py.get_type::<PyInt>().call1((literal,))?,
        })
    }
}

/// So many elements are listed before the buffer grows.
const USUAL_LENGTH: usize = 32;

/// Why a text became no object.
enum Stop {
    Json(JsonError),
    Python(PyErr),
}

impl From<JsonError> for Stop {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}

impl From<PyErr> for Stop {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<Stop> for PyErr {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Json(error) => PyValueError::new_err(error.to_string()),
            Stop::Python(error) => error,
        }
    }
}
