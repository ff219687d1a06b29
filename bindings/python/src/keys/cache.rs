//! A cache of prepared keys that were passed as strings or bytes.
//!
//! The object of the last call is recognized by its identity. Others are looked up by a salted digest, so that lookups
//! don't compare key material. Each entry holds what a `Key` of the caller would hold.

use std::sync::{Arc, LazyLock, Mutex};

use boltguard::keys::{KeyError, digest_sha256, fill_random};
use pyo3::prelude::*;
use zeroize::Zeroizing;

use crate::keys::prepared::PreparedKey;

/// Returns the cached key for a `str` or `bytes` object with this `content`, or reads it with `read`.
///
/// `kind` distinguishes the ways to read the same content.
pub(crate) fn get_or_read(
    object: &Bound<'_, PyAny>,
    content: &[u8],
    kind: Kind,
    read: impl FnOnce() -> Result<PreparedKey, KeyError>,
) -> Result<Arc<PreparedKey>, KeyError> {
    let last = LAST.try_lock().ok();
    if let Some(Some(last)) = last.as_deref()
        && last.object.is(object)
        && last.kind == kind
    {
        return Ok(Arc::clone(&last.key));
    }
    drop(last);
    let key = find_or_read(content, kind, read)?;
    let object = object.clone().unbind();
    if let Ok(mut last) = LAST.try_lock() {
        let key = Arc::clone(&key);
        *last = Some(Last { object, kind, key });
    }
    Ok(key)
}

/// The last object and its key. The reference prevents that another object gets the same address.
struct Last {
    object: Py<PyAny>,
    kind: Kind,
    key: Arc<PreparedKey>,
}

static LAST: Mutex<Option<Last>> = Mutex::new(None);

fn find_or_read(
    content: &[u8],
    kind: Kind,
    read: impl FnOnce() -> Result<PreparedKey, KeyError>,
) -> Result<Arc<PreparedKey>, KeyError> {
    let Some(digest) = digest_of(content, kind) else {
        return read().map(Arc::new);
    };
    if let Some(key) = CACHE.try_lock().ok().and_then(|cache| cache.get(&digest)) {
        return Ok(key);
    }
    let key = Arc::new(read()?);
    if let Ok(mut cache) = CACHE.try_lock() {
        cache.insert(digest, Arc::clone(&key));
    }
    Ok(key)
}

/// How the content is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Public,
    Secret,
}

/// The most recent keys. A new key replaces the oldest.
struct Cache {
    entries: [Option<(Digest, Arc<PreparedKey>)>; ENTRIES],
    next: usize,
}

type Digest = [u8; 32];

const ENTRIES: usize = 16;

static CACHE: Mutex<Cache> = Mutex::new(Cache {
    entries: [const { None }; ENTRIES],
    next: 0,
});

impl Cache {
    fn get(&self, digest: &Digest) -> Option<Arc<PreparedKey>> {
        let mut entries = self.entries.iter().flatten();
        let found = entries.find(|(known, _)| known == digest);
        found.map(|(_, key)| Arc::clone(key))
    }

    fn insert(&mut self, digest: Digest, key: Arc<PreparedKey>) {
        self.entries[self.next] = Some((digest, key));
        self.next = (self.next + 1) % ENTRIES;
    }
}

/// The salted digest. `None` if the system can't generate the salt, in which case nothing is cached.
fn digest_of(content: &[u8], kind: Kind) -> Option<Digest> {
    static SALT: LazyLock<Option<Digest>> = LazyLock::new(|| {
        let mut salt = [0; 32];
        fill_random(&mut salt).ok().map(|()| salt)
    });
    let salt = SALT.as_ref()?;
    let mut salted = Zeroizing::new(Vec::with_capacity(salt.len() + 1 + content.len()));
    salted.extend_from_slice(salt);
    salted.push(kind as u8);
    salted.extend_from_slice(content);
    Some(digest_sha256(&salted))
}
