//! A gRPC service on tonic with tokens and API keys, whose methods are guarded, and a health service that needs no
//! credentials.
//!
//! Run it with `SECRET=… cargo run --features grpc --example grpc_service`. The messages and the service are written by
//! hand, so that neither `protoc` nor a build script is required; generated ones are used in the same way.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use boltguard::apikey::{ApiKeyVerifier, KeyFormat, Peppers, StoredKey};
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, Key, KeySet, Secret, VerifyingKey};
use boltguard::{AdmittedCaller, ApiKeyTable, AsyncEdge, Gate, HeaderName, JwtBackend};
use boltguard_tower::{Grpc, GuardLayer};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::server::{NamedService, UnaryService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_health::server::health_reporter;
use tonic_prost::ProstCodec;
use tower::Service;

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// A message with a string.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Text {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
}

/// What the service is configured with.
pub(crate) struct Settings {
    pub(crate) secret: Secret,
    /// The secret of the digests of API keys.
    pub(crate) pepper: Secret,
    /// The table of API keys.
    pub(crate) api_keys: Arc<[StoredKey]>,
}

/// Reads all API keys from the table; a service would query its database.
async fn read_api_keys(table: Arc<[StoredKey]>) -> Result<Vec<StoredKey>> {
    Ok(table.to_vec())
}

fn layer(settings: Settings) -> Result<GuardLayer<impl AsyncEdge + Clone>> {
    let key = VerifyingKey::new(&Key::Secret(settings.secret), Algorithm::Hs256)?;
    let tokens = JwtBackend::new(KeySet::new([key]), &[Algorithm::Hs256], ClaimsPolicy::new())?;
    let verifier = ApiKeyVerifier::new(KeyFormat::new("demo")?, Peppers::new(settings.pepper));
    let table = ApiKeyTable::new(verifier, HeaderName::new("x-api-key")?);
    let (api_keys, edge) = table.read_with(move || read_api_keys(settings.api_keys.clone()));
    let backends = [tokens.into(), api_keys.into()];
    let gate = Gate::new(backends, &r#"perm("greeter.greet")"#.parse()?)?;
    let grpc = Grpc::new().exempting([Grpc::HEALTH])?;
    Ok(GuardLayer::with_edge(gate, edge)?.with_grpc(grpc))
}

/// Serves calls until the task is cancelled.
pub(crate) async fn serve(listener: TcpListener, settings: Settings) -> Result<()> {
    let (_reporter, health) = health_reporter();
    let mut server = Server::builder().layer(layer(settings)?);
    let routes = server.add_service(health).add_service(Greeter);
    Ok(routes
        .serve_with_incoming(TcpIncoming::from(listener))
        .await?)
}

/// Greets the caller.
struct Greet;

impl UnaryService<Text> for Greet {
    type Response = Text;
    type Future = Ready<Result<Response<Text>, Status>>;

    fn call(&mut self, request: Request<Text>) -> Self::Future {
        let Some(caller) = request.extensions().get::<AdmittedCaller>() else {
            return ready(Err(Status::internal("GuardLayer is missing")));
        };
        let user = caller.user_id().unwrap_or_default().into_owned();
        let text = format!("{}, {user}", request.get_ref().text);
        ready(Ok(Response::new(Text { text })))
    }
}

/// The service `demo.Greeter`, as `tonic-prost-build` generates it.
#[derive(Clone)]
struct Greeter;

impl NamedService for Greeter {
    const NAME: &'static str = "demo.Greeter";
}

impl Service<http::Request<Body>> for Greeter {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let codec = ProstCodec::<Text, Text>::default();
            Ok(match request.uri().path() {
                "/demo.Greeter/Greet" => {
                    tonic::server::Grpc::new(codec).unary(Greet, request).await
                }
                _ => Status::unimplemented("unknown method").into_http(),
            })
        })
    }
}

#[allow(dead_code, reason = "a test uses the rest of this file")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let settings = Settings {
        secret: Secret::new(std::env::var("SECRET")?.as_bytes())?,
        pepper: Secret::generate(Algorithm::Hs256)?,
        api_keys: [].into(),
    };
    serve(TcpListener::bind("127.0.0.1:50051").await?, settings).await
}
