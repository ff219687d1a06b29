#![expect(clippy::disallowed_methods, reason = "tests may read the clock")]

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use boltguard_jwks::{FetchError, JwksClient, Refresh, RefreshPolicy, RefreshStep, Response};

use crate::support::{Scene, names, remote, response, seconds};

const THREADS: usize = 8;

/// Makes all threads wait for a fetch, finishes it, and calls `check` with the result of each.
fn wait_for<F>(scene: &Scene, finish: impl FnOnce() -> F, check: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let RefreshStep::Wait(waiting) = scene.step(Refresh::IfStale) else {
                panic!("no wait")
            };
            scope.spawn(|| {
                waiting.wait();
                check();
            });
        }
        finish();
    });
}

#[test]
fn one_thread_fetches_and_the_others_wait() {
    let scene = Scene::new(RefreshPolicy::default());
    let permit = scene.fetch(Refresh::IfStale);
    let finish = || {
        permit
            .finish(Ok(response(&["a"])), scene.now)
            .keys()
            .unwrap()
    };
    wait_for(&scene, finish, || {
        assert_eq!(scene.uses(Refresh::IfStale), ["a"]);
    });
}

#[test]
fn threads_that_ask_at_once_cause_one_fetch() {
    let fetches = AtomicUsize::new(0);
    let client = JwksClient::new(remote(), |_: usize| -> Result<Response, FetchError> {
        fetches.fetch_add(1, Ordering::SeqCst);
        Ok(response(&["a"]))
    });
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                barrier.wait();
                assert_eq!(names(&client.keys().unwrap()), ["a"]);
                assert_eq!(names(&client.keys_for(Some("b")).unwrap()), ["a"]);
            });
        }
    });
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
}

#[test]
fn callers_waiting_for_a_failed_fetch_are_refused() {
    let scene = Scene::new(RefreshPolicy::default());
    let permit = scene.fetch(Refresh::IfStale);
    let finish = || permit.finish(Err(FetchError::Timeout), scene.now);
    wait_for(&scene, finish, || {
        assert_eq!(
            scene.unavailable(Refresh::IfStale).cause(),
            Some(FetchError::Timeout)
        );
    });
}

#[test]
fn panicking_fetch_blocks_no_other_caller() {
    let client = JwksClient::new(remote(), |_: usize| -> Result<Response, FetchError> {
        panic!("a bug")
    });
    let now = Instant::now();
    thread::scope(|scope| {
        let thread = scope.spawn(|| client.refresh(Refresh::IfStale, now));
        assert!(thread.join().is_err());
    });
    let unavailable = client.refresh(Refresh::IfStale, now).unwrap_err();
    assert_eq!(unavailable.cause(), Some(FetchError::Lost));
}

#[test]
fn a_client_fetches_for_a_key_that_it_does_not_have() {
    let fetches = AtomicUsize::new(0);
    let client = JwksClient::new(remote(), |_: usize| {
        match fetches.fetch_add(1, Ordering::SeqCst) {
            0 => Ok(response(&["a"])),
            1 => Ok(response(&["a", "b"])),
            _ => Err(FetchError::Connection),
        }
    });
    let now = Instant::now();
    assert_eq!(
        names(&client.refresh(Refresh::IfStale, now).unwrap()),
        ["a"]
    );
    let later = now + seconds(40);
    assert_eq!(
        names(&client.refresh(Refresh::UnknownKid, later).unwrap()),
        ["a", "b"]
    );
    // The issuer fails from now on: the existing keys are used until they are too old.
    let late = later + seconds(301);
    assert_eq!(
        names(&client.refresh(Refresh::IfStale, late).unwrap()),
        ["a", "b"]
    );
    assert_eq!(fetches.load(Ordering::SeqCst), 3);
    let too_late = later + seconds(3901);
    assert_eq!(
        client
            .refresh(Refresh::IfStale, too_late)
            .unwrap_err()
            .cause(),
        Some(FetchError::Connection)
    );
}

#[test]
fn forced_refresh_ignores_an_earlier_fetch() {
    let (fetches, started) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let client = JwksClient::new(remote(), |_: usize| {
        if fetches.fetch_add(1, Ordering::SeqCst) > 0 {
            return Ok(response(&["b"]));
        }
        while started.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        // Long enough for the other thread to wait, but the result doesn't depend on it.
        (0..1000).for_each(|_| thread::yield_now());
        Ok(response(&["a"]))
    });
    let now = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| client.refresh(Refresh::IfStale, now));
        while fetches.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        started.store(1, Ordering::SeqCst);
        let keys = client.refresh(Refresh::Force, now).unwrap();
        assert_eq!(names(&keys), ["b"]);
    });
    assert_eq!(fetches.load(Ordering::SeqCst), 2);
}
