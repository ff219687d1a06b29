//! A service and its issuer in one thread, so that nothing can block.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use boltguard_jwks::{AsyncHttpFetch, AsyncJwksClient, JwksUrl, RefreshPolicy, RemoteKeySet};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::{JoinHandle, yield_now};

use crate::clients::block_on;
use crate::support::{ALGORITHMS, jwks, names};

/// An issuer that responds to as many requests as the test permits.
struct Issuer {
    requests: AtomicUsize,
    permits: Semaphore,
    url: JwksUrl,
}

impl Issuer {
    async fn start(permits: usize) -> Arc<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let issuer = Arc::new(Self {
            requests: AtomicUsize::new(0),
            permits: Semaphore::new(permits),
            url: JwksUrl::allowing_http(&url).unwrap(),
        });
        tokio::spawn(Arc::clone(&issuer).serve(listener));
        issuer
    }

    async fn serve(self: Arc<Self>, listener: TcpListener) -> Infallible {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            self.requests.fetch_add(1, Ordering::SeqCst);
            self.permits
                .acquire()
                .await
                .map(SemaphorePermit::forget)
                .unwrap();
            let body = jwks(&["a"]);
            let response = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(response.as_bytes()).await.unwrap();
        }
    }

    fn client(&self, policy: RefreshPolicy) -> AsyncJwksClient<AsyncHttpFetch> {
        let remote = Arc::new(RemoteKeySet::new(ALGORITHMS, policy).unwrap());
        AsyncJwksClient::new(
            remote,
            self.url.clone(),
            AsyncHttpFetch::new().with_timeout(LONG),
        )
    }

    /// Waits for this number of requests.
    async fn receives(&self, count: usize) {
        while self.requests.load(Ordering::SeqCst) < count {
            yield_now().await;
        }
    }
}

const LONG: Duration = Duration::from_secs(60);

fn patient() -> RefreshPolicy {
    RefreshPolicy {
        lock_timeout: 2 * LONG,
        ..RefreshPolicy::default()
    }
}

/// A request of the service.
fn request(client: &AsyncJwksClient<AsyncHttpFetch>) -> JoinHandle<()> {
    let client = client.clone();
    tokio::spawn(async move {
        let keys = client.keys_for(Some("a")).await.unwrap();
        assert_eq!(names(&keys), ["a"]);
    })
}

#[test]
fn service_and_issuer_share_one_thread() {
    block_on(async {
        let issuer = Issuer::start(0).await;
        let client = issuer.client(patient());
        let requests: Vec<_> = (0..50).map(|_| request(&client)).collect();
        issuer.receives(1).await;
        issuer.permits.add_permits(50);
        for request in requests {
            request.await.unwrap();
        }
        assert_eq!(issuer.requests.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn fetch_continues_if_the_request_is_cancelled() {
    block_on(async {
        let issuer = Issuer::start(0).await;
        let client = issuer.client(patient());
        let cancelled = request(&client);
        issuer.receives(1).await;
        let waiting = request(&client);
        yield_now().await;
        cancelled.abort();
        assert!(cancelled.await.unwrap_err().is_cancelled());
        issuer.permits.add_permits(1);
        waiting.await.unwrap();
        assert_eq!(issuer.requests.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn keys_are_refreshed_in_the_background() {
    block_on(async {
        let issuer = Issuer::start(100).await;
        let brief = RefreshPolicy {
            ttl: Duration::from_millis(1),
            cooldown: Duration::from_millis(1),
            ..patient()
        };
        let client = issuer.client(brief);
        let background = client.clone();
        let background = tokio::spawn(async move { background.run(tokio::time::sleep).await });
        issuer.receives(3).await;
        assert_eq!(names(&client.remote().load()), ["a"]);
        background.abort();
    });
}
