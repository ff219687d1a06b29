//! A guard algebra in three-valued logic that decides who may pass.
