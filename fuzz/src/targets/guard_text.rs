//! Parsing of guards: the guard is unchanged by formatting, serialization and compilation.

use boltguard::grants::{Identity, Principal, PrincipalView};
use boltguard::guard::Guard;
use serde_json::json;

pub(super) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(guard) = text.parse::<Guard>() else {
        return;
    };
    let formatted = guard.to_string();
    assert_eq!(
        formatted.parse::<Guard>().as_ref(),
        Ok(&guard),
        "{formatted}"
    );
    let json = serde_json::to_string(&guard).expect("the guard can be serialized");
    assert_eq!(
        serde_json::from_str::<Guard>(&json).expect("the JSON is valid"),
        guard,
        "{json}"
    );
    let compiled = guard.compile().expect("the guard is within the limits");
    assert_eq!(
        compiled.decide(None),
        guard.decide(&Principal::Anonymous),
        "{formatted}"
    );
    for identity in identities() {
        let grant_set = compiled.requirements().grants_of(&identity);
        let principal = PrincipalView {
            backend: &identity.backend,
            is_staff: identity.is_staff,
            is_superuser: identity.is_superuser,
            grant_set: &grant_set,
        };
        assert_eq!(
            compiled.decide(Some(&principal)),
            guard.decide(&Principal::Known(identity.clone())),
            "{formatted}"
        );
    }
}

fn identities() -> [Identity; 3] {
    let mut staff = Identity::new("1", "jwt")
        .with_permissions(["a", "blog.*"])
        .with_scopes(["a"]);
    staff.is_staff = true;
    let mut admin = Identity::new("2", "api_key")
        .with_claim("amr", json!(["mfa"]))
        .with_claim("a", json!("b"));
    admin.is_superuser = true;
    [Identity::new("3", "jwt"), staff, admin]
}
