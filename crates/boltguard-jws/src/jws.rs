//! Parsing a token and verifying its signature.

use std::borrow::Cow;
use std::fmt;

use boltguard_encoding::base64url;
use boltguard_keys::{Algorithm, KeySet, VerifyingKey};
use memchr::{memchr, memrchr};

use crate::{Header, JwsError};

/// The maximum length of a token, in bytes. Longer tokens are rejected.
pub const MAX_TOKEN_LEN: usize = 16 * 1024;

/// A token whose signature is not verified yet.
///
/// Its header can be read, but not its payload.
#[derive(Clone)]
pub struct UnverifiedJws<'t> {
    header: Cow<'t, Header>,
    segments: Segments<'t>,
}

impl<'t> UnverifiedJws<'t> {
    /// Splits a token into segments and parses the header.
    ///
    /// # Errors
    ///
    /// - [`JwsError::TooLarge`] over [`MAX_TOKEN_LEN`].
    /// - [`JwsError::Malformed`] unless there are three segments, RFC 7515 §7.1.
    /// - The errors of [`Header::parse`].
    pub fn parse(token: &'t str) -> Result<Self, JwsError> {
        let segments = Segments::split(token)?;
        let header = Cow::Owned(Header::parse_segment(segments.header())?);
        Ok(Self { header, segments })
    }

    #[inline]
    pub(crate) fn with_header(segments: Segments<'t>, header: Cow<'t, Header>) -> Self {
        Self { header, segments }
    }

    /// Returns the header, which anyone can have written.
    #[must_use]
    pub fn unverified_header(&self) -> &Header {
        &self.header
    }

    /// Verifies the signature with `key` and decodes the payload, RFC 7515 §5.2.
    ///
    /// # Errors
    ///
    /// - [`JwsError::AlgorithmNotAllowed`] if `key` is for another algorithm, RFC 8725 §3.1.
    /// - [`JwsError::SignatureInvalid`] if the signature is not valid.
    /// - [`JwsError::Malformed`] if a segment is not base64url.
    pub fn verify(self, key: &VerifyingKey) -> Result<VerifiedJws<'t>, JwsError> {
        if key.algorithm() != self.header.algorithm() {
            return Err(JwsError::AlgorithmNotAllowed);
        }
        let input = self.segments.signing_input();
        self.segments
            .check_signature(input, key.algorithm(), [key])?;
        self.into_verified()
    }

    /// Verifies the signature with those of the `keys` that match the header's `alg` and `kid`.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify), and [`JwsError::KeyNotFound`] if no key has the token's `kid`.
    #[inline]
    pub fn verify_among(self, keys: &KeySet) -> Result<VerifiedJws<'t>, JwsError> {
        let algorithm = self.header.algorithm();
        if !keys.serves(algorithm) {
            return Err(self.segments.why_refused(JwsError::AlgorithmNotAllowed));
        }
        let candidates = keys.select(algorithm, self.header.key_id());
        let input = self.segments.signing_input();
        self.segments
            .check_signature(input, algorithm, candidates)?;
        self.into_verified()
    }

    #[inline]
    pub(crate) fn into_verified(self) -> Result<VerifiedJws<'t>, JwsError> {
        let payload = base64url::decode(self.segments.payload());
        let payload = payload.map_err(|_| JwsError::Malformed)?;
        Ok(VerifiedJws {
            header: self.header,
            payload,
        })
    }
}

/// A token whose signature a trusted key has verified.
#[derive(Clone)]
pub struct VerifiedJws<'t> {
    header: Cow<'t, Header>,
    payload: Vec<u8>,
}

impl<'t> VerifiedJws<'t> {
    pub(crate) fn new(header: Header, payload: Vec<u8>) -> Self {
        let header = Cow::Owned(header);
        Self { header, payload }
    }

    /// Returns the header, which the signature covers.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Returns the header and the payload.
    #[must_use]
    #[inline]
    pub fn into_parts(self) -> (Cow<'t, Header>, Vec<u8>) {
        (self.header, self.payload)
    }
}

/// The three segments of a token, still encoded.
#[derive(Clone, Copy)]
pub(crate) struct Segments<'t> {
    token: &'t [u8],
    first_dot: usize,
    second_dot: usize,
}

impl<'t> Segments<'t> {
    pub(crate) fn split(token: &'t str) -> Result<Self, JwsError> {
        check_len(token)?;
        let token = token.as_bytes();
        let first_dot = memchr(b'.', token).ok_or(JwsError::Malformed)?;
        Self::split_at(token, first_dot, find_last_dot(token)?)
    }

