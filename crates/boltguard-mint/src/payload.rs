//! The claims as JSON.

use std::collections::HashSet;

use boltguard_encoding::json::{JsonError, Reader, fingerprint, write};
use boltguard_jws::MAX_TOKEN_LEN;
use boltguard_types::NumericDate;
use boltguard_types::work::step;
use serde::Serialize;

use crate::members::Members;
use crate::{MintError, check, json};

/// The JSON object of the claims that were added, without the closing brace.
pub(crate) struct Payload {
    json: Vec<u8>,
    /// A Bloom filter of the names.
    names: u64,
    /// The number of times that the claims were parsed to search for a name.
    searches: u32,
    /// All names, after [`MAX_SEARCHES`].
    index: Option<HashSet<Box<str>>>,
}

/// The number of searches before the names are indexed, which most tokens never reach.
const MAX_SEARCHES: u32 = 8;

impl Payload {
    pub(crate) fn new(subject: &str) -> Self {
        let mut json = Vec::with_capacity(INITIAL_CAPACITY);
        json.push(b'{');
        write::push_member(&mut json, "sub", subject);
        Self {
            json,
            names: 0,
            searches: 0,
            index: None,
        }
    }

    /// Adds a claim, unless it is reserved or a duplicate.
    pub(crate) fn add(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), MintError>,
    ) -> Result<(), MintError> {
        if matches!(name, "sub" | "exp" | "iat" | "jti") {
            return Err(MintError::ReservedClaim);
        }
        // Checking this here limits the memory that a token takes.
        if self.json.len() > MAX_TOKEN_LEN {
            return Err(MintError::TooLarge);
        }
        let bit = fingerprint(name.as_bytes());
        if self.names & bit != 0 && self.contains(name) {
            return Err(MintError::DuplicateClaim);
        }
        self.names |= bit;
        if let Some(index) = &mut self.index {
            index.insert(name.into());
        }
        write::push_name(&mut self.json, name);
        write(&mut self.json)
    }

    /// Adds a claim with any value.
    pub(crate) fn add_value<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        value: &T,
    ) -> Result<(), MintError> {
        self.add(name, |json| {
            let start = json.len();
            json::push_value(json, value)?;
            check::value(name, &json[start..])
        })
    }

    /// Adds the members of a map or a struct.
    pub(crate) fn add_members<T: Serialize + ?Sized>(
        &mut self,
        claims: &T,
    ) -> Result<(), MintError> {
        claims.serialize(Members(self)).map_err(MintError::from)
    }

    /// Adds the members of a JSON object.
    pub(crate) fn add_object(&mut self, object: &str) -> Result<(), MintError> {
        let mut reader = Reader::new(object);
        reader.object(|reader, name| {
            let (name, value) = (name.to_text(), reader.read_raw()?);
            check::kind(&name, value.as_bytes())?;
            self.add(&name, |json| {
                json.extend_from_slice(value.as_bytes());
                Ok(())
            })
        })?;
        Ok(reader.finish()?)
    }

    /// Adds the reserved claims and closes the object.
    pub(crate) fn finish(
        mut self,
        issued: NumericDate,
        expires: NumericDate,
        token_id: &str,
    ) -> Result<Vec<u8>, MintError> {
        let json = &mut self.json;
        json.extend_from_slice(b",\"iat\":");
        json::push_value(json, &issued.as_secs())?;
        json.extend_from_slice(b",\"exp\":");
        json::push_date(json, expires)?;
        json.extend_from_slice(b",\"jti\":");
        write::push_string(json, token_id);
        json.push(b'}');
        Ok(self.json)
    }

    /// Returns whether there is a claim with this name. True if the claims can't be parsed.
    #[cold]
    fn contains(&mut self, name: &str) -> bool {
        self.searches += 1;
        if self.searches > MAX_SEARCHES && self.index.is_none() {
            let mut names = HashSet::new();
            if self
                .read_names(|other| drop(names.replace(other.into())))
                .is_err()
            {
                return true;
            }
            self.index = Some(names);
        }
        if let Some(index) = &self.index {
            return index.contains(name);
        }
        let mut found = false;
        let result = self.read_names(|other| found |= *other == *name);
        found || result.is_err()
    }

    fn read_names(&self, mut each: impl FnMut(&str)) -> Result<(), JsonError> {
        let object = [&self.json, &b"}"[..]].concat();
        Reader::from_bytes(&object)?.object(|reader, name| {
            step();
            each(&name.to_text());
            reader.skip()
        })
    }
}

impl From<JsonError> for MintError {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::TooDeep => Self::TooDeep,
            JsonError::WrongKind => Self::NotAnObject,
            _ => Self::NotJson,
        }
    }
}

/// The initial capacity of the buffer, sufficient for the claims of most tokens.
const INITIAL_CAPACITY: usize = 512;
