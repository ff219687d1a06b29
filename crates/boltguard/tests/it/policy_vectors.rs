//! The requests of `vectors/policy.json`, for which the Python package must make the same decisions.

#![expect(clippy::disallowed_methods, reason = "tests may read the clock")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use boltguard::apikey::ApiKeys;
use boltguard::config::{Document, KeyReader, Policy, PolicyBuilder};
use boltguard::jwks::{Fetch, FetchError, JwksClient, Response};
use boltguard::jws::{HeaderFields, sign};
use boltguard::keys::{Algorithm, Key, KeySet, Secret, SigningKey, VerifyingKey};
use boltguard::{
    ApiKeySource, Edge, JwksEdge, KeyRefresh, Outcome, PossibleNeed, Refreshed, RevocationCheck,
    RevocationStatus, headers,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::support::NOW;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    secrets: BTreeMap<String, String>,
    key_pairs: BTreeMap<String, String>,
    api_keys: BTreeMap<String, Vec<String>>,
    revoked: Vec<String>,
    /// The names of the key pairs in the JWK Set at each URL.
    published: BTreeMap<String, Vec<String>>,
    document: Document,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    route: String,
    method: String,
    headers: BTreeMap<String, String>,
    token: Option<Token>,
    store: Option<Available>,
    issuer: Option<Available>,
    expect: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    key: String,
    algorithm: String,
    claims: Map<String, Value>,
    /// Claims that are relative to the current time, in seconds.
    times: BTreeMap<String, i64>,
    #[serde(default)]
    header: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Available {
    Unavailable,
}

impl KeyReader for &Vectors {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        if let Some(pair) = self.key_pairs.get(name) {
            return Some(pem(pair, "public"));
        }
        self.secrets
            .get(name)
            .map(|secret| secret.clone().into_bytes())
    }
}

fn pem(pair: &str, kind: &str) -> Vec<u8> {
    let root = env!("CARGO_MANIFEST_DIR");
    std::fs::read(format!(
        "{root}/../boltguard-testing/keys/{pair}.{kind}.pem"
    ))
    .unwrap()
}

impl Vectors {
    fn read() -> Self {
        serde_json::from_str(include_str!("../vectors/policy.json")).unwrap()
    }

    fn policy(&self) -> Policy {
        let mut keys = ApiKeys::builder();
        for (key, permissions) in &self.api_keys {
            let permissions = permissions.iter().map(String::as_str);
            keys = keys.key(key).permissions(key, permissions);
        }
        let builder = PolicyBuilder::new(&self.document).with_reader(self);
        let source = ApiKeySource::Static(keys.build().unwrap());
        builder.with_api_keys("keys", source).build().unwrap()
    }

    /// The JWK Set at a URL.
    fn jwks(&self, url: &str) -> Vec<u8> {
        let pairs = self.published[url].iter();
        let keys = pairs.map(|name| {
            let key = Key::from_bytes(&pem(&self.key_pairs[name], "public")).unwrap();
            VerifyingKey::new(&key, Algorithm::EdDsa)
                .unwrap()
                .with_key_id(name.as_str())
        });
        let keys: KeySet = keys.collect();
        keys.to_jwks().into_bytes()
    }

    fn sign(&self, token: &Token) -> String {
        let key = match self.secrets.get(&token.key) {
            Some(secret) => Key::Secret(Secret::new(secret.as_bytes()).unwrap()),
            None => Key::from_bytes(&pem(&self.key_pairs[&token.key], "private")).unwrap(),
        };
        let algorithm: Algorithm = token.algorithm.parse().unwrap();
        let mut claims = token.claims.clone();
        for (name, offset) in &token.times {
            claims.insert(name.clone(), (NOW.as_secs() + offset).into());
        }
        let mut header = HeaderFields::new();
        for (name, value) in &token.header {
            header = header.with(name, value.as_str());
        }
        let signer = SigningKey::new(&key, algorithm).unwrap();
        sign(
            Value::Object(claims).to_string().as_bytes(),
            &header,
            &signer,
        )
        .unwrap()
    }
}

