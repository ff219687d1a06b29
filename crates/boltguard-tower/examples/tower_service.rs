//! A service on hyper with tokens, API keys from a table, guards, a check of an object, and revocation.
//!
//! Run it with `SECRET=… cargo run --example tower_service`. With `REDIS_URL`, all processes share the revoked tokens.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use boltguard::apikey::{ApiKeyVerifier, KeyFormat, MemoryKeyStore, Peppers};
use boltguard::guard::{CheckResults, Guard};
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, Key, KeySet, Secret, VerifyingKey};
use boltguard::revocation::{
    MemoryRevocation, RedisRevocation, ReplicatedRevocation, RevocationStore, retain_until,
};
use boltguard::{
    AdmittedCaller, ApiKeyBackend, ApiKeySource, Backend, Gate, HeaderName, JwtBackend, Now,
    Refusal, Revocation,
};
use boltguard_tower::GuardLayer;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt, service_fn};

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// What the service is configured with.
pub(crate) struct Settings {
    pub(crate) secret: Secret,
    /// The table of API keys, with the secret of their digests.
    pub(crate) api_keys: Arc<MemoryKeyStore>,
    pub(crate) pepper: Secret,
    pub(crate) redis_url: Option<String>,
}

fn backends(settings: Settings, revocation: Arc<dyn RevocationStore>) -> Result<[Backend; 2]> {
    let key = VerifyingKey::new(&Key::Secret(settings.secret), Algorithm::Hs256)?;
    let keys = KeySet::new([key]);
    let tokens = JwtBackend::new(keys, &[Algorithm::Hs256], ClaimsPolicy::new())?
        .with_revocation(Revocation::InProcess(revocation));

    let verifier = ApiKeyVerifier::new(KeyFormat::new("demo")?, Peppers::new(settings.pepper));
    let source = ApiKeySource::Store(verifier, settings.api_keys);
    let api_keys = ApiKeyBackend::new(source, HeaderName::new("x-api-key")?);
    Ok([tokens.into(), api_keys.into()])
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
struct App {
    view_reports: Gate,
    edit_post: Gate,
    revocation: Arc<dyn RevocationStore>,
}

/// Serves requests until the task is cancelled.
pub(crate) async fn serve(listener: TcpListener, settings: Settings) -> Result<()> {
    let revocation = revocation_list(settings.redis_url.as_deref())?;
    let backends = backends(settings, revocation.clone())?;
    let app = Arc::new(App {
        view_reports: Gate::for_callers(&r#"perm("reports.view")"#.parse()?)?,
        edit_post: Gate::for_callers(&r#"perm("blog.edit") | check("author")"#.parse()?)?,
        revocation,
    });
    let public = Gate::new(backends.clone(), &Guard::allow_any())?;
    let private = Gate::new(backends, &Guard::authenticated())?;
    let news = GuardLayer::new(public)?.layer(service_fn(news));
    let others = GuardLayer::new(private)?.layer(service_fn(move |request| {
        let app = app.clone();
        async move { Ok(respond(&app, request).await.unwrap_or_else(refused)) }
    }));
    let service = service_fn(move |request: Request<Incoming>| {
        let (news, others) = (news.clone(), others.clone());
        async move {
            match request.uri().path() {
                "/news" => news.oneshot(request).await,
                _ => others.oneshot(request).await,
            }
        }
    });
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection);
    }
}

type Body = Full<Bytes>;

/// Greets a caller, who may be anonymous. Credentials that are rejected are refused.
async fn news(request: Request<Incoming>) -> Result<Response<Body>, std::convert::Infallible> {
    let caller = caller(&request);
    Ok(match caller.is_authenticated_if_present() {
        Ok(true) => text(format!("news for {}", caller.user_id().unwrap_or_default())),
        Ok(false) => text("news"),
        Err(refusal) => refused(refusal),
    })
}

async fn respond(app: &App, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
    let caller = caller(&request);
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/me") => Ok(text(caller.user_id().unwrap_or_default().into_owned())),
        (&Method::GET, "/reports") => {
            caller.check(&app.view_reports, &CheckResults::new())?;
            Ok(text("reports"))
        }
        (&Method::PUT, "/posts/1") => {
            let author = "ada"; // a query to the database
            let is_author = caller.user_id().as_deref() == Some(author);
            caller.check(
                &app.edit_post,
                &CheckResults::new().with("author", is_author),
            )?;
            Ok(text("saved"))
        }
        (&Method::POST, "/logout") => Ok(status(log_out(app, &caller).await)),
        _ => Ok(status(StatusCode::NOT_FOUND)),
    }
}

/// Revokes the token of the caller.
async fn log_out(app: &App, caller: &AdmittedCaller) -> StatusCode {
    let Some((id, exp)) = caller
        .claims()
        .and_then(|claims| Some((claims.token_id()?.into_owned(), claims.expires())))
    else {
        return StatusCode::BAD_REQUEST;
    };
    let now = Now::system().date();
    let until = retain_until(exp, Duration::ZERO);
    let revocation = app.revocation.clone();
    // A shared list waits for Redis.
    let revoked = tokio::task::spawn_blocking(move || revocation.revoke(&id, until, now)).await;
    match revoked {
        Ok(Ok(())) => StatusCode::NO_CONTENT,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn caller(request: &Request<Incoming>) -> AdmittedCaller {
    let caller: Option<&AdmittedCaller> = request.extensions().get();
    caller.cloned().expect("GuardLayer adds the caller")
}

fn text(body: impl Into<Bytes>) -> Response<Body> {
    Response::new(Full::new(body.into()))
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

fn refused(refusal: Refusal) -> Response<Body> {
    Response::<String>::from(refusal).map(Full::from)
}

#[allow(dead_code, reason = "a test uses the rest of this file")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let settings = Settings {
        secret: Secret::new(std::env::var("SECRET")?.as_bytes())?,
        api_keys: Arc::default(),
        pepper: Secret::generate(Algorithm::Hs256)?,
        redis_url: std::env::var("REDIS_URL").ok(),
    };
    let address = SocketAddr::from(([127, 0, 0, 1], 8000));
    serve(TcpListener::bind(address).await?, settings).await
}
