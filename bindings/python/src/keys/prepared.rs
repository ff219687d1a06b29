//! A key with what it needs for each algorithm, prepared at the first use.

use std::sync::OnceLock;

use boltguard::jws::{Signer, Verifier};
use boltguard::keys::{Algorithm, Jwk, KeyError, KeySet};

/// A key that is used again and again.
pub(crate) struct PreparedKey {
    jwk: Jwk,
    verifiers: Slots<Verifier>,
    signers: Slots<Signer>,
}

/// One place for each algorithm.
type Slots<T> = [OnceLock<Result<Box<T>, KeyError>>; Algorithm::ALL.len()];

impl PreparedKey {
    /// Prepares nothing yet.
    pub(crate) fn new(jwk: Jwk) -> Self {
        Self {
            jwk,
            verifiers: [const { OnceLock::new() }; Algorithm::ALL.len()],
            signers: [const { OnceLock::new() }; Algorithm::ALL.len()],
        }
    }

    /// The key with its name and purpose.
    pub(crate) fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// What verifies tokens of the algorithm.
    pub(crate) fn verifier(&self, algorithm: Algorithm) -> Result<&Verifier, KeyError> {
        let prepare = || {
            let key = self.jwk.verifying_key(algorithm)?;
            Ok(Box::new(Verifier::new(KeySet::from(key))))
        };
        let prepared = self.verifiers[algorithm as usize].get_or_init(prepare);
        prepared.as_deref().map_err(|error| *error)
    }

    /// What signs with the algorithm, under the usual header.
    pub(crate) fn signer(&self, algorithm: Algorithm) -> Result<&Signer, KeyError> {
        let prepare = || {
            let key = self.jwk.signing_key(algorithm)?;
            Ok(Box::new(Signer::new(key)))
        };
        let prepared = self.signers[algorithm as usize].get_or_init(prepare);
        prepared.as_deref().map_err(|error| *error)
    }
}
