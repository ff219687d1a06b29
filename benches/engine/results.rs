//! The results in the format that `cargo xtask bench` reads, which `python/run.py` writes as well.

use serde::Serialize;

/// The results of a run.
#[derive(Serialize)]
pub(crate) struct Results {
    pub(crate) language: &'static str,
    pub(crate) method: String,
    pub(crate) seconds: f64,
    pub(crate) contests: Vec<ContestResult>,
    pub(crate) figures: Vec<FiguresResult>,
}

#[derive(Serialize)]
pub(crate) struct ContestResult {
    pub(crate) path: String,
    /// The entrants, which are compared with the first one.
    pub(crate) entrants: Vec<EntrantResult>,
}

#[derive(Serialize)]
pub(crate) struct EntrantResult {
    pub(crate) name: String,
    pub(crate) nanoseconds: f64,
    pub(crate) upper_nanoseconds: f64,
    pub(crate) ratio: f64,
    pub(crate) lower_ratio: f64,
    pub(crate) upper_ratio: f64,
}

#[derive(Serialize)]
pub(crate) struct FiguresResult {
    pub(crate) path: String,
    pub(crate) unit: &'static str,
    pub(crate) figures: Vec<(String, f64)>,
}
