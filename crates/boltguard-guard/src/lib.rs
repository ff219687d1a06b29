//! A guard algebra in three-valued logic that decides who may pass.

mod answers;
mod atom;
mod compile;
mod compiled;
mod decision;
mod error;
mod exact;
mod explain;
mod guard;
mod json;
mod kleene;
mod missing;
mod run;
mod text;

pub use answers::Answers;
pub use atom::Atom;
pub use compiled::CompiledGuard;
pub use decision::Decision;
pub use error::GuardError;
pub use exact::TooManyAtoms;
pub use explain::{Explanation, Part, PartKind};
pub use guard::Guard;
pub use json::GuardDocumentError;
pub use kleene::Kleene;
pub use missing::Missing;
pub use text::{Expected, ParseErrorKind, ParseGuardError};
