//! The caller of a request, as the request handler receives it.

use std::ops::Deref;
use std::sync::Arc;

use boltguard_guard::{CheckResults, Decision};
use boltguard_types::ReasonCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Anonymous, AsyncEdge, Caller, Credential, Gate, Now, Outcome, Refusal, RequestParts, SharedEdge,
};

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
pub struct AdmittedCaller {
    admitted: Arc<Admitted>,
    edge: Option<SharedEdge>,
}

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
        Self {
            admitted: Arc::new(Admitted { caller, gate }),
            edge: None,
        }
    }

    /// Adds the edge with which the credentials are checked again if the connection stays open.
    #[must_use]
    pub fn with_edge(self, edge: &SharedEdge) -> Self {
        let edge = Some(edge.clone());
        Self { edge, ..self }
    }

    /// Returns the edge that the integration added.
    #[must_use]
    pub fn edge(&self) -> Option<&SharedEdge> {
        self.edge.as_ref()
    }

    /// Returns the gate that admitted the caller.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.admitted.gate
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

    /// Returns the claims of a token, or those that a custom backend returned, as a type.
    ///
    /// # Errors
    ///
    /// A refusal with 401 if the caller is anonymous. A refusal with 403 and the reason
    /// [`ClaimMismatch`](ReasonCode::ClaimMismatch) if the claims don't have this type, or with
    /// [`ClaimMissing`](ReasonCode::ClaimMissing) if the credential is an API key, which has no claims. For the path of
    /// the claim, use [`AdmittedClaims::deserialize`](boltguard_jwt::AdmittedClaims::deserialize).
    pub fn claims_as<C: DeserializeOwned>(&self) -> Result<C, Refusal> {
        self.check_authenticated()?;
        let read = match (self.claims(), self.identity()) {
            (Some(claims), _) => claims.deserialize().ok(),
            (_, Some(identity)) => {
                let claims = identity.claims.clone().into_iter().collect();
                serde_json::from_value(Value::Object(claims)).ok()
            }
            _ => return Err(self.forbid(ReasonCode::ClaimMissing)),
        };
        read.ok_or_else(|| self.forbid(ReasonCode::ClaimMismatch))
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
            Decision::Deny(reason) => {
                let (guard, caller) = (gate.guard().guard(), self.admitted.caller.clone());
                Err(self.gate().forbid_by(guard, caller, reason))
            }
            Decision::Challenge | Decision::Undetermined => Err(self.gate().challenge(self)),
        }
    }

    fn forbid(&self, reason: ReasonCode) -> Refusal {
        self.gate().forbid(self.admitted.caller.clone(), reason)
    }
}

impl Gate {
    /// Evaluates a request like [`check`](Self::check), and returns the caller together with this gate.
    ///
    /// # Errors
    ///
    /// The refusal, with 401, 403 or 503.
    pub async fn admit<P: RequestParts + Sync, N: Into<Now>>(
        &self,
        parts: &P,
        clock: impl Fn() -> N + Sync,
        edge: &mut impl AsyncEdge,
    ) -> Result<AdmittedCaller, Refusal> {
        match self.check(parts, clock, edge).await {
            Outcome::Admitted(caller) => Ok(AdmittedCaller::new(caller, self)),
            Outcome::Refused(refusal) => Err(refusal),
        }
    }
}

impl Deref for AdmittedCaller {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.admitted.caller
    }
}

/// The claims that a request handler requires of its caller, for the extractors of integrations.
///
/// Implemented for all types with `DeserializeOwned`, see [`AdmittedCaller::claims_as`].
pub trait FromCaller: Sized {
    /// Reads the claims of an authenticated caller.
    ///
    /// # Errors
    ///
    /// The refusal of a caller without these claims.
    fn from_caller(caller: &AdmittedCaller) -> Result<Self, Refusal>;
}

/// No claims are required: all credentials are sufficient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnyClaims;

impl FromCaller for AnyClaims {
    fn from_caller(_: &AdmittedCaller) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl<C: DeserializeOwned> FromCaller for C {
    fn from_caller(caller: &AdmittedCaller) -> Result<Self, Refusal> {
        caller.claims_as()
    }
}
