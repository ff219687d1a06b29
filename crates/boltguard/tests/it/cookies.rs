//! Tokens in cookies: which of the credentials is used, and which requests may be forged.

use std::sync::Arc;

use boltguard::apikey::ApiKeys;
use boltguard::guard::Guard;
use boltguard::jwt::ClaimsPolicy;
use boltguard::revocation::MemoryRevocation;
use boltguard::types::ReasonCode::{
    CookieDuplicated, CsrfFailed, Denied, NotAuthenticated, SignatureInvalid, TokenExpired,
    TokenMalformed, TokenRevoked,
};
use boltguard::{
    ApiKeyBackend, ApiKeySource, ConfigError, CredentialSource, Gate, HeaderName, JwtBackend, Need,
    Outcome, RequestParts, Revocation, RevocationStatus, Step, TokenCookie,
};

use crate::support::{NOW, admitted, bearer, done, gate, jwt, jwt_with, refused, token};

const GOOD: &str = r#"{"sub":"42","jti":"t","exp":1300819380}"#;
const OTHER: &str = r#"{"sub":"43","jti":"u","exp":1300819380}"#;
const EXPIRED: &str = r#"{"sub":"42","exp":1300818000}"#;

/// A request with a method.
struct Request<'r>(&'r str, Vec<(&'r str, &'r str)>);

impl RequestParts for Request<'_> {
    fn header(&self, name: &HeaderName) -> Option<&str> {
        let mut headers = self.1.iter();
        let found = headers.find(|(found, _)| *found == name.as_str());
        found.map(|(_, value)| *value)
    }

    fn method(&self) -> Option<&str> {
        Some(self.0)
    }
}

fn cookie() -> TokenCookie {
    TokenCookie::new("__Host-access").unwrap()
}

fn with_cookie(cookie: TokenCookie) -> Gate {
    gate([jwt().with_cookie(cookie).into()], &Guard::authenticated())
}

fn pair(claims: &str) -> String {
    format!("__Host-access={}", token(claims))
}

fn get(gate: &Gate, headers: &[(&str, &str)]) -> Outcome {
    done(gate.evaluate(&Request("GET", headers.to_vec()), NOW))
}

fn post(gate: &Gate, headers: &[(&str, &str)]) -> Outcome {
    done(gate.evaluate(&Request("POST", headers.to_vec()), NOW))
}

#[test]
fn a_token_in_the_cookie_is_accepted() {
    let caller = admitted(get(&with_cookie(cookie()), &[("cookie", &pair(GOOD))]));
    assert_eq!(caller.user_id().as_deref(), Some("42"));
    assert_eq!(caller.source(), CredentialSource::Cookie);
    assert_eq!(caller.source().as_str(), Some("cookie"));
}

#[test]
fn a_token_in_the_header_is_used_first_even_if_it_is_invalid() {
    let gate = with_cookie(cookie());
    let headers = |value| [("authorization", value), ("cookie", "__Host-access=x")];
    let caller = admitted(get(&gate, &headers(&bearer(OTHER))));
    assert_eq!(caller.user_id().as_deref(), Some("43"));
    assert_eq!(caller.source(), CredentialSource::Header);
    let both = pair(GOOD);
    let headers = [("authorization", "Bearer a.b.c"), ("cookie", &*both)];
    assert_eq!(refused(get(&gate, &headers)).0, 401);
    let headers = [("authorization", "Basic YTpi"), ("cookie", &*both)];
    assert_eq!(
        admitted(get(&gate, &headers)).source(),
        CredentialSource::Cookie
    );
}

#[test]
fn a_token_in_the_header_is_never_forged() {
    let value = bearer(GOOD);
    let headers = [("authorization", &*value), ("sec-fetch-site", "cross-site")];
    admitted(post(&with_cookie(cookie()), &headers));
}

#[test]
fn the_header_can_be_disabled() {
    let gate = with_cookie(cookie().without_header());
    let value = bearer(GOOD);
    assert_eq!(
        refused(get(&gate, &[("authorization", &value)])),
        (401, NotAuthenticated)
    );
    let cookie = pair(OTHER);
    let caller = admitted(get(
        &gate,
        &[("authorization", &value), ("cookie", &cookie)],
    ));
    assert_eq!(caller.user_id().as_deref(), Some("43"));
    let names: Vec<_> = gate.backends()[0]
        .headers()
        .iter()
        .map(HeaderName::as_str)
        .collect();
    assert_eq!(names, ["cookie"]);
}

