//! The string syntax of guards: `authenticated & (perm("blog.add") | staff) & ~perm("blog.banned")`.
//!
//! ```text
//! guard  = all *("|" all)
//! all    = one *("&" one)
//! one    = *"~" ("(" guard ")" / atom)
//! atom   = "allow_any" / "anyone" / "deny_all" / "authenticated" / "staff" / "admin"
//!        / ("perm" / "role" / "scope" / "via" / "check") "(" string ")"
//!        / ("any_perm" / "all_perms" / "any_role") "(" string *("," string) ")"
//!        / "fresh_auth" "(" integer ["," "acr" "=" "[" string *("," string) "]"] ")"
//!        / "claim" "(" string *("," ("any" / "all" / "none") "=" list) ")"
//! list   = "[" value *("," value) "]"
//! value  = string / integer / "true" / "false"
//! string = a JSON string, RFC 8259 §7
//! ```
//!
//! Whitespace is allowed between any two tokens.

mod cursor;
mod error;
mod parse;
mod write;

pub use error::{Expected, ParseErrorKind, ParseGuardError};
