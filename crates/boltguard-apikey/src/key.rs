//! Generated keys, and strings that have the form of one.

use std::fmt;

use zeroize::Zeroizing;

use crate::format::ID_LEN;
use crate::{KeyDigest, Peppers, base62};

/// A generated key. It is zeroized when dropped, and `Debug` hides the secret.
pub struct GeneratedKey {
    pub(crate) key: Zeroizing<String>,
    pub(crate) id_start: usize,
}

impl GeneratedKey {
    /// Returns the key, to be shown to its owner once.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.key
    }

    /// Returns the public ID, which is not a secret.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.key[self.id_start..self.id_start + ID_LEN]
    }

    /// Returns the digest to store instead of the key.
    #[must_use]
    pub fn digest(&self, peppers: &Peppers) -> KeyDigest {
        peppers.digest(&self.key)
    }
}

impl fmt::Debug for GeneratedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GeneratedKey")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

/// A string with the format of a key and a correct checksum, which isn't authenticated yet.
#[derive(Clone, Copy)]
pub struct ParsedKey<'a> {
    pub(crate) key: &'a str,
    pub(crate) id: &'a str,
    pub(crate) secret: &'a str,
}

impl<'a> ParsedKey<'a> {
    /// Returns the ID to look up.
    #[must_use]
    pub const fn id(&self) -> &'a str {
        self.id
    }

    /// Returns the secret of a key that was [composed](crate::KeyFormat::compose).
    ///
    /// Returns `None` if the digits are a number of more than 256 bits. This can be the case for a generated key, whose
    /// digits are random.
    #[must_use]
    pub fn secret(&self) -> Option<[u8; 32]> {
        base62::parse_number(self.secret)
    }

    /// Returns the digest with the current secret, to be compared with the stored one or to replace it.
    #[must_use]
    pub fn digest(&self, peppers: &Peppers) -> KeyDigest {
        peppers.digest(self.key)
    }
}

impl fmt::Debug for ParsedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParsedKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
