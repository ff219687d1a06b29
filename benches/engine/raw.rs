//! The raw primitives for the same bytes, which are a lower bound for each library.

use std::hint::black_box;

use boltguard::keys::Algorithm;
use boltguard_testing::keys::{ED25519, KeyPair, P256, P384, P521, RSA, SECRET};
use p521::ecdsa::signature::{Signer as _, Verifier as _};
use ring::rand::SystemRandom;
use ring::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding,
    RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;

use crate::contest::Contest;

/// Adds the verification of the token's signature.
pub(crate) fn verify(contest: Contest, algorithm: Algorithm, token: &str) -> Contest {
    let (message, signature) = parts(token);
    match algorithm {
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
            let key = hmac_key(algorithm);
            contest.with("ring", move || {
                ring::hmac::verify(&key, black_box(&message), &signature)
            })
        }
        Algorithm::Es512 => {
            let key = *p521_key().verifying_key();
            contest.with("p521", move || {
                let signature = p521::ecdsa::Signature::from_slice(black_box(&signature))?;
                key.verify(black_box(&message), &signature)
            })
        }
        _ => {
            let key = public_key(algorithm);
            contest.with("ring", move || {
                key.verify(black_box(&message), black_box(&signature))
            })
        }
    }
}

/// Adds the creation of the token's signature.
pub(crate) fn sign(contest: Contest, algorithm: Algorithm, token: &str) -> Contest {
    let (message, _) = parts(token);
    let random = SystemRandom::new();
    match algorithm {
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
            let key = hmac_key(algorithm);
            contest.with("ring", move || ring::hmac::sign(&key, black_box(&message)))
        }
        Algorithm::Es512 => {
            let key = p521_key();
            contest.with("p521", move || -> p521::ecdsa::Signature {
                key.sign(black_box(&message))
            })
        }
        Algorithm::EdDsa => {
            let key = ed25519_key();
            contest.with("ring", move || key.sign(black_box(&message)))
        }
        Algorithm::Es256 | Algorithm::Es384 => {
            let key = ecdsa_key(algorithm);
            contest.with("ring", move || key.sign(&random, black_box(&message)))
        }
        _ => {
            let (key, padding) = (rsa_key(), rsa_padding(algorithm));
            let mut signature = vec![0; key.public().modulus_len()];
            contest.with("ring", move || {
                key.sign(padding, &random, black_box(&message), &mut signature)
            })
        }
    }
}

/// Returns the signed bytes and the signature.
pub(crate) fn parts(token: &str) -> (Vec<u8>, Vec<u8>) {
    let (message, signature) = token.rsplit_once('.').expect("tokens contain dots");
    let signature =
        boltguard_encoding::base64url::decode(signature).expect("the signature is base64url");
    (message.as_bytes().to_vec(), signature)
}

pub(crate) fn hmac_key(algorithm: Algorithm) -> ring::hmac::Key {
    let hash = match algorithm {
        Algorithm::Hs384 => ring::hmac::HMAC_SHA384,
        Algorithm::Hs512 => ring::hmac::HMAC_SHA512,
        _ => ring::hmac::HMAC_SHA256,
    };
    ring::hmac::Key::new(hash, SECRET.as_bytes())
}

fn public_key(algorithm: Algorithm) -> UnparsedPublicKey<Vec<u8>> {
    let (scheme, key): (&'static dyn VerificationAlgorithm, Vec<u8>) = match algorithm {
        Algorithm::Es256 => (
            &signature::ECDSA_P256_SHA256_FIXED,
            ecdsa_key(algorithm).public_key().as_ref().to_vec(),
        ),
        Algorithm::Es384 => (
            &signature::ECDSA_P384_SHA384_FIXED,
            ecdsa_key(algorithm).public_key().as_ref().to_vec(),
        ),
        Algorithm::EdDsa => (
            &signature::ED25519,
            ed25519_key().public_key().as_ref().to_vec(),
        ),
        Algorithm::Ps256 => (&signature::RSA_PSS_2048_8192_SHA256, rsa_public_key()),
        _ => (&signature::RSA_PKCS1_2048_8192_SHA256, rsa_public_key()),
    };
    UnparsedPublicKey::new(scheme, key)
}

fn ecdsa_key(algorithm: Algorithm) -> EcdsaKeyPair {
    let (scheme, pair): (&'static EcdsaSigningAlgorithm, KeyPair) = match algorithm {
        Algorithm::Es384 => (&signature::ECDSA_P384_SHA384_FIXED_SIGNING, P384),
        _ => (&signature::ECDSA_P256_SHA256_FIXED_SIGNING, P256),
    };
    EcdsaKeyPair::from_pkcs8(scheme, &pkcs8(pair), &SystemRandom::new()).expect("the key is valid")
}

fn ed25519_key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8(ED25519)).expect("the key is valid")
}

fn rsa_key() -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(&pkcs8(RSA)).expect("the key is valid")
}

fn rsa_public_key() -> Vec<u8> {
    rsa_key().public().as_ref().to_vec()
}

fn rsa_padding(algorithm: Algorithm) -> &'static dyn RsaEncoding {
    match algorithm {
        Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
        _ => &signature::RSA_PKCS1_SHA256,
    }
}

/// Extracts the scalar from the end of the PKCS#8 document, RFC 5915 §3.
fn p521_key() -> p521::ecdsa::SigningKey {
    const SCALAR_LEN: usize = 66;
    let der = pkcs8(P521);
    let start = der
        .windows(2)
        .position(|window| window == [0x04, SCALAR_LEN as u8])
        .expect("the document contains an octet string of the length of a scalar");
    p521::ecdsa::SigningKey::from_slice(&der[start + 2..start + 2 + SCALAR_LEN])
        .expect("the scalar is valid")
}

fn pkcs8(pair: KeyPair) -> Vec<u8> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pair.private_pem.as_bytes());
    der.expect("test keys are PKCS#8")
        .secret_pkcs8_der()
        .to_vec()
}