/// The revocation store and the issuers of a request.
struct Around<'v> {
    revoked: &'v [String],
    store: Option<Available>,
    issuers: JwksEdge<JwksClient<Box<dyn Fetch>>>,
}

impl<'v> Around<'v> {
    fn new(vectors: &'v Vectors, policy: &Policy, case: &Case) -> Self {
        let clients = policy.remote_keys().iter().map(|(source, keys)| {
            let url = source.begin(Instant::now()).url().as_str().to_owned();
            let is_available = case.issuer != Some(Available::Unavailable);
            let set = is_available.then(|| vectors.jwks(&url));
            let fetch = move |_: usize| {
                let body = set.clone().ok_or(FetchError::Connection)?;
                Ok(Response {
                    status: 200,
                    cache_control: None,
                    body,
                })
            };
            JwksClient::new(Arc::clone(keys), Box::new(fetch) as Box<dyn Fetch>)
        });
        Self {
            revoked: &vectors.revoked,
            store: case.store,
            issuers: JwksEdge::new(clients),
        }
    }
}

impl Edge for Around<'_> {
    fn provides(&self, need: &PossibleNeed<'_>) -> bool {
        matches!(need, PossibleNeed::CheckRevocation { .. }) || Edge::provides(&self.issuers, need)
    }

    fn refresh_keys(&mut self, need: &KeyRefresh) -> Refreshed {
        Edge::refresh_keys(&mut self.issuers, need)
    }

    fn check_revocation(&mut self, need: &RevocationCheck) -> RevocationStatus {
        match self.store {
            Some(Available::Unavailable) => RevocationStatus::Unavailable,
            None if self.revoked.contains(&need.token_id()) => RevocationStatus::Revoked,
            None => RevocationStatus::NotRevoked,
        }
    }
}

/// Returns the response to a request, with the members of `expect`.
fn response(vectors: &Vectors, policy: &Policy, case: &Case) -> BTreeMap<String, Value> {
    let token = case.token.as_ref().map(|token| vectors.sign(token));
    let sent: BTreeMap<_, _> = case
        .headers
        .iter()
        .map(|(name, value)| {
            let value = value.replace("{token}", token.as_deref().unwrap_or_default());
            (name.as_str(), value)
        })
        .collect();
    let parts = headers(|name| sent.get(name.as_str()).map(String::as_str));
    let mut edge = Around::new(vectors, policy, case);
    let gate = policy.gate(&case.route).unwrap();
    gate.validate_edge_blocking(&edge).unwrap();
    let outcome = gate.check_blocking(&parts.with_method(&case.method), || NOW, &mut edge);
    let mut found = BTreeMap::new();
    match outcome {
        Outcome::Admitted(caller) => {
            found.insert("status".to_owned(), 200.into());
            let is_authenticated = caller.view().is_some();
            if let Some(value) = gate.cache_control(is_authenticated) {
                found.insert("cache-control".to_owned(), value.into());
            }
        }
        Outcome::Refused(refusal) => {
            found.insert("status".to_owned(), refusal.status().into());
            found.insert("code".to_owned(), refusal.code().into());
            let headers = refusal.headers().into_iter();
            let decided = headers.filter(|(name, _)| *name != "content-type");
            found.extend(decided.map(|(name, value)| (name.to_owned(), value.into())));
        }
    }
    found.extend(gate.vary().map(|value| ("vary".to_owned(), value.into())));
    found
}

#[test]
fn responses_are_those_of_the_vectors() {
    let vectors = Vectors::read();
    let mut differences = Vec::new();
    for case in &vectors.cases {
        // The keys that another case has fetched would remain.
        let policy = vectors.policy();
        let found = response(&vectors, &policy, case);
        if found != case.expect {
            differences.push(format!(
                "{}: {found:?}\nexpected: {:?}",
                case.name, case.expect
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_route_and_backend_of_the_vectors_is_used() {
    let vectors = Vectors::read();
    for route in &vectors.document.routes {
        let is_used = vectors.cases.iter().any(|case| case.route == route.name);
        assert!(is_used, "{}", route.name);
    }
    for id in vectors.document.backends.keys() {
        let mut routes = vectors.document.routes.iter();
        assert!(routes.any(|route| route.backends.contains(id)), "{id}");
    }
}
