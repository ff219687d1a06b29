//! A guard as a plain tree, and the shortest evaluator of it that one could write.

use boltguard_grants::{ClaimTest, Identity, Principal};
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
            Self::Scope(name) => Guard::scope(name).unwrap(),
            Self::Staff => Guard::staff(),
            Self::Via(name) => Guard::via_backend(name).unwrap(),
            Self::And(all) => Guard::all(all.iter().map(Self::guard)).unwrap(),
            Self::Or(any) => Guard::any(any.iter().map(Self::guard)).unwrap(),
            Self::Not(inner) => !inner.guard(),
        }
    }

    /// The value in Kleene's logic; a check without an answer is unknown.
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
                atom.of(identity, results).into()
            }),
        }
    }

    fn of(&self, who: &Identity, results: &CheckResults) -> Option<bool> {
        let grants = |name: &str| {
            let permission = Permission::new(name).unwrap();
            who.permissions
                .iter()
                .any(|text| Grant::parse(text).covers(&permission))
                || who.scopes.iter().any(|scope| **scope == *name)
        };
        Some(match self {
            Self::Admin => who.is_superuser,
            Self::Authenticated => true,
            Self::Check(name) => return results.get(name),
            Self::Claim(test) => test.holds(who.claims.get(test.name())),
            Self::Permission(name) => grants(name),
            Self::Scope(name) => who.scopes.iter().any(|scope| **scope == **name),
            Self::Staff => who.is_staff,
            Self::Via(name) => *who.backend == **name,
            _ => unreachable!("not an atom"),
        })
    }

    /// The decision where every check has an answer.
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

/// Leaves the reason out, which the naive evaluator does not know.
pub(crate) fn outcome(decision: Decision) -> Decision {
    match decision {
        Decision::Deny(_) => Decision::Deny(ReasonCode::Denied),
        other => other,
    }
}

const PERMISSIONS: [&str; 4] = ["blog.add", "blog.edit", "blog.post.add", "shop.add"];
const SCOPES: [&str; 2] = ["blog.add", "profile"];
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
            // An empty list is not given at all.
            for (list, ask) in [
                (
                    any,
                    ClaimTest::any_of as fn(ClaimTest, Vec<&'static str>) -> ClaimTest,
                ),
                (all, ClaimTest::all_of),
                (none, ClaimTest::none_of),
            ] {
                if !list.is_empty() {
                    test = ask(test, list);
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
        2 => prop::sample::select(&BACKENDS[..]).prop_map(|name| Expr::Via(name.into())),
        2 => tests().prop_map(Expr::Claim),
    ]
}

pub(crate) fn checks() -> impl Strategy<Value = Expr> {
    prop::sample::select(&CHECKS[..]).prop_map(|name| Expr::Check(name.into()))
}

fn grown(leaves: impl Strategy<Value = Expr> + 'static) -> BoxedStrategy<Expr> {
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

/// Guards that the engine decides by itself.
pub(crate) fn exprs() -> BoxedStrategy<Expr> {
    grown(atoms())
}

/// Guards with checks among their atoms.
pub(crate) fn checked_exprs() -> BoxedStrategy<Expr> {
    grown(prop_oneof![2 => atoms(), 1 => checks()])
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
        prop::option::of(amr),
    )
        .prop_map(|(backend, (staff, superuser), grants, scopes, amr)| {
            let mut who = Identity::new("1", backend)
                .with_permissions(grants)
                .with_scopes(scopes);
            (who.is_staff, who.is_superuser) = (staff, superuser);
            match amr {
                None => who,
                Some(amr) => who.with_claim("amr", amr).with_claim("acr", "pwd"),
            }
        })
}

pub(crate) fn callers() -> impl Strategy<Value = Principal> {
    prop_oneof![1 => Just(Principal::Anonymous), 5 => identities().prop_map(Principal::Known)]
}

/// Results of some of the checks.
pub(crate) fn results() -> impl Strategy<Value = CheckResults> {
    any::<[Option<bool>; 3]>().prop_map(|given| {
        let given = CHECKS.iter().zip(given);
        given
            .filter_map(|(name, answer)| Some((*name, answer?)))
            .collect()
    })
}

/// Every way of answering the checks that `given` leaves open.
pub(crate) fn completions(given: &CheckResults) -> Vec<CheckResults> {
    CHECKS
        .iter()
        .fold(vec![given.clone()], |all, name| match given.get(name) {
            Some(_) => all,
            None => all
                .iter()
                .flat_map(|some| [true, false].map(|answer| some.clone().with(name, answer)))
                .collect(),
        })
}
