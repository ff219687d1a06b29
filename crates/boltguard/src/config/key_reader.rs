//! Reading the keys that documents refer to.

use std::io;

use boltguard_keys::{Algorithm, Jwk, Key, KeyError, KeySet, Secret, VerifyingKey};

/// The environment variables and files of a service.
///
/// Implement it to read secrets from another place, such as a vault. By default, nothing is found.
pub trait KeyReader {
    /// Returns the value of an environment variable.
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        let _ = name;
        None
    }

    /// Returns the content of a file.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    fn file(&self, path: &str) -> io::Result<Vec<u8>> {
        let _ = path;
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Reads the environment variables of the process, and files.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl KeyReader for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        // A name with these characters can't exist, and some platforms panic.
        let is_name = !name.is_empty() && !name.contains(['=', '\0']);
        let value = is_name.then(|| std::env::var(name).ok());
        value.flatten().map(String::into_bytes)
    }

    fn file(&self, path: &str) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }
}

/// Removes one line end, which editors add to files.
pub(super) fn without_line_end(content: &[u8]) -> &[u8] {
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    content.strip_suffix(b"\r").unwrap_or(content)
}

/// Reads a secret, PEM, a JWK or a JWK Set, for those of the algorithms that it can be used with.
///
/// Only plain strings are secrets. A JWK or PEM is read for its public keys, because it may be public.
pub(super) fn read_keys(content: &[u8], algorithms: &[Algorithm]) -> Result<KeySet, KeyError> {
    let (symmetric, asymmetric): (Vec<_>, Vec<_>) =
        algorithms.iter().partition(|one| one.is_symmetric());
    if !symmetric.is_empty() {
        match Secret::new(content) {
            Err(KeyError::PemAsSecret | KeyError::JwkAsSecret) if !asymmetric.is_empty() => {}
            secret => return for_each(&Key::Secret(secret?), &symmetric),
        }
    }
    match json_object(content) {
        Some(json) => read_json(json, &asymmetric),
        None => for_each(&Key::from_bytes(content)?, &asymmetric),
    }
}

fn read_json(json: &str, algorithms: &[Algorithm]) -> Result<KeySet, KeyError> {
    match KeySet::from_jwks(json, algorithms) {
        Err(KeyError::Jwks) => KeySet::from_jwk(&Jwk::parse(json)?, algorithms),
        set => set,
    }
}

fn for_each(key: &Key, algorithms: &[Algorithm]) -> Result<KeySet, KeyError> {
    let served = algorithms
        .iter()
        .filter(|algorithm| key.serves(**algorithm));
    let keys: Vec<_> = served
        .map(|algorithm| VerifyingKey::new(key, *algorithm))
        .collect::<Result<_, _>>()?;
    match keys.is_empty() {
        true => Err(KeyError::AlgorithmMismatch),
        false => Ok(KeySet::new(keys)),
    }
}

/// Returns the content as a string, if it looks like a JSON object.
fn json_object(content: &[u8]) -> Option<&str> {
    let string = std::str::from_utf8(content).ok()?;
    string.trim_start().starts_with('{').then_some(string)
}
