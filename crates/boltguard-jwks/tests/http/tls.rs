use std::sync::Arc;

use boltguard_jwks::{FetchError, JwksConfigError};
use rustls::crypto::{CryptoProvider, ring as provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::clients::Clients;
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

fn clients(server: &Server, host: &str) -> Clients {
    Clients::new(server.url("https", host))
}

#[test]
fn server_with_trusted_certificate_is_used() {
    let server = server();
    let clients = clients(&server, "localhost").trusting(AUTHORITY).unwrap();
    assert_eq!(clients.fetch(1024).unwrap().body, jwks(&["a"]).into_bytes());
    // No process-wide crypto provider was installed.
    assert!(CryptoProvider::get_default().is_none());
}

#[test]
fn untrusted_certificate_or_other_host_name_is_rejected() {
    let server = server();
    let untrusted = clients(&server, "localhost");
    assert_eq!(untrusted.fetch(1024), Err(FetchError::Connection));
    let other_name = clients(&server, "127.0.0.2").trusting(AUTHORITY).unwrap();
    assert_eq!(other_name.fetch(1024), Err(FetchError::Connection));
    assert_eq!(server.requests(), 0);
}

#[test]
fn values_that_are_not_certificates_are_rejected() {
    let server = server();
    let key = include_str!("../data/server.private.pem");
    for pem in ["", "nonsense", key] {
        let refused = clients(&server, "localhost").trusting(pem).unwrap_err();
        assert_eq!(refused, JwksConfigError::Certificate);
    }
}
