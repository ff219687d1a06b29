//! Callers whose grants were read for another guard.

use boltguard_guard::{Answers, CompiledGuard, Decision, Guard, Kleene, Missing};
use boltguard_types::{Facts, Held, Identity, ReasonCode};

const DENIED: Decision = Decision::Deny(ReasonCode::Denied);

fn compile(text: &str) -> CompiledGuard {
    text.parse::<Guard>().unwrap().compile().unwrap()
}

fn facts(held: &Held) -> Facts<'_> {
    Facts {
        backend: "jwt",
        is_staff: true,
        is_superuser: false,
        held,
    }
}

/// A reader of blogs, as a guard for such sees one.
fn reader() -> Held {
    let ada = Identity::new("1", "jwt").with_permissions(["blog.read"]);
    compile(r#"perm("blog.read")"#).wanted().held_by(&ada)
}

#[test]
fn grants_read_for_another_guard_open_none() {
    for held in [reader(), Held::default()] {
        for guard in [
            r#"perm("admin.delete")"#,
            r#"scope("admin")"#,
            r#"claim("amr", any=["mfa"])"#,
            // What was not read must not pass for what is not held.
            r#"~perm("admin.banned")"#,
            r#"staff & ~scope("banned")"#,
            r#"perm("blog.read")"#,
            r#"perm("blog.read") | check("owner")"#,
        ] {
            let guard = compile(guard);
            let facts = facts(&held);
            let answers = Answers::new().with("owner", true);
            assert_eq!(guard.decide(Some(&facts)), DENIED, "{}", guard.guard());
            assert_eq!(guard.decide_with(Some(&facts), &answers), DENIED);
            assert!(guard.questions(Some(&facts), &Answers::new()).is_empty());
        }
    }
}

#[test]
fn an_explanation_does_not_read_grants_of_another_guard() {
    let explanation =
        compile(r#"perm("admin.delete")"#).explain(Some(&facts(&reader())), &Answers::new());
    assert_eq!(explanation.decision(), DENIED);
    assert_eq!(explanation.parts()[0].truth, Kleene::Unknown);
    assert_eq!(*explanation.missing(), Missing::NotGrants);
}

#[test]
fn a_guard_that_reads_no_grants_takes_any_caller() {
    let held = reader();
    assert_eq!(
        compile("staff").decide(Some(&facts(&held))),
        Decision::Allow
    );
    assert_eq!(
        compile("admin").decide(Some(&facts(&held))),
        Decision::Deny(ReasonCode::AdminRequired)
    );
}

#[test]
fn a_clone_of_a_guard_reads_the_same_grants() {
    let guard = compile(r#"perm("blog.read")"#);
    let ada = Identity::new("1", "jwt").with_permissions(["blog.*"]);
    let held = guard.wanted().held_by(&ada);
    assert_eq!(guard.clone().decide(Some(&facts(&held))), Decision::Allow);
    // The same text compiled again is another guard.
    let again = compile(r#"perm("blog.read")"#);
    assert_eq!(again.decide(Some(&facts(&held))), DENIED);
}
