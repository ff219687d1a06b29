//! JWS Compact Serialization: parse, verify and sign, as types that consume each other.
