//! The keys of a server, from which refresh tokens are derived.

use boltguard_keys::{Secret, hkdf_sha256, hmac_sha256};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::{RefreshToken, SessionId, UnverifiedRefreshToken, VerifiedRefreshToken};

/// The keys of a server, from which refresh tokens are derived.
///
/// The secret of a token consists of its generation and the HMAC-SHA-256 of the session ID and the generation,
/// truncated to 224 bits. A token of any generation is therefore verified with one HMAC and without a store.
///
/// Each key is derived from a secret with HKDF, so the secret can be the same as the one that signs tokens.
///
/// # Rotation
///
/// New tokens are derived from the current secret, and tokens of old secrets are still accepted. Remove an old secret
/// when the tokens that were issued with it have expired. After the current secret has changed, a token that is used
/// again within the grace period returns a successor of the same generation with other bytes; both are accepted.
///
/// ```
/// use boltguard_keys::Secret;
/// use boltguard_session::{SessionId, SessionKeys, UnverifiedRefreshToken};
///
/// let before = Secret::new(b"the secret of 2025, 32 bytes long")?;
/// let token = SessionKeys::new(&before).issue(&SessionId::generate()?, 0);
///
/// let after = SessionKeys::new(&Secret::new(b"the secret of 2026, 32 bytes long")?);
/// let presented = UnverifiedRefreshToken::parse(token.expose()).expect("the format is valid");
/// assert!(after.verify(&presented).is_none());
/// assert!(after.with_old(&before).verify(&presented).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SessionKeys {
    current: Secret,
    old: Vec<Secret>,
}

impl SessionKeys {
    /// Derives the key for new tokens from a secret.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        Self {
            current: derive(secret),
            old: Vec::new(),
        }
    }

    /// Also accepts tokens that were issued with this secret.
    #[must_use]
    pub fn with_old(mut self, secret: &Secret) -> Self {
        self.old.push(derive(secret));
        self
    }

    /// Returns the token of a generation of a session, which is always the same.
    #[must_use]
    pub fn issue(&self, id: &SessionId, generation: u32) -> RefreshToken {
        let mut secret = Zeroizing::new([0; 32]);
        let (head, tail) = secret.split_at_mut(GENERATION_LEN);
        head.copy_from_slice(&generation.to_be_bytes());
        tail.copy_from_slice(&*tag(&self.current, id, generation));
        RefreshToken::new(id, &secret)
    }

    /// Returns a seed for the ID of the access token that is issued together with the token of a generation.
    ///
    /// It is always the same, so that a refresh token that is used again receives the same access token. It can't be
    /// predicted without the key, and it doesn't reveal the refresh token.
    #[must_use]
    pub fn access_token_seed(&self, id: &SessionId, generation: u32) -> u64 {
        let message = [
            id.as_str().as_bytes(),
            &generation.to_be_bytes(),
            b"access token",
        ]
        .concat();
        let mut seed = [0; size_of::<u64>()];
        seed.copy_from_slice(&hmac_sha256(&self.current, &message)[..size_of::<u64>()]);
        u64::from_be_bytes(seed)
    }

    /// Verifies the secret of a token. Returns `None` if it wasn't derived from one of the keys.
    ///
    /// All keys are tried and the comparison takes constant time, so that the time doesn't reveal how much of a secret
    /// was guessed correctly.
    #[must_use]
    pub fn verify(&self, token: &UnverifiedRefreshToken<'_>) -> Option<VerifiedRefreshToken> {
        let id = SessionId::parse(token.unverified_session_id())?;
        let secret = Zeroizing::new(token.secret()?);
        let (generation, presented) = secret.split_first_chunk::<GENERATION_LEN>()?;
        let generation = u32::from_be_bytes(*generation);
        let keys = self.old.iter().chain([&self.current]);
        let matches = keys.fold(Choice::from(0), |found, key| {
            found | tag(key, &id, generation)[..].ct_eq(presented)
        });
        bool::from(matches).then(|| VerifiedRefreshToken::new(id, generation))
    }
}

fn derive(secret: &Secret) -> Secret {
    hkdf_sha256(secret, b"", b"boltguard refresh token, version 1")
}

/// The length of the generation in bytes.
const GENERATION_LEN: usize = size_of::<u32>();

/// The length of the HMAC in bytes. RFC 2104 §5 recommends at least half of the hash.
const TAG_LEN: usize = 32 - GENERATION_LEN;

/// The ID always has the same length, so two sessions and generations never have the same message.
fn tag(key: &Secret, id: &SessionId, generation: u32) -> Zeroizing<[u8; TAG_LEN]> {
    let message = [id.as_str().as_bytes(), &generation.to_be_bytes()].concat();
    let whole = Zeroizing::new(hmac_sha256(key, &message));
    let mut tag = Zeroizing::new([0; TAG_LEN]);
    tag.copy_from_slice(&whole[..TAG_LEN]);
    tag
}
