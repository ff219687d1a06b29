//! The laws of the algebra, for all three decisions.

use boltguard_grants::Principal;
use boltguard_guard::{CheckResults, Decision, Guard};
use proptest::prelude::*;

use crate::naive::{callers, checked_exprs, outcome};

/// Asserts that two guards decide equally, regardless of the reason.
fn same(one: &Guard, other: &Guard, caller: &Principal, results: &CheckResults) {
    let decide = |guard: &Guard| outcome(guard.decide_with(caller, results));
    assert_eq!(decide(one), decide(other), "{one}   and   {other}");
}

fn all_results() -> impl Strategy<Value = CheckResults> {
    any::<[bool; 3]>().prop_map(|values| crate::naive::CHECKS.into_iter().zip(values).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn de_morgan(a in checked_exprs(), b in checked_exprs(), caller in callers(), results in all_results()) {
        let (a, b) = (a.guard(), b.guard());
        same(&!(a.clone() & b.clone()), &(!a.clone() | !b.clone()), &caller, &results);
        same(&!(a.clone() | b.clone()), &(!a & !b), &caller, &results);
    }

    #[test]
    fn involution(a in checked_exprs(), caller in callers(), results in all_results()) {
        let a = a.guard();
        same(&!!a.clone(), &a, &caller, &results);
        prop_assert_eq!(!!a.clone(), a);
    }

    #[test]
    fn absorption(a in checked_exprs(), b in checked_exprs(), caller in callers(), results in all_results()) {
        let (a, b) = (a.guard(), b.guard());
        same(&(a.clone() & (a.clone() | b.clone())), &a, &caller, &results);
        same(&(a.clone() | (a.clone() & b)), &a, &caller, &results);
    }

    #[test]
    fn distribution(
        a in checked_exprs(), b in checked_exprs(), c in checked_exprs(), caller in callers(), results in all_results(),
    ) {
        let (a, b, c) = (a.guard(), b.guard(), c.guard());
        let (ab, ac) = (a.clone() & b.clone(), a.clone() & c.clone());
        same(&(a.clone() & (b.clone() | c.clone())), &(ab | ac), &caller, &results);
        let (ab, ac) = (a.clone() | b.clone(), a.clone() | c.clone());
        same(&(a | (b & c)), &(ab & ac), &caller, &results);
    }

    #[test]
    fn identity_and_domination(a in checked_exprs(), caller in callers(), results in all_results()) {
        let a = a.guard();
        same(&(a.clone() & Guard::allow_any()), &a, &caller, &results);
        same(&(a.clone() | Guard::deny_all()), &a, &caller, &results);
        same(&(a.clone() & Guard::deny_all()), &Guard::deny_all(), &caller, &results);
        same(&(a | Guard::allow_any()), &Guard::allow_any(), &caller, &results);
    }

    #[test]
    fn idempotence(a in checked_exprs(), caller in callers(), results in all_results()) {
        let a = a.guard();
        same(&(a.clone() & a.clone()), &a, &caller, &results);
        same(&(a.clone() | a.clone()), &a, &caller, &results);
    }

    #[test]
    fn order_and_grouping_do_not_matter(
        a in checked_exprs(), b in checked_exprs(), c in checked_exprs(), caller in callers(), results in all_results(),
    ) {
        let (a, b, c) = (a.guard(), b.guard(), c.guard());
        same(&(a.clone() & b.clone()), &(b.clone() & a.clone()), &caller, &results);
        same(&(a.clone() | b.clone()), &(b.clone() | a.clone()), &caller, &results);
        prop_assert_eq!((a.clone() & b.clone()) & c.clone(), a.clone() & (b.clone() & c.clone()));
        prop_assert_eq!((a.clone() | b.clone()) | c.clone(), a | (b | c));
    }

    #[test]
    fn only_allow_any_allows_anonymous_callers(a in checked_exprs(), results in all_results()) {
        let guard = a.guard();
        let allowed = guard.decide_with(&Principal::Anonymous, &results).is_allowed();
        prop_assert_eq!(allowed, guard == Guard::allow_any());
        prop_assert_eq!(allowed, guard.allows_anonymous());
        prop_assert_eq!(allowed, guard.compile().unwrap().allows_anonymous());
        prop_assert!(!allowed || a.has_constant());
    }
}

#[test]
fn negation_challenges_anonymous_callers() {
    let banned = Guard::permission(boltguard_types::Permission::new("blog.banned").unwrap());
    assert_eq!((!banned).decide(&Principal::Anonymous), Decision::Challenge);
    assert_eq!(
        (!Guard::authenticated()).decide(&Principal::Anonymous),
        Decision::Challenge
    );
}

#[test]
fn allow_any_in_a_list_is_removed() {
    assert_eq!(
        Guard::all([Guard::allow_any(), Guard::staff()]),
        Ok(Guard::staff())
    );
}
