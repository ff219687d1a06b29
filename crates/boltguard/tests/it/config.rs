//! Documents: what is accepted, what is rejected with which place, and what gates follow from it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use boltguard::apikey::ApiKeys;
use boltguard::config::{Document, KeyReader, Policy, PolicyBuilder, ProcessEnvironment};
use boltguard::revocation::MemoryRevocation;
use boltguard::types::{NumericDate, ReasonCode};
use boltguard::{ApiKeySource, Gate, Need, Step};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{NOW, admitted, bearer, check, refused};

const SECRET: &[u8] = b"a secret that is thirty-two bytes";
const PUBLIC: &str = include_str!("../../../boltguard-testing/keys/ed25519.public.pem");
const PRIVATE: &str = include_str!("../../../boltguard-testing/keys/ed25519.private.pem");

/// The environment variables and files of the tests.
struct Fixed(HashMap<&'static str, Vec<u8>>);

impl Fixed {
    fn new() -> Self {
        let jwk = r#"{"kty":"oct","k":"YSBzZWNyZXQgdGhhdCBpcyB0aGlydHktdHdvIGJ5dGVz"}"#;
        Self(HashMap::from([
            ("JWT_KEY", SECRET.to_vec()),
            ("PUBLIC_KEY", PUBLIC.into()),
            ("PRIVATE_KEY", PRIVATE.into()),
            ("SECRET_JWK", jwk.into()),
            ("EMPTY", Vec::new()),
            ("/run/key", [SECRET, b"\r\n"].concat()),
        ]))
    }
}

impl KeyReader for Fixed {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        self.0.get(name).cloned()
    }

    fn file(&self, path: &str) -> io::Result<Vec<u8>> {
        let found = self.0.get(path).cloned();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn backend() -> Value {
    json!({"type": "jwt", "keys": [{"env": "JWT_KEY"}], "algorithms": ["HS256"]})
}

fn route() -> Value {
    json!({"name": "home", "backends": ["jwt"], "guard": "authenticated"})
}

/// The document with these members of the backend `jwt` and of the only route, where `null` removes one.
fn document(backend_changes: Value, route_changes: Value) -> Value {
    let (mut backend, mut route) = (backend(), route());
    for (target, changes) in [(&mut backend, backend_changes), (&mut route, route_changes)] {
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => target.as_object_mut().unwrap().remove(name),
                value => target
                    .as_object_mut()
                    .unwrap()
                    .insert(name.clone(), value.clone()),
            };
        }
    }
    json!({"version": 1, "backends": {"jwt": backend}, "routes": [route]})
}

fn read(document: &Value) -> Result<Document, String> {
    serde_json::from_str(&document.to_string()).map_err(|error| error.to_string())
}

fn build(document: &Value) -> Result<Policy, String> {
    let document = read(document)?;
    let policy = PolicyBuilder::new(&document).with_reader(Fixed::new());
    policy.build().map_err(|error| error.to_string())
}

fn gate_of(document: &Value) -> Gate {
    build(document).unwrap().gate("home").unwrap().clone()
}

#[track_caller]
fn rejects(document: &Value, expected: &str) {
    let error = build(document).unwrap_err();
    assert!(error.starts_with(expected), "{error}\n{expected}");
}

#[test]
fn gate_follows_the_settings() {
    let settings = json!({
        "issuer": ["https://id.example.com"],
        "audience": ["shop"],
        "leeway": 30,
        "header": "x-token",
        "required_claims": ["exp", "jti"],
        "claims": {"acr": ["gold", 3, true]},
        "user_id_claim": "uid",
        "typ": "at+jwt",
    });
    let gate = gate_of(&document(settings, json!({})));
    let JwtBackend { policy } = jwt_of(&gate);
    assert_eq!(policy.leeway().as_secs(), 30);
    let claims = r#"{"uid":7,"exp":1300819380}"#;
    let outcome = check(&gate, &[("x-token", &bearer(claims))]);
    assert_eq!(refused(outcome), (401, ReasonCode::TypeMismatch));
    let outcome = check(&gate, &[("authorization", &bearer(claims))]);
    assert_eq!(refused(outcome), (401, ReasonCode::NotAuthenticated));
}

