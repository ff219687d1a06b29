//! Named keys, forged tokens and vectors for tests.
