//! Guards as trees, with a naive evaluator and strategies to generate them.

use boltguard_grants::{ClaimTest, FreshAuth, Identity, Principal};
use boltguard_guard::{CheckResults, Decision, Guard, Kleene};
use boltguard_types::{Grant, Permission, ReasonCode};
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Admin,
    AllowAny,
    Authenticated,
    Check(String),
    Claim(ClaimTest),
    DenyAll,
    Permission(String),
    FreshAuth(u32),
    Role(String),
    Scope(String),
    Staff,
    Via(String),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
}

impl Expr {
    pub(crate) fn guard(&self) -> Guard {
        match self {
            Self::Admin => Guard::admin(),
            Self::AllowAny => Guard::allow_any(),
            Self::Authenticated => Guard::authenticated(),
            Self::Check(name) => Guard::check(name).unwrap(),
            Self::Claim(test) => Guard::claim(test.clone()).unwrap(),
            Self::DenyAll => Guard::deny_all(),
            Self::Permission(name) => Guard::permission(Permission::new(name).unwrap()),
            Self::FreshAuth(max_age) => Guard::fresh_auth(FreshAuth::new(*max_age)).unwrap(),
            Self::Role(name) => Guard::role(name).unwrap(),
            Self::Scope(name) => Guard::scope(name).unwrap(),
            Self::Staff => Guard::staff(),
            Self::Via(name) => Guard::via_backend(name).unwrap(),
            Self::And(all) => Guard::all(all.iter().map(Self::guard)).unwrap(),
            Self::Or(any) => Guard::any(any.iter().map(Self::guard)).unwrap(),
            Self::Not(inner) => !inner.guard(),
        }
    }

    /// Returns the value in Kleene's logic. A check without a result is unknown.
    pub(crate) fn value(&self, caller: &Principal, results: &CheckResults) -> Kleene {
        let identity = match caller {
            Principal::Anonymous => None,
            Principal::Known(identity) => Some(identity),
        };
        match self {
            Self::AllowAny => Kleene::True,
            Self::DenyAll => Kleene::False,
            Self::And(all) => all
                .iter()
                .map(|part| part.value(caller, results))
                .min()
                .unwrap(),
            Self::Or(any) => any
                .iter()
                .map(|part| part.value(caller, results))
                .max()
                .unwrap(),
            Self::Not(inner) => !inner.value(caller, results),
            atom => identity.map_or(Kleene::Unknown, |identity| {
                atom.test(identity, results).into()
            }),
        }
    }

    fn test(&self, identity: &Identity, results: &CheckResults) -> Option<bool> {
        let has_permission = |name: &str| {
            let permission = Permission::new(name).unwrap();
            identity
                .permissions
                .iter()
                .any(|grant| Grant::parse(grant).covers(&permission))
                || identity.scopes.iter().any(|scope| **scope == *name)
        };
        Some(match self {
            Self::Admin => identity.is_superuser,
            Self::Authenticated => true,
            Self::Check(name) => return results.get(name),
            Self::Claim(test) => test.holds(identity.claims.get(test.name())),
            Self::Permission(name) => has_permission(name),
            // An identity doesn't prove an authentication.
            Self::FreshAuth(_) => false,
            Self::Role(name) => identity.roles.iter().any(|role| **role == **name),
            Self::Scope(name) => identity.scopes.iter().any(|scope| **scope == **name),
            Self::Staff => identity.is_staff,
            Self::Via(name) => *identity.backend == **name,
            _ => unreachable!("not an atom"),
        })
    }

    /// Returns the decision if every check has a result.
    pub(crate) fn decide(&self, caller: &Principal, results: &CheckResults) -> Decision {
        match self.value(caller, results) {
            Kleene::True => Decision::Allow,
            Kleene::Unknown => Decision::Challenge,
            Kleene::False => Decision::Deny(ReasonCode::Denied),
        }
    }

    pub(crate) fn has_constant(&self) -> bool {
        match self {
            Self::AllowAny | Self::DenyAll => true,
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::has_constant),
            Self::Not(inner) => inner.has_constant(),
            _ => false,
        }
    }
}

/// Removes the reason, which the naive evaluator does not compute.
pub(crate) fn outcome(decision: Decision) -> Decision {
    match decision {
        Decision::Deny(_) => Decision::Deny(ReasonCode::Denied),
        other => other,
    }
}

const PERMISSIONS: [&str; 4] = ["blog.add", "blog.edit", "blog.post.add", "shop.add"];
const SCOPES: [&str; 2] = ["blog.add", "profile"];
// Also the name of a permission and a scope.
const ROLES: [&str; 2] = ["blog.add", "Shop Editors"];
const BACKENDS: [&str; 3] = ["jwt", "api_key", "session"];
pub(crate) const CHECKS: [&str; 3] = ["owner", "friend", "office \"hours\""];

