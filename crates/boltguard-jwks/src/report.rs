//! Reports of fetches: to a hook, as events of `tracing`, and as metrics.

use arc_swap::ArcSwapOption;

use crate::{FetchError, Fetched, JwksSource};

/// A function that is called with the error of each failed fetch.
type Hook = Box<dyn Fn(&FetchError) + Send + Sync>;

/// Where a client reports its failed fetches.
#[derive(Default)]
pub(crate) struct FailureReport(ArcSwapOption<Hook>);

impl FailureReport {
    pub(crate) fn set_hook(&self, hook: Hook) {
        self.0.store(Some(hook.into()));
    }

    /// Reports the problem of a fetch, if it has one.
    pub(crate) fn report(&self, source: &JwksSource, fetched: &Fetched) {
        let Some(error) = fetched.problem() else {
            return;
        };
        log(source, fetched);
        if let Some(hook) = &*self.0.load() {
            hook(&error);
        }
    }
}

/// Logs the problem. The URL of the source is shown without its query.
#[cfg(feature = "tracing")]
fn log(source: &JwksSource, fetched: &Fetched) {
    tracing::warn!(
        target: "boltguard",
        source = ?source,
        error = fetched.explain(),
        "the keys of an issuer can't be fetched"
    );
}

#[cfg(not(feature = "tracing"))]
fn log(_: &JwksSource, _: &Fetched) {}

/// Counts a fetch that ended with this problem.
#[cfg(feature = "metrics")]
pub(crate) fn count(problem: Option<FetchError>) {
    let (result, error) = match problem {
        None => ("succeeded", "none"),
        Some(error) => ("failed", error.kind()),
    };
    metrics::counter!("boltguard_jwks_fetches_total", "result" => result, "error" => error)
        .increment(1);
}

#[cfg(not(feature = "metrics"))]
pub(crate) fn count(_: Option<FetchError>) {}