#[test]
fn the_order_of_the_settings_does_not_matter() {
    let header = || HeaderName::new("x-token").unwrap();
    for backend in [
        jwt().with_header(header()).with_cookie(cookie()),
        jwt().with_cookie(cookie()).with_header(header()),
    ] {
        let gate = gate([backend.into()], &Guard::authenticated());
        let names: Vec<_> = gate.backends()[0]
            .headers()
            .iter()
            .map(HeaderName::as_str)
            .collect();
        assert_eq!(names, ["x-token", "cookie"]);
    }
}

#[test]
fn only_schemes_of_a_header_are_offered() {
    let keys = ApiKeys::builder()
        .key("sk-prod-123abc-and-some-more")
        .build()
        .unwrap();
    let keys = ApiKeyBackend::new(
        ApiKeySource::Static(keys),
        HeaderName::new("x-api-key").unwrap(),
    );
    let challenge = |cookie| {
        let backends = [jwt().with_cookie(cookie).into(), keys.clone().into()];
        match get(&gate(backends, &Guard::authenticated()), &[]) {
            Outcome::Refused(refusal) => refusal.challenge().unwrap(),
            Outcome::Admitted(caller) => panic!("{caller:?}"),
        }
    };
    assert_eq!(
        challenge(cookie()),
        r#"Bearer realm="api", ApiKey realm="api""#
    );
    assert_eq!(
        challenge(cookie().without_header()),
        r#"ApiKey realm="api""#
    );
}

#[test]
fn bad_cookies_are_refused() {
    let gate = with_cookie(cookie());
    let (good, expired) = (pair(GOOD), pair(EXPIRED));
    let other = token(OTHER);
    let (signed, signature) = (
        good.rsplit_once('.').unwrap().0,
        other.rsplit_once('.').unwrap().1,
    );
    let changed = format!("{signed}.{signature}");
    let quoted = format!("__Host-access=\"{}\"", token(GOOD));
    for (value, reason) in [
        ("__Host-access=", NotAuthenticated),
        ("access=a.b.c", NotAuthenticated),
        ("__Host-access=x", TokenMalformed),
        (&quoted, TokenMalformed),
        (&changed, SignatureInvalid),
        (&expired, TokenExpired),
        (&format!("{good}; {good}"), CookieDuplicated),
        (&format!("{good}; __Host-access="), CookieDuplicated),
    ] {
        assert_eq!(
            refused(get(&gate, &[("cookie", value)])),
            (401, reason),
            "{value}"
        );
    }
    let twice = [("cookie", &*good), ("cookie", &*good)];
    assert_eq!(
        refused(done(gate.evaluate(&twice, NOW))),
        (401, CookieDuplicated)
    );
}

#[test]
fn an_unsafe_request_must_come_from_the_same_origin_or_a_trusted_one() {
    let gate = with_cookie(cookie().trusting(["https://app.example.com"]).unwrap());
    let cookie = pair(GOOD);
    let with = |others: &[(&'static str, &'static str)]| {
        let mut headers = vec![("cookie", &*cookie), ("host", "api.example.com")];
        headers.extend_from_slice(others);
        post(&gate, &headers)
    };
    for others in [
        &[("sec-fetch-site", "same-origin")][..],
        &[("origin", "https://api.example.com")],
        &[
            ("origin", "https://app.example.com"),
            ("sec-fetch-site", "same-site"),
        ],
    ] {
        assert_eq!(admitted(with(others)).source(), CredentialSource::Cookie);
    }
    for others in [
        &[][..],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "http://api.example.com")],
        &[("origin", "null")],
    ] {
        assert_eq!(refused(with(others)), (403, CsrfFailed), "{others:?}");
    }
}

#[test]
fn only_safe_methods_are_not_checked() {
    let gate = with_cookie(cookie());
    let cookie = pair(GOOD);
    for (method, is_safe) in [
        ("GET", true),
        ("HEAD", true),
        ("OPTIONS", true),
        ("TRACE", true),
        ("POST", false),
        ("PUT", false),
        ("PATCH", false),
        ("DELETE", false),
        ("CONNECT", false),
        ("get", false),
        ("", false),
    ] {
        let outcome = done(gate.evaluate(&Request(method, vec![("cookie", &cookie)]), NOW));
        assert_eq!(matches!(outcome, Outcome::Admitted(_)), is_safe, "{method}");
    }
    let without_method = done(gate.evaluate(&[("cookie", &*cookie)], NOW));
    assert_eq!(refused(without_method), (403, CsrfFailed));
}

