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

    /// Returns a pattern that matches all keys.
    pub(super) fn pattern(&self) -> String {
        let mut pattern = String::with_capacity(self.prefix.len() + 1);
        for character in self.prefix.chars() {
            if matches!(character, '*' | '?' | '[' | ']' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('*');
        pattern
    }

    /// Returns what is stored at a key, or `None` for the mark.
    pub(super) fn parse<'k>(&self, key: &'k str) -> Option<Stored<'k>> {
        let name = key.strip_prefix(&*self.prefix)?;
        if name == MARK {
            return None;
        }
        if name.starts_with(LEVEL) {
            return Some(Stored::Level(name));
        }
        let digest = name.strip_prefix(HASHED).filter(|digest| is_digest(digest));
        Some(digest.map_or(Stored::Token(name), Stored::TokenDigest))
    }

    /// Returns the key of the watermark of a level.
    pub(super) fn level(&self, level: RevocationLevel<'_>) -> String {
        [&*self.prefix, &level.storage_key()].concat()
    }
}

/// What is stored at a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stored<'k> {
    /// A watermark, with the name of its level.
    Level(&'k str),
    Token(&'k str),
    /// A token, of which the digest of the ID is known.
    TokenDigest(&'k str),
}

fn is_digest(text: &str) -> bool {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == 64 && text.bytes().all(is_digit)
}

/// Returns whether the key of this token ID would be one that the store uses itself.
fn is_reserved(token_id: &str) -> bool {
    token_id == MARK || token_id.starts_with(LEVEL)
}

/// The key of the mark, after the prefix.
const MARK: &str = "boltguard:mark";
const HASHED: &str = "sha256:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_parsed() {
        let keys = Keys {
            prefix: "a[*]:".into(),
        };
        assert_eq!(keys.pattern(), "a\\[\\*\\]:*");
        assert_eq!(keys.parse(&keys.mark()), None);
        assert_eq!(keys.parse("b:id"), None);
        let level = RevocationLevel::Session("a");
        let name = level.storage_key();
        assert_eq!(keys.parse(&keys.level(level)), Some(Stored::Level(&name)));
        for id in ["", "id", "sha256:", "sha256:00"] {
            let key = format!("a[*]:{id}");
            assert_eq!(keys.parse(&key), Some(Stored::Token(id)));
        }
        for id in [MARK, "two words", &*name] {
            let stored = keys.token(id);
            let digest = digest(id);
            let expected = Some(Stored::TokenDigest(&digest));
            assert_eq!(keys.parse(stored.last().expect("a key")), expected);
        }
    }
}
