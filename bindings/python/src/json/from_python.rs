//! Converts Python objects to compact JSON.
//!
//! `dict` with keys of `str` (or of types that `json.dumps` converts to strings), `list`, `tuple`, `str`, `int` of any
//! size, finite `float`, `bool` and `None` are written like `json.dumps` does, with as few escapes as possible. Other
//! objects are passed to the caller's hook; without a hook, they are an error that contains the name of the type.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Write;

use boltguard_encoding::json::write::push_string;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyDate, PyDateTime, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyMapping, PySet,
    PyString, PyTuple, PyType,
};

/// The maximum nesting depth, which is that of the reader of tokens.
const MAX_DEPTH: u8 = boltguard_encoding::json::MAX_DEPTH;

/// How objects that JSON doesn't support are handled.
#[derive(Clone, Copy)]
pub(crate) enum Extras<'a, 'py> {
    /// They are an error, as in `json.dumps`.
    Refuse,
    /// The result of this function is written instead, as with `json.dumps(default=…)`.
    Hook(&'a Bound<'py, PyAny>),
    /// UUIDs and dates are written as strings, and sets of strings as sorted lists.
    Texts,
}

/// Appends claims to `json`. A datetime is written as a number if the claim is a date, and `iss` must be a string.
pub(crate) fn write_claims(
    claims: &Bound<'_, PyDict>,
    extras: Extras<'_, '_>,
    json: &mut String,
) -> PyResult<()> {
    let mut writer = Writer::new(json, extras);
    writer.are_claims = true;
    writer.object(claims)
}

/// Appends `object` to `json`.
pub(crate) fn write_object(
    object: &Bound<'_, PyDict>,
    extras: Extras<'_, '_>,
    json: &mut String,
) -> PyResult<()> {
    Writer::new(json, extras).object(object)
}

/// Appends a single `value` to `json`.
pub(crate) fn write_value(
    value: &Bound<'_, PyAny>,
    extras: Extras<'_, '_>,
    json: &mut String,
) -> PyResult<()> {
    Writer::new(json, extras).value(value)
}

/// The mapping as a `dict`, which is the object itself if it is one.
pub(crate) fn dict_of<'py>(mapping: &Bound<'py, PyMapping>) -> PyResult<Bound<'py, PyDict>> {
    match mapping.cast::<PyDict>() {
        Ok(dict) => Ok(dict.clone()),
        Err(_) => Ok(mapping
            .py()
            .get_type::<PyDict>()
            .call1((mapping,))?
            .cast_into()?),
    }
}

/// A copy of the claims in which the datetimes of date claims are numbers.
pub(crate) fn with_dates_as_numbers<'py>(
    claims: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyDict>> {
    let copy = claims.copy()?;
    for name in DATES {
        if let Some(date) = copy.get_item(name)?
            && date.cast::<PyDateTime>().is_ok()
        {
            copy.set_item(name, seconds_of(&date)?)?;
        }
    }
    Ok(copy)
}

const DATES: [&str; 3] = ["exp", "iat", "nbf"];

/// Whole seconds since the epoch. A datetime without a time zone is in UTC, as in PyJWT.
fn seconds_of<'py>(date: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static TIMEGM: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let timegm = TIMEGM.import(date.py(), "calendar", "timegm")?;
    let in_utc = date.call_method0(intern!(date.py(), "utctimetuple"))?;
    timegm.call1((in_utc,))
}

struct Writer<'a, 'py> {
    json: &'a mut String,
    extras: Extras<'a, 'py>,
    depth: u8,
    are_claims: bool,
    /// Whether the claim that is being written is a date.
    is_date: bool,
}

impl<'a, 'py> Writer<'a, 'py> {
    fn new(json: &'a mut String, extras: Extras<'a, 'py>) -> Self {
        Self {
            json,
            extras,
            depth: 0,
            are_claims: false,
            is_date: false,
        }
    }

