//! The caller of a request, as the request handler receives it.

use std::ops::Deref;
use std::sync::Arc;

use boltguard_guard::{CheckResults, Decision};

use crate::{Anonymous, Caller, Credential, Gate, Refusal};

/// The caller of a request, together with the gate that admitted it. Clones are cheap.
///
/// Integrations pass it to the request handler, which can check further guards, such as one about an object.
///
/// ```
/// use boltguard::guard::CheckResults;
/// use boltguard::{AdmittedCaller, Gate, Refusal};
///
/// struct Post {
///     author: String,
/// }
///
/// /// Created once, with `Gate::for_callers(&r#"perm("blog.edit") | check("author")"#.parse()?)?`.
/// struct MayEdit(Gate);
///
/// fn edit(caller: &AdmittedCaller, may_edit: &MayEdit, post: &Post) -> Result<(), Refusal> {
///     let is_author = caller.user_id().as_deref() == Some(&*post.author);
///     caller.check(&may_edit.0, &CheckResults::new().with("author", is_author))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct AdmittedCaller(Arc<Admitted>);

#[derive(Debug)]
struct Admitted {
    caller: Caller,
    gate: Gate,
}

impl AdmittedCaller {
    /// Creates the caller that this gate admitted.
    #[must_use]
    pub fn new(caller: Caller, gate: &Gate) -> Self {
        let gate = gate.clone();
        Self(Arc::new(Admitted { caller, gate }))
    }

    /// Returns the gate that admitted the caller.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// Checks that a backend identified the caller.
    ///
    /// # Errors
    ///
    /// A refusal with 401 if the caller is anonymous.
    pub fn check_authenticated(&self) -> Result<(), Refusal> {
        match self.is_authenticated() {
            true => Ok(()),
            false => Err(self.gate().challenge(self)),
        }
    }

    /// Returns whether a backend identified the caller, or `false` if the request has no credentials.
    ///
    /// # Errors
    ///
    /// A refusal with 401 if the request has credentials that were rejected, or whose scheme isn't supported.
    pub fn is_authenticated_if_present(&self) -> Result<bool, Refusal> {
        match self.credential() {
            Credential::Anonymous(Anonymous::NoCredentials) => Ok(false),
            _ => self.check_authenticated().map(|()| true),
        }
    }

    /// Checks the guard of another gate, such as [`Gate::for_callers`], with these results of its custom checks. A
    /// check without a result counts as failed.
    ///
    /// # Errors
    ///
    /// A refusal with 401 if the caller must authenticate first, or with 403.
    pub fn check(&self, gate: &Gate, results: &CheckResults) -> Result<(), Refusal> {
        match gate.decide(self, results).closed() {
            Decision::Allow => Ok(()),
            Decision::Deny(reason) => Err(self.gate().forbid(self.0.caller.clone(), reason)),
            Decision::Challenge | Decision::Undetermined => Err(self.gate().challenge(self)),
        }
    }
}

impl Deref for AdmittedCaller {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0.caller
    }
}
