//! Authentication and authorisation for services: credentials, tokens, keys, guards and revocation in one call.
