//! The requests that the example services of all integrations must handle in the same way.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use boltguard_apikey::{KeyFormat, Peppers, StoredKey};
use boltguard_keys::{Algorithm, Key, Secret, SigningKey};
use boltguard_types::NumericDate;

use crate::forge;
use crate::http::{Response, send};

/// What an example service is configured with, and what its clients have.
#[derive(Debug)]
pub struct Credentials {
    /// The secret of the tokens.
    pub secret: Secret,
    /// The key with this secret, for HS256.
    pub key: SigningKey,
    /// The secret of the digests of API keys.
    pub pepper: Secret,
    /// An API key with the permission `reports.view`.
    pub api_key: String,
    /// The row of the API key in the table.
    pub stored: StoredKey,
}

impl Credentials {
    /// Generates all secrets and keys.
    ///
    /// # Panics
    ///
    /// If the system has no randomness.
    #[must_use]
    pub fn generate() -> Self {
        let secret = || Secret::generate(Algorithm::Hs256).expect("there is randomness");
        let (secret, pepper) = (secret(), secret());
        let key = SigningKey::new(&Key::Secret(secret.clone()), Algorithm::Hs256);
        let format = KeyFormat::new("demo").expect("the prefix is valid");
        let api_key = format.generate().expect("there is randomness");
        let peppers = Peppers::new(pepper.clone());
        let stored = StoredKey::new(&api_key, &peppers, NumericDate::from_secs(0));
        Self {
            secret,
            key: key.expect("the secret is long enough"),
            pepper,
            api_key: api_key.expose().to_owned(),
            stored: stored.with_permissions(["reports.view"]),
        }
    }
}

/// An example service that is running.
#[derive(Debug)]
pub struct Service<'s> {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it accepts.
    pub credentials: &'s Credentials,
    /// The status of an unknown path without credentials.
    pub unknown_path: u16,
}

impl Service<'_> {
    /// Checks all routes.
    ///
    /// # Panics
    ///
    /// If the service sends another response than expected.
    pub fn check(&self) {
        self.check_authentication();
        self.check_optional_authentication();
        self.check_permissions();
        self.check_object();
        self.check_revocation();
    }

    fn check_authentication(&self) {
        let refused = self.send("GET", "/me", &[]);
        assert_refused(&refused, 401, "not_authenticated");
        let challenge = refused.header("www-authenticate").unwrap_or_default();
        assert!(
            challenge.starts_with(r#"Bearer realm="api""#),
            "{challenge}"
        );

        let head = self.send("HEAD", "/me", &[]);
        assert_eq!((head.status, &*head.body), (401, ""));
        assert_eq!(self.send("OPTIONS", "/me", &[]).status, 401);

        let me = self.send("GET", "/me", &[&self.token("ada", "")]);
        assert_eq!((me.status, &*me.body), (200, "ada"));
        assert_eq!(me.header("cache-control").as_deref(), Some("private"));
        assert_eq!(
            me.header("vary").as_deref(),
            Some("Authorization, X-Api-Key")
        );

        assert_eq!(self.send("GET", "/unknown", &[]).status, self.unknown_path);
        let unknown = self.send("GET", "/unknown", &[&self.token("ada", "")]);
        assert_eq!(unknown.status, 404);
    }

    fn check_optional_authentication(&self) {
        assert_eq!(self.send("GET", "/news", &[]).body, "news");
        let token = self.token("ada", "");
        assert_eq!(self.send("GET", "/news", &[&token]).body, "news for ada");
        let invalid = ("authorization", "Bearer a.b.c".to_owned());
        assert_refused(
            &self.send("GET", "/news", &[&invalid]),
            401,
            "invalid_token",
        );
    }

    fn check_permissions(&self) {
        let refused = self.send("GET", "/reports", &[&self.token("ada", "")]);
        assert_refused(&refused, 403, "permission_denied");
        let viewer = self.token("ada", r#","permissions":["reports.view"]"#);
        let api_key = ("x-api-key", self.credentials.api_key.clone());
        for credentials in [viewer, api_key] {
            let reports = self.send("GET", "/reports", &[&credentials]);
            assert_eq!((reports.status, &*reports.body), (200, "reports"));
        }
    }

    fn check_object(&self) {
        let editor = self.token("eve", r#","permissions":["blog.edit"]"#);
        for (credentials, status) in [
            (self.token("ada", ""), 200),
            (self.token("bob", ""), 403),
            (editor, 200),
        ] {
            let response = self.send("PUT", "/posts/1", &[&credentials]);
            assert_eq!(response.status, status, "{response:?}");
        }
        assert_refused(&self.send("PUT", "/posts/1", &[]), 401, "not_authenticated");
    }

    fn check_revocation(&self) {
        let token = self.token("ada", "");
        assert_eq!(self.send("POST", "/logout", &[&token]).status, 204);
        assert_refused(&self.send("GET", "/me", &[&token]), 401, "token_revoked");
        assert_eq!(
            self.send("GET", "/me", &[&self.token("ada", "")]).status,
            200
        );
    }

    fn send(&self, method: &str, path: &str, headers: &[&(&str, String)]) -> Response {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        send(self.address, method, path, &headers)
    }

    /// Returns the header with a new token of a user, with these further claims.
    fn token(&self, user: &str, claims: &str) -> (&'static str, String) {
        #[expect(clippy::disallowed_methods, reason = "the service reads this clock")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.expect("the clock is right");
        let (exp, id) = (now.as_secs() + 600, now.as_nanos());
        let claims = format!(r#"{{"sub":"{user}","exp":{exp},"jti":"{id}"{claims}}}"#);
        let token = forge::signed(r#"{"alg":"HS256"}"#, &claims, &self.credentials.key);
        ("authorization", format!("Bearer {token}"))
    }
}

fn assert_refused(response: &Response, status: u16, code: &str) {
    assert_eq!(response.status, status, "{response:?}");
    let kind = response.header("content-type");
    assert_eq!(kind.as_deref(), Some("application/json"));
    let code = format!(r#""code":"{code}""#);
    assert!(response.body.contains(&code), "{response:?}");
}
