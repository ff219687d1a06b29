//! A service with tokens, API keys from a table, guards, a check of an object, revocation, and a WebSocket.
//!
//! Run it with `SECRET=… cargo run --example axum_service`. With `REDIS_URL`, all processes share the revoked tokens.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{any, get, post, put};
use boltguard::apikey::{ApiKeyVerifier, KeyFormat, Peppers, StoredKey};
use boltguard::guard::{CheckResults, Guard};
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, Key, KeySet, Secret, VerifyingKey};
use boltguard::revocation::{
    MemoryRevocation, RedisRevocation, ReplicatedRevocation, RevocationStore, retain_until,
};
use boltguard::{ApiKeyTable, Gate, HeaderName, JwtBackend, Now, Revocation};
use boltguard_axum::{Authenticated, ConnectionWatch, GuardLayer, Rejection};
use tokio::net::TcpListener;

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// What the service is configured with.
pub(crate) struct Settings {
    pub(crate) secret: Secret,
    /// The secret of the digests of API keys.
    pub(crate) pepper: Secret,
    /// The table of API keys.
    pub(crate) api_keys: Arc<[StoredKey]>,
    pub(crate) redis_url: Option<String>,
}

/// Reads all API keys from the table; a service would query its database.
async fn read_api_keys(table: Arc<[StoredKey]>) -> Result<Vec<StoredKey>> {
    Ok(table.to_vec())
}

fn tokens(secret: Secret, revocation: Arc<dyn RevocationStore>) -> Result<JwtBackend> {
    let key = VerifyingKey::new(&Key::Secret(secret), Algorithm::Hs256)?;
    let tokens = JwtBackend::new(KeySet::new([key]), &[Algorithm::Hs256], ClaimsPolicy::new())?;
    Ok(tokens.with_revocation(Revocation::InProcess(revocation)))
}

/// The list of revoked tokens: in memory, or a copy of the list in Redis.
fn revocation_list(redis_url: Option<&str>) -> Result<Arc<dyn RevocationStore>> {
    let Some(url) = redis_url else {
        return Ok(Arc::new(MemoryRevocation::new()));
    };
    let list = ReplicatedRevocation::builder(url, RedisRevocation::open(url)?)?.start()?;
    list.wait_until_current(Duration::from_secs(10))?;
    Ok(Arc::new(list))
}

/// What the handlers share.
#[derive(Clone)]
struct App {
    edit_post: Gate,
    revocation: Arc<dyn RevocationStore>,
}

pub(crate) fn app(settings: Settings) -> Result<Router> {
    let revocation = revocation_list(settings.redis_url.as_deref())?;
    let verifier = ApiKeyVerifier::new(KeyFormat::new("demo")?, Peppers::new(settings.pepper));
    let table = ApiKeyTable::new(verifier, HeaderName::new("x-api-key")?);
    let (api_keys, edge) = table.read_with(move || read_api_keys(settings.api_keys.clone()));
    let tokens = tokens(settings.secret, revocation.clone())?;
    let backends = [tokens.into(), api_keys.into()];
    let layer = |guard: Guard| -> Result<_> {
        let gate = Gate::new(backends.clone(), &guard)?;
        Ok(GuardLayer::with_edge(gate, edge.clone())?)
    };

    let private = Router::new()
        .route("/me", get(me))
        .route("/posts/{id}", put(edit_post))
        .route("/logout", post(log_out))
        .route("/chat", any(chat))
        .route_layer(layer(Guard::authenticated())?);
    let reports = Router::new()
        .route("/reports", get(async || "reports"))
        .route_layer(layer(r#"perm("reports.view")"#.parse()?)?);
    let public = Router::new()
        .route("/news", get(news))
        .route_layer(layer(Guard::allow_any())?);
    let app = App {
        edit_post: Gate::for_callers(&r#"perm("blog.edit") | check("author")"#.parse()?)?,
        revocation,
    };
    Ok(private.merge(reports).merge(public).with_state(app))
}

async fn me(caller: Authenticated) -> String {
    caller.user_id().unwrap_or_default().into_owned()
}

async fn news(caller: Option<Authenticated>) -> String {
    match caller {
        Some(caller) => format!("news for {}", caller.user_id().unwrap_or_default()),
        None => "news".to_owned(),
    }
}

async fn edit_post(
    State(app): State<App>,
    Path(_id): Path<u32>,
    caller: Authenticated,
) -> Result<&'static str, Rejection> {
    let author = "ada"; // a query to the database
    let is_author = caller.user_id().as_deref() == Some(author);
    caller.check(
        &app.edit_post,
        &CheckResults::new().with("author", is_author),
    )?;
    Ok("saved")
}

/// The claims with which a token is revoked.
#[derive(serde::Deserialize)]
struct TokenClaims {
    jti: String,
}

/// Revokes the token of the caller.
async fn log_out(State(app): State<App>, caller: Authenticated<TokenClaims>) -> StatusCode {
    let exp = caller.caller().claims().and_then(|claims| claims.expires());
    let until = retain_until(exp, Duration::ZERO);
    let id = caller.claims.jti;
    // A shared list waits for Redis.
    let revoke = move || app.revocation.revoke(&id, until, Now::system().date());
    match tokio::task::spawn_blocking(revoke).await {
        Ok(Ok(())) => StatusCode::NO_CONTENT,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Echoes messages until the token of the caller is no longer valid.
async fn chat(watch: ConnectionWatch, upgrade: WebSocketUpgrade) -> Response {
    let watch = watch.with_interval(Duration::from_millis(100));
    upgrade.on_upgrade(async move |mut socket| {
        let refusal = tokio::select! {
            () = echo(&mut socket) => return,
            refusal = watch.ended() => refusal,
        };
        let (code, reason) = (refusal.close_code(), refusal.code().into());
        let close = Message::Close(Some(CloseFrame { code, reason }));
        // The client may have gone.
        let _ = socket.send(close).await;
    })
}

async fn echo(socket: &mut WebSocket) {
    while let Some(Ok(message @ Message::Text(_))) = socket.recv().await {
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

#[allow(dead_code, reason = "a test uses the rest of this file")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let settings = Settings {
        secret: Secret::new(std::env::var("SECRET")?.as_bytes())?,
        pepper: Secret::generate(Algorithm::Hs256)?,
        api_keys: [].into(),
        redis_url: std::env::var("REDIS_URL").ok(),
    };
    let address = SocketAddr::from(([127, 0, 0, 1], 8000));
    let listener = TcpListener::bind(address).await?;
    Ok(axum::serve(listener, app(settings)?).await?)
}