    /// Exact types first: they are detected by comparing two pointers, whereas subclasses require calls.
    fn value(&mut self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Ok(text) = value.cast_exact::<PyString>() {
            self.text(text.to_str()?);
        } else if let Ok(whole) = value.cast_exact::<PyInt>() {
            self.integer(whole)?;
        } else if let Ok(flag) = value.cast_exact::<PyBool>() {
            self.json
                .push_str(if flag.is_true() { "true" } else { "false" });
        } else if value.is_none() {
            self.json.push_str("null");
        } else if let Ok(list) = value.cast_exact::<PyList>() {
            self.array(list.iter())?;
        } else if let Ok(dict) = value.cast_exact::<PyDict>() {
            self.object(dict)?;
        } else {
            self.rarer_value(value)?;
        }
        Ok(())
    }

    fn rarer_value(&mut self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Ok(number) = value.cast::<PyFloat>() {
            self.float(number.value())
        } else if let Ok(tuple) = value.cast::<PyTuple>() {
            self.array(tuple.iter())
        } else if let Ok(text) = value.cast::<PyString>() {
            self.text(text.to_str()?);
            Ok(())
        } else if let Ok(whole) = value.cast::<PyInt>() {
            self.integer(whole)
        } else if let Ok(dict) = value.cast::<PyDict>() {
            self.object(dict)
        } else if let Ok(list) = value.cast::<PyList>() {
            self.array(list.iter())
        } else {
            self.extra(value)
        }
    }

    fn object(&mut self, object: &Bound<'_, PyDict>) -> PyResult<()> {
        self.open('{')?;
        let members = members_of(object)?;
        if !members
            .iter()
            .all(|(name, _)| name.cast::<PyString>().is_ok())
        {
            check_names(&members)?;
        }
        for (name, value) in members {
            let name = name_of(&name)?;
            let name = name.to_str()?;
            if self.are_claims && self.depth == 1 {
                self.is_date = DATES.contains(&name);
                if name == "iss" && value.cast::<PyString>().is_err() {
                    return Err(refused("iss must be str, not", &value));
                }
            }
            self.text(name);
            self.json.push(':');
            self.value(&value)?;
            self.json.push(',');
        }
        self.close('}');
        Ok(())
    }

