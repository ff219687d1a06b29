//! The keys of entries, which are shared with other programs.

use crate::RevocationLevel;
use crate::storage_key::{LEVEL, digest};

/// The keys with one prefix.
pub(super) struct Keys {
    pub(super) prefix: Box<str>,
}

impl Keys {
    /// Returns the key of the mark.
    pub(super) fn mark(&self) -> String {
        [&self.prefix, MARK].concat()
    }

    /// Returns the keys of a token ID. There is a second one if some of Django's cache backends don't support the ID as
    /// a key.
    pub(super) fn token(&self, token_id: &str) -> Vec<String> {
        let is_supported = token_id.len() <= 128
            && token_id.bytes().all(|byte| byte.is_ascii_graphic())
            && !token_id.starts_with(HASHED)
            && !is_reserved(token_id);
        let plain = [&self.prefix, token_id].concat();
        if is_supported {
            return vec![plain];
        }
        let hashed = [&self.prefix, HASHED, &digest(token_id)].concat();
        if is_reserved(token_id) {
            return vec![hashed];
        }
        vec![plain, hashed]
    }

    /// Returns the key of the watermark of a level.
    pub(super) fn level(&self, level: RevocationLevel<'_>) -> String {
        [&*self.prefix, &level.storage_key()].concat()
    }
}

/// Returns whether the key of this token ID would be one that the store uses itself.
fn is_reserved(token_id: &str) -> bool {
    token_id == MARK || token_id.starts_with(LEVEL)
}

/// The key of the mark, after the prefix.
const MARK: &str = "boltguard:mark";
const HASHED: &str = "sha256:";
