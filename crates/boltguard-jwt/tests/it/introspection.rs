//! Claims as the response of token introspection, RFC 7662 §2.2.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{admit, lenient};

fn introspect(claims: &Value) -> Value {
    let admitted = admit(&lenient().ignoring_audience(), claims.to_string()).unwrap();
    serde_json::from_str(&admitted.introspection()).unwrap()
}

#[test]
fn documented_members_are_included_and_no_others() {
    let claims = json!({
        "scope": "read write", "client_id": "shop", "username": "ada", "exp": 2_000_000_000.5,
        "iat": 1_600_000_000, "nbf": 1_600_000_000, "sub": "42", "aud": ["a", "b"], "iss": "https://id",
        "jti": "j", "sid": "s", "email": "ada@example.com", "is_staff": true, "active": false,
    });
    let expected = json!({
        "active": true, "token_type": "Bearer",
        "scope": "read write", "client_id": "shop", "username": "ada", "exp": 2_000_000_000.5,
        "iat": 1_600_000_000, "nbf": 1_600_000_000, "sub": "42", "aud": ["a", "b"], "iss": "https://id",
        "jti": "j", "sid": "s",
    });
    assert_eq!(introspect(&claims), expected);
}

#[test]
fn missing_claims_are_omitted() {
    let expected = json!({"active": true, "token_type": "Bearer"});
    assert_eq!(introspect(&json!({})), expected);
}

#[test]
fn scopes_of_lists_are_joined() {
    let claims = json!({"scope": ["a", "b"], "scp": "c"});
    assert_eq!(introspect(&claims)["scope"], "a b c");
}

#[test]
fn claims_of_other_types_are_omitted() {
    let claims = json!({"client_id": 5, "username": ["x"], "sid": {}, "scope": 5});
    let expected = json!({"active": true, "token_type": "Bearer"});
    assert_eq!(introspect(&claims), expected);
}

proptest! {
    #[test]
    fn response_is_an_active_object_whatever_the_strings_contain(
        [client_id, username, scope, sid] in any::<[String; 4]>(),
    ) {
        let claims = json!({"client_id": client_id, "username": username, "scope": scope, "sid": sid});
        let response = introspect(&claims);
        prop_assert_eq!(&response["active"], &json!(true));
        for name in ["client_id", "username", "sid"] {
            prop_assert_eq!(&response[name], &claims[name]);
        }
    }
}
