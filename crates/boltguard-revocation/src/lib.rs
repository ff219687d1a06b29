//! Deny-lists of token ids, in memory and bounded.
