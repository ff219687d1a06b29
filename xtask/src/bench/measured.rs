//! What the benches wrote down: `benches/engine/results.rs` and `benches/python/run.py` write it.

use crate::json::Json;

/// All that one run measured.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) language: String,
    pub(super) method: String,
    pub(super) seconds: f64,
    /// The packages in use, where the run itself knows them best.
    pub(super) versions: Vec<(String, String)>,
    /// What could not be measured, and why.
    pub(super) left_out: Vec<String>,
    pub(super) contests: Vec<Contest>,
    pub(super) figures: Vec<Figures>,
}

/// Those who did the same work; ratios are to the first.
#[derive(Debug)]
pub(super) struct Contest {
    pub(super) path: String,
    pub(super) entrants: Vec<Entrant>,
}

#[derive(Debug)]
pub(super) struct Entrant {
    pub(super) name: String,
    pub(super) nanoseconds: f64,
    pub(super) upper_nanoseconds: f64,
    pub(super) ratio: f64,
    pub(super) lower_ratio: f64,
    pub(super) upper_ratio: f64,
}

/// What was counted rather than timed.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) path: String,
    pub(super) unit: String,
    pub(super) figures: Vec<(String, f64)>,
}

impl Run {
    pub(super) fn read(text: &str) -> Option<Self> {
        let json = Json::parse(text)?;
        Some(Self {
            language: text_of(&json, "language")?,
            method: text_of(&json, "method")?,
            seconds: json.get("seconds")?.number()?,
            versions: list(&json, "versions", version)?,
            left_out: list(&json, "left_out", |what| Some(what.text()?.to_owned()))?,
            contests: list(&json, "contests", Contest::read)?,
            figures: list(&json, "figures", Figures::read)?,
        })
    }
}

impl Contest {
    fn read(json: &Json) -> Option<Self> {
        Some(Self {
            path: text_of(json, "path")?,
            entrants: list(json, "entrants", Entrant::read)?,
        })
    }

    pub(super) fn entrant(&self, name: &str) -> Option<&Entrant> {
        self.entrants.iter().find(|entrant| entrant.name == name)
    }
}

impl Entrant {
    fn read(json: &Json) -> Option<Self> {
        let number = |name| json.get(name)?.number();
        Some(Self {
            name: text_of(json, "name")?,
            nanoseconds: number("nanoseconds")?,
            upper_nanoseconds: number("upper_nanoseconds")?,
            ratio: number("ratio")?,
            lower_ratio: number("lower_ratio")?,
            upper_ratio: number("upper_ratio")?,
        })
    }
}

impl Figures {
    fn read(json: &Json) -> Option<Self> {
        let figure = |pair: &Json| match pair.list()? {
            [name, value] => Some((name.text()?.to_owned(), value.number()?)),
            _ => None,
        };
        Some(Self {
            path: text_of(json, "path")?,
            unit: text_of(json, "unit")?,
            figures: list(json, "figures", figure)?,
        })
    }
}

fn version(pair: &Json) -> Option<(String, String)> {
    match pair.list()? {
        [name, version] => Some((name.text()?.to_owned(), version.text()?.to_owned())),
        _ => None,
    }
}

fn text_of(json: &Json, name: &str) -> Option<String> {
    Some(json.get(name)?.text()?.to_owned())
}

/// The items of a list, which may be missing as a whole.
fn list<T>(json: &Json, name: &str, read: impl Fn(&Json) -> Option<T>) -> Option<Vec<T>> {
    match json.get(name) {
        Some(items) => items.list()?.iter().map(read).collect(),
        None => Some(Vec::new()),
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
        "left_out": ["<this>"]
    }"#;

    #[test]
    fn reads_what_a_run_wrote() {
        let run = Run::read(TEXT).unwrap();
        assert_eq!(run.contests[0].entrant("peer").unwrap().nanoseconds, 900.0);
        assert_eq!(run.figures[0].figures, [("boltguard".to_owned(), 44.0)]);
        assert!(run.contests[0].entrant("nobody").is_none() && run.versions.is_empty());
    }

    #[test]
    fn what_is_incomplete_is_no_run() {
        for text in [
            "",
            "{}",
            r#"{"language": "Rust", "method": "m", "seconds": "1"}"#,
        ] {
            assert!(Run::read(text).is_none(), "{text}");
        }
    }
}
