//! The format of generated keys: `prefix_<id>_<secret><checksum>`.

use boltguard_keys::RandomError;
use zeroize::Zeroizing;

use crate::{ApiKeyError, GeneratedKey, ParsedKey, base62};

/// The format of the generated keys of a service.
///
/// ```text
/// sk_4fQzW0ksT1bC_mEbrKPgn3vGzYlVSJdbYxZq0RAPuNkWhXo5CeT8i9s24NWpue
///    '----id----' '-----------------secret------------------''CRC-'
/// ```
///
/// With the prefix, secret scanners can detect keys in repositories and messages; see [`pattern`](Self::pattern). The
/// ID is public and identifies the key in logs and stores. The secret consists of 43 random digits and letters (256
/// bits). The checksum is the CRC-32 of all preceding characters, in six digits and letters as in GitHub's tokens. It
/// detects typing errors without a lookup, and isn't a security measure.
///
/// ```
/// use boltguard_apikey::{ApiKeyError, KeyFormat};
///
/// let format = KeyFormat::new("acme_live")?;
/// let key = format.generate()?;
/// assert_eq!(format.parse(key.expose())?.id(), key.id());
/// assert_eq!(format.parse("sk-prod-123abc").unwrap_err(), ApiKeyError::Format);
/// # Ok::<(), ApiKeyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFormat {
    prefix: Box<str>,
}

impl KeyFormat {
    /// Creates a format for keys that start with `prefix` and `_`.
    ///
    /// # Errors
    ///
    /// [`ApiKeyError::Prefix`] unless the prefix has 2 to 24 characters and consists of words of `a` to `z` and `0` to
    /// `9`, separated by single `_`.
    pub fn new(prefix: impl AsRef<str>) -> Result<Self, ApiKeyError> {
        let prefix = prefix.as_ref();
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

    /// Returns the prefix, without the following `_`.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Generates a key.
    ///
    /// # Errors
    ///
    /// [`ApiKeyError::Random`] if the random number generator of the system is unavailable.
    pub fn generate(&self) -> Result<GeneratedKey, ApiKeyError> {
        let mut key = self.start();
        base62::push_random(&mut key, ID_LEN)?;
        key.push('_');
        base62::push_random(&mut key, SECRET_LEN)?;
        Ok(self.finish(key))
    }

    /// Generates only the ID of a key, for [`compose`](Self::compose).
    ///
    /// # Errors
    ///
    /// [`RandomError`] if the random number generator of the system is unavailable.
    pub fn generate_id() -> Result<String, RandomError> {
        let mut id = String::with_capacity(ID_LEN);
        base62::push_random(&mut id, ID_LEN)?;
        Ok(id)
    }

    /// Returns whether a string has the form of an ID: 12 digits and letters.
    #[must_use]
    pub fn is_id(id: &str) -> bool {
        id.len() == ID_LEN && base62::is_base62(id)
    }

    /// Composes a key from an ID and a secret of 256 bits, which must be random, or derived from a secret.
    ///
    /// [`ParsedKey::secret`] returns the same secret.
    ///
    /// ```
    /// use boltguard_apikey::KeyFormat;
    ///
    /// let format = KeyFormat::new("sk")?;
    /// let key = format.compose("4fQzW0ksT1bC", &[7; 32])?;
    /// assert_eq!(format.parse(key.expose())?.secret(), Some([7; 32]));
    /// # Ok::<(), boltguard_apikey::ApiKeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ApiKeyError::Format`] unless the ID consists of 12 digits and letters.
    pub fn compose(&self, id: &str, secret: &[u8; 32]) -> Result<GeneratedKey, ApiKeyError> {
        if !Self::is_id(id) {
            return Err(ApiKeyError::Format);
        }
        let mut key = self.start();
        key.push_str(id);
        key.push('_');
        base62::push_number(&mut key, secret);
        Ok(self.finish(key))
    }

    /// Returns the prefix and `_`, in a buffer for the whole key.
    fn start(&self) -> Zeroizing<String> {
        // The buffer must not be reallocated, because the old one would not be zeroized.
        let mut key = Zeroizing::new(String::with_capacity(self.len()));
        key.push_str(&self.prefix);
        key.push('_');
        key
    }

    /// Appends the checksum.
    fn finish(&self, mut key: Zeroizing<String>) -> GeneratedKey {
        let checksum = checksum(&key);
        key.extend(checksum);
        GeneratedKey {
            key,
            id_start: self.prefix.len() + 1,
        }
    }

    /// Parses an untrusted string.
    ///
    /// # Errors
    ///
    /// - [`ApiKeyError::Checksum`] if the string has this format, but the checksum is wrong.
    /// - [`ApiKeyError::Format`] if the string doesn't have this format.
    pub fn parse<'a>(&self, key: &'a str) -> Result<ParsedKey<'a>, ApiKeyError> {
        let (id, rest) = self.split(key).ok_or(ApiKeyError::Format)?;
        if !base62::is_base62(id) || !base62::is_base62(rest) {
            return Err(ApiKeyError::Format);
        }
        let (body, actual) = key.split_at(key.len() - CHECKSUM_LEN);
        if !checksum(body).into_iter().eq(actual.chars()) {
            return Err(ApiKeyError::Checksum);
        }
        let secret = &rest[..SECRET_LEN];
        Ok(ParsedKey { key, id, secret })
    }

    /// Returns a regular expression that matches the keys, in syntax that all common engines support.
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

    /// Returns the ID, and the secret with the checksum.
    fn split<'a>(&self, key: &'a str) -> Option<(&'a str, &'a str)> {
        if key.len() != self.len() {
            return None;
        }
        key.strip_prefix(&*self.prefix)?
            .strip_prefix('_')?
            .split_once('_')
            .filter(|(id, _)| id.len() == ID_LEN)
    }
}

