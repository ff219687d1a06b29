//! The form of generated keys: `prefix_<id>_<secret><checksum>`.

use std::fmt;

use zeroize::Zeroizing;

use crate::{ApiKeyError, KeyDigest, Peppers, base62};

/// The form of the keys of one service.
///
/// ```text
/// sk_4fQzW0ksT1bC_mEbrKPgn3vGzYlVSJdbYxZq0RAPuNkWhXo5CeT8i9s24NWpue
///    '----id----' '-----------------secret------------------''CRC-'
/// ```
///
/// The prefix lets a secret scanner find a key that got into a repository or a chat, see [`pattern`](Self::pattern).
/// The id is public and names the key in logs and stores. The secret has 43 random digits and letters, 256 bits.
/// The checksum is the CRC-32 of everything before it in six digits and letters, as GitHub's tokens have one: it
/// tells a mistyped or foreign key without a look-up, and protects against nothing else.
///
/// ```
/// use boltguard_apikey::{ApiKeyError, KeyFormat};
///
/// let format = KeyFormat::new("acme_live")?;
/// let key = format.generate()?;
/// assert_eq!(format.parse(key.expose())?.id(), key.id());
/// assert_eq!(format.parse("sk-prod-123abc").unwrap_err(), ApiKeyError::Foreign);
/// # Ok::<(), ApiKeyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFormat {
    prefix: Box<str>,
}

impl KeyFormat {
    /// Keys that begin with `prefix` and `_`.
    ///
    /// # Errors
    ///
    /// [`ApiKeyError::Prefix`] unless the prefix is 2 to 24 characters: words of `a` to `z` and `0` to `9`, joined
    /// by single `_`.
    pub fn new(prefix: &str) -> Result<Self, ApiKeyError> {
        let is_word = |word: &str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if !(2..=24).contains(&prefix.len()) || !prefix.split('_').all(is_word) {
            return Err(ApiKeyError::Prefix);
        }
        Ok(Self {
            prefix: prefix.into(),
        })
    }

    /// The prefix, without the `_` after it.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Makes a key.
    ///
    /// # Errors
    ///
    /// [`ApiKeyError::Random`] if the system gives no randomness.
    pub fn generate(&self) -> Result<GeneratedKey, ApiKeyError> {
        // The buffer never grows: a copy that is left behind would not be wiped.
        let mut text = Zeroizing::new(String::with_capacity(self.len()));
        text.push_str(&self.prefix);
        text.push('_');
        base62::push_random(&mut text, ID_LEN)?;
        text.push('_');
        base62::push_random(&mut text, SECRET_LEN)?;
        let checksum = checksum(&text);
        text.extend(checksum);
        Ok(GeneratedKey {
            text,
            id_at: self.prefix.len() + 1,
        })
    }

    /// Reads a key that somebody presents; any text may come.
    ///
    /// # Errors
    ///
    /// - [`ApiKeyError::Checksum`] if it has this form and the checksum is another.
    /// - [`ApiKeyError::Foreign`] if it has not.
    pub fn parse<'a>(&self, text: &'a str) -> Result<ParsedKey<'a>, ApiKeyError> {
        let (id, rest) = self.split(text).ok_or(ApiKeyError::Foreign)?;
        if !base62::is_base62(id) || !base62::is_base62(rest) {
            return Err(ApiKeyError::Foreign);
        }
        let (before, written) = text.split_at(text.len() - CHECKSUM_LEN);
        if !checksum(before).into_iter().eq(written.chars()) {
            return Err(ApiKeyError::Checksum);
        }
        Ok(ParsedKey { text, id })
    }

    /// A regular expression that finds the keys in any text; every common engine reads it.
    ///
    /// ```
    /// use boltguard_apikey::KeyFormat;
    ///
    /// assert_eq!(KeyFormat::new("sk")?.pattern(), r"\bsk_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}\b");
    /// # Ok::<(), boltguard_apikey::ApiKeyError>(())
    /// ```
    #[must_use]
    pub fn pattern(&self) -> String {
        let rest = SECRET_LEN + CHECKSUM_LEN;
        let prefix = &self.prefix;
        format!(r"\b{prefix}_[0-9A-Za-z]{{{ID_LEN}}}_[0-9A-Za-z]{{{rest}}}\b")
    }

    fn len(&self) -> usize {
        self.prefix.len() + 1 + ID_LEN + 1 + SECRET_LEN + CHECKSUM_LEN
    }

    /// The id, and the secret with its checksum.
    fn split<'a>(&self, text: &'a str) -> Option<(&'a str, &'a str)> {
        if text.len() != self.len() {
            return None;
        }
        text.strip_prefix(&*self.prefix)?
            .strip_prefix('_')?
            .split_once('_')
            .filter(|(id, _)| id.len() == ID_LEN)
    }
}

