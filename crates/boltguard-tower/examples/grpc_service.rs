//! A gRPC service on tonic, whose methods are guarded, and a health service that needs no credentials.
//!
//! Run it with `SECRET=… cargo run --features grpc --example grpc_service`. The messages and the service are written by
//! hand, so that neither `protoc` nor a build script is required; generated ones are used in the same way.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use boltguard::guard::Guard;
use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, Key, KeySet, Secret, VerifyingKey};
use boltguard::{AdmittedCaller, Gate, JwtBackend};
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

fn layer(secret: Secret) -> Result<GuardLayer> {
    let key = VerifyingKey::new(&Key::Secret(secret), Algorithm::Hs256)?;
    let keys = KeySet::new([key]);
    let backend = JwtBackend::new(keys, &[Algorithm::Hs256], ClaimsPolicy::new())?;
    let guard: Guard = r#"perm("greeter.greet")"#.parse()?;
    let grpc = Grpc::new().exempting([Grpc::HEALTH])?;
    let gate = Gate::new([backend.into()], &guard)?;
    Ok(GuardLayer::new(gate)?.with_grpc(grpc))
}

/// Serves calls until the task is cancelled.
pub(crate) async fn serve(listener: TcpListener, secret: Secret) -> Result<()> {
    let (_reporter, health) = health_reporter();
    let mut server = Server::builder().layer(layer(secret)?);
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
    let secret = Secret::new(std::env::var("SECRET")?.as_bytes())?;
    serve(TcpListener::bind("127.0.0.1:50051").await?, secret).await
}
