//! The laws of the algebra, over the three answers that a caller can get.

use boltguard_grants::Principal;
use boltguard_guard::{CheckResults, Decision, Guard};
use proptest::prelude::*;

use crate::naive::{callers, checked_exprs, outcome};

/// Two guards answer alike: let in, 401 or 403.
fn same(one: &Guard, other: &Guard, caller: &Principal, results: &CheckResults) {
    let decide = |guard: &Guard| outcome(guard.decide_with(caller, results));
    assert_eq!(decide(one), decide(other), "{one}   and   {other}");
}

fn answered() -> impl Strategy<Value = CheckResults> {
    any::<[bool; 3]>().prop_map(|given| crate::naive::CHECKS.into_iter().zip(given).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn de_morgan(a in checked_exprs(), b in checked_exprs(), who in callers(), said in answered()) {
        let (a, b) = (a.guard(), b.guard());
        same(&!(a.clone() & b.clone()), &(!a.clone() | !b.clone()), &who, &said);
        same(&!(a.clone() | b.clone()), &(!a & !b), &who, &said);
    }

    #[test]
    fn involution(a in checked_exprs(), who in callers(), said in answered()) {
        let a = a.guard();
        same(&!!a.clone(), &a, &who, &said);
        prop_assert_eq!(!!a.clone(), a);
    }

    #[test]
    fn absorption(a in checked_exprs(), b in checked_exprs(), who in callers(), said in answered()) {
        let (a, b) = (a.guard(), b.guard());
        same(&(a.clone() & (a.clone() | b.clone())), &a, &who, &said);
        same(&(a.clone() | (a.clone() & b)), &a, &who, &said);
    }

    #[test]
    fn distribution(
        a in checked_exprs(), b in checked_exprs(), c in checked_exprs(), who in callers(), said in answered(),
    ) {
        let (a, b, c) = (a.guard(), b.guard(), c.guard());
        let (ab, ac) = (a.clone() & b.clone(), a.clone() & c.clone());
        same(&(a.clone() & (b.clone() | c.clone())), &(ab | ac), &who, &said);
        let (ab, ac) = (a.clone() | b.clone(), a.clone() | c.clone());
        same(&(a | (b & c)), &(ab & ac), &who, &said);
    }

    #[test]
    fn identity_and_domination(a in checked_exprs(), who in callers(), said in answered()) {
        let a = a.guard();
        same(&(a.clone() & Guard::allow_any()), &a, &who, &said);
        same(&(a.clone() | Guard::deny_all()), &a, &who, &said);
        same(&(a.clone() & Guard::deny_all()), &Guard::deny_all(), &who, &said);
        same(&(a | Guard::allow_any()), &Guard::allow_any(), &who, &said);
    }

    #[test]
    fn idempotence(a in checked_exprs(), who in callers(), said in answered()) {
        let a = a.guard();
        same(&(a.clone() & a.clone()), &a, &who, &said);
        same(&(a.clone() | a.clone()), &a, &who, &said);
    }

    #[test]
    fn order_and_grouping_do_not_matter(
        a in checked_exprs(), b in checked_exprs(), c in checked_exprs(), who in callers(), said in answered(),
    ) {
        let (a, b, c) = (a.guard(), b.guard(), c.guard());
        same(&(a.clone() & b.clone()), &(b.clone() & a.clone()), &who, &said);
        same(&(a.clone() | b.clone()), &(b.clone() | a.clone()), &who, &said);
        prop_assert_eq!((a.clone() & b.clone()) & c.clone(), a.clone() & (b.clone() & c.clone()));
        prop_assert_eq!((a.clone() | b.clone()) | c.clone(), a | (b | c));
    }

    #[test]
    fn only_a_guard_that_is_allow_any_lets_an_anonymous_caller_in(a in checked_exprs(), said in answered()) {
        let guard = a.guard();
        let let_in = guard.decide_with(&Principal::Anonymous, &said).is_allowed();
        prop_assert_eq!(let_in, guard == Guard::allow_any());
        prop_assert_eq!(let_in, guard.opens_to_anonymous());
        prop_assert_eq!(let_in, guard.compile().unwrap().opens_to_anonymous());
        prop_assert!(!let_in || a.has_constant());
    }
}

#[test]
fn a_negation_lets_nobody_in_who_is_unknown() {
    let banned = Guard::permission(boltguard_types::Permission::new("blog.banned").unwrap());
    assert_eq!((!banned).decide(&Principal::Anonymous), Decision::Challenge);
    assert_eq!(
        (!Guard::authenticated()).decide(&Principal::Anonymous),
        Decision::Challenge
    );
}

#[test]
fn allow_any_beside_another_guard_changes_nothing() {
    assert_eq!(
        Guard::all([Guard::allow_any(), Guard::staff()]),
        Ok(Guard::staff())
    );
}
