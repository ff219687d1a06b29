//! What the code under test logs and counts in this thread.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};

/// Collects the events of `tracing` with the target `boltguard`, or one that begins with it.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<String>>);

impl Log {
    /// Calls a function, whose events are collected.
    pub fn collecting<T>(&self, run: impl FnOnce() -> T) -> T {
        tracing::subscriber::with_default(self.clone(), run)
    }

    /// Returns the levels and values of the events, and removes them.
    pub fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, text: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += text;
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("boltguard")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.add(event.metadata().level().as_str());
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Visit for Log {
    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        self.add(&format!(" {value:?}"));
    }
}

/// Counts in memory, as a recorder of `metrics`.
#[derive(Clone, Debug, Default)]
pub struct Counters(Arc<Mutex<BTreeMap<String, u64>>>);

impl Counters {
    /// Calls a function, whose metrics are counted.
    pub fn counting<T>(&self, run: impl FnOnce() -> T) -> T {
        metrics::with_local_recorder(self, run)
    }

    /// Returns all series with their values, such as `requests{status=200} 3`, in the order of their names.
    pub fn series(&self) -> Vec<String> {
        let counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let series = counters.iter();
        series
            .map(|(name, value)| format!("{name} {value}"))
            .collect()
    }
}

/// A counter of the series with this name.
struct Series {
    name: String,
    counters: Counters,
}

impl CounterFn for Series {
    fn increment(&self, value: u64) {
        let mut counters = self
            .counters
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *counters.entry(self.name.clone()).or_default() += value;
    }

    fn absolute(&self, _: u64) {}
}

impl Recorder for Counters {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut name = key.name().to_owned();
        for (at, label) in key.labels().enumerate() {
            let mark = if at == 0 { '{' } else { ',' };
            // Writing to a string can't fail.
            let _ = write!(name, "{mark}{}={}", label.key(), label.value());
        }
        name.push_str(if name.contains('{') { "}" } else { "" });
        let counters = self.clone();
        Counter::from_arc(Arc::new(Series { name, counters }))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
