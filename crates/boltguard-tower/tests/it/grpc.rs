//! gRPC calls, also of the example, on a real server.

use std::time::SystemTime;

use boltguard::apikey::{KeyFormat, Peppers, StoredKey};
use boltguard::keys::{Algorithm, Key, Secret, SigningKey};
use boltguard::types::{NumericDate, ReasonCode};
use boltguard::{AsyncEdge, PossibleNeed, Refusal, Revocation, Schemes};
use boltguard_testing::forge;
use boltguard_tower::{Grpc, GuardLayer};
use http::{Request, Response, StatusCode};
use http_body::Body as _;
use tokio::net::TcpListener;
use tonic::client::Grpc as Client;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_prost::ProstCodec;

use crate::support::{Body, authenticated, header, jwt, layer, request, send, text, with_edge};

#[path = "../../examples/grpc_service.rs"]
mod example;

use example::Text;

fn call(mut request: Request<Body>, content_type: &'static str) -> Request<Body> {
    *request.uri_mut() = "/demo.Greeter/Greet".parse().unwrap();
    let content_type = content_type.parse().unwrap();
    request.headers_mut().insert("content-type", content_type);
    request
}

fn grpc_layer(guard: &str) -> GuardLayer {
    layer(jwt(), guard).with_grpc(Grpc::new())
}

fn status<B>(response: &Response<B>) -> String {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(response, "content-type"), "application/grpc");
    header(response, "grpc-status")
}

#[tokio::test]
async fn refused_call_only_has_headers() {
    for content_type in [
        "application/grpc",
        "application/grpc+proto",
        "application/grpc;a=b",
    ] {
        let call = call(request(&[]), content_type);
        let response = send(&grpc_layer("authenticated"), call).await;
        assert_eq!(status(&response), "16");
        assert_eq!(
            header(&response, "grpc-message"),
            "No credentials were provided."
        );
        assert_eq!(
            header(&response, "www-authenticate"),
            r#"Bearer realm="api""#
        );
        assert!(response.body().is_end_stream());
        assert_eq!(text(response).await, "");
    }
}

/// An edge whose services are all unavailable.
#[derive(Clone)]
struct Unavailable;

impl AsyncEdge for Unavailable {
    fn provides(&self, _: &PossibleNeed<'_>) -> bool {
        true
    }
}

async fn status_of<E: AsyncEdge + Clone + 'static>(layer: &GuardLayer<E>) -> String {
    status(&send(layer, call(authenticated(), "application/grpc")).await)
}

