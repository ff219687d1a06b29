//! The results that `benches/engine/results.rs` and `benches/python/run.py` write.

use serde::Deserialize;

/// The results of one run.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Run {
    pub(super) language: String,
    pub(super) method: String,
    pub(super) seconds: f64,
    /// The versions of the packages, if the run reports them.
    #[serde(default)]
    pub(super) versions: Vec<(String, String)>,
    /// What could not be measured, and why.
    #[serde(default)]
    pub(super) omitted: Vec<String>,
    #[serde(default)]
    pub(super) contests: Vec<Contest>,
    #[serde(default)]
    pub(super) figures: Vec<Figures>,
}

/// Entrants that do the same work. Ratios are relative to the first.
#[derive(Debug, Deserialize)]
pub(super) struct Contest {
    pub(super) path: String,
    pub(super) entrants: Vec<Entrant>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Entrant {
    pub(super) name: String,
    pub(super) nanoseconds: f64,
    pub(super) upper_nanoseconds: f64,
    pub(super) ratio: f64,
    pub(super) lower_ratio: f64,
    pub(super) upper_ratio: f64,
}

/// Results that are counts, not times.
#[derive(Debug, Deserialize)]
pub(super) struct Figures {
    pub(super) path: String,
    pub(super) unit: String,
    pub(super) figures: Vec<(String, f64)>,
}

impl Run {
    pub(super) fn read(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }
}

impl Contest {
    pub(super) fn entrant(&self, name: &str) -> Option<&Entrant> {
        self.entrants.iter().find(|entrant| entrant.name == name)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) const TEXT: &str = r#"{
        "language": "Rust", "method": "m", "seconds": 1.5,
        "contests": [{"path": "c", "entrants": [
            {"name": "raw", "nanoseconds": 100, "upper_nanoseconds": 110,
             "ratio": 1, "lower_ratio": 1, "upper_ratio": 1},
            {"name": "boltguard", "nanoseconds": 150, "upper_nanoseconds": 160,
             "ratio": 1.5, "lower_ratio": 1.4, "upper_ratio": 1.6},
            {"name": "peer", "nanoseconds": 900, "upper_nanoseconds": 950,
             "ratio": 9, "lower_ratio": 8.7, "upper_ratio": 9.3}
        ]}],
        "figures": [{"path": "f", "unit": "bytes", "figures": [["boltguard", 44.0]]}],
        "omitted": ["<this>"]
    }"#;

    #[test]
    fn reads_what_a_run_wrote() {
        let run = Run::read(TEXT).unwrap();
        assert_eq!(run.contests[0].entrant("peer").unwrap().nanoseconds, 900.0);
        assert_eq!(run.figures[0].figures, [("boltguard".to_owned(), 44.0)]);
        assert!(run.contests[0].entrant("missing").is_none() && run.versions.is_empty());
    }

    #[test]
    fn incomplete_results_are_rejected() {
        for text in [
            "",
            "{}",
            r#"{"language": "Rust", "method": "m", "seconds": "1"}"#,
        ] {
            assert!(Run::read(text).is_err(), "{text}");
        }
    }
}