pub(crate) fn tests() -> impl Strategy<Value = ClaimTest> {
    let values = || prop::collection::vec(prop::sample::select(vec!["otp", "pwd", "sms"]), 0..3);
    (
        prop::sample::select(vec!["amr", "acr"]),
        values(),
        values(),
        values(),
    )
        .prop_map(|(name, any, all, none)| {
            let mut test = ClaimTest::new(name);
            // Empty lists are not allowed.
            for (list, add) in [
                (
                    any,
                    ClaimTest::any_of as fn(ClaimTest, Vec<&'static str>) -> ClaimTest,
                ),
                (all, ClaimTest::all_of),
                (none, ClaimTest::none_of),
            ] {
                if !list.is_empty() {
                    test = add(test, list);
                }
            }
            test
        })
}

pub(crate) fn atoms() -> impl Strategy<Value = Expr> {
    prop_oneof![
        1 => Just(Expr::AllowAny),
        1 => Just(Expr::DenyAll),
        2 => Just(Expr::Authenticated),
        2 => Just(Expr::Admin),
        2 => Just(Expr::Staff),
        4 => prop::sample::select(&PERMISSIONS[..]).prop_map(|name| Expr::Permission(name.into())),
        2 => prop::sample::select(&SCOPES[..]).prop_map(|name| Expr::Scope(name.into())),
        1 => (1_u32..3).prop_map(Expr::FreshAuth),
        2 => prop::sample::select(&ROLES[..]).prop_map(|name| Expr::Role(name.into())),
        2 => prop::sample::select(&BACKENDS[..]).prop_map(|name| Expr::Via(name.into())),
        2 => tests().prop_map(Expr::Claim),
    ]
}

pub(crate) fn checks() -> impl Strategy<Value = Expr> {
    prop::sample::select(&CHECKS[..]).prop_map(|name| Expr::Check(name.into()))
}

fn trees(leaves: impl Strategy<Value = Expr> + 'static) -> BoxedStrategy<Expr> {
    leaves
        .prop_recursive(5, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(Expr::And),
                prop::collection::vec(inner.clone(), 1..4).prop_map(Expr::Or),
                inner.prop_map(|inner| Expr::Not(Box::new(inner))),
            ]
        })
        .boxed()
}

/// Guards without checks.
pub(crate) fn exprs() -> BoxedStrategy<Expr> {
    trees(atoms())
}

/// Guards with checks.
pub(crate) fn checked_exprs() -> BoxedStrategy<Expr> {
    trees(prop_oneof![2 => atoms(), 1 => checks()])
}

pub(crate) fn identities() -> impl Strategy<Value = Identity> {
    let grants = [
        "blog.*",
        "*",
        "blog.post.*",
        "shop.add",
        "blog.add",
        "blog.edit",
        "blog*",
        "other",
    ];
    let amr = prop::sample::subsequence(vec!["otp", "pwd", "sms", "hwk"], 0..4);
    (
        prop::sample::select(vec!["jwt", "api_key", "other"]),
        any::<(bool, bool)>(),
        prop::sample::subsequence(grants.to_vec(), 0..3),
        prop::sample::subsequence(SCOPES.to_vec(), 0..2),
        prop::sample::subsequence(ROLES.to_vec(), 0..2),
        prop::option::of(amr),
    )
        .prop_map(
            |(backend, (staff, superuser), grants, scopes, roles, amr)| {
                let mut identity = Identity::new("1", backend)
                    .with_permissions(grants)
                    .with_scopes(scopes)
                    .with_roles(roles);
                (identity.is_staff, identity.is_superuser) = (staff, superuser);
                match amr {
                    None => identity,
                    Some(amr) => identity.with_claim("amr", amr).with_claim("acr", "pwd"),
                }
            },
        )
}

pub(crate) fn callers() -> impl Strategy<Value = Principal> {
    prop_oneof![1 => Just(Principal::Anonymous), 5 => identities().prop_map(Principal::Known)]
}

/// Results of some of the checks.
pub(crate) fn results() -> impl Strategy<Value = CheckResults> {
    any::<[Option<bool>; 3]>().prop_map(|values| {
        CHECKS
            .iter()
            .zip(values)
            .filter_map(|(name, value)| Some((*name, value?)))
            .collect()
    })
}

/// Returns all ways to add the missing results.
pub(crate) fn completions(results: &CheckResults) -> Vec<CheckResults> {
    CHECKS
        .iter()
        .fold(vec![results.clone()], |all, name| match results.get(name) {
            Some(_) => all,
            None => all
                .iter()
                .flat_map(|some| [true, false].map(|value| some.clone().with(name, value)))
                .collect(),
        })
}
