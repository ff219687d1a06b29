//! A guard algebra in three-valued logic that decides who may pass.
//!
//! A [`Guard`] is a rule such as "may add posts or is of the staff, and is not banned". It knows nothing of tokens, of
//! HTTP or of time: it is asked about a [`Principal`](boltguard_types::Principal), or about the
//! [`Facts`](boltguard_types::Facts) that a backend read from a credential, and answers with a [`Decision`].
//!
//! ```
//! use boltguard_guard::{Decision, Guard};
//! use boltguard_types::{Identity, Permission, Principal, ReasonCode};
//!
//! // Built with operators, or read from settings:
//! let permission = |name| Permission::new(name).map(Guard::permission);
//! let built = Guard::authenticated() & (permission("blog.add")? | Guard::staff()) & !permission("blog.banned")?;
//! let read: Guard = r#"authenticated & (perm("blog.add") | staff) & ~perm("blog.banned")"#.parse()?;
//! assert_eq!(built, read);
//!
//! let ada = Principal::Known(Identity::new("1", "jwt").with_permissions(["blog.add"]));
//! let bob = Principal::Known(Identity::new("2", "jwt"));
//! assert_eq!(read.decide(&ada), Decision::Allow);
//! assert_eq!(read.decide(&bob), Decision::Deny(ReasonCode::PermissionMissing));
//! assert_eq!(read.decide(&Principal::Anonymous), Decision::Challenge);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Atoms
//!
//! | text | built by | true of a known caller who | if not |
//! | --- | --- | --- | --- |
//! | `authenticated` | [`Guard::authenticated`] | a backend has vouched for: all of them | |
//! | `staff` | [`Guard::staff`] | is of the staff (`is_staff`) | `staff_required` |
//! | `admin` | [`Guard::admin`] | is a superuser (`is_superuser`) | `admin_required` |
//! | `perm("blog.add")` | [`Guard::permission`] | is granted it, by name, wildcard or scope | `permission_missing` |
//! | `any_perm("a", "b")` | [`Guard::any_permission`] | is granted one of them | `permission_missing` |
//! | `all_perms("a", "b")` | [`Guard::all_permissions`] | is granted each of them | `permission_missing` |
//! | `scope("profile")` | [`Guard::scope`] | has the OAuth scope, compared exactly | `scope_missing` |
//! | `claim("amr", any=["otp"])` | [`Guard::claim`] | has a claim that passes the test | `claim_mismatch` |
//! | `via("jwt")` | [`Guard::via_backend`] | was vouched for by that backend | `backend_required` |
//! | `check("owner")` | [`Guard::check`] | passes a check that you make | `denied` |
//! | `allow_any`, `anyone` | [`Guard::allow_any`] | exists, anonymous callers included | |
//! | `deny_all` | [`Guard::deny_all`] | nobody is, anonymous callers included | `denied` |
//!
//! Each says what it says and no more: a superuser is not of the staff by that alone, and holds no permission by it. To
//! let superusers in everywhere, say `admin | …`.
//!
//! # Three values
//!
//! Of a known caller an atom is true or false. Of an anonymous one it is *unknown*, but for the two constants. `&`, `|`
//! and `~` (`!` in Rust) are [Kleene's](Kleene), and a list of guards is joined by `&`.
//!
//! | the guard is | decision | HTTP |
//! | --- | --- | --- |
//! | true | [`Decision::Allow`] | goes on |
//! | unknown | [`Decision::Challenge`]: an identity could change the answer | 401 |
//! | false | [`Decision::Deny`], with the reason of the first part that failed | 403 |
//!
//! So De Morgan's laws, involution, absorption, distribution, identity and idempotence hold without exception, and
//! `~perm("blog.banned")` lets no anonymous caller in: whether one is banned, nobody knows. The constants vanish into
//! what they are combined with (`allow_any & staff` is `staff`, `~deny_all` is `allow_any`), so a guard that is open
//! to the world reads `allow_any` and nothing else.
//!
//! # Wildcards
//!
//! A caller may be *granted* `blog.*` (all that begins with `blog.`) or `*` (everything); what a guard *requires* is
//! never a pattern, and `perm("blog.*")` is an error. Mind what that means under `~`: whoever is granted `*` is granted
//! `blog.banned` too, so `~perm("blog.banned")` refuses them. Grant no wildcard to those who must pass such a guard, or
//! say `admin | ~perm("blog.banned")`.
//!
//! # Compiled
//!
//! [`Guard::compile`] makes a flat program of numbered tests, each of which says where to go on. A decision by it
//! allocates nothing and compares no names, but the backend's once; it stops as soon as the outcome is settled. What
//! the guard asks is [`wanted`](CompiledGuard::wanted): whoever reads a credential turns its grants into bits once.
//!
//! # Checks
//!
//! Some questions need code, or the object that the caller is after: "is this your article?". They are atoms too, by
//! name, and combine like any other: `admin | (perm("blog.edit") & check("author"))`.
//!
//! - Before anything is asked, the guard decides what it can: what is settled whatever the answers are is settled at
//!   once, by [`Decision::Allow`] or by a refusal. In between it is [`Decision::Ask`], which never lets anybody in by
//!   itself.
//! - [`CompiledGuard::questions`] names the checks that matter for this caller; answer them in [`Answers`] and
//!   [`decide_with`](CompiledGuard::decide_with) them.
//! - Where the object comes later than the request, [`decide_optimistic`](CompiledGuard::decide_optimistic) lets the
//!   request go on if some answers could open the guard; the final decision is due before the object is shown.
//! - About an anonymous caller a check is unknown as everything else is, and is not asked.
//!
//! ```
//! use boltguard_guard::{Answers, Decision, Guard};
//! use boltguard_types::{Identity, Principal};
//!
//! let guard: Guard = r#"admin | (perm("blog.edit") & check("author"))"#.parse()?;
//! let ada = Principal::Known(Identity::new("1", "jwt").with_permissions(["blog.edit"]));
//! assert_eq!(guard.decide(&ada), Decision::Ask);
//! assert!(guard.decide_with(&ada, &Answers::new().with("author", true)).is_allowed());
//!
//! // No answer could help Bob, so nobody needs to look for the article.
//! let bob = Principal::Known(Identity::new("2", "jwt"));
//! assert!(!guard.decide(&bob).may_open());
//! # Ok::<(), boltguard_guard::ParseGuardError>(())
//! ```
//!
//! # Text, and questions about guards
//!
//! [`Display`](std::fmt::Display) and [`FromStr`](std::str::FromStr) are each other's inverse; serde has the same text,
//! and [`to_json`](Guard::to_json) a document with a version. Depth and size of a text are bounded, and
//! [errors](ParseGuardError) point at the place.
//!
//! [`explain`](Guard::explain) tells which atoms held and the smallest set of grants that is missing. For guards of up
//! to a [dozen](Guard::EXACT_ATOMS) distinct atoms [`implies`](Guard::implies) and
//! [`is_equivalent`](Guard::is_equivalent) are exact for every possible caller; for larger ones they return an error.

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
mod live;
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
