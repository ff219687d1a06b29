//! A persistent map: a changed copy shares unchanged layers with the original.

use std::collections::HashMap;
use std::sync::Arc;

use boltguard_types::work::step;

use crate::StoredKey;

/// Changes by the ID of the key. `None` stands for a key that was removed.
pub(crate) type Changes = HashMap<Box<str>, Option<Arc<StoredKey>>>;

/// Keys by ID, in layers as in a log-structured merge tree: newer layers are smaller and take precedence.
///
/// Therefore a lookup examines few layers, and `n` changes take `O(n log n)` time.
#[derive(Clone, Default)]
pub(crate) struct Layers(Vec<Arc<Changes>>);

/// The minimum ratio of the size of a layer to the size of the next newer one.
const RATIO: usize = 16;

impl Layers {
    pub(crate) fn new(keys: Changes) -> Self {
        let mut layers = Self::default();
        layers.change(keys);
        layers
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Arc<StoredKey>> {
        let newest_first = self.0.iter().rev();
        newest_first
            .inspect(|_| step())
            .find_map(|layer| layer.get(id))?
            .as_ref()
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.find(id).is_some()
    }

    pub(crate) fn change(&mut self, changes: Changes) {
        if changes.is_empty() {
            return;
        }
        let mut newest = changes;
        while let Some(older) = self.0.pop_if(|older| newest.len() * RATIO > older.len()) {
            newest = merged(&older, newest);
        }
        if self.0.is_empty() {
            newest.retain(|_, key| key.is_some());
        }
        self.0.push(Arc::new(newest));
    }

    pub(crate) fn set(&mut self, id: &str, key: Option<Arc<StoredKey>>) {
        self.change(Changes::from([(id.into(), key)]));
    }

    /// Returns the keys for which `predicate` is true, in one layer.
    pub(crate) fn retained(&self, predicate: impl Fn(&str) -> bool) -> Self {
        let all = self.0.iter().fold(Changes::new(), |all, layer| {
            let retained = layer
                .iter()
                .inspect(|_| step())
                .filter(|(id, _)| predicate(id));
            let mut all = all;
            all.extend(retained.map(|(id, key)| (id.clone(), key.clone())));
            all
        });
        Self::new(all)
    }
}

fn merged(older: &Changes, newer: Changes) -> Changes {
    let mut all = Changes::with_capacity(older.len() + newer.len());
    let copied = older.iter().inspect(|_| step());
    all.extend(copied.map(|(id, key)| (id.clone(), key.clone())));
    all.extend(newer.into_iter().inspect(|_| step()));
    all
}
