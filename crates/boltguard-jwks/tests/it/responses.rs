use boltguard_jwks::{FetchError, Limits, Response};
use boltguard_keys::{Algorithm, KeyError, KeySet};
use boltguard_testing::keys;

use crate::support::{ALGORITHMS, body, jwks, names, response};

fn read(response: &Response) -> Result<KeySet, FetchError> {
    response.keys(ALGORITHMS, Limits::default())
}

/// A set of a valid key and this one.
fn beside(jwk: &str) -> Response {
    body(jwks(&["good"]).replacen(r#"{"keys":["#, &format!(r#"{{"keys":[{jwk},"#), 1))
}

#[test]
fn a_set_is_read_for_the_algorithms_that_are_allowed() {
    assert_eq!(names(&read(&response(&["a", "b"])).unwrap()), ["a", "b"]);
    let other = response(&["a"]).keys(&[Algorithm::Rs256], Limits::default());
    assert_eq!(other.unwrap_err(), FetchError::Keys(KeyError::NoUsableKey));
}

#[test]
fn another_status_is_an_error_whatever_the_body() {
    for (status, error) in [
        (301, FetchError::Redirect),
        (304, FetchError::Redirect),
        (307, FetchError::Redirect),
        (201, FetchError::Status(201)),
        (404, FetchError::Status(404)),
        (500, FetchError::Status(500)),
        (0, FetchError::Status(0)),
    ] {
        let response = Response {
            status,
            ..response(&["a"])
        };
        assert_eq!(read(&response).unwrap_err(), error);
    }
}

#[test]
fn values_that_are_not_sets_are_errors() {
    for text in [
        "",
        "<html>",
        "[]",
        "null",
        r#"{"keys":[1]}"#,
        r#"{"keys":{}}"#,
        "{}",
    ] {
        assert!(
            matches!(read(&body(text)), Err(FetchError::Keys(_))),
            "{text}"
        );
    }
    assert_eq!(
        read(&body(b"{\"keys\":[]}\xff".to_vec())).unwrap_err(),
        FetchError::Keys(KeyError::Json)
    );
    let twice = jwks(&["a"]).replacen('{', r#"{"keys":[],"#, 1);
    assert_eq!(
        read(&body(twice)).unwrap_err(),
        FetchError::Keys(KeyError::DuplicateMember)
    );
}

#[test]
fn unusable_keys_are_skipped() {
    for jwk in [
        r#"{"kty":"XYZ","kid":"other"}"#,
        r#"{"kid":"other"}"#,
        r#"{"kty":"oct","kid":"other","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}"#,
        r#"{"kty":"oct","kid":"other","alg":"EdDSA","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","kid":"other","use":"enc","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","kid":"other","alg":"RS256","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","kid":"other","x":"!"}"#,
        r#"{"kty":"OKP","crv":"X25519","kid":"other","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    ] {
        let keys = read(&beside(jwk)).unwrap();
        assert_eq!(names(&keys), ["good"], "{jwk}");
    }
}

#[test]
fn a_set_with_a_private_key_is_none_to_trust() {
    let private = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    assert_eq!(
        read(&beside(private)).unwrap_err(),
        FetchError::Keys(KeyError::PrivateKey)
    );
}

#[test]
fn limits_are_limits() {
    let response = response(&["a", "b"]);
    let read = |bytes, keys| response.keys(ALGORITHMS, Limits { bytes, keys });
    let length = response.body.len();
    assert!(read(length, 2).is_ok());
    assert_eq!(read(length - 1, 2).unwrap_err(), FetchError::TooLarge);
    assert_eq!(read(length, 1).unwrap_err(), FetchError::TooManyKeys);
}

#[test]
fn keys_of_no_use_count_too() {
    let strange = [r#"{"kty":"XYZ"}"#; 100].join(",");
    assert_eq!(
        read(&beside(&strange)).unwrap_err(),
        FetchError::TooManyKeys
    );
}

#[test]
fn rsa_key_supports_each_allowed_algorithm() {
    let key = keys::verifying_key(Algorithm::Rs256).with_key_id("rsa");
    let set = body(KeySet::from(key).to_jwks());
    let keys = set
        .keys(&[Algorithm::Rs256, Algorithm::Ps256], Limits::default())
        .unwrap();
    assert!(keys.select(Algorithm::Rs256, Some("rsa")).count() == 1);
}
