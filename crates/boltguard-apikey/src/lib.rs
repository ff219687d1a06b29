//! API keys: generate, digest and match them in constant time.
