use std::sync::Arc;

use boltguard_jwks::{Fetch, FetchError, HttpFetch, JwksConfigError};
use rustls::crypto::{CryptoProvider, ring as provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::server::{Server, respond};
use crate::support::jwks;

const AUTHORITY: &str = include_str!("../data/authority.pem");

fn server() -> Server {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("../data/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../data/server.private.pem")).unwrap();
    let provider = Arc::new(provider::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    Server::wrapped(
        move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            Box::new(StreamOwned::new(connection, stream))
        },
        |_, stream| respond(stream, "200 OK", "", jwks(&["a"]).as_bytes()),
    )
}

fn fetch(server: &Server, host: &str) -> HttpFetch {
    HttpFetch::new(server.url("https", host)).without_proxy()
}

#[test]
fn a_server_with_a_certificate_of_a_trusted_authority_is_asked() {
    let server = server();
    let fetch = fetch(&server, "localhost").trusting(AUTHORITY).unwrap();
    assert_eq!(fetch.fetch(1024).unwrap().body, jwks(&["a"]).into_bytes());
    // Nothing was made the provider of the whole process.
    assert!(CryptoProvider::get_default().is_none());
}

#[test]
fn a_certificate_of_a_stranger_or_for_another_name_is_refused() {
    let server = server();
    let stranger = fetch(&server, "localhost");
    assert_eq!(stranger.fetch(1024), Err(FetchError::Connection));
    let other_name = fetch(&server, "127.0.0.2").trusting(AUTHORITY).unwrap();
    assert_eq!(other_name.fetch(1024), Err(FetchError::Connection));
    assert_eq!(server.requests(), 0);
}

#[test]
fn what_is_no_certificate_is_refused() {
    let server = server();
    let key = include_str!("../data/server.private.pem");
    for pem in ["", "nonsense", key] {
        let refused = fetch(&server, "localhost").trusting(pem).unwrap_err();
        assert_eq!(refused, JwksConfigError::Certificate);
    }
}
