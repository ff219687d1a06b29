#![expect(clippy::disallowed_methods, reason = "tests may read the clock")]

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use boltguard_jwks::{
    AsyncFetch, AsyncJwksClient, FetchError, JwksConfigError, JwksUrl, Refresh, RefreshStep,
    Response, Unavailable,
};
use boltguard_keys::{Algorithm, KeySet};

use crate::support::{names, ready, remote, response, seconds};

/// An issuer that responds when the test says so.
#[derive(Clone, Default)]
struct Issuer {
    fetches: Arc<AtomicUsize>,
    is_ready: Arc<AtomicBool>,
    waiting: Arc<Mutex<Option<Waker>>>,
}

impl Issuer {
    fn respond(&self) {
        self.is_ready.store(true, Ordering::SeqCst);
        if let Some(waker) = self.waiting.lock().unwrap().take() {
            waker.wake();
        }
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

impl AsyncFetch for Issuer {
    async fn fetch(&self, url: &JwksUrl, limit: usize) -> Result<Response, FetchError> {
        assert_eq!((url.as_str(), limit), (URL, 512 * 1024));
        self.fetches.fetch_add(1, Ordering::SeqCst);
        poll_fn(|context| match self.is_ready.load(Ordering::SeqCst) {
            true => Poll::Ready(()),
            false => {
                *self.waiting.lock().unwrap() = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await;
        Ok(response(&["a"]))
    }
}

const URL: &str = "https://id.example.com/jwks";

fn client<F: AsyncFetch>(fetch: F) -> AsyncJwksClient<F> {
    AsyncJwksClient::new(remote(), JwksUrl::new(URL).unwrap(), fetch)
}

/// A task that counts how often it is woken up.
struct Task<'f, T> {
    future: Pin<Box<dyn Future<Output = T> + 'f>>,
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl<'f, T> Task<'f, T> {
    /// Starts a task, which doesn't end yet.
    #[track_caller]
    fn start(future: impl Future<Output = T> + 'f) -> Self {
        let mut task = Self {
            future: Box::pin(future),
            woken: Arc::default(),
        };
        assert!(task.poll().is_pending());
        task
    }

    fn poll(&mut self) -> Poll<T> {
        self.woken.0.store(0, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&self.woken));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::SeqCst) > 0
    }

    /// The result of a task that was woken up and ends.
    #[track_caller]
    fn end(mut self) -> T {
        assert!(self.is_woken());
        match self.poll() {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("it still waits"),
        }
    }
}

#[track_caller]
fn assert_keys(result: Result<Arc<KeySet>, Unavailable>) {
    assert_eq!(names(&result.unwrap()), ["a"]);
}

#[test]
fn one_task_fetches_and_the_others_wait() {
    let issuer = Issuer::default();
    let client = client(issuer.clone());
    let fetching = Task::start(client.keys());
    let waiting: Vec<_> = (0..100).map(|_| Task::start(client.keys())).collect();
    issuer.respond();
    assert!(!waiting.iter().any(Task::is_woken));
    assert_keys(fetching.end());
    waiting.into_iter().for_each(|task| assert_keys(task.end()));
    assert_keys(ready(client.keys()));
    assert_eq!(issuer.fetches(), 1);
}

#[test]
fn fetch_of_a_cancelled_task_is_continued_by_a_waiting_one() {
    let issuer = Issuer::default();
    let client = client(issuer.clone());
    let fetching = Task::start(client.keys());
    let mut waiting: Vec<_> = (0..3).map(|_| Task::start(client.keys())).collect();
    drop(fetching);
    assert!(waiting.iter().all(Task::is_woken));
    assert!(waiting.iter_mut().all(|task| task.poll().is_pending()));
    // The task that continues it is cancelled, too.
    drop(waiting.remove(0));
    assert!(waiting.iter_mut().all(|task| task.poll().is_pending()));
    issuer.respond();
    assert_keys(waiting.remove(0).end());
    assert_keys(waiting.remove(0).end());
    assert_eq!(issuer.fetches(), 1);
}

#[test]
fn fetch_that_nobody_waits_for_is_continued_by_the_next_task() {
    let issuer = Issuer::default();
    let client = client(issuer.clone());
    drop(Task::start(client.keys()));
    issuer.respond();
    assert_keys(ready(client.keys()));
    assert_eq!(issuer.fetches(), 1);
}

#[test]
fn waiting_task_that_is_cancelled_is_forgotten() {
    let issuer = Issuer::default();
    let client = client(issuer.clone());
    let fetching = Task::start(client.keys());
    let waiting = Task::start(client.keys());
    let woken = Arc::clone(&waiting.woken);
    drop(waiting);
    issuer.respond();
    assert_keys(fetching.end());
    assert_eq!(woken.0.load(Ordering::SeqCst), 0);
    assert_eq!(Arc::strong_count(&woken), 1);
}

#[test]
fn fetch_of_a_dropped_client_has_failed() {
    let client = client(Issuer::default());
    let remote = Arc::clone(client.remote());
    drop(Task::start(client.keys()));
    assert!(remote.is_fetching());
    drop(client);
    assert!(!remote.is_fetching() && remote.is_failing());
}

#[test]
fn tasks_and_threads_share_one_fetch() {
    let issuer = Issuer::default();
    let client = client(issuer.clone());
    let now = Instant::now();
    let RefreshStep::Fetch(permit) = client.remote().step(Refresh::IfStale, now) else {
        panic!("no fetch")
    };
    let waiting = Task::start(client.keys());
    let _ = permit.finish(Ok(response(&["a"])), now);
    assert_keys(waiting.end());
    assert_eq!(issuer.fetches(), 0);
}

#[test]
fn tasks_that_wait_for_a_failed_fetch_are_refused() {
    let client = client(Issuer::default());
    let now = Instant::now();
    let RefreshStep::Fetch(permit) = client.remote().step(Refresh::IfStale, now) else {
        panic!("no fetch")
    };
    let waiting = Task::start(client.refresh(Refresh::IfStale, now));
    drop(permit);
    let unavailable = waiting.end().unwrap_err();
    assert_eq!(unavailable.cause(), Some(FetchError::Lost));
}

#[test]
fn fetch_that_takes_too_long_is_given_up() {
    let issuer = Issuer::default();
    let client = client(issuer.clone());
    let now = Instant::now();
    let fetching = Task::start(client.refresh(Refresh::IfStale, now));
    let waiting = Task::start(client.refresh(Refresh::IfStale, now));
    let later = now + seconds(100);
    let next = Task::start(client.refresh(Refresh::IfStale, later));
    assert!(waiting.is_woken());
    assert_eq!(issuer.fetches(), 2);
    issuer.respond();
    assert_keys(next.end());
    drop(fetching);
}

#[test]
fn panicking_fetch_is_not_continued() {
    let client = client(|_, _| async {
        poll_fn(|_| -> Poll<()> { panic!("a bug") }).await;
        Err(FetchError::Connection)
    });
    let now = Instant::now();
    let poll = || ready(client.refresh(Refresh::IfStale, now));
    assert!(catch_unwind(AssertUnwindSafe(poll)).is_err());
    let unavailable = poll().unwrap_err();
    assert_eq!(unavailable.cause(), Some(FetchError::Lost));
}

#[test]
fn forced_refresh_ignores_an_earlier_fetch() {
    let issuer = Issuer::default();
    let client = client(issuer.clone());
    let now = Instant::now();
    let fetching = Task::start(client.refresh(Refresh::IfStale, now));
    let mut forced = Task::start(client.refresh(Refresh::Force, now));
    // Even if it has to continue the earlier one.
    drop(fetching);
    assert!(forced.poll().is_pending());
    issuer.respond();
    assert_keys(forced.end());
    assert_eq!(issuer.fetches(), 2);
}

#[test]
fn background_task_fetches_again_when_the_keys_are_stale() {
    let issuer = Issuer::default();
    issuer.respond();
    let client = client(issuer.clone());
    let pauses = Mutex::new(Vec::new());
    let sleep = |time| {
        pauses.lock().unwrap().push(time);
        pending()
    };
    let background = Task::start(client.run(sleep));
    assert_eq!(issuer.fetches(), 1);
    let pause = pauses.lock().unwrap()[0];
    assert!(pause <= seconds(300) && pause > seconds(200), "{pause:?}");
    assert_keys(ready(client.keys()));
    drop(background);
}

#[test]
fn background_task_pauses_after_a_failure() {
    let client = client(|_, _| async { Err(FetchError::Connection) });
    let pauses = Mutex::new(Vec::new());
    let sleep = |time: Duration| {
        pauses.lock().unwrap().push(time);
        pending()
    };
    let _background = Task::start(client.run(sleep));
    let pause = pauses.lock().unwrap()[0];
    assert!(!pause.is_zero() && pause <= seconds(1), "{pause:?}");
}

#[test]
fn background_task_continues_the_fetch_of_a_cancelled_task() {
    let issuer = Issuer::default();
    let client = client(issuer.clone());
    let fetching = Task::start(client.keys());
    let mut background = Task::start(client.run(|_| pending()));
    drop(fetching);
    assert!(background.is_woken());
    assert!(background.poll().is_pending());
    issuer.respond();
    assert!(background.is_woken());
    assert!(background.poll().is_pending());
    assert_keys(ready(client.keys()));

    // The background task is idle now.
    issuer.is_ready.store(false, Ordering::SeqCst);
    let fetching = Task::start(client.refresh(Refresh::Force, Instant::now()));
    assert!(!background.is_woken());
    drop(fetching);
    assert!(background.is_woken());
}

#[test]
fn debug_output_omits_the_query_of_the_url() {
    let url = JwksUrl::new("https://id.example.com/jwks?key=hunter2").unwrap();
    let client = AsyncJwksClient::new(remote(), url, Issuer::default());
    let shown = format!("{client:?}");
    assert!(shown.contains("id.example.com") && !shown.contains("hunter2"));
}

#[test]
fn client_without_usable_algorithms_is_a_config_error() {
    let client = |algorithms: &[Algorithm]| {
        let url = JwksUrl::new(URL).unwrap();
        AsyncJwksClient::from_source(url, algorithms, Issuer::default())
    };
    assert_eq!(client(&[]).unwrap_err(), JwksConfigError::NoAlgorithm);
    let hmac = Algorithm::Hs256;
    assert_eq!(
        client(&[hmac]).unwrap_err(),
        JwksConfigError::Symmetric(hmac)
    );
    let client = client(&[Algorithm::EdDsa]).unwrap();
    assert_eq!(client.remote().algorithms(), [Algorithm::EdDsa]);
    assert_eq!(client.source().issuer(), None);
}