#[tokio::test]
async fn each_refusal_has_its_status() {
    let forbidden = grpc_layer(r#"perm("greeter.greet")"#);
    assert_eq!(status_of(&forbidden).await, "7");
    let external = jwt().with_revocation(Revocation::External);
    let unavailable = with_edge(external, "authenticated", Unavailable).with_grpc(Grpc::new());
    assert_eq!(status_of(&unavailable).await, "14");
}

#[test]
fn refusal_of_a_method_has_a_status() {
    let schemes = Schemes::bearer;
    for (refusal, code) in [
        (
            Refusal::unauthorized(ReasonCode::NotAuthenticated, schemes()),
            Code::Unauthenticated,
        ),
        (
            Refusal::forbidden(ReasonCode::Denied, schemes()),
            Code::PermissionDenied,
        ),
        (Refusal::unavailable(), Code::Unavailable),
    ] {
        assert_eq!(Code::from(Grpc::code(&refusal)), code);
    }
}

#[tokio::test]
async fn other_requests_are_refused_with_http_statuses() {
    for content_type in [
        "application/json",
        "application/grpc-web+proto",
        "application/grpcx",
    ] {
        let response = send(
            &grpc_layer("authenticated"),
            call(request(&[]), content_type),
        )
        .await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(header(&response, "grpc-status"), "");
    }
    let without = send(&grpc_layer("authenticated"), request(&[])).await;
    assert_eq!(without.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn only_exempt_services_are_called_without_credentials() {
    let grpc = Grpc::new()
        .exempting([Grpc::HEALTH, Grpc::REFLECTION])
        .unwrap();
    let layer = layer(jwt(), "authenticated").with_grpc(grpc);
    for (path, is_exempt) in [
        ("/grpc.health.v1.Health/Check", true),
        (
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            true,
        ),
        ("/grpc.health.v1.Health", false),
        ("/grpc.health.v1.Healthy/Check", false),
        ("/grpc.health.v1.health/Check", false),
        ("/demo.Greeter/grpc.health.v1.Health", false),
        ("//grpc.health.v1.Health/Check", false),
        ("/%67rpc.health.v1.Health/Check", false),
        ("/grpc.health.v1/Check", false),
    ] {
        let mut call = call(request(&[]), "application/grpc");
        *call.uri_mut() = path.parse().unwrap();
        let response = exempt_or_refused(&layer, call).await;
        assert_eq!(
            header(&response, "grpc-status").is_empty(),
            is_exempt,
            "{path}"
        );
    }
}

/// The response of a service that doesn't read the caller.
async fn exempt_or_refused(layer: &GuardLayer, request: Request<Body>) -> Response<()> {
    use tower::{Layer, ServiceExt, service_fn};
    let handler = service_fn(async |request: Request<Body>| {
        let caller = request.extensions().get::<boltguard::AdmittedCaller>();
        assert!(caller.is_none());
        Ok::<_, std::convert::Infallible>(Response::new(Body::default()))
    });
    let response = layer.layer(handler).oneshot(request).await.unwrap();
    response.map(|_| ())
}

#[test]
fn no_service_is_exempt_unless_configured() {
    for name in [
        "",
        "/grpc.health.v1.Health",
        "grpc.health.v1.",
        "a..b",
        "a.*",
        "1a",
        "a b",
    ] {
        let error = Grpc::new().exempting([name]).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("{name:?} isn't")),
            "{error}"
        );
    }
    assert!(Grpc::new().exempting(["_a1.B", "Health"]).is_ok());
}

/// A client of the running example, the key whose tokens it accepts, and an API key with the permission.
async fn connect() -> (Channel, SigningKey, String) {
    let secret = || Secret::generate(Algorithm::Hs256).unwrap();
    let (secret, pepper) = (secret(), secret());
    let key = SigningKey::new(&Key::Secret(secret.clone()), Algorithm::Hs256).unwrap();
    let api_key = KeyFormat::new("demo").unwrap().generate().unwrap();
    let peppers = Peppers::new(pepper.clone());
    let stored = StoredKey::new(&api_key, &peppers, NumericDate::from_secs(0));
    let settings = example::Settings {
        secret,
        pepper,
        api_keys: [stored.with_permissions(["greeter.greet"])].into(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(example::serve(listener, settings));
    let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
    (channel, key, api_key.expose().to_owned())
}

async fn greet(
    channel: &Channel,
    credentials: Option<(&'static str, &str)>,
) -> Result<String, Status> {
    let mut client = Client::new(channel.clone());
    client.ready().await.unwrap();
    let text = "hello".to_owned();
    let mut request = tonic::Request::new(Text { text });
    if let Some((name, value)) = credentials {
        request.metadata_mut().insert(name, value.parse().unwrap());
    }
    let path = PathAndQuery::from_static("/demo.Greeter/Greet");
    let codec = ProstCodec::<Text, Text>::default();
    let response = client.unary(request, path, codec).await?;
    Ok(response.into_inner().text)
}

#[tokio::test]
async fn example_guards_its_methods() {
    let (channel, key, api_key) = connect().await;
    #[expect(clippy::disallowed_methods, reason = "the example reads the clock")]
    let now = NumericDate::from(SystemTime::now()).as_secs();
    let token = |claims: &str| {
        let claims = format!(r#"{{"sub":"ada","exp":{}{claims}}}"#, now + 600);
        let token = forge::signed(r#"{"alg":"HS256"}"#, claims, &key);
        format!("Bearer {token}")
    };
    let allowed = token(r#","permissions":["greeter.greet"]"#);
    for (credentials, user) in [
        (("authorization", allowed.as_str()), "ada"),
        (("x-api-key", &api_key), "apikey:"),
    ] {
        let text = greet(&channel, Some(credentials)).await.unwrap();
        assert!(text.starts_with(&format!("hello, {user}")), "{text}");
    }
    for (credentials, code) in [
        (None, Code::Unauthenticated),
        (
            Some(("authorization", "Bearer a.b.c")),
            Code::Unauthenticated,
        ),
        (Some(("authorization", &*token(""))), Code::PermissionDenied),
        (Some(("x-api-key", "demo_unknown")), Code::Unauthenticated),
    ] {
        let status = greet(&channel, credentials).await.unwrap_err();
        assert_eq!(status.code(), code);
        assert!(status.metadata().contains_key("www-authenticate"));
    }
}

#[tokio::test]
async fn example_allows_health_checks_of_anyone() {
    let (channel, ..) = connect().await;
    let mut client = HealthClient::new(channel);
    let request = HealthCheckRequest {
        service: String::new(),
    };
    client.check(request).await.unwrap();
}
