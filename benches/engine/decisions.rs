//! Guards, compared with a set of strings and two policy engines that evaluate the same rule.

use std::collections::HashSet;
use std::hint::black_box;

use boltguard::grants::{Identity, PrincipalView};
use boltguard::guard::{Decision, Guard};
use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter};
use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityUid, PolicySet, Request, RestrictedExpression,
};
use serde::Serialize;

use crate::claims;
use crate::contest::{Contest, Plan};
use crate::ours;

pub(crate) fn plans() -> Vec<Plan> {
    vec![Plan::contest("guard/10 atoms, 200 permissions", guard)]
}

/// Ten atoms. A caller with the permissions passes all required ones, and doesn't have the forbidden one.
const RULE: &str = r#"authenticated
    & (perm("blog.add_model000") | staff)
    & perm("shop.change_model001")
    & perm("stock.delete_model050")
    & (perm("blog.publish") | perm("stock.view_model071"))
    & perm("shop.delete_model190")
    & (admin | perm("blog.view_model099"))
    & ~perm("blog.banned")"#;

fn guard() -> Contest {
    let contest = with_hash_set(Contest::new());
    with_cedar(with_casbin(with_ours(contest)))
}

/// Adds the rule for a set of strings, which exists already or is created for each token.
fn with_hash_set(contest: Contest) -> Contest {
    let granted = claims::permissions(200);
    let prepared: HashSet<String> = granted.iter().cloned().collect();
    assert!(allows(&prepared, false, false));
    contest
        .with("HashSet", move || {
            allows(black_box(&prepared), black_box(false), black_box(false))
        })
        .with("HashSet, made for each token", move || {
            let set: HashSet<String> = black_box(&granted).iter().cloned().collect();
            allows(&set, black_box(false), black_box(false))
        })
}

fn allows(granted: &HashSet<String>, staff: bool, admin: bool) -> bool {
    let has = |name: &str| granted.contains(name);
    (has("blog.add_model000") || staff)
        && has("shop.change_model001")
        && has("stock.delete_model050")
        && (has("blog.publish") || has("stock.view_model071"))
        && has("shop.delete_model190")
        && (admin || has("blog.view_model099"))
        && !has("blog.banned")
}

fn with_ours(contest: Contest) -> Contest {
    let guard: Guard = RULE.parse().expect("the guard is valid");
    let compiled = guard.compile().expect("the guard is within the limits");
    let again = compiled.clone();
    let granted = claims::permissions(200);
    let identity = Identity::new("42", "jwt").with_permissions(granted.iter().map(String::as_str));
    let grant_set = compiled.requirements().grants_of(&identity);
    assert_eq!(
        compiled.decide(Some(&principal(&grant_set))),
        Decision::Allow
    );
    contest
        .with(ours::NAME, move || {
            compiled.decide(black_box(Some(&principal(&grant_set))))
        })
        .with("boltguard, marks made for each token", move || {
            let grant_set = again.requirements().grants_of(black_box(&identity));
            again.decide(Some(&principal(&grant_set)))
        })
}

fn principal(grant_set: &boltguard::grants::GrantSet) -> PrincipalView<'_> {
    PrincipalView {
        backend: "jwt",
        is_staff: false,
        is_superuser: false,
        grant_set,
    }
}

/// The subject that the matcher of casbin evaluates.
#[derive(Hash, Serialize)]
struct Caller {
    authenticated: bool,
    staff: bool,
    admin: bool,
    permissions: Vec<String>,
}

const MODEL: &str = r#"
[request_definition]
r = sub, act

[policy_definition]
p = sub, act

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = r.sub.authenticated && ("blog.add_model000" in r.sub.permissions || r.sub.staff) && "shop.change_model001" in r.sub.permissions && "stock.delete_model050" in r.sub.permissions && ("blog.publish" in r.sub.permissions || "stock.view_model071" in r.sub.permissions) && "shop.delete_model190" in r.sub.permissions && (r.sub.admin || "blog.view_model099" in r.sub.permissions) && !("blog.banned" in r.sub.permissions)
"#;

fn with_casbin(contest: Contest) -> Contest {
    let enforcer = block_on(async {
        let model = DefaultModel::from_str(MODEL).await?;
        Enforcer::new(model, MemoryAdapter::default()).await
    });
    let enforcer = enforcer.expect("the model is valid");
    let caller = Caller {
        authenticated: true,
        staff: false,
        admin: false,
        permissions: claims::permissions(200),
    };
    contest.with_peer(
        "casbin",
        Some(Box::new(move || {
            enforcer
                .enforce((black_box(&caller), "edit"))
                .unwrap_or(false)
        })),
    )
}

/// Runs a future that is always ready.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

const POLICY: &str = r#"
permit (principal, action, resource) when {
    principal.authenticated
    && (principal.permissions.contains("blog.add_model000") || principal.staff)
    && principal.permissions.contains("shop.change_model001")
    && principal.permissions.contains("stock.delete_model050")
    && (principal.permissions.contains("blog.publish") || principal.permissions.contains("stock.view_model071"))
    && principal.permissions.contains("shop.delete_model190")
    && (principal.admin || principal.permissions.contains("blog.view_model099"))
    && !principal.permissions.contains("blog.banned")
};
"#;

fn with_cedar(contest: Contest) -> Contest {
    let uid = |id: &str| -> EntityUid { id.parse().expect("the ID is valid") };
    let policies: PolicySet = POLICY.parse().expect("the policy is valid");
    let granted = claims::permissions(200);
    let entities = entities(uid("User::\"42\""), &granted);
    let request = Request::new(
        uid("User::\"42\""),
        uid("Action::\"edit\""),
        uid("Page::\"1\""),
        Context::empty(),
        None,
    )
    .expect("the request is valid");
    let authorizer = Authorizer::new();
    contest.with_peer(
        "cedar-policy",
        Some(Box::new(move || {
            let response = authorizer.is_authorized(black_box(&request), &policies, &entities);
            black_box(response).decision() == cedar_policy::Decision::Allow
        })),
    )
}

/// Creates the entity of the caller. Creating it from the claims of a token is not part of the measurement.
fn entities(uid: EntityUid, granted: &[String]) -> Entities {
    let string = |name: &String| RestrictedExpression::new_string(name.clone());
    let attributes = [
        ("authenticated", RestrictedExpression::new_bool(true)),
        ("staff", RestrictedExpression::new_bool(false)),
        ("admin", RestrictedExpression::new_bool(false)),
        (
            "permissions",
            RestrictedExpression::new_set(granted.iter().map(string)),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let caller = Entity::new(uid, attributes.into(), HashSet::new()).expect("the entity is valid");
    Entities::from_entities([caller], None).expect("the entity is unique")
}
