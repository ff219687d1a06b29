//! The examples of the specifications.

use boltguard_jws::{JwsError, UnverifiedJws};
use boltguard_keys::{Algorithm, Jwk, KeySet};
use serde_json::Value;

use crate::verify_with;

/// Examples in the compact serialization, each with its public key, or its secret.
fn examples() -> Vec<Value> {
    serde_json::from_str(include_str!("../data/rfc_tokens.json")).unwrap()
}

fn example(source: &str) -> Value {
    let of_source = |row: &Value| row["source"] == source;
    examples().into_iter().find(of_source).unwrap()
}

fn keys(row: &Value) -> KeySet {
    let jwk = Jwk::parse(row["jwk"].to_string()).unwrap();
    KeySet::from_jwk(&jwk, &[algorithm(row)]).unwrap()
}

fn algorithm(row: &Value) -> Algorithm {
    row["algorithm"].as_str().unwrap().parse().unwrap()
}

fn verify(row: &Value, token: &str) -> Result<Vec<u8>, JwsError> {
    verify_with(token, keys(row))
}

#[test]
fn the_examples_of_rfc7515_rfc7520_and_rfc8037_verify() {
    for row in examples() {
        let token = row["token"].as_str().unwrap();
        let payload = verify(&row, token).unwrap();
        assert_eq!(
            payload,
            row["payload"].as_str().unwrap().as_bytes(),
            "{}",
            row["source"]
        );
        let header = UnverifiedJws::parse(token).unwrap();
        assert_eq!(header.unverified_header().algorithm(), algorithm(&row));
        assert_eq!(
            header.unverified_header().key_id(),
            row["jwk"]["kid"].as_str()
        );
    }
}

#[test]
fn examples_dont_verify_with_other_keys() {
    let rows = examples();
    for (row, other) in rows
        .iter()
        .flat_map(|row| rows.iter().map(move |other| (row, other)))
    {
        let token = row["token"].as_str().unwrap();
        let same_key = row["jwk"] == other["jwk"] && row["algorithm"] == other["algorithm"];
        assert_eq!(
            verify(other, token).is_ok(),
            same_key,
            "{} {}",
            row["source"],
            other["source"]
        );
    }
}

#[test]
fn rejects_unsecured_rfc7515_a5_and_rfc7519_6_1() {
    let token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290\
                 Ijp0cnVlfQ.";
    assert_eq!(
        verify(&example("RFC 7515 A.1"), token),
        Err(JwsError::AlgorithmNotAllowed)
    );
}

#[test]
fn rejects_json_serialization_rfc7515_a6_and_a7() {
    let row = example("RFC 7515 A.3");
    let [header, payload, signature]: [&str; 3] = row["token"]
        .as_str()
        .unwrap()
        .split('.')
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let flattened =
        format!(r#"{{"payload":"{payload}","protected":"{header}","signature":"{signature}"}}"#);
    let general = format!(
        r#"{{"payload":"{payload}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}"#
    );
    for text in [flattened, general] {
        assert_eq!(verify(&row, &text), Err(JwsError::Malformed));
    }
}

#[test]
fn rfc7520_section_4_5_detached_content_is_refused() {
    let token = "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9.\
                 .s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0";
    assert_eq!(
        verify(&example("RFC 7520 4.4"), token),
        Err(JwsError::SignatureInvalid)
    );
}

#[test]
fn rfc7520_section_4_6_verifies_the_protected_part() {
    let row = example("RFC 7520 4.4");
    let payload = row["token"].as_str().unwrap().split('.').nth(1).unwrap();
    let compact =
        format!("eyJhbGciOiJIUzI1NiJ9.{payload}.bWUSVaxorn7bEF1djytBd0kHv70Ly5pvbomzMWSOr20");
    assert!(verify(&row, &compact).is_ok());
}

#[test]
fn rejects_rfc7520_section_4_7_without_protected_header() {
    let row = example("RFC 7520 4.4");
    let payload = row["token"].as_str().unwrap().split('.').nth(1).unwrap();
    let compact = format!(".{payload}.xuLifqLGiblpv9zBpuZczWhNj1gARaLV3UxvxhJxZuk");
    assert_eq!(verify(&row, &compact), Err(JwsError::HeaderInvalid));
}

#[test]
fn rfc7797_section_4_2_unencoded_payload_is_refused() {
    // The payload of the example is `$.02`, so the token has four segments.
    let row = example("RFC 7515 A.1");
    for token in [
        "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY",
        "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19.$.02.A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY",
    ] {
        assert_eq!(verify(&row, token), Err(JwsError::CriticalHeader));
    }
}