#[test]
fn a_websocket_must_come_from_the_same_origin() {
    let gate = with_cookie(cookie());
    let cookie = pair(GOOD);
    let open = |origin| {
        [
            ("cookie", &*cookie),
            ("upgrade", "websocket"),
            ("host", "a.test"),
            ("origin", origin),
        ]
    };
    admitted(get(&gate, &open("https://a.test")));
    assert_eq!(
        refused(get(&gate, &open("https://evil.example"))),
        (403, CsrfFailed)
    );
    assert_eq!(
        refused(get(&gate, &open("https://evil.example")[..2])),
        (403, CsrfFailed)
    );
}

#[test]
fn a_forged_request_is_refused_whatever_the_guard_says() {
    let open = gate([jwt().with_cookie(cookie()).into()], &Guard::allow_any());
    let cookie = pair(GOOD);
    let forged = [("cookie", &*cookie), ("sec-fetch-site", "cross-site")];
    let Outcome::Refused(refusal) = post(&open, &forged) else {
        panic!("the request may be forged")
    };
    assert_eq!(
        refusal.body(),
        r#"{"detail":"CSRF verification failed.","code":"csrf_failed"}"#
    );
    assert_eq!(refusal.challenge(), None);
    // A client with an expired token has to authenticate again in any case.
    let expired = pair(EXPIRED);
    let caller = admitted(post(&open, &[("cookie", &expired)]));
    assert_eq!(caller.failure().unwrap().reason(), TokenExpired);
}

#[test]
fn the_application_can_check_instead() {
    let gate = with_cookie(cookie().with_external_csrf_check());
    let cookie = pair(GOOD);
    let caller = admitted(post(
        &gate,
        &[("cookie", &cookie), ("sec-fetch-site", "cross-site")],
    ));
    assert_eq!(caller.source(), CredentialSource::Cookie);
}

#[test]
fn revoked_tokens_are_refused() {
    let revoked = MemoryRevocation::new();
    revoked.revoke("t", None, NOW).unwrap();
    let revocation = Revocation::InProcess(Arc::new(revoked));
    let backend = jwt().with_revocation(revocation).with_cookie(cookie());
    let gate = gate([backend.into()], &Guard::authenticated());
    assert_eq!(
        refused(get(&gate, &[("cookie", &pair(GOOD))])),
        (401, TokenRevoked)
    );
    admitted(get(&gate, &[("cookie", &pair(OTHER))]));
}

#[test]
fn the_source_outlasts_a_revocation_check_and_another_request_is_refused() {
    let backend = jwt_with(ClaimsPolicy::new()).with_revocation(Revocation::External);
    let gate = gate(
        [backend.with_cookie(cookie()).into()],
        &Guard::authenticated(),
    );
    let cookie = pair(GOOD);
    let request = |site| Request("POST", vec![("cookie", &cookie), ("sec-fetch-site", site)]);
    let suspended = || match gate.evaluate(&request("same-origin"), NOW) {
        Step::Need(Need::CheckRevocation(need)) => need,
        other => panic!("{other:?}"),
    };
    let resumed = suspended().resume(RevocationStatus::NotRevoked, &request("same-origin"), NOW);
    assert_eq!(admitted(done(resumed)).source(), CredentialSource::Cookie);
    let other = suspended().resume(RevocationStatus::NotRevoked, &request("cross-site"), NOW);
    assert_eq!(refused(done(other)), (403, Denied));
}

#[test]
fn invalid_settings_are_errors() {
    assert_eq!(
        TokenCookie::new("access token"),
        Err(ConfigError::CookieName)
    );
    assert_eq!(
        cookie().trusting(["app.example.com"]),
        Err(ConfigError::Origin)
    );
    let backend: JwtBackend = jwt().with_cookie(cookie());
    assert_eq!(
        backend.cookie().map(TokenCookie::name),
        Some("__Host-access")
    );
}

#[cfg(feature = "http")]
#[test]
fn requests_of_the_crate_http_have_all_parts() {
    let gate = with_cookie(cookie());
    let request = |method: &str, uri: &str| {
        let request = http::Request::builder().method(method).uri(uri);
        let request = request
            .header("cookie", b"x=\xff".as_slice())
            .header("cookie", pair(GOOD));
        request
            .header("origin", "https://a.test")
            .body(())
            .unwrap()
            .into_parts()
            .0
    };
    for (method, uri) in [("GET", "/"), ("POST", "https://a.test/")] {
        admitted(done(gate.evaluate(&request(method, uri), NOW)));
    }
    for uri in ["/", "https://b.test/"] {
        let outcome = done(gate.evaluate(&request("POST", uri), NOW));
        assert_eq!(refused(outcome), (403, CsrfFailed), "{uri}");
    }
}
