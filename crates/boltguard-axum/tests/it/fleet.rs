//! The example service beside a Django site: what it reads from the site, and whom it admits.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use boltguard::keys::{Algorithm, Key, Secret, SigningKey};
use boltguard::revocation::replica::RevocationEntry;
use boltguard::revocation::{MemoryRevocation, RevocationStore};
use boltguard::types::NumericDate;
use boltguard_testing::forge;
use http::{Request, StatusCode};
use tower::ServiceExt;

#[path = "../../examples/fleet.rs"]
mod service;

const SECRET: &[u8] = b"a secret of thirty-two bytes, or more";

fn read(list: &str) -> Option<Vec<RevocationEntry>> {
    let mut entries = Vec::new();
    let read = service::read_list(list.as_bytes(), &mut |entry| entries.push(entry));
    read.is_ok().then_some(entries)
}

#[test]
fn list_of_the_site_is_read_to_its_last_line() {
    let list =
        "{\"jti\":\"a\",\"until\":\"0\"}\n{\"jti\":\"b\",\"until\":\"9\"}\n{\"entries\":2}\n";
    let until = Some(NumericDate::from_secs(9));
    let expected = [
        RevocationEntry::token("a", None),
        RevocationEntry::token("b", until),
    ];
    assert_eq!(read(list).as_deref(), Some(&expected[..]));
    assert_eq!(read("{\"entries\":0}\n"), Some(Vec::new()));
}

#[test]
fn list_that_ends_early_is_an_error() {
    for list in [
        "",
        "{\"jti\":\"a\",\"until\":\"0\"}\n",
        "{\"jti\":\"a\",\"until\":\"0\"}\n{\"entries\":2}\n",
        "{\"jti\":\"a\"}\n{\"entries\":1}\n",
        "<html>",
    ] {
        assert_eq!(read(list), None, "{list}");
    }
}

#[test]
fn max_staleness_is_a_number_of_seconds() {
    let half = service::max_staleness("0.5").unwrap();
    assert_eq!(half, Duration::from_millis(500));
    for seconds in ["", "1 s", "-1", "NaN", "inf"] {
        let message = service::max_staleness(seconds).unwrap_err().to_string();
        let start = format!("FLEET_MAX_STALENESS is {seconds:?}; it must be a number of seconds");
        assert!(message.starts_with(&start), "{message}");
    }
}

/// The status of a request by a user with this permission.
async fn status(path: &str, permission: &str, revocation: Arc<dyn RevocationStore>) -> StatusCode {
    let key = Key::Secret(Secret::new(SECRET).unwrap());
    let key = SigningKey::new(&key, Algorithm::Hs256).unwrap();
    let claims =
        format!(r#"{{"sub":"1","jti":"one","exp":33000000000,"permissions":["{permission}"]}}"#);
    let token = forge::signed(r#"{"alg":"HS256"}"#, claims, &key);
    let tokens = service::tokens(SECRET, revocation).unwrap();
    let guard = r#"perm("books.add")"#.parse().unwrap();
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    let app = service::app(&tokens, &guard).unwrap();
    let response = app.oneshot(request.body(Body::empty()).unwrap()).await;
    response.unwrap().status()
}

#[tokio::test]
async fn guard_of_the_site_decides_and_a_revoked_token_is_refused() {
    let list = Arc::new(MemoryRevocation::new());
    assert_eq!(status("/orders", "books.add", list.clone()).await, 200);
    assert_eq!(status("/orders", "books.read", list.clone()).await, 403);
    assert_eq!(status("/me", "books.read", list.clone()).await, 200);
    list.revoke("one", None, NumericDate::from_secs(0)).unwrap();
    assert_eq!(status("/me", "books.read", list).await, 401);
}
