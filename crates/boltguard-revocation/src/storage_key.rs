//! The names of levels in shared stores.

use sha2::{Digest, Sha256};

use crate::RevocationLevel;

impl RevocationLevel<'_> {
    /// Returns the name of the level in shared stores, which put their own prefix in front of it.
    ///
    /// It is `boltguard:level:`, then `session:`, `subject:`, `issuer:` or `key:`, and the hexadecimal SHA-256 digest
    /// of the `sid`, `sub`, `iss` or `kid`. For a subject of one issuer, `:` and the digest of the issuer follow. It
    /// has at most 153 characters.
    ///
    /// ```
    /// use boltguard_revocation::RevocationLevel;
    ///
    /// let key = RevocationLevel::Session("a session").storage_key();
    /// assert_eq!(
    ///     key,
    ///     "boltguard:level:session:1e2952b478968fb69e105423445683880726a3929232c26772e629d7ecf762cd",
    /// );
    /// ```
    #[must_use]
    pub fn storage_key(&self) -> String {
        let (kind, digest) = match *self {
            Self::Issuer(issuer) => ("issuer:", digest(issuer)),
            Self::Key(key_id) => ("key:", digest(key_id)),
            Self::Session(session_id) => ("session:", digest(session_id)),
            Self::Subject { subject, issuer } => match issuer {
                None => ("subject:", digest(subject)),
                Some(issuer) => ("subject:", [digest(subject), digest(issuer)].join(":")),
            },
        };
        [LEVEL, kind, &digest].concat()
    }
}

/// Returns the hexadecimal SHA-256 digest.
pub(crate) fn digest(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The beginning of the names of levels.
pub(crate) const LEVEL: &str = "boltguard:level:";