/// The part of a backend that the tests read.
struct JwtBackend<'g> {
    policy: &'g boltguard::jwt::ClaimsPolicy,
}

fn jwt_of(gate: &Gate) -> JwtBackend<'_> {
    match &gate.backends()[0] {
        boltguard::Backend::Jwt(backend) => JwtBackend {
            policy: backend.policy(),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_claim_setting_is_checked() {
    let good =
        r#"{"sub":"7","exp":1300819380,"iat":1300818999,"iss":"i","aud":"shop","acr":"gold"}"#;
    let settings =
        json!({"issuer": ["i"], "audience": ["shop"], "claims": {"acr": ["gold"]}, "max_age": 60});
    let gate = gate_of(&document(settings, json!({})));
    let caller = admitted(check(&gate, &[("authorization", &bearer(good))]));
    assert_eq!(caller.user_id().as_deref(), Some("7"));
    for (part, replacement, reason) in [
        (r#""iss":"i""#, r#""iss":"j""#, ReasonCode::IssuerMismatch),
        (r#""shop""#, r#""bar""#, ReasonCode::AudienceMismatch),
        (r#""gold""#, r#""lead""#, ReasonCode::ClaimMismatch),
        ("1300819380", "1", ReasonCode::TokenExpired),
        (
            r#""iat":1300818"#,
            r#""iat":1300817"#,
            ReasonCode::TokenTooOld,
        ),
        (r#","iat":1300818999"#, "", ReasonCode::ClaimMissing),
    ] {
        let claims = good.replace(part, replacement);
        let outcome = check(&gate, &[("authorization", &bearer(&claims))]);
        assert_eq!(refused(outcome), (401, reason), "{claims}");
    }
}

#[test]
fn subject_and_expiry_are_optional_if_configured() {
    let settings =
        json!({"subject_required": false, "required_claims": ["aud"], "audience": ["a"]});
    let gate = gate_of(&document(settings, json!({})));
    admitted(check(
        &gate,
        &[("authorization", &bearer(r#"{"aud":"a"}"#))],
    ));
}

#[test]
fn keys_are_read_from_variables_and_files() {
    let token = bearer(r#"{"sub":"7","exp":1300819380}"#);
    for keys in [json!([{"env": "JWT_KEY"}]), json!([{"file": "/run/key"}])] {
        let gate = gate_of(&document(json!({"keys": keys}), json!({})));
        admitted(check(&gate, &[("authorization", &token)]));
    }
    let keys = json!({"keys": [{"env": "PUBLIC_KEY"}], "algorithms": ["EdDSA"]});
    build(&document(keys, json!({}))).unwrap();
    let keys = json!({"keys": [{"env": "PUBLIC_KEY"}, {"env": "JWT_KEY"}], "algorithms": ["EdDSA", "HS256"]});
    build(&document(keys, json!({}))).unwrap();
}

#[test]
fn process_environment_reads_variables_and_files() {
    assert!(ProcessEnvironment.variable("PATH").is_some());
    for name in ["", "A=B", "A\0B", "BOLTGUARD_TESTS_NEVER_SET_THIS"] {
        assert_eq!(ProcessEnvironment.variable(name), None, "{name:?}");
    }
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert!(ProcessEnvironment.file(manifest).is_ok());
    assert!(ProcessEnvironment.file("/missing/key").is_err());
}

#[test]
fn public_and_private_keys_are_not_secrets() {
    for (name, algorithm, cause) in [
        ("PUBLIC_KEY", "HS256", "keys[0].env: "),
        ("SECRET_JWK", "HS256", "keys[0].env: "),
        ("PRIVATE_KEY", "EdDSA", "keys[0].env: "),
        ("EMPTY", "HS256", "keys[0].env: "),
        (
            "MISSING",
            "HS256",
            "keys[0].env: the environment variable isn't set",
        ),
        ("JWT_KEY", "EdDSA", "keys[0].env: "),
    ] {
        let keys = json!({"keys": [{"env": name}], "algorithms": [algorithm]});
        rejects(&document(keys, json!({})), &format!("backends.jwt.{cause}"));
    }
    let file = json!({"keys": [{"env": "JWT_KEY"}, {"file": "/missing"}]});
    rejects(
        &document(file, json!({})),
        "backends.jwt.keys[1].file: the file can't be read",
    );
}

#[test]
fn inline_keys_are_rejected_and_not_shown() {
    let hidden = "hunter2-hunter2";
    for keys in [
        json!(hidden),
        json!([hidden]),
        json!([{"secret": hidden}]),
        json!([{hidden: "x"}]),
        json!([{"env": [hidden]}]),
        json!({"env": hidden}),
        json!([{"env": "JWT_KEY", "file": hidden}]),
        json!([[hidden]]),
        json!([12345678]),
    ] {
        let error = build(&document(json!({"keys": keys}), json!({}))).unwrap_err();
        assert!(error.starts_with("backends.jwt: keys"), "{error}");
        assert!(error.contains(r#"[{"env": "JWT_KEY"}]"#), "{error}");
        assert!(
            !error.contains(hidden) && !error.contains("12345678"),
            "{error}"
        );
    }
    let error = build(&document(json!({"secret": hidden}), json!({}))).unwrap_err();
    assert!(
        error.starts_with("backends.jwt: unknown field `secret`"),
        "{error}"
    );
    assert!(!error.contains(hidden), "{error}");
    // A secret instead of the name of its variable.
    let settings = document(json!({"keys": [{"env": hidden}]}), json!({}));
    let error = build(&settings).unwrap_err();
    assert!(!error.contains(hidden), "{error}");
    assert!(!format!("{:?}", read(&settings).unwrap()).contains(hidden));
}

#[test]
fn invalid_backends_are_rejected_with_their_place() {
    for (changes, expected) in [
        (json!({"keys": []}), "backends.jwt.keys: there are no keys"),
        (
            json!({"algorithms": []}),
            "backends.jwt.algorithms: the value is empty",
        ),
        (
            json!({"algorithms": ["hs256"]}),
            "backends.jwt.algorithms[0]: unknown algorithm",
        ),
        (
            json!({"algorithms": ["none"]}),
            "backends.jwt.algorithms[0]: unknown algorithm",
        ),
        (
            json!({"algorithms": ["HS256", "HS256"]}),
            "backends.jwt.algorithms[1]: the value occurs twice",
        ),
        (
            json!({"algorithms": ["HS256", "RS256"]}),
            "backends.jwt.algorithms: the algorithm RS256",
        ),
        (
            json!({"issuer": []}),
            "backends.jwt: issuer is an empty list",
        ),
        (json!({"issuer": "i"}), "backends.jwt: invalid type"),
        (
            json!({"audience": [""]}),
            "backends.jwt: audience contains an empty string",
        ),
        (
            json!({"leeway": -1}),
            "backends.jwt.leeway: expected a number of seconds",
        ),
        (
            json!({"leeway": 1e300}),
            "backends.jwt.leeway: expected a number of seconds",
        ),
        (
            json!({"max_age": 0}),
            "backends.jwt.max_age: expected a number of seconds, more than zero",
        ),
        (
            json!({"max_age": -1}),
            "backends.jwt.max_age: expected a number of seconds, more than zero",
        ),
        (
            json!({"roles_from": []}),
            "backends.jwt.roles_from: a list of claims with grants is empty",
        ),
        (
            json!({"scopes_from": ["a", "a"]}),
            "backends.jwt.scopes_from: a list of claims with grants contains a path twice",
        ),
        (
            json!({"audience": [], "permissions_from": ["a"]}),
            "backends.jwt: audience is an empty list",
        ),
        (
            json!({"permissions_from": ["a", "b..c"]}),
            "backends.jwt.permissions_from[1]: the path of a claim has an empty part",
        ),
        (
            json!({"header": "a b"}),
            "backends.jwt.header: the header name",
        ),
        (
            json!({"schemes": []}),
            "backends.jwt.schemes: the list of authentication schemes",
        ),
        (
            json!({"schemes": ["a b"]}),
            "backends.jwt.schemes[0]: the authentication scheme",
        ),
        (
            json!({"required_claims": ["exp", ""]}),
            "backends.jwt.required_claims[1]: the name of a claim",
        ),
        (
            json!({"user_id_claim": ""}),
            "backends.jwt.user_id_claim: the name of a claim",
        ),
        (
            json!({"claims": {"": ["a"]}}),
            "backends.jwt.claims: the name of a claim",
        ),
        (
            json!({"claims": {"acr": []}}),
            "backends.jwt.claims.acr: the value is empty",
        ),
        (json!({"claims": {"acr": [1.5]}}), "backends.jwt: "),
        (json!({"typ": ""}), "backends.jwt: typ is an empty string"),
        (json!({"name": ""}), "backends.jwt.name: the value is empty"),
        (
            json!({"cookie": {"name": "a b"}}),
            "backends.jwt.cookie.name: the cookie name",
        ),
        (
            json!({"cookie": {"name": "a", "trusted_origins": ["x"]}}),
            "backends.jwt.cookie.trusted_origins: the origin",
        ),
        (
            json!({"cookie": {"name": "a", "only": true}, "header": "authorization"}),
            "backends.jwt.header: tokens are only accepted in the cookie",
        ),
        (
            json!({"cookie": {"name": "a", "only": true}, "schemes": ["Token"]}),
            "backends.jwt.schemes: tokens are only accepted in the cookie",
        ),
        (
            json!({"cookie": {"name": "a", "csrf": false}}),
            "backends.jwt: unknown field `csrf`",
        ),
        (
            json!({"revocation": "redis"}),
            "backends.jwt: unknown variant `redis`",
        ),
        (
            json!({"revocation": "memory"}),
            "backends.jwt.revocation: the service doesn't provide",
        ),
        (
            json!({"on_store_error": "allow"}),
            "backends.jwt.on_store_error: there is no store",
        ),
        (
            json!({"cached_tokens": 10}),
            "backends.jwt.cached_tokens: tokens of algorithms",
        ),
        (
            json!({"type": "basic"}),
            "backends.jwt: unknown variant `basic`",
        ),
        (json!({"type": null}), "backends.jwt: missing field `type`"),
        (
            json!({"algorithms": null}),
            "backends.jwt: missing field `algorithms`",
        ),
        (json!({"keys": null}), "backends.jwt: missing field `keys`"),
    ] {
        rejects(&document(changes, json!({})), expected);
    }
}

#[test]
fn invalid_routes_are_rejected_with_their_place() {
    for (changes, expected) in [
        (
            json!({"guard": "stafff"}),
            "routes[0].guard: line 1, column 1: unknown atom",
        ),
        (json!({"guard": ""}), "routes[0].guard: line 1, column 1"),
        (json!({"guard": null}), "routes[0]: missing field `guard`"),
        (
            json!({"guard": "via(\"other\")"}),
            "routes[0]: the guard requires the backend \"other\"",
        ),
        (
            json!({"backends": ["other"]}),
            "routes[0].backends[0]: there is no backend",
        ),
        (
            json!({"backends": ["jwt", "jwt"]}),
            "routes[0].backends[1]: the value occurs twice",
        ),
        (
            json!({"backends": null}),
            "routes[0]: missing field `backends`",
        ),
        (
            json!({"methods": ["get"]}),
            "routes[0].methods[0]: expected the name of an HTTP method",
        ),
        (
            json!({"methods": [""]}),
            "routes[0].methods[0]: expected the name of an HTTP method",
        ),
        (
            json!({"path": "a/"}),
            "routes[0].path: the path must start with a slash",
        ),
        (json!({"name": ""}), "routes[0].name: the value is empty"),
        (
            json!({"guards": "staff"}),
            "routes[0]: unknown field `guards`",
        ),
        (
            json!({"omitted": "custom check"}),
            "routes[0].guard: the guard of a route with `omitted`",
        ),
    ] {
        rejects(&document(json!({}), changes), expected);
    }
    let omitted = document(
        json!({}),
        json!({"guard": "deny_all", "omitted": "custom check"}),
    );
    build(&omitted).unwrap();
}

#[test]
fn invalid_documents_are_rejected() {
    let mut newer = document(json!({}), json!({}));
    newer["version"] = json!(2);
    rejects(&newer, "version: unsupported version; expected 1");
    let mut twice = document(json!({}), json!({}));
    twice["routes"] = json!([route(), route()]);
    rejects(&twice, "routes[1].name: the value occurs twice");
    let mut unknown = document(json!({}), json!({}));
    unknown["default_guard"] = json!("allow_any");
    rejects(&unknown, "unknown field `default_guard`");
    let repeated =
        r#"{"version":1,"backends":{"a":{"type":"api_key"},"a":{"type":"api_key"}},"routes":[]}"#;
    let error = serde_json::from_str::<Document>(repeated).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("backends.a: this name occurs twice"),
        "{error}"
    );
}

#[test]
fn keys_of_another_issuer_are_fetched_by_the_service() {
    let remote = |source: Value, changes: Value| {
        let mut settings = json!({"keys": [source], "algorithms": ["RS256"]});
        settings
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        document(settings, json!({}))
    };
    let jwks = json!({"jwks": "https://id.example.com/jwks.json"});
    let policy = build(&remote(jwks.clone(), json!({"audience": ["shop"]}))).unwrap();
    assert_eq!(policy.remote_keys().len(), 1);
    let gate = policy.gate("home").unwrap();
    let token = "Bearer eyJhbGciOiJSUzI1NiJ9.e30.AAAA";
    let step = gate.evaluate(&[("authorization", token)], NOW);
    assert!(matches!(step, Step::Need(Need::RefreshKeys(_))), "{step:?}");

    let discover = json!({"discover": "https://id.example.com"});
    let policy = build(&remote(discover.clone(), json!({}))).unwrap();
    assert_eq!(
        policy.remote_keys()[0].0.issuer(),
        Some("https://id.example.com")
    );

    for (document, expected) in [
        (
            remote(jwks, json!({})),
            "backends.jwt.keys[0].jwks: the keys of another issuer require",
        ),
        (
            remote(
                discover.clone(),
                json!({"issuer": ["https://other.example.com"]}),
            ),
            "backends.jwt.issuer: must be the issuer in `discover`",
        ),
        (
            remote(json!({"jwks": "http://id.example.com/"}), json!({})),
            "backends.jwt.keys[0].jwks: the URL begins with http:",
        ),
        (
            remote(discover.clone(), json!({"algorithms": ["HS256"]})),
            "backends.jwt.algorithms: ",
        ),
        (
            remote(
                discover.clone(),
                json!({"keys": [{"env": "JWT_KEY"}, discover], "algorithms": ["HS256"]}),
            ),
            "backends.jwt.keys[1].discover: the keys of another issuer can't be combined",
        ),
    ] {
        rejects(&document, expected);
    }
}

#[test]
fn discovered_issuer_is_required_in_tokens() {
    let settings =
        json!({"keys": [{"discover": "https://id.example.com"}], "algorithms": ["RS256"]});
    let gate = gate_of(&document(settings, json!({})));
    let policy = format!("{:?}", jwt_of(&gate).policy);
    assert!(policy.contains("https://id.example.com"), "{policy}");
}

#[test]
fn api_keys_are_provided_by_the_service() {
    let document = json!({
        "version": 1,
        "backends": {"keys": {"type": "api_key", "name": "machines", "header": "x-key", "schemes": ["Key"]}},
        "routes": [{"name": "home", "backends": ["keys"], "guard": "via(\"machines\")"}],
    });
    rejects(
        &document,
        "backends.keys: the service doesn't provide the API keys",
    );
    let document = read(&document).unwrap();
    let source = || {
        let keys = ApiKeys::builder().key("a-key-of-some-length");
        ApiKeySource::Static(keys.build().unwrap())
    };
    let policy = PolicyBuilder::new(&document).with_api_keys("keys", source());
    let policy = policy.build().unwrap();
    let gate = policy.gate("home").unwrap();
    admitted(check(gate, &[("x-key", "Key a-key-of-some-length")]));
    let outcome = check(gate, &[("x-key", "Key another")]);
    assert_eq!(refused(outcome), (401, ReasonCode::ApiKeyInvalid));

    let misspelt = PolicyBuilder::new(&document)
        .with_api_keys("keys", source())
        .with_api_keys("kyes", source());
    let error = misspelt.build().unwrap_err();
    assert_eq!(error.place(), "backends.kyes");
}

#[test]
fn revoked_tokens_are_found_in_the_configured_store() {
    let settings = json!({"revocation": "memory"});
    let document = read(&document(settings, json!({}))).unwrap();
    let store = Arc::new(MemoryRevocation::new());
    let policy = PolicyBuilder::new(&document)
        .with_reader(Fixed::new())
        .with_revocation_store(store.clone())
        .build()
        .unwrap();
    let gate = policy.gate("home").unwrap();
    let token = bearer(r#"{"sub":"7","jti":"t-1","exp":1300819380}"#);
    admitted(check(gate, &[("authorization", &token)]));
    let until = NumericDate::from_secs(NOW.as_secs() + 900);
    store.revoke("t-1", Some(until), NOW).unwrap();
    let outcome = check(gate, &[("authorization", &token)]);
    assert_eq!(refused(outcome), (401, ReasonCode::TokenRevoked));
}

#[test]
fn external_store_is_queried_by_the_service() {
    let gate = gate_of(&document(json!({"revocation": "external"}), json!({})));
    let token = bearer(r#"{"sub":"7","jti":"t-1","exp":1300819380}"#);
    let step = gate.evaluate(&[("authorization", token.as_str())], NOW);
    assert!(
        matches!(step, Step::Need(Need::CheckRevocation(_))),
        "{step:?}"
    );
}

#[test]
fn unsafe_requests_with_a_cookie_must_come_from_a_trusted_origin() {
    let cookie =
        json!({"name": "access", "only": true, "trusted_origins": ["https://app.example.com"]});
    let gate = gate_of(&document(json!({"cookie": cookie}), json!({})));
    let token = bearer(r#"{"sub":"7","exp":1300819380}"#);
    let cookie = token.replace("Bearer ", "access=");
    let from = |origin| [("cookie", cookie.as_str()), ("origin", origin)];
    admitted(check(&gate, &from("https://app.example.com")));
    let outcome = check(&gate, &from("https://evil.example.com"));
    assert_eq!(refused(outcome), (403, ReasonCode::CsrfFailed));
    let outcome = check(&gate, &[("authorization", &token)]);
    assert_eq!(refused(outcome), (401, ReasonCode::NotAuthenticated));
}

#[test]
fn document_is_unchanged_by_serialization() {
    let settings = json!({
        "issuer": ["i"], "leeway": 1.5, "claims": {"a": [true, 1, "x"]}, "revocation": "external",
        "on_store_error": "allow", "cookie": {"name": "a", "only": true}, "subject_required": false,
        "max_age": 60.0, "permissions_from": ["p"], "scopes_from": ["a.s"], "roles_from": ["r", "a.r"],
    });
    let route = json!({"methods": ["GET"], "path": "/a/", "guard": "deny_all", "omitted": "why"});
    let document = document(settings, route);
    let read = read(&document).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), document);
}

proptest! {
    #[test]
    fn reading_and_building_never_panic(json in any_json(), at in 0_usize..12) {
        let mut changed = document(json!({"cookie": {"name": "a"}, "claims": {"a": ["b"]}}), json!({"methods": ["GET"]}));
        let places = [
            "/version", "/backends", "/routes", "/backends/jwt", "/backends/jwt/keys", "/backends/jwt/keys/0",
            "/backends/jwt/algorithms", "/backends/jwt/cookie", "/backends/jwt/claims", "/routes/0",
            "/routes/0/guard", "/routes/0/methods",
        ];
        *changed.pointer_mut(places[at]).unwrap() = json;
        let _ = build(&changed);
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec!["env", "jwks", "type", "jwt", "GET", "staff", "~", ""]);
    let string = prop_oneof![words.prop_map(str::to_owned), any::<String>()];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        string.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        let object = prop::collection::hash_map(string.clone(), inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            object.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}
