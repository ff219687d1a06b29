//! The algorithms, one row each.
//!
//! A row contains everything that is specific to an algorithm, so an incomplete row doesn't compile. Its functions
//! prepare a key for it; they accept keys of the type in the row, and reject others.

#[cfg(feature = "aws-lc")]
use aws_lc_rs::signature as rsa;
#[cfg(not(feature = "aws-lc"))]
use ring::signature as rsa;
use ring::{hmac, signature};

#[cfg(feature = "aws-lc")]
use super::aws_lc::{
    Ed25519Verifier, P384Signer, P384Verifier, P521Signer, P521Verifier, RsaVerifier,
};
#[cfg(feature = "es256k")]
use super::k256::{Secp256k1Signer, Secp256k1Verifier};
#[cfg(not(feature = "aws-lc"))]
use super::p521::{P521Signer, P521Verifier};
use super::ring::{Ed25519Signer, P256Signer, P256Verifier, RsaSigner, hmac_key};
#[cfg(not(feature = "aws-lc"))]
use super::ring::{Ed25519Verifier, P384Signer, P384Verifier, RsaVerifier};
use super::{Signer, Verifier};
use crate::{Curve, Key, KeyError, KeyType};

/// The properties of an algorithm.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Other names that the `alg` of a JWK may have, but not that of a token.
    pub(crate) jwk_names: &'static [&'static str],
    pub(crate) key_type: KeyType,
    pub(crate) hash: Hash,
    pub(crate) slow: Slow,
    pub(crate) verifier: fn(&Key) -> Result<Verifier, KeyError>,
    pub(crate) signer: fn(&Key) -> Result<Signer, KeyError>,
}

/// The hash that an algorithm is used with, FIPS 180-4.
#[derive(Clone, Copy)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// Returns the length in bytes.
    pub(crate) const fn len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// The operations that take 100 µs or more, during which other threads should run.
#[derive(Clone, Copy)]
pub(crate) enum Slow {
    Never,
    ToSign,
    Always,
}

