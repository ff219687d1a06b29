//! A key whose verifiers and signers are prepared at their first use.

use std::sync::OnceLock;

use boltguard::jws::{Signer, Verifier};
use boltguard::keys::{Algorithm, Jwk, KeyError, KeySet};

/// A key with a verifier and a signer for each algorithm.
pub(crate) struct PreparedKey {
    jwk: Jwk,
    verifiers: Slots<Verifier>,
    signers: Slots<Signer>,
}

/// A slot for each algorithm.
type Slots<T> = [OnceLock<Result<Box<T>, KeyError>>; Algorithm::ALL.len()];

impl PreparedKey {
    /// A key for which nothing is prepared yet.
    pub(crate) fn new(jwk: Jwk) -> Self {
        Self {
            jwk,
            verifiers: [const { OnceLock::new() }; Algorithm::ALL.len()],
            signers: [const { OnceLock::new() }; Algorithm::ALL.len()],
        }
    }

    /// The key with its `kid`, `alg`, `use` and `key_ops`.
    pub(crate) fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// The verifier of tokens with the algorithm.
    pub(crate) fn verifier(&self, algorithm: Algorithm) -> Result<&Verifier, KeyError> {
        let prepare = || {
            let key = self.jwk.verifying_key(algorithm)?;
            Ok(Box::new(Verifier::new(KeySet::from(key))))
        };
        let prepared = self.verifiers[algorithm as usize].get_or_init(prepare);
        prepared.as_deref().map_err(|error| *error)
    }

    /// The signer of tokens with the algorithm and the default header.
    pub(crate) fn signer(&self, algorithm: Algorithm) -> Result<&Signer, KeyError> {
        let prepare = || {
            let key = self.jwk.signing_key(algorithm)?;
            Ok(Box::new(Signer::new(key)))
        };
        let prepared = self.signers[algorithm as usize].get_or_init(prepare);
        prepared.as_deref().map_err(|error| *error)
    }
}
