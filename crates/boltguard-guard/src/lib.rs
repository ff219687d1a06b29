//! Authorisation rules (guards) with operators in three-valued logic.
//!
//! A [`Guard`] is a rule such as "has the permission to add posts or is staff, and isn't banned". It is independent of
//! tokens, HTTP and time. It is evaluated for a [`Principal`](boltguard_grants::Principal), or for the
//! [`PrincipalView`](boltguard_grants::PrincipalView) that a backend read from credentials, and returns a [`Decision`].
//!
//! ```
//! use boltguard_guard::{Decision, Guard};
//! use boltguard_grants::{Identity, Principal};
//! use boltguard_types::{Permission, ReasonCode};
//!
//! // Built with operators, or parsed from a string:
//! let permission = |name| Permission::new(name).map(Guard::permission);
//! let built = Guard::authenticated() & (permission("blog.add")? | Guard::staff()) & !permission("blog.banned")?;
//! let parsed: Guard = r#"authenticated & (perm("blog.add") | staff) & ~perm("blog.banned")"#.parse()?;
//! assert_eq!(built, parsed);
//!
//! let ada = Principal::Known(Identity::new("1", "jwt").with_permissions(["blog.add"]));
//! let bob = Principal::Known(Identity::new("2", "jwt"));
//! assert_eq!(parsed.decide(&ada), Decision::Allow);
//! assert_eq!(parsed.decide(&bob), Decision::Deny(ReasonCode::PermissionMissing));
//! assert_eq!(parsed.decide(&Principal::Anonymous), Decision::Challenge);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Atoms
//!
//! | string | constructor | true for | reason if not |
//! | --- | --- | --- | --- |
//! | `authenticated` | [`Guard::authenticated`] | authenticated callers | |
//! | `staff` | [`Guard::staff`] | staff (`is_staff`) | `staff_required` |
//! | `admin` | [`Guard::admin`] | superusers (`is_superuser`) | `admin_required` |
//! | `perm("blog.add")` | [`Guard::permission`] | callers with the permission or its scope | `permission_missing` |
//! | `any_perm("a", "b")` | [`Guard::any_permission`] | callers with at least one permission | `permission_missing` |
//! | `all_perms("a", "b")` | [`Guard::all_permissions`] | callers with all permissions | `permission_missing` |
//! | `scope("profile")` | [`Guard::scope`] | callers with exactly this OAuth scope | `scope_missing` |
//! | `role("editor")` | [`Guard::role`] | callers with exactly this role | `role_missing` |
//! | `any_role("a", "b")` | [`Guard::any_role`] | callers with at least one role | `role_missing` |
//! | `fresh_auth(300)` | [`Guard::fresh_auth`] | users with a recent `auth_time` | `authentication_insufficient` |
//! | `claim("amr", any=["otp"])` | [`Guard::claim`] | callers whose claim passes the test | `claim_mismatch` |
//! | `via("jwt")` | [`Guard::via_backend`] | callers authenticated by this backend | `backend_required` |
//! | `check("owner")` | [`Guard::check`] | callers who pass a custom check | `denied` |
//! | `allow_any`, `anyone` | [`Guard::allow_any`] | everyone, including anonymous callers | |
//! | `deny_all` | [`Guard::deny_all`] | no one | `denied` |
//!
//! Atoms don't imply each other: a superuser isn't automatically staff, and has no permissions automatically. To give
//! superusers access, write `admin | …`.
//!
//! # Three values
//!
//! For an authenticated caller, an atom is true or false. For an anonymous caller, it is *unknown*, except for the two
//! constants. The operators `&`, `|` and `~` (`!` in Rust) follow [Kleene's logic](Kleene). A list of guards is
//! combined with `&`.
//!
//! | result | decision | HTTP response |
//! | --- | --- | --- |
//! | true | [`Decision::Allow`] | the request proceeds |
//! | unknown | [`Decision::Challenge`]: the result depends on the caller's identity | 401 |
//! | false | [`Decision::Deny`], with the reason of the first part that failed | 403 |
//!
//! `~perm("blog.banned")` therefore never allows an anonymous caller, because the result is unknown. De Morgan's laws,
//! involution, absorption, distributivity, identity and idempotence hold without exception. Constants are simplified
//! when they are combined (`allow_any & staff` is `staff`, `~deny_all` is `allow_any`), so a guard that allows everyone
//! is always written `allow_any`.
//!
//! # Wildcards
//!
//! A caller can be *granted* `blog.*`, which matches every permission that starts with `blog.`, or `*`, which matches
//! every permission. The permission that a guard *requires* can't be a pattern: `perm("blog.*")` is an error. A
//! wildcard also grants permissions that a guard negates: a caller with `*` has `blog.banned`, so
//! `~perm("blog.banned")` denies access. Don't grant wildcards to callers who must pass such a guard, or use
//! `admin | ~perm("blog.banned")`.
//!
//! # Compiled guards
//!
//! [`Guard::compile`] creates a flat program of numbered tests with jump targets. Evaluating it doesn't allocate, and
//! doesn't compare names except for that of the backend. It stops as soon as the result is determined.
//! [`requirements`](CompiledGuard::requirements) lists the permissions, scopes, roles and claims that the guard
//! requires, so that a backend can convert the grants of a caller to bits once.
//!
//! # Checks
//!
//! Some rules require code or an object, such as "is the caller the author of this article?". They are named atoms, and
//! can be combined like any other: `admin | (perm("blog.edit") & check("author"))`.
//!
//! - The guard is first evaluated without the checks. If their results can't change the outcome, the decision is final.
//!   Otherwise, the decision is [`Decision::Undetermined`], which doesn't allow access by itself.
//! - [`CompiledGuard::open_checks`] returns the checks that are relevant for this caller. Pass their results as
//!   [`CheckResults`] to [`decide_with`](CompiledGuard::decide_with).
//! - If the object is loaded later, [`Decision::may_allow`] returns whether the guard can pass for some results. The
//!   final decision must be made before the object is shown.
//! - For an anonymous caller, checks are unknown like all other atoms, and aren't called.
//!
//! ```
//! use boltguard_guard::{CheckResults, Decision, Guard};
//! use boltguard_grants::{Identity, Principal};
//!
//! let guard: Guard = r#"admin | (perm("blog.edit") & check("author"))"#.parse()?;
//! let ada = Principal::Known(Identity::new("1", "jwt").with_permissions(["blog.edit"]));
//! assert_eq!(guard.decide(&ada), Decision::Undetermined);
//! assert!(guard.decide_with(&ada, &CheckResults::new().with("author", true)).is_allowed());
//!
//! // No result of the check can make the guard pass for Bob, so there is no need to load the article.
//! let bob = Principal::Known(Identity::new("2", "jwt"));
//! assert!(!guard.decide(&bob).may_allow());
//! # Ok::<(), boltguard_guard::ParseGuardError>(())
//! ```
//!
//! # Serialization and comparison
//!
//! [`Display`](std::fmt::Display) and [`FromStr`](std::str::FromStr) are inverse to each other. serde uses the same
//! string, and [`to_json`](Guard::to_json) returns a versioned JSON document. The nesting depth and the length of a
//! string are limited, and [errors](ParseGuardError) contain the position.
//!
//! [`explain`](Guard::explain) returns the result of each atom and the smallest set of missing grants. For guards with
//! up to [twelve](Guard::EXACT_ATOMS) distinct atoms, [`implies`](Guard::implies) and
//! [`is_equivalent`](Guard::is_equivalent) are exact for all callers; for larger guards, they return an error.

mod atom;
mod check_results;
mod compile;
mod compiled;
mod decision;
mod error;
mod exact;
mod explain;
mod guard;
mod incremental;
mod json;
mod kleene;
mod missing;
mod run;
mod text;

pub use atom::Atom;
pub use check_results::CheckResults;
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