/// 71 random bits: among 2^32 keys, the probability that two have the same ID is about 1 in 300.
pub(crate) const ID_LEN: usize = 12;

const SECRET_LEN: usize = base62::NUMBER_LEN;

/// 62^6 is more than 2^32.
const CHECKSUM_LEN: usize = 6;

fn checksum(body: &str) -> [char; CHECKSUM_LEN] {
    base62::digits(crc32fast::hash(body.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_is_lower_case_words() {
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
    fn debug_shows_only_the_id() {
        let format = KeyFormat::new("sk").unwrap();
        let key = format.generate().unwrap();
        let parsed = format.parse(key.expose()).unwrap();
        let secret = &key.expose()[16..30];
        for output in [format!("{key:?}"), format!("{parsed:?}")] {
            assert!(
                output.contains(key.id()) && !output.contains(secret),
                "{output}"
            );
        }
    }

    #[test]
    fn creating_a_key_does_not_reallocate() {
        let format = KeyFormat::new("acme_live").unwrap();
        let composed = format.compose("0123456789ab", &[0xff; 32]).unwrap();
        for key in [format.generate().unwrap(), composed] {
            assert_eq!(
                (key.key.len(), key.key.capacity()),
                (format.len(), format.len())
            );
        }
    }

    #[test]
    fn ids_are_12_digits_and_letters() {
        assert!(KeyFormat::is_id(&KeyFormat::generate_id().unwrap()));
        let format = KeyFormat::new("sk").unwrap();
        for id in [
            "",
            "0123456789a",
            "0123456789abc",
            "0123456789a_",
            "0123456789é",
        ] {
            assert_eq!(
                format.compose(id, &[0; 32]).unwrap_err(),
                ApiKeyError::Format,
                "{id}"
            );
        }
    }

    /// All versions must accept this key, whose checksum was computed with Python's `zlib.crc32`.
    #[test]
    fn parses_key_of_the_first_version() {
        let key = "sk_0123456789ab_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2rjqvn";
        let key = KeyFormat::new("sk").unwrap().parse(key).unwrap();
        assert_eq!(key.id(), "0123456789ab");
    }
}
