//! The document.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::BackendSettings;
use super::places::{List, Named, within};

/// Backends and routes, in a form that serde reads and writes.
///
/// Reading it checks its structure. [`PolicyBuilder::build`](super::PolicyBuilder::build) checks the values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Document {
    /// The version of the format: [`Document::VERSION`].
    pub version: u64,
    /// The backends by their IDs, which routes refer to.
    #[serde(deserialize_with = "backends")]
    pub backends: BTreeMap<String, BackendSettings>,
    /// The routes.
    #[serde(deserialize_with = "routes")]
    pub routes: Vec<RouteSettings>,
}

impl Document {
    /// The version of the format.
    pub const VERSION: u64 = 1;
}

/// The backends and the guard of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RouteSettings {
    /// The unique name, by which the service finds the gate.
    pub name: String,
    /// The methods, in upper case. All methods if the list is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// The path, in the syntax of the framework, if the service needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The IDs of the backends, in the order in which they are tried.
    pub backends: Vec<String>,
    /// The string form of the guard.
    pub guard: String,
    /// Why the guard of the original route isn't part of the document. The guard must be `deny_all` then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub omitted: Option<String>,
}

fn backends<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, BackendSettings>, D::Error> {
    within("backends", Named::deserialize(deserializer)).map(|named| named.0)
}

fn routes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RouteSettings>, D::Error> {
    within("routes", List::deserialize(deserializer)).map(|list| list.0)
}
