//! The claims as JSON, written as they are given.

use std::collections::HashSet;

use boltguard_encoding::json::{JsonError, Reader};
use boltguard_jws::MAX_TOKEN_LEN;
use boltguard_types::NumericDate;
use boltguard_types::work::step;
use serde::Serialize;
use uuid::Uuid;

use crate::members::Members;
use crate::{MintError, check, text};

/// The object so far, without its closing brace.
pub(crate) struct Payload {
    json: Vec<u8>,
    /// A bit for each name that is there, which other names may share.
    names: u64,
    /// How often the claims were read to find a name among them.
    searches: u32,
    /// All names, once they were searched for often.
    index: Option<HashSet<Box<str>>>,
}

/// So often the claims are read rather than indexed, which most tokens never need.
const FEW: u32 = 8;

impl Payload {
    pub(crate) fn about(subject: &str) -> Self {
        let mut json = Vec::with_capacity(USUAL_LEN);
        json.extend_from_slice(b"{\"sub\":");
        text::push(&mut json, subject);
        Self {
            json,
            names: 0,
            searches: 0,
            index: None,
        }
    }

    /// Adds a claim that is not reserved and not there yet.
    pub(crate) fn add(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), MintError>,
    ) -> Result<(), MintError> {
        if matches!(name, "sub" | "exp" | "iat" | "jti") {
            return Err(MintError::ReservedClaim);
        }
        // What would be refused in the end is refused before it grows.
        if self.json.len() > MAX_TOKEN_LEN {
            return Err(MintError::TooLarge);
        }
        let bit = 1 << (fingerprint(name) & 63);
        if self.names & bit != 0 && self.has(name) {
            return Err(MintError::DuplicateClaim);
        }
        self.names |= bit;
        if let Some(index) = &mut self.index {
            index.insert(name.into());
        }
        self.json.push(b',');
        text::push(&mut self.json, name);
        self.json.push(b':');
        write(&mut self.json)
    }

    /// Adds a claim that may be anything.
    pub(crate) fn add_value<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        value: &T,
    ) -> Result<(), MintError> {
        self.add(name, |json| {
            let start = json.len();
            text::push_value(json, value)?;
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

    /// Adds the members of an object that is JSON already.
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
        token_id: &Uuid,
    ) -> Result<Vec<u8>, MintError> {
        let json = &mut self.json;
        json.extend_from_slice(b",\"iat\":");
        text::push_value(json, &issued.as_secs())?;
        json.extend_from_slice(b",\"exp\":");
        text::push_date(json, expires)?;
        json.extend_from_slice(b",\"jti\":\"");
        json.extend_from_slice(token_id.hyphenated().encode_lower(&mut [0; 36]).as_bytes());
        json.extend_from_slice(b"\"}");
        Ok(self.json)
    }

    /// Whether a claim of this name is there. Claims that can't be read have any.
    #[cold]
    fn has(&mut self, name: &str) -> bool {
        self.searches += 1;
        if self.searches > FEW && self.index.is_none() {
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
        let mut is_there = false;
        let read = self.read_names(|other| is_there |= *other == *name);
        is_there || read.is_err()
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

#[inline]
fn fingerprint(name: &str) -> usize {
    let end = |byte: Option<&u8>| usize::from(byte.copied().unwrap_or(0));
    let bytes = name.as_bytes();
    bytes.len() ^ end(bytes.first()) << 1 ^ end(bytes.last()) << 2
}

/// Room for the claims of most tokens.
const USUAL_LEN: usize = 512;
