//! Callers with grants that were read for another guard.

use boltguard_grants::{GrantSet, Identity, PrincipalView};
use boltguard_guard::{CheckResults, CompiledGuard, Decision, Guard, Kleene, Missing};
use boltguard_types::ReasonCode;

const DENIED: Decision = Decision::Deny(ReasonCode::Denied);

fn compile(text: &str) -> CompiledGuard {
    text.parse::<Guard>().unwrap().compile().unwrap()
}

fn principal(grant_set: &GrantSet) -> PrincipalView<'_> {
    PrincipalView {
        backend: "jwt",
        is_staff: true,
        is_superuser: false,
        grant_set,
    }
}

/// Grants that were read for a different guard.
fn foreign_grants() -> GrantSet {
    let ada = Identity::new("1", "jwt").with_permissions(["blog.read"]);
    compile(r#"perm("blog.read")"#)
        .requirements()
        .grants_of(&ada)
}

#[test]
fn denies_grants_read_for_another_guard() {
    for grant_set in [foreign_grants(), GrantSet::default()] {
        for guard in [
            r#"perm("admin.delete")"#,
            r#"scope("admin")"#,
            r#"claim("amr", any=["mfa"])"#,
            // A permission that was not read must not be treated as one that is not granted.
            r#"~perm("admin.banned")"#,
            r#"staff & ~scope("banned")"#,
            r#"perm("blog.read")"#,
            r#"perm("blog.read") | check("owner")"#,
        ] {
            let guard = compile(guard);
            let principal = principal(&grant_set);
            let results = CheckResults::new().with("owner", true);
            assert_eq!(guard.decide(Some(&principal)), DENIED, "{}", guard.guard());
            assert_eq!(guard.decide_with(Some(&principal), &results), DENIED);
            assert!(
                guard
                    .open_checks(Some(&principal), &CheckResults::new())
                    .is_empty()
            );
        }
    }
}

#[test]
fn explanation_ignores_grants_of_another_guard() {
    let explanation = compile(r#"perm("admin.delete")"#)
        .explain(Some(&principal(&foreign_grants())), &CheckResults::new());
    assert_eq!(explanation.decision(), DENIED);
    assert_eq!(explanation.parts()[0].truth, Kleene::Unknown);
    assert_eq!(*explanation.missing(), Missing::Unattainable);
}

#[test]
fn guard_without_requirements_accepts_any_grants() {
    let grant_set = foreign_grants();
    assert_eq!(
        compile("staff").decide(Some(&principal(&grant_set))),
        Decision::Allow
    );
    assert_eq!(
        compile("admin").decide(Some(&principal(&grant_set))),
        Decision::Deny(ReasonCode::AdminRequired)
    );
}

#[test]
fn clone_of_guard_reads_the_same_grants() {
    let guard = compile(r#"perm("blog.read")"#);
    let ada = Identity::new("1", "jwt").with_permissions(["blog.*"]);
    let grant_set = guard.requirements().grants_of(&ada);
    assert_eq!(
        guard.clone().decide(Some(&principal(&grant_set))),
        Decision::Allow
    );
    // A guard that is compiled again has other requirements.
    let again = compile(r#"perm("blog.read")"#);
    assert_eq!(again.decide(Some(&principal(&grant_set))), DENIED);
}
