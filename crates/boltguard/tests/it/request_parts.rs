//! Requests of the crate `http`.

use boltguard::guard::Guard;
use boltguard::types::ReasonCode;
use boltguard::{HeaderName, Outcome, RequestParts, TokenCookie};
use http::header::{AUTHORIZATION, COOKIE, HOST};
use http::{HeaderValue, Method, Request, request};

use crate::support::{NOW, bearer, gate, jwt, refused, token};

const CLAIMS: &str = r#"{"sub":"42","exp":1300819380}"#;

fn parts(headers: &[(http::HeaderName, &[u8])]) -> request::Parts {
    let mut request = Request::get("/").body(()).unwrap();
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value).unwrap();
        request.headers_mut().append(name, value);
    }
    request.into_parts().0
}

fn check(parts: &request::Parts) -> Outcome {
    let cookie = TokenCookie::new("access").unwrap();
    let gate = gate([jwt().with_cookie(cookie).into()], &Guard::authenticated());
    gate.check_blocking(parts, || NOW, &mut ())
}

#[test]
fn repeated_credentials_are_absent() {
    let value = bearer(CLAIMS);
    let good = (AUTHORIZATION, value.as_bytes());
    let bad = (AUTHORIZATION, b"Bearer a.b.c".as_slice());
    assert!(matches!(
        check(&parts(std::slice::from_ref(&good))),
        Outcome::Admitted(_)
    ));
    for both in [
        [good.clone(), bad.clone()],
        [bad, good.clone()],
        [good.clone(), good],
    ] {
        let both = parts(&both);
        assert_eq!(refused(check(&both)), (401, ReasonCode::NotAuthenticated));
        assert!(both.has_header(&HeaderName::authorization()));
    }
}

#[test]
fn credentials_that_are_not_a_string_are_absent() {
    let mut value = bearer(CLAIMS).into_bytes();
    value.push(0xe9);
    let outcome = check(&parts(&[(AUTHORIZATION, &value)]));
    assert_eq!(refused(outcome), (401, ReasonCode::NotAuthenticated));
}

#[test]
fn cookie_of_a_repeated_upgrade_must_come_from_the_same_origin() {
    let cookie = format!("access={}", token(CLAIMS));
    let host = (HOST, b"api.example.com".as_slice());
    let upgrade = (http::header::UPGRADE, b"websocket".as_slice());
    let cookie = (COOKIE, cookie.as_bytes());
    let plain = parts(&[host.clone(), cookie.clone()]);
    assert!(matches!(check(&plain), Outcome::Admitted(_)));
    let twice = parts(&[host, cookie, upgrade.clone(), upgrade]);
    assert_eq!(refused(check(&twice)), (403, ReasonCode::CsrfFailed));
}

#[test]
fn unsafe_method_with_a_cookie_must_come_from_the_same_origin() {
    let cookie = format!("access={}", token(CLAIMS));
    for (method, site, is_admitted) in [
        (Method::POST, "cross-site", false),
        (Method::POST, "same-origin", true),
        (Method::HEAD, "cross-site", true),
        (Method::OPTIONS, "cross-site", true),
    ] {
        let site = ("sec-fetch-site".parse().unwrap(), site.as_bytes());
        let mut parts = parts(&[(COOKIE, cookie.as_bytes()), site]);
        parts.method = method;
        assert_eq!(matches!(check(&parts), Outcome::Admitted(_)), is_admitted);
    }
}