    fn array<'p>(&mut self, elements: impl Iterator<Item = Bound<'p, PyAny>>) -> PyResult<()> {
        self.open('[')?;
        for element in elements {
            self.value(&element)?;
            self.json.push(',');
        }
        self.close(']');
        Ok(())
    }

    fn open(&mut self, bracket: char) -> PyResult<()> {
        if self.depth == MAX_DEPTH {
            return Err(PyValueError::new_err("nested too deep, or in a circle"));
        }
        self.depth += 1;
        self.json.push(bracket);
        Ok(())
    }

    /// Removes the last comma, because one is written after each member.
    fn close(&mut self, bracket: char) {
        self.depth -= 1;
        if self.json.ends_with(',') {
            self.json.pop();
        }
        self.json.push(bracket);
    }

    fn text(&mut self, text: &str) {
        push_string(self.json, text);
    }

    fn integer(&mut self, whole: &Bound<'_, PyInt>) -> PyResult<()> {
        if let Ok(small) = whole.extract::<i64>() {
            self.json.push_str(itoa::Buffer::new().format(small));
            return Ok(());
        }
        // The string form of `int`, because a subclass may override it.
        let digits = whole
            .py()
            .get_type::<PyInt>()
            .call_method1(intern!(whole.py(), "__repr__"), (whole,))?;
        self.json.push_str(digits.cast::<PyString>()?.to_str()?);
        Ok(())
    }

    fn float(&mut self, number: f64) -> PyResult<()> {
        if !number.is_finite() {
            return Err(PyValueError::new_err(
                "JSON doesn't support NaN and infinity",
            ));
        }
        self.display(format_args!("{number:?}"));
        Ok(())
    }

    /// Writing to a `String` can't fail.
    fn display(&mut self, value: std::fmt::Arguments<'_>) {
        let _ = self.json.write_fmt(value);
    }

    #[cold]
    fn extra(&mut self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.is_date && self.depth == 1 && value.cast::<PyDateTime>().is_ok() {
            return self.date(value);
        }
        match self.extras {
            Extras::Refuse => Err(no_json(value)),
            Extras::Hook(hook) => self.hooked(&hook.call1((value,))?),
            Extras::Texts => self.as_text(value),
        }
    }

    fn date(&mut self, date: &Bound<'_, PyAny>) -> PyResult<()> {
        self.value(&seconds_of(date)?)
    }

    /// Also counts nested calls of the hook, whose result may require it again.
    fn hooked(&mut self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.depth == MAX_DEPTH {
            return Err(PyValueError::new_err("nested too deep, or in a circle"));
        }
        self.depth += 1;
        self.value(value)?;
        self.depth -= 1;
        Ok(())
    }

    fn as_text(&mut self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = value.py();
        if value.cast::<PySet>().is_ok() || value.cast::<PyFrozenSet>().is_ok() {
            let sorted = PyList::empty(py);
            for element in value.try_iter()? {
                sorted.append(
                    element?
                        .cast_into::<PyString>()
                        .map_err(|_| no_json(value))?,
                )?;
            }
            sorted.sort()?;
            self.array(sorted.iter())
        } else if value.is_instance(uuid_type(py)?)? {
            self.text(value.str()?.to_str()?);
            Ok(())
        } else if value.cast::<PyDateTime>().is_ok() || value.cast::<PyDate>().is_ok() {
            let text = value.call_method0(intern!(py, "isoformat"))?;
            self.text(text.cast::<PyString>()?.to_str()?);
            Ok(())
        } else {
            Err(no_json(value))
        }
    }
}

/// The current members, copied, because a hook or another thread may change the object while they are written.
fn members_of<'py>(
    object: &Bound<'py, PyDict>,
) -> PyResult<Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>> {
    let members = RefCell::new(Vec::with_capacity(object.len()));
    object.locked_for_each(|name, value| {
        members.borrow_mut().push((name, value));
        Ok(())
    })?;
    Ok(members.into_inner())
}

/// The name of a member: a string, or a number, `bool` or `None` as `json.dumps` writes it.
fn name_of<'py>(name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    if let Ok(name) = name.cast::<PyString>() {
        return Ok(name.clone());
    }
    let mut text = String::new();
    let is_scalar =
        name.is_none() || name.cast::<PyInt>().is_ok() || name.cast::<PyFloat>().is_ok();
    if !is_scalar {
        return Err(refused("names of members must be str, not", name));
    }
    Writer::new(&mut text, Extras::Refuse).value(name)?;
    Ok(PyString::new(name.py(), &text))
}

/// Two names that differ in Python, such as `1` and `"1"`, must not become one in JSON.
#[cold]
fn check_names(members: &[(Bound<'_, PyAny>, Bound<'_, PyAny>)]) -> PyResult<()> {
    let mut seen = HashSet::with_capacity(members.len());
    for (name, _) in members {
        let name = name_of(name)?.to_str()?.to_owned();
        if let Some(twice) = seen.replace(name) {
            let message = format!("two members have the name {twice:?} in JSON");
            return Err(PyValueError::new_err(message));
        }
    }
    Ok(())
}

fn uuid_type(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static UUID: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    UUID.import(py, "uuid", "UUID")
}

fn no_json(value: &Bound<'_, PyAny>) -> PyErr {
    refused("JSON doesn't support objects of type", value)
}

#[cold]
fn refused(message: &str, value: &Bound<'_, PyAny>) -> PyErr {
    match value.get_type().name() {
        Ok(name) => PyTypeError::new_err(format!("{message} {name}")),
        Err(error) => error,
    }
}
