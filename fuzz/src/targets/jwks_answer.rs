//! Responses with JSON Web Key Sets, or with the metadata of an issuer. The first line is the URL or the issuer, the
//! second `Cache-Control`, and the rest the body.

use std::time::Instant;

use boltguard::jwks::{FetchError, JwksSource, JwksUrl, Limits, Response, SourceStep};
use boltguard::keys::Algorithm;

const LIMITS: Limits = Limits {
    bytes: 4096,
    keys: 8,
};

pub(super) fn run(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let mut line = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let url = line();
    check_url(&url);
    let cache_control = Some(line());
    let response = Response {
        status: 200,
        cache_control,
        body: parts.next().unwrap_or_default().to_vec(),
    };
    let _ = response.max_age();
    check_metadata(&url, &response);
    let algorithms = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];
    let Ok(keys) = response.keys(&algorithms, LIMITS) else {
        return;
    };
    assert!(response.body.len() <= LIMITS.bytes);
    assert!((1..=LIMITS.keys).contains(&keys.len()));
    assert!(
        keys.algorithms()
            .all(|algorithm| algorithms.contains(&algorithm))
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "an instant can only be made by reading the clock"
)]
fn check_metadata(issuer: &str, response: &Response) {
    let Ok(source) = JwksSource::discover(issuer) else {
        return;
    };
    let now = Instant::now();
    match source.begin(now).resume(Ok(response.clone()), now) {
        SourceStep::Request(request) => assert!(request.url().is_https()),
        SourceStep::Done(result) => assert!(matches!(result, Err(FetchError::Discovery(_)))),
    }
}

fn check_url(text: &str) {
    let Ok(url) = JwksUrl::allowing_http(text) else {
        assert!(JwksUrl::new(text).is_err());
        return;
    };
    assert_eq!(JwksUrl::new(text).is_ok(), url.is_https());
    assert_eq!(url.as_str(), text);
    let displayed = url.to_string();
    assert!(text.starts_with(&displayed) && !displayed.contains('?'));
    let (_, rest) = text.split_once("://").expect("the URL has a scheme");
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    assert!(!authority.is_empty() && !authority.contains('@'));
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains('#'));
}
