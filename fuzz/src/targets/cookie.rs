//! Authentication by a cookie, and the check for forged requests.

use std::sync::LazyLock;

use boltguard::guard::Guard;
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::Algorithm;
use boltguard::{
    CredentialSource, DuplicateCookie, Gate, JwtBackend, OriginPolicy, Outcome, RequestOrigin,
    Step, TokenCookie, find_cookie, headers,
};

use super::service;

const NAME: &str = "__Host-access";
const TRUSTED: &str = "https://app.example.com";

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let cookie = TokenCookie::new(NAME).and_then(|cookie| cookie.trusting([TRUSTED]));
    let keys = service::KEYS.clone();
    let backend = JwtBackend::new(keys, &[Algorithm::Hs256], ClaimsPolicy::new());
    let backend = backend.expect("the backend is valid");
    let backend = backend.with_cookie(cookie.expect("the cookie is valid"));
    Gate::new([backend.into()], &Guard::authenticated()).expect("the guard is valid")
});

/// The lines are the headers `Cookie`, `Origin` and `Sec-Fetch-Site`, and the method.
pub(super) fn run(data: &[u8]) {
    let _ = find_cookie(data.split(|byte| *byte == b'\n'), NAME);
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut lines = text
        .split('\n')
        .map(|line| (!line.is_empty()).then_some(line));
    let [cookie, origin, site, method] = [(); 4].map(|()| lines.next().flatten());
    let parts = headers(|name| match name.as_str() {
        "cookie" => cookie,
        "origin" => origin,
        "sec-fetch-site" => site,
        "host" => Some("api.example.com"),
        _ => None,
    });
    let step = match method {
        Some(method) => GATE.evaluate(&parts.with_method(method), service::now()),
        None => GATE.evaluate(&parts, service::now()),
    };
    let outcome = match step {
        Step::Done(outcome) => outcome,
        Step::Need(need) => panic!("nothing is needed: {need:?}"),
    };
    let cookie = cookie.unwrap_or_default();
    assert_eq!(find_cookie([cookie.as_bytes()], NAME), expected(cookie));
    match outcome {
        Outcome::Admitted(caller) => {
            assert_eq!(caller.source(), CredentialSource::Cookie);
            let token = expected(cookie).expect("the cookie is sent once");
            let token = token.expect("the cookie is sent");
            assert!(service::admit(token, &ClaimsPolicy::new()).is_ok());
            assert!(is_safe(method) || is_allowed(origin, site));
        }
        Outcome::Refused(refusal) if refusal.code() == "csrf_failed" => {
            assert!(!is_safe(method) && !is_allowed(origin, site));
        }
        Outcome::Refused(refusal) => assert_eq!(refusal.status(), 401),
    }
    // An origin without a wildcard trusts itself.
    if let Ok(policy) = OriginPolicy::new([text])
        && !text.contains('*')
    {
        let parts = headers(|name| (name.as_str() == "origin").then_some(text));
        assert_eq!(policy.classify(&parts), RequestOrigin::Trusted, "{text}");
    }
}

fn expected(header: &str) -> Result<Option<&str>, DuplicateCookie> {
    let pairs = header.split(';').map(|pair| pair.trim_matches([' ', '\t']));
    let values: Vec<_> = pairs
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| *name == NAME)
        .map(|(_, value)| value)
        .collect();
    match *values {
        [] => Ok(None),
        [value] => Ok(Some(value)),
        _ => Err(DuplicateCookie),
    }
}

fn is_safe(method: Option<&str>) -> bool {
    method.is_some_and(|method| ["GET", "HEAD", "OPTIONS", "TRACE"].contains(&method))
}

fn is_allowed(origin: Option<&str>, site: Option<&str>) -> bool {
    let is = |expected: &str| origin.is_some_and(|origin| origin.eq_ignore_ascii_case(expected));
    let is_trusted = is(TRUSTED) || is("https://app.example.com:443");
    let is_own = is("https://api.example.com") || is("https://api.example.com:443");
    match site {
        Some("same-origin" | "none") => true,
        Some(_) => is_trusted,
        None => is_trusted || is_own,
    }
}
