//! `jsonwebtoken` with both of its backends in one process, by a provider that delegates to the active one.

use std::hint::black_box;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use boltguard::keys::Algorithm;
use boltguard_testing::keys::SECRET;
use jsonwebtoken::crypto::{CryptoProvider, aws_lc, rust_crypto};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};

use super::pair;
use crate::claims::{self, ISSUER, Typed};
use crate::contest::Work;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    AwsLc,
    RustCrypto,
}

static IS_AWS_LC: AtomicBool = AtomicBool::new(false);

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| (active().signer_factory)(algorithm, key),
    verifier_factory: |algorithm, key| (active().verifier_factory)(algorithm, key),
    key_utils: jsonwebtoken::crypto::KeyUtils::new_unimplemented(),
};

fn active() -> &'static CryptoProvider {
    match IS_AWS_LC.load(Relaxed) {
        true => &aws_lc::DEFAULT_PROVIDER,
        false => &rust_crypto::DEFAULT_PROVIDER,
    }
}

impl Backend {
    fn activate(self) {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            PROVIDER
                .install_default()
                .expect("no other provider is installed")
        });
        IS_AWS_LC.store(self == Self::AwsLc, Relaxed);
    }
}

/// A key and settings, as a service would prepare them.
pub(crate) struct Decoder {
    backend: Backend,
    key: DecodingKey,
    validation: Validation,
}

impl Decoder {
    pub(crate) fn new(backend: Backend, algorithm: Algorithm) -> Option<Self> {
        let mut validation = Validation::new(named(algorithm)?);
        validation.set_issuer(&[ISSUER]);
        let key = decoding_key(algorithm)?;
        Some(Self {
            backend,
            key,
            validation,
        })
    }

    pub(crate) fn decode(&self, token: &str) -> Option<Typed> {
        self.backend.activate();
        let decoded = jsonwebtoken::decode(token, &self.key, &self.validation);
        decoded.ok().map(|token| token.claims)
    }
}

pub(super) fn verify(backend: Backend, algorithm: Algorithm, token: &str) -> Option<Work> {
    let (decoder, token) = (Decoder::new(backend, algorithm)?, token.to_owned());
    Some(Box::new(move || {
        decoder.decode(black_box(&token)).map(black_box).is_some()
    }))
}

pub(super) fn mint(backend: Backend, algorithm: Algorithm, size: usize) -> Option<Work> {
    let header = Header::new(named(algorithm)?);
    let (key, claims) = (
        encoding_key(algorithm)?,
        Typed::new(claims::permissions(size)),
    );
    Some(Box::new(move || {
        backend.activate();
        jsonwebtoken::encode(&header, black_box(&claims), &key)
            .map(black_box)
            .is_ok()
    }))
}

fn named(algorithm: Algorithm) -> Option<jsonwebtoken::Algorithm> {
    algorithm.name().parse().ok()
}

fn decoding_key(algorithm: Algorithm) -> Option<DecodingKey> {
    let Some(pair) = pair(algorithm) else {
        return DecodingKey::from_secret(SECRET.as_bytes()).ok();
    };
    let pem = pair.public_pem.as_bytes();
    let key = match algorithm {
        Algorithm::EdDsa => DecodingKey::from_ed_pem(pem),
        Algorithm::Es256 | Algorithm::Es384 => DecodingKey::from_ec_pem(pem),
        _ => DecodingKey::from_rsa_pem(pem),
    };
    Some(key.expect("the key is valid"))
}

fn encoding_key(algorithm: Algorithm) -> Option<EncodingKey> {
    let Some(pair) = pair(algorithm) else {
        return EncodingKey::from_secret(SECRET.as_bytes()).ok();
    };
    let pem = pair.private_pem.as_bytes();
    let key = match algorithm {
        Algorithm::EdDsa => EncodingKey::from_ed_pem(pem),
        Algorithm::Es256 | Algorithm::Es384 => EncodingKey::from_ec_pem(pem),
        _ => EncodingKey::from_rsa_pem(pem),
    };
    Some(key.expect("the key is valid"))
}
