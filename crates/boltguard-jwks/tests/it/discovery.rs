#![expect(clippy::disallowed_methods, reason = "tests may read the clock")]

use std::sync::{Arc, Mutex};
use std::time::Instant;

use boltguard_jwks::{
    AsyncJwksClient, DiscoveryError, FetchError, JwksClient, JwksConfigError, JwksSource, JwksUrl,
    Refresh, Response, SourceStep,
};
use proptest::prelude::*;

use crate::support::{body, jwks, names, ready, remote, response, seconds};

const ISSUER: &str = "https://id.example.com";
const CONFIGURATION: &str = "https://id.example.com/.well-known/openid-configuration";
const KEYS: &str = "https://keys.example.com/jwks";

fn metadata(issuer: &str, jwks_uri: &str) -> Response {
    body(format!(
        r#"{{"issuer":"{issuer}","authorization_endpoint":"{issuer}/a","jwks_uri":"{jwks_uri}"}}"#
    ))
}

/// The URLs that were requested, and the responses to the next requests.
#[derive(Clone, Default)]
struct Network {
    requests: Arc<Mutex<Vec<String>>>,
    responses: Arc<Mutex<Vec<Result<Response, FetchError>>>>,
}

impl Network {
    fn will_respond(&self, responses: impl IntoIterator<Item = Result<Response, FetchError>>) {
        let mut responses: Vec<_> = responses.into_iter().collect();
        responses.reverse();
        *self.responses.lock().unwrap() = responses;
    }

    fn request(&self, url: &JwksUrl) -> Result<Response, FetchError> {
        self.requests.lock().unwrap().push(url.as_str().to_owned());
        let response = self.responses.lock().unwrap().pop();
        response.unwrap_or(Err(FetchError::Connection))
    }

