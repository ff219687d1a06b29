//! Keys for JSON Web Signatures: algorithms, PEM, DER, JWK and JWKS, key sets, signing and verifying.