    /// Splits a token whose first segment ends at `first_dot` and names `algorithm`.
    #[inline]
    pub(crate) fn split_behind(
        token: &'t str,
        first_dot: usize,
        algorithm: Algorithm,
    ) -> Result<Self, JwsError> {
        let token = token.as_bytes();
        // Signatures are as long as the hash, or twice as long. If this position has a dot by chance, the signature
        // contains the last dot, and decoding it fails.
        let len = base64url::encoded_len(algorithm.hash_len());
        let second_dot = token.len().wrapping_sub(len + 1);
        match token.get(second_dot) {
            Some(b'.') if second_dot > first_dot => Self::split_at(token, first_dot, second_dot),
            _ => Self::split_at(token, first_dot, find_last_dot(token)?),
        }
    }

    #[inline]
    fn split_at(token: &'t [u8], first_dot: usize, second_dot: usize) -> Result<Self, JwsError> {
        // Another dot between these two isn't base64url, so that decoding the payload fails.
        if first_dot >= second_dot {
            return Err(JwsError::Malformed);
        }
        Ok(Self {
            token,
            first_dot,
            second_dot,
        })
    }

    #[inline]
    pub(crate) fn header(&self) -> &'t [u8] {
        &self.token[..self.first_dot]
    }

    #[inline]
    pub(crate) fn payload(&self) -> &'t [u8] {
        &self.token[self.first_dot + 1..self.second_dot]
    }

    #[inline]
    pub(crate) fn signature(&self) -> &'t [u8] {
        &self.token[self.second_dot + 1..]
    }

    #[inline]
    pub(crate) fn signing_input(&self) -> &'t [u8] {
        &self.token[..self.second_dot]
    }

    #[inline]
    pub(crate) fn check_signature<'k>(
        &self,
        input: &[u8],
        algorithm: Algorithm,
        keys: impl IntoIterator<Item = &'k VerifyingKey>,
    ) -> Result<(), JwsError> {
        if algorithm.is_symmetric() {
            self.check_signature_of::<MAX_TAG_LEN>(input, keys)
        } else {
            self.check_signature_of::<MAX_SIGNATURE_LEN>(input, keys)
        }
    }

    #[inline]
    fn check_signature_of<'k, const LEN: usize>(
        &self,
        input: &[u8],
        keys: impl IntoIterator<Item = &'k VerifyingKey>,
    ) -> Result<(), JwsError> {
        let mut bytes = [0; LEN];
        let len = base64url::decode_slice(self.signature(), &mut bytes)
            .map_err(|_| self.why_no_signature())?;
        let mut verdict = Err(JwsError::KeyNotFound);
        for key in keys {
            if key.verify(input, &bytes[..len]).is_ok() {
                return Ok(());
            }
            verdict = Err(JwsError::SignatureInvalid);
        }
        verdict.map_err(|why| self.why_refused(why))
    }

    /// Returns `Malformed` if the token has four or more segments, else `why`.
    #[cold]
    fn why_refused(&self, why: JwsError) -> JwsError {
        if memchr(b'.', self.payload()).is_some() {
            JwsError::Malformed
        } else {
            why
        }
    }

    /// Returns the error of a signature that is too long for every algorithm, or isn't base64url.
    #[cold]
    fn why_no_signature(&self) -> JwsError {
        match base64url::decode(self.signature()) {
            Ok(_) => JwsError::SignatureInvalid,
            Err(_) => JwsError::Malformed,
        }
    }
}

#[cold]
fn find_last_dot(token: &[u8]) -> Result<usize, JwsError> {
    memrchr(b'.', token).ok_or(JwsError::Malformed)
}

#[inline]
pub(crate) fn check_len(token: &str) -> Result<(), JwsError> {
    if token.len() > MAX_TOKEN_LEN {
        return Err(JwsError::TooLarge);
    }
    Ok(())
}

/// The length of a tag of HMAC with SHA-512.
const MAX_TAG_LEN: usize = 64;

/// The length of a signature of an RSA key with 8192 bits.
const MAX_SIGNATURE_LEN: usize = 1024;

/// Shows the header only, because anyone who finds a whole token in a log can use it.
impl fmt::Debug for UnverifiedJws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedJws")
            .field("header", &*self.header)
            .finish_non_exhaustive()
    }
}

/// Shows the header only.
impl fmt::Debug for VerifiedJws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedJws")
            .field("header", &*self.header)
            .finish_non_exhaustive()
    }
}
