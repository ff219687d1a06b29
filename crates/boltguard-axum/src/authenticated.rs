//! The extractor for the caller of a request.

use std::ops::Deref;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use boltguard::{AdmittedCaller, AnyClaims, FromCaller, Refusal};
use http::request::Parts;

use crate::Rejection;

/// The caller of a request, whom a backend identified.
///
/// It dereferences to the [`AdmittedCaller`], which has the user ID, the claims and the permissions. `C` is the type of
/// the claims that the handler requires: any type that implements `DeserializeOwned`. With the default, all credentials
/// are sufficient.
///
/// ```
/// use boltguard_axum::Authenticated;
///
/// #[derive(serde::Deserialize)]
/// struct Tenant {
///     tenant: u32,
/// }
///
/// async fn documents(caller: Authenticated<Tenant>) -> String {
///     format!("documents of the tenant {}", caller.claims.tenant)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Authenticated<C = AnyClaims> {
    caller: AdmittedCaller,
    /// The claims that the handler requires.
    pub claims: C,
}

impl<C> Authenticated<C> {
    /// Returns the caller, such as to keep it longer than the request.
    #[must_use]
    pub fn caller(&self) -> &AdmittedCaller {
        &self.caller
    }
}

impl<C> Deref for Authenticated<C> {
    type Target = AdmittedCaller;

    fn deref(&self) -> &AdmittedCaller {
        &self.caller
    }
}

impl<S: Sync, C: FromCaller> FromRequestParts<S> for Authenticated<C> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let caller = admitted(parts)?;
        caller.check_authenticated()?;
        Ok(Self::new(caller)?)
    }
}

impl<S: Sync, C: FromCaller> OptionalFromRequestParts<S> for Authenticated<C> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        let caller = admitted(parts)?;
        match caller.is_authenticated_if_present()? {
            true => Ok(Some(Self::new(caller)?)),
            false => Ok(None),
        }
    }
}

impl<C: FromCaller> Authenticated<C> {
    fn new(caller: AdmittedCaller) -> Result<Self, Refusal> {
        let claims = C::from_caller(&caller)?;
        Ok(Self { caller, claims })
    }
}

/// Returns the caller that a [`GuardLayer`](crate::GuardLayer) admitted.
pub(crate) fn admitted(parts: &Parts) -> Result<AdmittedCaller, Rejection> {
    let caller = parts.extensions.get::<AdmittedCaller>();
    caller.cloned().ok_or_else(Rejection::without_layer)
}
