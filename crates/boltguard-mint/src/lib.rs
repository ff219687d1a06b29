//! Issuing signed JWTs.
