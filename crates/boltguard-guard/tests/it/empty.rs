//! Guards that would require less than they appear to.

use boltguard_grants::{ClaimTest, FreshAuth};
use boltguard_guard::{Atom, Guard, GuardError};

#[test]
fn rejects_claim_test_with_empty_list() {
    let none: [&str; 0] = [];
    let test = || ClaimTest::new("amr");
    for test in [
        test().any_of(none),
        test().all_of(none),
        test().none_of(none),
        test().any_of(["mfa"]).none_of(none),
    ] {
        assert_eq!(Guard::claim(test.clone()), Err(GuardError::ClaimValues));
        // An atom that bypasses the constructor is rejected as well.
        let guard = Guard::from(Atom::Claim(test)) | Guard::staff();
        assert_eq!(guard.compile().unwrap_err(), GuardError::ClaimValues);
    }
    assert!(Guard::claim(test().any_of(["mfa"])).is_ok());
}

#[test]
fn atom_with_invalid_name_does_not_compile() {
    for (atom, error) in [
        (Atom::Check("".into()), GuardError::CheckName),
        (Atom::Claim(ClaimTest::new("")), GuardError::ClaimName),
        (
            Atom::FreshAuth(FreshAuth::new(1).with_acr([""; 0])),
            GuardError::AcrValues,
        ),
        (Atom::FreshAuth(FreshAuth::new(0)), GuardError::MaxAge),
        (Atom::Role("".into()), GuardError::RoleName),
        (Atom::Role(" a".into()), GuardError::RoleName),
        (Atom::Role("a\nb".into()), GuardError::RoleName),
        (Atom::Scope("".into()), GuardError::ScopeName),
        (Atom::Scope("a b".into()), GuardError::ScopeName),
        (Atom::ViaBackend("".into()), GuardError::BackendName),
    ] {
        assert_eq!(Guard::from(atom).compile().unwrap_err(), error);
    }
}

#[test]
fn rejects_empty_lists_of_guards() {
    assert_eq!(Guard::any_permission([]), Err(GuardError::Empty));
    assert_eq!(Guard::all_permissions([]), Err(GuardError::Empty));
    assert_eq!(Guard::any([]), Err(GuardError::Empty));
    assert_eq!(Guard::all([]), Err(GuardError::Empty));
}
