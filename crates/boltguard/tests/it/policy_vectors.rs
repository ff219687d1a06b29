//! The requests of `vectors/policy.json`, for which the Python package must make the same decisions.

use std::collections::BTreeMap;

use boltguard::apikey::ApiKeys;
use boltguard::config::{Document, KeyReader, Policy, PolicyBuilder};
use boltguard::jws::{HeaderFields, sign};
use boltguard::keys::{Algorithm, Key, Secret, SigningKey};
use boltguard::{
    ApiKeySource, Edge, Outcome, PossibleNeed, RevocationCheck, RevocationStatus, headers,
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
    store: Option<Store>,
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
enum Store {
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

/// The revocation store of a request.
struct Revoked<'v> {
    tokens: &'v [String],
    store: Option<Store>,
}

impl Edge for Revoked<'_> {
    fn provides(&self, need: &PossibleNeed<'_>) -> bool {
        matches!(need, PossibleNeed::CheckRevocation { .. })
    }

    fn check_revocation(&mut self, need: &RevocationCheck) -> RevocationStatus {
        match self.store {
            Some(Store::Unavailable) => RevocationStatus::Unavailable,
            None if self.tokens.contains(&need.token_id()) => RevocationStatus::Revoked,
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
    let mut edge = Revoked {
        tokens: &vectors.revoked,
        store: case.store,
    };
    let gate = policy.gate(&case.route).unwrap();
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
    let policy = vectors.policy();
    let mut differences = Vec::new();
    for case in &vectors.cases {
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
