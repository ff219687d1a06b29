//! Tokens that are signed like access tokens, but belong to another class, RFC 8725 §3.12.

use boltguard_grants::Requirements;
use boltguard_jwt::{AdmittedClaims, ClaimsError, ClaimsPolicy};
use boltguard_types::{NumericDate, ReasonCode};

use crate::{
    NOW, admit, admit_under, assert_admitted, assert_reason, assert_refused, expired, lenient,
    mismatch, not_access_token, wrong_type,
};

fn policy() -> ClaimsPolicy {
    lenient().with_optional_user_id().for_authentication()
}

fn under_typ(policy: &ClaimsPolicy, typ: &str) -> Result<AdmittedClaims, ClaimsError> {
    let header = format!(r#"{{"alg":"HS256","typ":{typ}}}"#);
    let now = NumericDate::from_secs(NOW);
    admit_under(&header, policy, "{}", &Requirements::new(), now)
}

#[test]
fn tokens_of_other_classes_are_not_access_tokens() {
    let others = [
        // simplejwt, ninja-jwt
        r#"{"token_type":"refresh"}"#,
        r#"{"token_type":"sliding"}"#,
        // Keycloak
        r#"{"typ":"Refresh"}"#,
        r#"{"typ":"Offline"}"#,
        r#"{"typ":"ID"}"#,
        r#"{"typ":"Logout"}"#,
        // Amazon Cognito, allauth
        r#"{"token_use":"id"}"#,
        r#"{"token_use":"refresh"}"#,
        // Flask-JWT-Extended
        r#"{"type":"refresh"}"#,
        // spelled otherwise
        r#"{"token_type":"REFRESH"}"#,
        r#"{"token_type":"refresh+jwt"}"#,
        r#"{"token_type":"refresh_token"}"#,
        r#"{"token_\u0074ype":"re\u0066resh"}"#,
        r#"{"token_type" : "refresh" }"#,
        // two labels
        r#"{"token_type":"access","typ":"Refresh"}"#,
        r#"{"typ":"Bearer","token_use":"id"}"#,
        // OpenID Connect back-channel logout, and other security events
        r#"{"events":{"http://schemas.openid.net/event/backchannel-logout":{}}}"#,
        r#"{"ev\u0065nts":{"a":1,"http:\/\/schemas.openid.net/event/backchannel-logout":{}}}"#,
        r#"{"events":{"urn:ietf:params:scim:event:create":{}}}"#,
    ];
    assert_reason(&policy(), &others, ReasonCode::NotAccessToken);
    assert_admitted(&lenient(), &others);
}

#[test]
fn rejects_an_unreadable_class() {
    for name in ["token_type", "token_use", "typ"] {
        for value in ["7", "true", r#"["refresh"]"#, r#"{"refresh":true}"#, "[]"] {
            let payload = format!(r#"{{"{name}":{value}}}"#);
            assert_refused(&policy(), &[&payload], not_access_token(name));
        }
    }
}

#[test]
fn a_class_that_is_said_twice_is_malformed() {
    for payload in [
        r#"{"token_type":"access","token_type":"refresh"}"#,
        r#"{"token_type":"access","token_\u0074ype":"access"}"#,
        r#"{"typ":"Bearer","typ":null}"#,
        r#"{"type":1,"type":1}"#,
        r#"{"events":{},"events":{}}"#,
    ] {
        for policy in [policy(), lenient()] {
            assert_refused(&policy, &[payload], ClaimsError::Malformed);
        }
    }
}

#[test]
fn access_tokens_with_any_label_are_admitted() {
    assert_admitted(
        &policy(),
        &[
            "{}",
            r#"{"token_type":"access"}"#,
            r#"{"token_type":"Bearer"}"#,
            r#"{"token_type":null}"#,
            r#"{"token_use":"access"}"#,
            r#"{"typ":"Bearer"}"#,
            r#"{"typ":"JWT"}"#,
            r#"{"typ":""}"#,
            r#"{"type":"access"}"#,
            r#"{"type":7}"#,
            r#"{"type":["refresh"]}"#,
            r#"{"use":"refresh"}"#,
            r#"{"a":{"token_type":"refresh"}}"#,
            r#"{"TOKEN_TYPE":"refresh"}"#,
            r#"{"events":{"signed_up":true}}"#,
            r#"{"events":["http://example.com/"]}"#,
            r#"{"events":"http://example.com/"}"#,
            r#"{"events":null}"#,
        ],
    );
}

#[test]
fn the_header_names_a_class_too() {
    for typ in [
        "refresh",
        "refresh+jwt",
        "Refresh+JWT",
        "application/refresh+jwt",
        "id+jwt",
        "logout+jwt",
        "application/logout+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "offline",
        "sliding",
        "r\\u0065fresh",
    ] {
        let typ = format!("\"{typ}\"");
        let refused = under_typ(&policy(), &typ).err();
        assert_eq!(refused, Some(not_access_token("typ")), "{typ}");
        assert!(under_typ(&lenient(), &typ).is_ok(), "{typ}");
    }
    for typ in ["7", r#"["refresh"]"#, "{}", "true"] {
        let refused = under_typ(&policy(), typ).err();
        assert_eq!(refused, Some(not_access_token("typ")), "{typ}");
    }
    for typ in [r#""JWT""#, r#""at+jwt""#, r#""x+jwt""#, r#""""#, "null"] {
        assert!(under_typ(&policy(), typ).is_ok(), "{typ}");
    }
}

#[test]
fn a_rule_decides_about_its_own_member_alone() {
    let sliding = policy().with_claim("token_type", "sliding");
    assert_admitted(&sliding, &[r#"{"token_type":"sliding"}"#]);
    assert_refused(
        &sliding,
        &[r#"{"token_type":"access"}"#, r#"{"token_type":"refresh"}"#],
        mismatch("token_type"),
    );
    let typ = [r#"{"token_type":"sliding","typ":"Refresh"}"#];
    assert_refused(&sliding, &typ, not_access_token("typ"));
    let token_use = [r#"{"token_type":"sliding","token_use":"id"}"#];
    assert_refused(&sliding, &token_use, not_access_token("token_use"));
    let refresh = policy().with_type("refresh+jwt");
    assert!(under_typ(&refresh, r#""refresh+jwt""#).is_ok());
    assert_eq!(
        under_typ(&policy().with_claim("typ", "x"), r#""refresh""#).err(),
        Some(not_access_token("typ"))
    );
}

#[test]
fn expiry_precedes_the_class() {
    let payload = r#"{"exp":1,"token_type":"refresh"}"#;
    assert_refused(&policy(), &[payload], expired(1));
}

#[test]
fn authentication_needs_a_subject_unless_it_is_optional() {
    let needing = lenient().for_authentication();
    assert_refused(
        &needing,
        &["{}", r#"{"sub":""}"#, r#"{"uid":"7"}"#],
        ClaimsError::SubjectMissing("sub".into()),
    );
    assert_admitted(&needing, &[r#"{"sub":"7"}"#]);
    assert_admitted(&policy(), &["{}", r#"{"sub":""}"#, r#"{"sub":"7"}"#]);
    let machine = admit(&policy(), r#"{"sub":""}"#).unwrap();
    assert_eq!(machine.user_id(), None);
    let by_uid = needing.clone().with_user_id_claim("uid");
    assert_refused(
        &by_uid,
        &["{}", r#"{"sub":"7"}"#, r#"{"uid":""}"#],
        ClaimsError::SubjectMissing("uid".into()),
    );
    assert_admitted(&by_uid, &[r#"{"uid":7}"#]);
    let optional = by_uid.with_optional_user_id();
    assert_admitted(&optional, &[r#"{"sub":"7"}"#]);
    assert_refused(&optional, &[r#"{"uid":[7]}"#], wrong_type("uid"));
}