/// 71 random bits: among four thousand million keys two are the same with a probability of one to three hundred.
const ID_LEN: usize = 12;

/// 62^43 is a little more than 2^256.
const SECRET_LEN: usize = 43;

/// 62^6 is more than 2^32.
const CHECKSUM_LEN: usize = 6;

fn checksum(text: &str) -> [char; CHECKSUM_LEN] {
    base62::digits(crc32fast::hash(text.as_bytes()).into())
}

/// A key that was just made: wiped when dropped, never printed.
pub struct GeneratedKey {
    text: Zeroizing<String>,
    id_at: usize,
}

impl GeneratedKey {
    /// The key, to be shown to its owner once.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The id, which is no secret.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.text[self.id_at..self.id_at + ID_LEN]
    }

    /// The digest to keep in its place.
    #[must_use]
    pub fn digest(&self, peppers: &Peppers) -> KeyDigest {
        peppers.digest(&self.text)
    }
}

impl fmt::Debug for GeneratedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GeneratedKey")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

/// A text that has the form of a key and the right checksum. Nothing says yet that there is such a key.
#[derive(Clone, Copy)]
pub struct ParsedKey<'a> {
    pub(crate) text: &'a str,
    id: &'a str,
}

impl<'a> ParsedKey<'a> {
    /// The id to look up.
    #[must_use]
    pub const fn id(&self) -> &'a str {
        self.id
    }

    /// The digest with the current secret, to compare or to replace the stored one.
    #[must_use]
    pub fn digest(&self, peppers: &Peppers) -> KeyDigest {
        peppers.digest(self.text)
    }
}

impl fmt::Debug for ParsedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParsedKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_words_of_small_letters_and_digits() {
        for prefix in ["sk", "a1", "acme_live", "a_b", &"k".repeat(24)] {
            assert!(KeyFormat::new(prefix).is_ok(), "{prefix}");
        }
        for prefix in [
            "",
            "s",
            "_sk",
            "sk_",
            "a__b",
            "SK",
            "s-k",
            "s k",
            "sk\n",
            "clé",
            &"k".repeat(25),
        ] {
            assert_eq!(
                KeyFormat::new(prefix),
                Err(ApiKeyError::Prefix),
                "{prefix:?}"
            );
        }
    }

    #[test]
    fn debug_shows_the_id_alone() {
        let format = KeyFormat::new("sk").unwrap();
        let key = format.generate().unwrap();
        let parsed = format.parse(key.expose()).unwrap();
        let secret = &key.expose()[16..30];
        for text in [format!("{key:?}"), format!("{parsed:?}")] {
            assert!(text.contains(key.id()) && !text.contains(secret), "{text}");
        }
    }

    #[test]
    fn making_a_key_leaves_no_copy_in_a_smaller_buffer() {
        let format = KeyFormat::new("acme_live").unwrap();
        let key = format.generate().unwrap();
        assert_eq!(
            (key.text.len(), key.text.capacity()),
            (format.len(), format.len())
        );
    }

    /// The checksum is that of Python's `zlib.crc32`. Keys that were given out must be read by all later versions.
    #[test]
    fn a_key_of_the_first_version_is_still_read() {
        let text = "sk_0123456789ab_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2rjqvn";
        let key = KeyFormat::new("sk").unwrap().parse(text).unwrap();
        assert_eq!(key.id(), "0123456789ab");
    }
}
