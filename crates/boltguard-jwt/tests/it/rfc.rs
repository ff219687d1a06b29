//! The examples of RFC 7519.

use boltguard_jwt::ClaimsError;
use boltguard_keys::{Algorithm, Jwk, KeySet};
use boltguard_types::NumericDate;

use crate::{Refused, admit_at, enter, expired, lenient};

/// RFC 7515 A.1, which RFC 7519 §3.1 repeats.
const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLm\
                     NvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const KEY: &str = r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
const PAYLOAD: &str =
    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";

fn keys() -> KeySet {
    KeySet::from_jwk(&Jwk::parse(KEY).unwrap(), &[Algorithm::Hs256]).unwrap()
}

#[test]
fn rfc7519_section_3_1_is_admitted_before_exp() {
    assert_eq!(
        enter(TOKEN, &keys(), &lenient()),
        Err(Refused::Claims(expired(1_300_819_380)))
    );
    assert_eq!(
        enter(TOKEN, &keys(), &lenient().ignoring_expiry()).as_deref(),
        Ok(PAYLOAD)
    );
    let at = |now| {
        admit_at(
            &lenient().with_issuer(["joe"]),
            PAYLOAD,
            NumericDate::from_secs(now),
        )
    };
    let claims = at(1_300_819_379).unwrap();
    assert_eq!(claims.get("http://example.com/is_root"), Some("true"));
    let exp = NumericDate::from_secs(1_300_819_380);
    let expected = ClaimsError::Expired { exp, now: exp };
    assert_eq!(at(1_300_819_380).err(), Some(expected));
}

#[test]
fn rfc7519_section_6_1_is_refused() {
    let token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290\
                 Ijp0cnVlfQ.";
    let refusal = Refused::Token(boltguard_jws::JwsError::AlgorithmNotAllowed);
    assert_eq!(
        enter(token, &keys(), &lenient().ignoring_expiry()),
        Err(refusal)
    );
}
