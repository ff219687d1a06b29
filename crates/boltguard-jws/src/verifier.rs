//! Verifying tokens with a set of keys.

use std::borrow::Cow;

use boltguard_keys::KeySet;

use crate::common_headers::common_headers;
use crate::jws::{Segments, check_len};
use crate::{Header, JwsError, UnverifiedJws, VerifiedJws};

/// A set of trusted keys that verifies tokens.
///
/// The well-known headers of tokens of these keys are prepared in encoded form, so that most headers aren't parsed.
///
/// ```
/// use boltguard_jws::{HeaderFields, Verifier, sign};
/// use boltguard_keys::{Algorithm, Key, KeySet, Secret, SigningKey, VerifyingKey};
///
/// let secret = Key::Secret(Secret::new(b"a secret that is thirty-two bytes")?);
/// let token = sign(b"hello", &HeaderFields::new(), &SigningKey::new(&secret, Algorithm::Hs256)?)?;
///
/// let verifier = Verifier::new(KeySet::new([VerifyingKey::new(&secret, Algorithm::Hs256)?]));
/// assert_eq!(verifier.verify(&token)?.payload(), b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: KeySet,
    known: Vec<(Box<str>, Header)>,
}

impl Verifier {
    /// Trusts these keys, each for its algorithm.
    #[must_use]
    pub fn new(keys: KeySet) -> Self {
        let known = keys
            .keys()
            .iter()
            .take(MAX_KEYS_KNOWN)
            .flat_map(common_headers)
            .collect();
        Self { keys, known }
    }

    /// Returns the trusted keys.
    #[must_use]
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// Verifies the signature of a token.
    ///
    /// # Errors
    ///
    /// The [`JwsError`] of the first check that fails.
    #[inline]
    pub fn verify<'t>(&'t self, token: &'t str) -> Result<VerifiedJws<'t>, JwsError> {
        self.parse(token)?.verify_among(&self.keys)
    }

    #[inline]
    fn parse<'t>(&'t self, token: &'t str) -> Result<UnverifiedJws<'t>, JwsError> {
        check_len(token)?;
        match self
            .known
            .iter()
            .find(|(text, _)| begins_with_segment(token, text))
        {
            Some((text, header)) => {
                let segments = Segments::split_behind(token, text.len(), header.algorithm())?;
                Ok(UnverifiedJws::with_header(segments, Cow::Borrowed(header)))
            }
            None => UnverifiedJws::parse(token),
        }
    }
}

#[inline]
fn begins_with_segment(token: &str, segment: &str) -> bool {
    token.as_bytes().get(segment.len()) == Some(&b'.') && token.starts_with(segment)
}

/// The number of keys whose headers are prepared. With more keys, the comparisons would be slower than parsing.
const MAX_KEYS_KNOWN: usize = 4;
