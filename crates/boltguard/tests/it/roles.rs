//! Roles, and grants in other claims than the default ones.

use boltguard::apikey::ApiKeys;
use boltguard::grants::Identity;
use boltguard::guard::{CheckResults, Guard};
use boltguard::jwt::{ClaimPath, ClaimsPolicy};
use boltguard::types::{NumericDate, ReasonCode};
use boltguard::{
    AdmittedCaller, ApiKeyBackend, ApiKeySource, Authenticate, Authentication, Backend,
    ConfigError, EdgeBackend, Gate, HeaderName, RequestParts,
};

use crate::support::{admitted, bearer, check, gate, jwt, jwt_with, refused};

fn roles_from(path: &str) -> ClaimsPolicy {
    ClaimsPolicy::new().with_roles_from([ClaimPath::new(path).unwrap()])
}

fn api_keys() -> Backend {
    let keys = ApiKeySource::Static(ApiKeys::new(["a-key-of-a-test"]).unwrap());
    ApiKeyBackend::new(keys, HeaderName::new("x-api-key").unwrap()).into()
}

struct Proxy;

impl Authenticate for Proxy {
    fn name(&self) -> &str {
        "proxy"
    }

    fn authenticate(&self, parts: &dyn RequestParts, _: NumericDate) -> Authentication {
        let name = HeaderName::new("x-role").unwrap();
        match parts.header(&name) {
            Some(role) => {
                Authentication::Identified(Identity::new("42", "proxy").with_roles([role]))
            }
            None => Authentication::Absent,
        }
    }
}

#[test]
fn role_at_a_path_opens_the_gate() {
    let gate = gate(
        [jwt_with(roles_from("realm_access.roles")).into()],
        &Guard::role("editor").unwrap(),
    );
    let claims = |role| {
        bearer(&format!(
            r#"{{"sub":"42","exp":1300819380,"realm_access":{{"roles":["user","{role}"]}}}}"#
        ))
    };
    let caller = admitted(check(&gate, &[("authorization", &claims("editor"))]));
    assert_eq!(caller.roles(), ["user", "editor"]);
    let outcome = check(&gate, &[("authorization", &claims("reader"))]);
    assert_eq!(refused(outcome), (403, ReasonCode::RoleMissing));

    // The same caller, for other guards and in an explanation.
    let others = [
        ("role(\"user\")", true),
        ("any_role(\"x\", \"y\")", false),
        ("~role(\"x\")", true),
    ];
    for (guard, is_allowed) in others {
        let guard: Guard = guard.parse().unwrap();
        let other = Gate::for_callers(&guard).unwrap();
        let decision = other.decide(&caller, &CheckResults::new());
        assert_eq!(decision.is_allowed(), is_allowed, "{guard}");
        assert_eq!(guard.decide(&caller.principal()), decision, "{guard}");
    }
}

#[test]
fn custom_backend_returns_roles() {
    let gate = gate([Backend::custom(Proxy)], &Guard::role("editor").unwrap());
    let caller = admitted(check(&gate, &[("x-role", "editor")]));
    assert_eq!(caller.roles(), ["editor"]);
    let outcome = check(&gate, &[("x-role", "reader")]);
    assert_eq!(refused(outcome), (403, ReasonCode::RoleMissing));
}

#[test]
fn a_role_that_no_caller_can_have_is_an_error() {
    for text in [r#"role("editor")"#, r#"authenticated & ~role("editor")"#] {
        let guard: Guard = text.parse().unwrap();
        for backends in [
            vec![],
            vec![jwt().into()],
            vec![api_keys(), jwt().into()],
            vec![
                jwt_with(ClaimsPolicy::new().with_scopes_from([ClaimPath::new("s").unwrap()]))
                    .into(),
            ],
        ] {
            let error = Gate::new(backends, &guard).unwrap_err();
            assert_eq!(error, ConfigError::NoRoles("editor".into()), "{text}");
        }
        for backends in [
            vec![jwt().into(), jwt_with(roles_from("roles")).into()],
            vec![Backend::custom(Proxy)],
            vec![EdgeBackend::new("edge").into()],
        ] {
            assert!(Gate::new(backends, &guard).is_ok(), "{text}");
        }
    }
    let message = ConfigError::NoRoles("editor".into()).to_string();
    assert!(message.contains("\"editor\"") && message.contains("roles_from"));
}

#[test]
fn a_mistyped_claim_at_a_path_is_reported_once() {
    let gate = gate(
        [jwt_with(roles_from("realm_access.roles")).into()],
        &Guard::role("editor").unwrap(),
    );
    for roles in ["7", "7", r#"{"editor":1}"#, "7"] {
        let claims = format!(
            r#"{{"sub":"42","exp":1300819380,"scope":true,"realm_access":{{"roles":{roles}}}}}"#
        );
        let outcome = check(&gate, &[("authorization", &bearer(&claims))]);
        assert_eq!(refused(outcome).1, ReasonCode::RoleMissing);
    }
    let reported = gate.take_ignored_grants();
    let reported: Vec<_> = reported.iter().map(|(_, one)| one.to_string()).collect();
    let role = "the claim `realm_access.roles` must be a string or a list of strings, not";
    assert_eq!(
        reported,
        [
            "the claim `scope` must be a string or a list of strings, not true or false".to_owned(),
            format!("{role} a number"),
            format!("{role} an object"),
        ]
    );
    assert_eq!(gate.take_ignored_grants(), []);
}

#[test]
fn a_recent_authentication_without_tokens_is_an_error() {
    let guard: Guard = "authenticated & fresh_auth(300)".parse().unwrap();
    for backends in [vec![], vec![api_keys()], vec![Backend::custom(Proxy)]] {
        let error = Gate::new(backends, &guard).unwrap_err();
        assert_eq!(error, ConfigError::NoAuthTime);
    }
    assert!(Gate::new([api_keys(), jwt().into()], &guard).is_ok());
}

#[test]
fn another_guard_reads_the_age_of_the_authentication() {
    let gate = gate([jwt().into()], &Guard::authenticated());
    let claims = r#"{"sub":"42","exp":1300819380,"auth_time":1300818900,"acr":"gold"}"#;
    let caller = admitted(check(&gate, &[("authorization", &bearer(claims))]));
    for (text, is_allowed) in [
        ("fresh_auth(101)", true),
        ("fresh_auth(100)", false),
        (r#"fresh_auth(101, acr=["silver", "gold"])"#, true),
        (r#"fresh_auth(101, acr=["silver"])"#, false),
    ] {
        let other = Gate::for_callers(&text.parse().unwrap()).unwrap();
        let decision = other.decide(&caller, &CheckResults::new());
        assert_eq!(decision.is_allowed(), is_allowed, "{text}");
        if !is_allowed {
            let refused = AdmittedCaller::new(caller.clone(), &gate)
                .check(&other, &CheckResults::new())
                .unwrap_err();
            assert_eq!(refused.status(), 401);
            let challenge = refused.challenge().unwrap();
            assert!(
                challenge.contains("insufficient_user_authentication"),
                "{challenge}"
            );
            assert!(challenge.contains("max_age="), "{challenge}");
        }
    }
}
