//! The extractors for the caller of a request.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use boltguard::{AdmittedCaller, AnyClaims, FromCaller, Refusal};

use crate::Rejection;

/// The caller of a request, whom a backend identified.
///
/// It dereferences to the [`AdmittedCaller`], which has the user ID, the claims and the permissions. `C` is the type of
/// the claims that the handler requires: any type that implements `DeserializeOwned`. With the default, all credentials
/// are sufficient.
///
/// ```
/// use boltguard_actix::Authenticated;
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

/// The caller of a request, or `None` if the request has no credentials. Rejected credentials are refused.
#[derive(Clone, Debug)]
pub struct OptionallyAuthenticated<C = AnyClaims>(pub Option<Authenticated<C>>);

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

impl<C: FromCaller> Authenticated<C> {
    fn of(caller: AdmittedCaller) -> Result<Self, Refusal> {
        caller.check_authenticated()?;
        let claims = C::from_caller(&caller)?;
        Ok(Self { caller, claims })
    }
}

impl<C: FromCaller> FromRequest for Authenticated<C> {
    type Error = Rejection;
    type Future = Ready<Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admitted(request).and_then(|caller| Ok(Self::of(caller)?)))
    }
}

impl<C: FromCaller> FromRequest for OptionallyAuthenticated<C> {
    type Error = Rejection;
    type Future = Ready<Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admitted(request).and_then(|caller| {
            let is_present = caller.is_authenticated_if_present()?;
            let found = is_present.then(|| Authenticated::of(caller));
            Ok(Self(found.transpose()?))
        }))
    }
}

/// Returns the caller that a [`GuardMiddleware`](crate::GuardMiddleware) admitted.
pub(crate) fn admitted(request: &HttpRequest) -> Result<AdmittedCaller, Rejection> {
    let caller = request.extensions().get::<AdmittedCaller>().cloned();
    caller.ok_or_else(Rejection::without_middleware)
}
