//! Other token libraries, used as documented, with typed claims and prepared keys.

mod jsonwebtoken;
mod jwt;
mod jwt_compact;
mod jwt_simple;

use boltguard::keys::Algorithm;
use boltguard_testing::keys::{ED25519, KeyPair, P256, P384, RSA};

use crate::contest::{Contest, Work};

pub(crate) use self::jsonwebtoken::{Backend, Decoder};

const JSONWEBTOKEN: &str = "jsonwebtoken";
const JSONWEBTOKEN_AWS_LC: &str = "jsonwebtoken (aws-lc)";
const JWT: &str = "jwt";
const JWT_COMPACT: &str = "jwt-compact";
const JWT_SIMPLE: &str = "jwt-simple";

/// Adds the libraries that can verify with the algorithm.
pub(crate) fn verify(contest: Contest, algorithm: Algorithm, token: &str) -> Contest {
    let works = verifiers(algorithm, token);
    works.into_iter().fold(contest, |contest, (name, work)| {
        contest.with_peer(name, work)
    })
}

/// Adds the libraries that can verify with HS256, for a token that must be rejected.
pub(crate) fn refuse(contest: Contest, token: &str) -> Contest {
    let works = verifiers(Algorithm::Hs256, token);
    works.into_iter().fold(contest, |contest, (name, work)| {
        let rejection = work.map(|mut work| Box::new(move || !work()) as Work);
        contest.with_peer(name, rejection)
    })
}

/// Adds the libraries that can sign with the algorithm.
pub(crate) fn mint(contest: Contest, algorithm: Algorithm, size: usize) -> Contest {
    let works = [
        (
            JSONWEBTOKEN,
            jsonwebtoken::mint(Backend::RustCrypto, algorithm, size),
        ),
        (
            JSONWEBTOKEN_AWS_LC,
            jsonwebtoken::mint(Backend::AwsLc, algorithm, size),
        ),
        (JWT_SIMPLE, jwt_simple::mint(algorithm, size)),
        (JWT_COMPACT, jwt_compact::mint(algorithm, size)),
        (JWT, jwt::mint(algorithm, size)),
    ];
    works.into_iter().fold(contest, |contest, (name, work)| {
        contest.with_peer(name, work)
    })
}

fn verifiers(algorithm: Algorithm, token: &str) -> [(&'static str, Option<Work>); 5] {
    [
        (
            JSONWEBTOKEN,
            jsonwebtoken::verify(Backend::RustCrypto, algorithm, token),
        ),
        (
            JSONWEBTOKEN_AWS_LC,
            jsonwebtoken::verify(Backend::AwsLc, algorithm, token),
        ),
        (JWT_SIMPLE, jwt_simple::verify(algorithm, token)),
        (JWT_COMPACT, jwt_compact::verify(algorithm, token)),
        (JWT, jwt::verify(algorithm, token)),
    ]
}

/// Returns the test keys of an algorithm, without the line before the PEM, which some parsers reject.
fn pair(algorithm: Algorithm) -> Option<KeyPair> {
    let pair = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => RSA,
        Algorithm::Es256 => P256,
        Algorithm::Es384 => P384,
        Algorithm::EdDsa => ED25519,
        _ => return None,
    };
    Some(KeyPair {
        private_pem: from_label(pair.private_pem),
        public_pem: from_label(pair.public_pem),
    })
}

fn from_label(pem: &'static str) -> &'static str {
    pem.find("-----BEGIN").map_or(pem, |start| &pem[start..])
}
