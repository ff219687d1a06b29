//! Keys that were handed over as text, kept prepared for the next call with the same text.
//!
//! The object used last is known again by its identity, as long as it is held here. Any other text is looked up by a
//! salted digest, never by itself. What is kept is what a caller's `Key` would keep.

use std::sync::{Arc, LazyLock, Mutex};

use boltguard::keys::{KeyError, digest_sha256, fill_random};
use pyo3::prelude::*;
use zeroize::Zeroizing;

use crate::keys::prepared::PreparedKey;

/// The key of a `str` or `bytes` that was read before, or what `read` makes of its `text` now.
///
/// `kind` keeps apart what one text may be read as.
pub(crate) fn get_or_read(
    object: &Bound<'_, PyAny>,
    text: &[u8],
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
    let key = find_or_read(text, kind, read)?;
    let object = object.clone().unbind();
    if let Ok(mut last) = LAST.try_lock() {
        let key = Arc::clone(&key);
        *last = Some(Last { object, kind, key });
    }
    Ok(key)
}

/// Held, so that no other object can come to its place.
struct Last {
    object: Py<PyAny>,
    kind: Kind,
    key: Arc<PreparedKey>,
}

static LAST: Mutex<Option<Last>> = Mutex::new(None);

fn find_or_read(
    text: &[u8],
    kind: Kind,
    read: impl FnOnce() -> Result<PreparedKey, KeyError>,
) -> Result<Arc<PreparedKey>, KeyError> {
    let Some(digest) = digest_of(text, kind) else {
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

/// What a text is read as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Public,
    Secret,
}

/// The keys used last; the oldest makes room for a new one.
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

/// `None` where the system gives no randomness for the salt: then nothing is kept.
fn digest_of(text: &[u8], kind: Kind) -> Option<Digest> {
    static SALT: LazyLock<Option<Digest>> = LazyLock::new(|| {
        let mut salt = [0; 32];
        fill_random(&mut salt).ok().map(|()| salt)
    });
    let salt = SALT.as_ref()?;
    let mut salted = Zeroizing::new(Vec::with_capacity(salt.len() + 1 + text.len()));
    salted.extend_from_slice(salt);
    salted.push(kind as u8);
    salted.extend_from_slice(text);
    Some(digest_sha256(&salted))
}
