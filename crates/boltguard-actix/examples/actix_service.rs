//! A service with tokens, API keys from a table, guards, a check of an object, and revocation.
//!
//! Run it with `SECRET=… cargo run --example actix_service`. With `REDIS_URL`, all processes share the revoked tokens.

use std::error::Error;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, ServiceConfig, block, get, post, put, resource};
use actix_web::{App, HttpResponse, HttpServer};
use boltguard::apikey::{ApiKeyVerifier, KeyFormat, Peppers, StoredKey};
use boltguard::guard::{CheckResults, Guard};
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, Key, KeySet, Secret, VerifyingKey};
use boltguard::revocation::{
    MemoryRevocation, RedisRevocation, ReplicatedRevocation, RevocationStore, retain_until,
};
use boltguard::{ApiKeyTable, AsyncEdge, Gate, HeaderName, JwtBackend, Now, Revocation};
use boltguard_actix::{Authenticated, GuardMiddleware, OptionallyAuthenticated, Rejection};

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
struct Shared {
    edit_post: Gate,
    revocation: Arc<dyn RevocationStore>,
}

/// The middlewares of the routes.
#[derive(Clone)]
struct Guards<E> {
    public: GuardMiddleware<E>,
    private: GuardMiddleware<E>,
    reports: GuardMiddleware<E>,
}

/// Starts the server on this socket.
pub(crate) fn serve(listener: TcpListener, settings: Settings) -> Result<Server> {
    let revocation = revocation_list(settings.redis_url.as_deref())?;
    let verifier = ApiKeyVerifier::new(KeyFormat::new("demo")?, Peppers::new(settings.pepper));
    let table = ApiKeyTable::new(verifier, HeaderName::new("x-api-key")?);
    let (api_keys, edge) = table.read_with(move || read_api_keys(settings.api_keys.clone()));
    let tokens = tokens(settings.secret, revocation.clone())?;
    let backends = [tokens.into(), api_keys.into()];
    let middleware = |guard: Guard| -> Result<_> {
        let gate = Gate::new(backends.clone(), &guard)?;
        Ok(GuardMiddleware::with_edge(gate, edge.clone())?)
    };
    let guards = Guards {
        public: middleware(Guard::allow_any())?,
        private: middleware(Guard::authenticated())?,
        reports: middleware(r#"perm("reports.view")"#.parse()?)?,
    };
    let shared = Data::new(Shared {
        edit_post: Gate::for_callers(&r#"perm("blog.edit") | check("author")"#.parse()?)?,
        revocation,
    });
    let server = HttpServer::new(move || {
        let configure = |config: &mut ServiceConfig| routes(config, guards.clone());
        App::new().app_data(shared.clone()).configure(configure)
    });
    Ok(server.workers(2).listen(listener)?.run())
}

fn routes<E: AsyncEdge + Clone + 'static>(config: &mut ServiceConfig, guards: Guards<E>) {
    let private = |path| resource(path).wrap(guards.private.clone());
    config
        .service(private("/me").route(get().to(me)))
        .service(private("/posts/{id}").route(put().to(edit_post)))
        .service(private("/logout").route(post().to(log_out)))
        .service(
            resource("/reports")
                .wrap(guards.reports.clone())
                .route(get().to(async || "reports")),
        )
        .service(
            resource("/news")
                .wrap(guards.public.clone())
                .route(get().to(news)),
        );
}

async fn me(caller: Authenticated) -> String {
    caller.user_id().unwrap_or_default().into_owned()
}

async fn news(OptionallyAuthenticated(caller): OptionallyAuthenticated) -> String {
    match caller {
        Some(caller) => format!("news for {}", caller.user_id().unwrap_or_default()),
        None => "news".to_owned(),
    }
}

async fn edit_post(
    shared: Data<Shared>,
    _id: Path<u32>,
    caller: Authenticated,
) -> Result<&'static str, Rejection> {
    let author = "ada"; // a query to the database
    let is_author = caller.user_id().as_deref() == Some(author);
    let results = CheckResults::new().with("author", is_author);
    caller.check(&shared.edit_post, &results)?;
    Ok("saved")
}

/// The claims with which a token is revoked.
#[derive(serde::Deserialize)]
struct TokenClaims {
    jti: String,
}

/// Revokes the token of the caller.
async fn log_out(shared: Data<Shared>, caller: Authenticated<TokenClaims>) -> HttpResponse {
    let exp = caller.caller().claims().and_then(|claims| claims.expires());
    let until = retain_until(exp, Duration::ZERO);
    let (id, revocation) = (caller.claims.jti, shared.revocation.clone());
    // A shared list waits for Redis.
    let revoke = move || revocation.revoke(&id, until, Now::system().date());
    HttpResponse::new(match block(revoke).await {
        Ok(Ok(())) => StatusCode::NO_CONTENT,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    })
}

#[allow(dead_code, reason = "a test uses the rest of this file")]
#[actix_web::main]
async fn main() -> Result<()> {
    let settings = Settings {
        secret: Secret::new(std::env::var("SECRET")?.as_bytes())?,
        pepper: Secret::generate(Algorithm::Hs256)?,
        api_keys: [].into(),
        redis_url: std::env::var("REDIS_URL").ok(),
    };
    let listener = TcpListener::bind("127.0.0.1:8000")?;
    Ok(serve(listener, settings)?.await?)
}
