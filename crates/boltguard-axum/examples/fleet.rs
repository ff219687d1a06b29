//! A service beside a Django site, which accepts the access tokens of the site until the site revokes them.
//!
//! `cargo xtask demo --fleet` runs it with the demo site, whose `bookshop/fleet.py` is the other half. Both have the
//! secret of the tokens and the guard from the same environment variables, and both follow the same stream in Redis.
//!
//! The complete list of revocations is in the database of the site, which this service can't access. It therefore reads
//! the list over HTTP: at the start, after each possible loss, and once per minute. In between, it follows the stream.
//! A token is refused at most 5 seconds after the site has revoked it, which is the default of
//! [`ReplicatedRevocation`], or `FLEET_MAX_STALENESS` seconds. If the service may have missed a revocation, or has not
//! read the list yet, it responds with 503.
//!
//! `cargo xtask soak` runs it, too, beside the processes of another site: under load, while servers fail.

use std::collections::BTreeMap;
use std::env::{self, VarError};
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use boltguard::guard::Guard;
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, Key, KeySet, Secret, VerifyingKey};
use boltguard::revocation::replica::{RevocationEntry, TruthRead};
use boltguard::revocation::{
    ReplicatedRevocation, RevocationError, RevocationStore, RevocationTruth,
};
use boltguard::{Backend, Gate, JwtBackend, Revocation};
use boltguard_axum::{Authenticated, GuardLayer};
use tokio::net::TcpListener;
use ureq::Agent;

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// The list of a site, at a URL that requires an API key.
pub(crate) struct SiteRevocations {
    agent: Agent,
    url: String,
    key: String,
}

impl SiteRevocations {
    pub(crate) fn new(site_url: &str, key: String) -> Self {
        let config = Agent::config_builder().timeout_global(Some(Duration::from_secs(5)));
        Self {
            agent: config.max_redirects(0).proxy(None).build().into(),
            url: format!("{site_url}/fleet/revocations"),
            key,
        }
    }

    fn request(&self) -> Result<impl BufRead + use<>> {
        let request = self.agent.get(&self.url).header("x-api-key", &self.key);
        Ok(BufReader::new(request.call()?.into_body().into_reader()))
    }
}

/// Only reads: this service doesn't revoke tokens itself.
impl RevocationTruth for SiteRevocations {
    fn read(
        &self,
        _read: &TruthRead,
        entries: &mut dyn FnMut(RevocationEntry),
    ) -> Result<(), RevocationError> {
        let response = self.request();
        response
            .and_then(|response| read_list(response, entries))
            .map_err(|_| RevocationError::Unavailable)
    }
}

/// Reads one JSON object per line. The last one contains the number of entries, so a response that ends early is an
/// error.
pub(crate) fn read_list(
    response: impl BufRead,
    entries: &mut dyn FnMut(RevocationEntry),
) -> Result<()> {
    for (count, line) in response.lines().enumerate() {
        let line = line?;
        if let Ok(End { entries: expected }) = serde_json::from_str(&line) {
            return match expected == count {
                true => Ok(()),
                false => Err("the list lacks entries".into()),
            };
        }
        let fields: BTreeMap<String, String> = serde_json::from_str(&line)?;
        let fields = fields
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        entries(RevocationEntry::from_fields(fields)?);
    }
    Err("the list has no end".into())
}

/// The last line of the list.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    entries: usize,
}

/// Accepts the tokens of the site that aren't revoked.
pub(crate) fn tokens(secret: &[u8], revocation: Arc<dyn RevocationStore>) -> Result<Backend> {
    let key = VerifyingKey::new(&Key::Secret(Secret::new(secret)?), Algorithm::Hs256)?;
    let policy = ClaimsPolicy::new();
    let backend = JwtBackend::new(KeySet::new([key]), &[Algorithm::Hs256], policy)?;
    Ok(backend
        .with_revocation(Revocation::InProcess(revocation))
        .into())
}

/// The routes. `/orders` has the same guard as the route of the site.
pub(crate) fn app(tokens: &Backend, guard: &Guard) -> Result<Router> {
    let layer = |guard: &Guard| -> Result<_> {
        let gate = Gate::new([tokens.clone()], guard)?;
        Ok(GuardLayer::new(gate)?)
    };
    let me = Router::new()
        .route("/me", get(me))
        .route_layer(layer(&Guard::authenticated())?);
    let orders = Router::new()
        .route("/orders", get(async || "Notes"))
        .route_layer(layer(guard)?);
    Ok(me.merge(orders))
}

async fn me(caller: Authenticated) -> String {
    caller.user_id().unwrap_or_default().into_owned()
}

/// Follows the revocations of the site.
fn follow(site: SiteRevocations) -> Result<ReplicatedRevocation> {
    let builder = ReplicatedRevocation::builder(&variable("FLEET_REDIS_URL")?, site)?;
    let builder = match env::var("FLEET_MAX_STALENESS") {
        Ok(seconds) => builder.with_max_staleness(max_staleness(&seconds)?),
        Err(VarError::NotPresent) => builder,
        Err(error) => return Err(format!("FLEET_MAX_STALENESS: {error}").into()),
    };
    Ok(builder.start()?)
}

/// A duration in seconds.
pub(crate) fn max_staleness(seconds: &str) -> Result<Duration> {
    let number: Option<f64> = seconds.parse().ok();
    let duration = number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| {
        format!("FLEET_MAX_STALENESS is {seconds:?}; it must be a number of seconds").into()
    })
}

/// The value of an environment variable, which must be set.
fn variable(name: &str) -> Result<String> {
    env::var(name).map_err(|error| format!("{name}: {error}").into())
}

#[allow(dead_code, reason = "a test uses the rest of this file")]
#[allow(clippy::print_stdout, reason = "the program says where it listens")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let guard: Guard = variable("FLEET_GUARD")?.parse()?;
    let site = SiteRevocations::new(&variable("FLEET_SITE_URL")?, variable("FLEET_SERVICE_KEY")?);
    let revocation = Arc::new(follow(site)?);
    let tokens = tokens(variable("FLEET_TOKEN_SECRET")?.as_bytes(), revocation)?;
    let port = variable("FLEET_SERVICE_PORT")?.parse()?;
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app(&tokens, &guard)?).await?)
}
