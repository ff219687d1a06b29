//! The contract of stores, for a list in memory and for stores of users.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;

use boltguard_revocation::contract::{ManualClock, check_async_store, check_store};
use boltguard_revocation::{
    AsyncRevocationStore, MemoryRevocation, RevocationError, RevocationLevel, RevocationQuery,
    RevocationStore, UnixMillis, Watermark,
};
use boltguard_types::NumericDate;

#[test]
fn memory_fulfils_the_contract() {
    check_store(MemoryRevocation::new, &ManualClock::default());
    check_store(
        || Arc::new(MemoryRevocation::new()),
        &ManualClock::default(),
    );
}

#[test]
fn async_store_fulfils_the_contract() {
    check_async_store(Remote::default, &ManualClock::default());
    check_async_store(|| Arc::new(Remote::default()), &ManualClock::default());
}

#[test]
#[should_panic(expected = "Issuer(..), 0 ms")]
fn async_store_that_ignores_watermarks_violates_the_contract() {
    let new_store = || Remote {
        ignores_levels: true,
        ..Remote::default()
    };
    check_async_store(new_store, &ManualClock::default());
}

#[test]
fn store_for_single_tokens_fulfils_the_contract() {
    check_store(Tokens::default, &ManualClock::default());
}

#[test]
fn store_for_some_levels_fulfils_the_contract() {
    check_store(Subjects::default, &ManualClock::default());
}

#[test]
#[should_panic(expected = "Issuer(..), 0 ms")]
fn store_that_ignores_watermarks_violates_the_contract() {
    check_store(
        || Forgetful(MemoryRevocation::new()),
        &ManualClock::default(),
    );
}

#[test]
#[should_panic(expected = "[3, 2, 1]")]
fn store_whose_watermarks_move_back_violates_the_contract() {
    let new_store = || Subjects {
        moves_back: true,
        ..Subjects::default()
    };
    check_store(new_store, &ManualClock::default());
}

#[test]
fn store_for_single_tokens_rejects_other_levels() {
    let (store, now) = (Tokens::default(), NumericDate::from_secs(0));
    let watermark = Watermark::new(now);
    for result in [
        store.revoke_session("a", None, now),
        store.revoke_subject("a", None, watermark, now),
        store.revoke_issuer("a", watermark, now),
        store.revoke_key("a", watermark, now),
    ] {
        assert_eq!(result, Err(RevocationError::Unsupported));
    }
}

/// A store that only implements the required methods.
#[derive(Default)]
struct Tokens(Mutex<HashMap<String, Option<NumericDate>>>);

impl RevocationStore for Tokens {
    fn is_revoked(&self, token_id: &str, now: NumericDate) -> Result<bool, RevocationError> {
        let entries = self.0.lock().unwrap();
        let until = entries.get(token_id);
        Ok(until.is_some_and(|until| until.is_none_or(|until| until > now)))
    }

    fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        _now: NumericDate,
    ) -> Result<(), RevocationError> {
        let mut entries = self.0.lock().unwrap();
        let entry = entries.entry(token_id.into()).or_insert(until);
        *entry = entry
            .zip(until)
            .map(|(one, other)| if one > other { one } else { other });
        Ok(())
    }

    fn bind_leeway(&self, _: std::time::Duration) {}
}

/// A store for tokens and subjects, whose entries are permanent.
#[derive(Default)]
struct Subjects {
    tokens: Tokens,
    /// A fault: the last watermark replaces a later one.
    moves_back: bool,
    watermarks: Mutex<HashMap<(String, Option<String>), UnixMillis>>,
}

impl RevocationStore for Subjects {
    fn is_revoked(&self, token_id: &str, now: NumericDate) -> Result<bool, RevocationError> {
        self.tokens.is_revoked(token_id, now)
    }

    fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        self.tokens.revoke(token_id, until, now)
    }

    fn check(
        &self,
        query: &RevocationQuery<'_>,
        now: NumericDate,
    ) -> Result<bool, RevocationError> {
        let watermarks = self.watermarks.lock().unwrap();
        let found = query
            .levels()
            .filter_map(|level| watermarks.get(&key(level)?).copied());
        Ok(query.is_revoked_by(found.max()) || self.is_revoked(query.token_id(), now)?)
    }

    fn revoke_level(
        &self,
        level: RevocationLevel<'_>,
        watermark: Watermark,
        _now: NumericDate,
    ) -> Result<(), RevocationError> {
        let key = key(level).ok_or(RevocationError::Unsupported)?;
        let mut watermarks = self.watermarks.lock().unwrap();
        let latest = watermarks.entry(key).or_insert(watermark.before());
        if self.moves_back || *latest < watermark.before() {
            *latest = watermark.before();
        }
        Ok(())
    }

    fn bind_leeway(&self, _: std::time::Duration) {}
}

fn key(level: RevocationLevel<'_>) -> Option<(String, Option<String>)> {
    match level {
        RevocationLevel::Subject { subject, issuer } => {
            Some((subject.to_owned(), issuer.map(str::to_owned)))
        }
        _ => None,
    }
}

/// A faulty store, which accepts watermarks and doesn't check them.
struct Forgetful(MemoryRevocation);

impl RevocationStore for Forgetful {
    fn is_revoked(&self, token_id: &str, now: NumericDate) -> Result<bool, RevocationError> {
        Ok(self.0.is_revoked(token_id, now))
    }

    fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        self.0.revoke(token_id, until, now)
    }

    fn revoke_level(
        &self,
        level: RevocationLevel<'_>,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        self.0.revoke_level(level, watermark, now)
    }

    fn bind_leeway(&self, _: std::time::Duration) {}
}

/// A store on another thread, which doesn't respond at once.
#[derive(Default)]
struct Remote {
    list: Arc<MemoryRevocation>,
    /// A fault: only IDs are checked.
    ignores_levels: bool,
}

impl Remote {
    async fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce(&MemoryRevocation) -> T + Send + 'static,
    ) -> T {
        let list = Arc::clone(&self.list);
        let (result, waker) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
        let (sender, woken): (_, Arc<Mutex<Option<Waker>>>) = (Arc::clone(&result), waker);
        let mut call = Some(call);
        poll_fn(move |context| {
            if let Some(value) = result.lock().unwrap().take() {
                return Poll::Ready(value);
            }
            *woken.lock().unwrap() = Some(context.waker().clone());
            if let Some(call) = call.take() {
                let (list, sender, woken) =
                    (Arc::clone(&list), Arc::clone(&sender), Arc::clone(&woken));
                thread::spawn(move || {
                    *sender.lock().unwrap() = Some(call(&list));
                    let waker = woken.lock().unwrap().take();
                    waker.unwrap().wake();
                });
            }
            Poll::Pending
        })
        .await
    }
}

impl AsyncRevocationStore for Remote {
    async fn is_revoked(&self, token_id: &str, now: NumericDate) -> Result<bool, RevocationError> {
        let id = token_id.to_owned();
        self.run(move |list| Ok(list.is_revoked(&id, now))).await
    }

    async fn revoke(
        &self,
        token_id: &str,
        until: Option<NumericDate>,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        let id = token_id.to_owned();
        self.run(move |list| list.revoke(&id, until, now)).await
    }

    async fn check(
        &self,
        query: &RevocationQuery<'_>,
        now: NumericDate,
    ) -> Result<bool, RevocationError> {
        let query = match self.ignores_levels {
            true => RevocationQuery::new(query.token_id().to_owned()),
            false => query.clone().into_owned(),
        };
        self.run(move |list| list.check(&query, now)).await
    }

    async fn revoke_level(
        &self,
        level: RevocationLevel<'_>,
        watermark: Watermark,
        now: NumericDate,
    ) -> Result<(), RevocationError> {
        // A level borrows its values.
        self.run(|_| ()).await;
        self.list.revoke_level(level, watermark, now)
    }
}