macro_rules! algorithms {
    ($(
        $(#[doc = $doc:literal])*
        $(#[cfg($when:meta)])?
        $variant:ident = $name:literal $(| $jwk_name:literal)*, $key_type:expr, $hash:ident, $slow:ident, $verifier:expr, $signer:expr;
    )*) => {
        /// A signature algorithm that tokens can name in `alg`; `none` is not one.
        ///
        /// ```
        /// use boltguard_keys::{Algorithm, Curve, KeyType};
        ///
        /// let algorithm: Algorithm = "ES256".parse()?;
        /// assert_eq!(algorithm.key_type(), KeyType::Ec(Curve::P256));
        ///
        /// let unknown = "rs256".parse::<Algorithm>().unwrap_err();
        /// assert_eq!(unknown.suggestion(), Some(Algorithm::Rs256));
        /// assert!("none".parse::<Algorithm>().is_err());
        /// # Ok::<(), boltguard_keys::UnknownAlgorithm>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Algorithm {
            $($(#[doc = $doc])* $(#[cfg($when)])? $variant,)*
        }

        impl Algorithm {
            /// Every algorithm.
            pub const ALL: &'static [Self] = &[$($(#[cfg($when)])? Self::$variant,)*];

            pub(crate) const fn row(self) -> &'static Row {
                match self {
                    $($(#[cfg($when)])? Self::$variant => const {
                        &Row {
                            name: $name,
                            jwk_names: &[$($jwk_name),*],
                            key_type: $key_type,
                            hash: Hash::$hash,
                            slow: Slow::$slow,
                            verifier: $verifier,
                            signer: $signer,
                        }
                    },)*
                }
            }
        }
    };
}

// Each row: the name in `alg` and others in a JWK, the type of its keys, the hash, what is slow, what verifies and what
// signs.
algorithms! {
    /// HMAC with SHA-256.
    Hs256 = "HS256", KeyType::Hmac, Sha256, Never,
        |key| hmac_key(key, hmac::HMAC_SHA256).map(Verifier::Hmac),
        |key| hmac_key(key, hmac::HMAC_SHA256).map(Signer::Hmac);
    /// HMAC with SHA-384.
    Hs384 = "HS384", KeyType::Hmac, Sha384, Never,
        |key| hmac_key(key, hmac::HMAC_SHA384).map(Verifier::Hmac),
        |key| hmac_key(key, hmac::HMAC_SHA384).map(Signer::Hmac);
    /// HMAC with SHA-512.
    Hs512 = "HS512", KeyType::Hmac, Sha512, Never,
        |key| hmac_key(key, hmac::HMAC_SHA512).map(Verifier::Hmac),
        |key| hmac_key(key, hmac::HMAC_SHA512).map(Signer::Hmac);
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256 = "RS256", KeyType::Rsa, Sha256, ToSign,
        |key| RsaVerifier::new(key, &rsa::RSA_PKCS1_2048_8192_SHA256).map(Verifier::new),
        |key| RsaSigner::new(key, &signature::RSA_PKCS1_SHA256).map(Signer::new);
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384 = "RS384", KeyType::Rsa, Sha384, ToSign,
        |key| RsaVerifier::new(key, &rsa::RSA_PKCS1_2048_8192_SHA384).map(Verifier::new),
        |key| RsaSigner::new(key, &signature::RSA_PKCS1_SHA384).map(Signer::new);
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512 = "RS512", KeyType::Rsa, Sha512, ToSign,
        |key| RsaVerifier::new(key, &rsa::RSA_PKCS1_2048_8192_SHA512).map(Verifier::new),
        |key| RsaSigner::new(key, &signature::RSA_PKCS1_SHA512).map(Signer::new);
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes.
    Ps256 = "PS256", KeyType::Rsa, Sha256, ToSign,
        |key| RsaVerifier::new(key, &rsa::RSA_PSS_2048_8192_SHA256).map(Verifier::new),
        |key| RsaSigner::new(key, &signature::RSA_PSS_SHA256).map(Signer::new);
    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384 and a salt of 48 bytes.
    Ps384 = "PS384", KeyType::Rsa, Sha384, ToSign,
        |key| RsaVerifier::new(key, &rsa::RSA_PSS_2048_8192_SHA384).map(Verifier::new),
        |key| RsaSigner::new(key, &signature::RSA_PSS_SHA384).map(Signer::new);
    /// RSASSA-PSS with SHA-512, MGF1 with SHA-512 and a salt of 64 bytes.
    Ps512 = "PS512", KeyType::Rsa, Sha512, ToSign,
        |key| RsaVerifier::new(key, &rsa::RSA_PSS_2048_8192_SHA512).map(Verifier::new),
        |key| RsaSigner::new(key, &signature::RSA_PSS_SHA512).map(Signer::new);
    /// ECDSA on P-256 with SHA-256.
    Es256 = "ES256", KeyType::Ec(Curve::P256), Sha256, Never,
        |key| P256Verifier::new(key).map(Verifier::new),
        |key| P256Signer::new(key).map(Signer::new);
    /// ECDSA on P-384 with SHA-384.
    Es384 = "ES384", KeyType::Ec(Curve::P384), Sha384, Always,
        |key| P384Verifier::new(key).map(Verifier::new),
        |key| P384Signer::new(key).map(Signer::new);
    /// ECDSA on P-521 with SHA-512.
    Es512 = "ES512", KeyType::Ec(Curve::P521), Sha512, Always,
        |key| P521Verifier::new(key).map(Verifier::new),
        |key| P521Signer::new(key).map(Signer::new);
    /// ECDSA on secp256k1 with SHA-256, RFC 8812, with the feature `es256k`.
    #[cfg(feature = "es256k")]
    Es256k = "ES256K", KeyType::Ec(Curve::Secp256k1), Sha256, Always,
        |key| Secp256k1Verifier::new(key).map(Verifier::new),
        |key| Secp256k1Signer::new(key).map(Signer::new);
    /// Ed25519. RFC 9864 §2.2 calls it `Ed25519`, which issuers begin to write in JWKs; Ed448 would be a row `Ed448`.
    EdDsa = "EdDSA" | "Ed25519", KeyType::Ed25519, Sha512, Never,
        |key| Ed25519Verifier::new(key).map(Verifier::new),
        |key| Ed25519Signer::new(key).map(Signer::new);
}