    /// The requests since the last call.
    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

fn source() -> JwksSource {
    JwksSource::discover(ISSUER).unwrap()
}

/// Fetches with both clients, and returns their error.
fn both(responses: &[Result<Response, FetchError>]) -> Option<FetchError> {
    let networks = [Network::default(), Network::default()];
    networks
        .iter()
        .for_each(|network| network.will_respond(responses.to_vec()));
    let [one, two] = networks.clone();
    let url = source();
    let fetch = move |_: usize| url.fetch(Instant::now(), |url| one.request(url));
    let blocking = JwksClient::new(remote(), fetch).keys();
    let fetch = move |url, _| {
        let response = two.request(&url);
        async { response }
    };
    let asynchronous = ready(AsyncJwksClient::new(remote(), source(), fetch).keys());
    let [blocking, asynchronous] =
        [blocking, asynchronous].map(|result| result.err().map(|error| error.cause().unwrap()));
    assert_eq!(blocking, asynchronous);
    assert_eq!(networks[0].requests(), networks[1].requests());
    blocking
}

#[test]
fn keys_are_fetched_from_the_url_in_the_metadata() {
    assert_eq!(
        both(&[Ok(metadata(ISSUER, KEYS)), Ok(response(&["a"]))]),
        None
    );
}

#[test]
fn metadata_of_another_issuer_is_rejected() {
    for other in [
        "https://id.example.com/",
        "https://ID.example.com",
        "https://evil.example.com",
        "",
    ] {
        let responses = [Ok(metadata(other, KEYS)), Ok(response(&["a"]))];
        let expected = FetchError::Discovery(DiscoveryError::Issuer);
        assert_eq!(both(&responses), Some(expected), "{other}");
    }
    let without = Ok(body(format!(r#"{{"jwks_uri":"{KEYS}"}}"#)));
    let expected = FetchError::Discovery(DiscoveryError::Issuer);
    assert_eq!(both(&[without, Ok(response(&["a"]))]), Some(expected));
}

#[test]
fn url_in_the_metadata_must_be_https() {
    for url in [
        "http://id.example.com/jwks",
        "/jwks",
        "",
        "https://user@host/",
    ] {
        let responses = [Ok(metadata(ISSUER, url)), Ok(response(&["a"]))];
        let expected = FetchError::Discovery(DiscoveryError::JwksUri);
        assert_eq!(both(&responses), Some(expected), "{url}");
    }
    let without = Ok(body(format!(r#"{{"issuer":"{ISSUER}"}}"#)));
    let expected = FetchError::Discovery(DiscoveryError::JwksUri);
    assert_eq!(both(&[without, Ok(response(&["a"]))]), Some(expected));
}

#[test]
fn metadata_that_cannot_be_read_is_a_failure() {
    let status = |status| {
        Ok(Response {
            status,
            ..metadata(ISSUER, KEYS)
        })
    };
    for (first, expected) in [
        (
            Ok(body("<html>")),
            FetchError::Discovery(DiscoveryError::Malformed),
        ),
        (status(302), FetchError::Redirect),
        (status(404), FetchError::Status(404)),
        (Err(FetchError::Timeout), FetchError::Timeout),
    ] {
        assert_eq!(both(&[first, Ok(response(&["a"]))]), Some(expected));
    }
}

#[test]
fn metadata_is_kept_for_a_day() {
    let network = Network::default();
    let (source, start) = (source(), Instant::now());
    let fetch = |time| source.fetch(start + seconds(time), |url| network.request(url));
    let keys = || Ok(response(&["a"]));
    network.will_respond([Ok(metadata(ISSUER, KEYS)), keys(), keys()]);
    assert!(fetch(0).is_ok());
    assert_eq!(network.requests(), [CONFIGURATION, KEYS]);
    assert!(fetch(24 * 3600 - 1).is_ok());
    assert_eq!(network.requests(), [KEYS]);
    let moved = "https://keys.example.com/new";
    network.will_respond([Ok(metadata(ISSUER, moved)), keys()]);
    assert!(fetch(24 * 3600).is_ok());
    assert_eq!(network.requests(), [CONFIGURATION, moved]);
}

#[test]
fn metadata_is_requested_again_if_the_set_cannot_be_fetched() {
    let (source, start) = (source(), Instant::now());
    let network = Network::default();
    let fetch = || source.fetch(start, |url| network.request(url));
    for failure in [
        Err(FetchError::Connection),
        Ok(body("<html>moved</html>")),
        Ok(body(r#"{"keys":1}"#)),
        Ok(Response {
            status: 404,
            ..response(&["a"])
        }),
    ] {
        network.will_respond([Ok(metadata(ISSUER, KEYS)), Ok(response(&["a"])), failure]);
        assert!(fetch().is_ok());
        let _ = fetch();
        network.will_respond([Ok(metadata(ISSUER, KEYS)), Ok(response(&["a"]))]);
        let _ = network.requests();
        assert!(fetch().is_ok());
        assert_eq!(network.requests(), [CONFIGURATION, KEYS]);
        // The next case begins without metadata.
        let _ = fetch();
    }
}

#[test]
fn metadata_has_the_cooldown_of_the_keys() {
    let network = Network::default();
    let requested = network.clone();
    let client = AsyncJwksClient::new(remote(), source(), move |url, _| {
        let response = network.request(&url);
        async { response }
    });
    let start = Instant::now();
    let refresh = |time| ready(client.refresh(Refresh::IfStale, start + seconds(time)));
    let cause = |time| refresh(time).unwrap_err().cause();
    assert_eq!(cause(0), Some(FetchError::Connection));
    assert_eq!(cause(0), Some(FetchError::Connection));
    assert_eq!(requested.requests(), [CONFIGURATION]);
    requested.will_respond([Ok(metadata(ISSUER, KEYS)), Ok(response(&["a"]))]);
    assert_eq!(names(&refresh(100).unwrap()), ["a"]);
}

#[test]
fn http_issuer_must_be_allowed_explicitly() {
    let issuer = "http://localhost:8080/realms/a";
    let refused = |result: Result<JwksSource, JwksConfigError>| result.unwrap_err();
    assert_eq!(
        refused(JwksSource::discover(issuer)),
        JwksConfigError::NotHttps
    );
    assert_eq!(
        refused(JwksSource::discover_oauth(issuer)),
        JwksConfigError::NotHttps
    );
    let source = JwksSource::discover_allowing_http(issuer).unwrap();
    let request = source.begin(Instant::now());
    let jwks_uri = "http://localhost:8080/jwks";
    let step = request.resume(Ok(metadata(issuer, jwks_uri)), Instant::now());
    let SourceStep::Request(request) = step else {
        panic!("{step:?}")
    };
    assert_eq!(request.url().as_str(), jwks_uri);

    let source = JwksSource::discover_oauth_allowing_http(issuer).unwrap();
    assert_eq!(
        source.begin(Instant::now()).url().as_str(),
        "http://localhost:8080/.well-known/oauth-authorization-server/realms/a"
    );

    // An issuer with `https:` doesn't lead to a set with `http:`, even then.
    let source = JwksSource::discover_allowing_http(ISSUER).unwrap();
    let step = source
        .begin(Instant::now())
        .resume(Ok(metadata(ISSUER, jwks_uri)), Instant::now());
    let SourceStep::Done(Err(error)) = step else {
        panic!("{step:?}")
    };
    assert_eq!(error, FetchError::Discovery(DiscoveryError::JwksUri));
}

#[test]
fn issuers_that_cannot_have_metadata_are_rejected() {
    for (issuer, expected) in [
        ("https://id.example.com?tenant=7", JwksConfigError::Issuer),
        ("https://id.example.com/#a", JwksConfigError::Url),
        ("https://user@id.example.com", JwksConfigError::Credentials),
        ("id.example.com", JwksConfigError::Url),
    ] {
        assert_eq!(JwksSource::discover(issuer).unwrap_err(), expected);
        assert_eq!(JwksSource::discover_oauth(issuer).unwrap_err(), expected);
    }
}

#[test]
fn configured_url_is_requested_without_metadata() {
    let source = JwksSource::from(JwksUrl::new("https://host/jwks?key=hunter2").unwrap());
    assert_eq!(source.issuer(), None);
    assert!(!format!("{source:?}").contains("hunter2"));
    let network = Network::default();
    network.will_respond([Ok(response(&["a"]))]);
    let found = source.fetch(Instant::now(), |url| network.request(url));
    assert_eq!(found.unwrap().body, jwks(&["a"]).into_bytes());
    assert_eq!(network.requests(), ["https://host/jwks?key=hunter2"]);
}

proptest! {
    #[test]
    fn no_response_leads_to_an_http_url(
        issuer in prop_oneof![Just(ISSUER.to_owned()), any::<String>()],
        jwks_uri in prop_oneof!["https?://[a-z]{1,5}/[a-z]{0,3}", any::<String>()],
        damage in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
    ) {
        let mut response = metadata(&issuer, &jwks_uri);
        if let Some((at, byte)) = damage {
            let at = at.index(response.body.len());
            response.body[at] = byte;
        }
        let now = Instant::now();
        match source().begin(now).resume(Ok(response), now) {
            SourceStep::Request(request) => prop_assert!(request.url().is_https()),
            SourceStep::Done(result) => prop_assert!(matches!(result, Err(FetchError::Discovery(_)))),
        }
    }
}
