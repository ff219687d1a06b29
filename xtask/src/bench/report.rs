//! The measurements compared with the goals, as a table and as JSON.

use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::workspace::Workspace;

use super::goals::{self, Row};
use super::machine::Machine;
use super::measured::Run;
use super::versions;

/// All results of a run.
pub(super) struct Report {
    pub(super) machine: Machine,
    pub(super) versions: Vec<(String, String)>,
    pub(super) runs: Vec<Run>,
    pub(super) rows: Vec<Row>,
}

impl Report {
    pub(super) fn new(workspace: &Workspace, runs: Vec<Run>) -> Result<Self> {
        if runs.is_empty() {
            bail!("nothing was measured");
        }
        let lock = fs::read_to_string(workspace.path("Cargo.lock")).context("read Cargo.lock")?;
        let mut versions = versions::read(&lock);
        versions.extend(runs.iter().flat_map(|run| run.versions.iter().cloned()));
        Ok(Self {
            machine: Machine::look(),
            versions,
            rows: goals::judge(&runs),
            runs,
        })
    }

    pub(super) fn table(&self) -> String {
        let mut lines = vec![self.machine.text(), self.versions_text()];
        for run in &self.runs {
            let (language, method, seconds) = (&run.language, &run.method, run.seconds);
            lines.push(format!("{language}: {method} ({seconds:.0} s)"));
        }
        lines.push(String::new());
        lines.extend(aligned(&self.rows));
        lines.push(format!("\n{}", self.summary()));
        lines.extend(self.remarks());
        lines.join("\n")
    }

    pub(super) fn versions_text(&self) -> String {
        versions::text(&self.versions)
    }

    pub(super) fn summary(&self) -> String {
        let count = |verdict| self.rows.iter().filter(|row| row.is_met == verdict).count();
        format!(
            "{} goals met, {} missed, {} not measured",
            count(Some(true)),
            count(Some(false)),
            count(None)
        )
    }

    /// Limits of the measurements.
    pub(super) fn remarks(&self) -> Vec<String> {
        let omitted = self.runs.iter().flat_map(|run| &run.omitted);
        let mut remarks: Vec<String> = omitted.map(|what| format!("omitted: {what}")).collect();
        if self.machine.was_busy() {
            remarks.push(BUSY.to_owned());
        }
        remarks
    }

    pub(super) fn json(&self) -> String {
        let row = |row: &Row| {
            json!({"path": row.path, "goal": row.goal, "against": row.against,
                "value": row.value, "is_met": row.is_met})
        };
        let goals: Vec<_> = self.rows.iter().map(row).collect();
        format!(
            "{:#}\n",
            json!({"machine": self.machine.text(), "goals": goals})
        )
    }
}

const BUSY: &str =
    "The machine was busy with something else, so figures close to their goals mean little.";

pub(super) fn verdict(row: &Row) -> &'static str {
    match row.is_met {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "-",
    }
}

pub(super) const HEADS: [&str; 5] = ["path", "goal", "measured", "against", "met?"];

pub(super) fn cells(row: &Row) -> [&str; 5] {
    [
        row.path,
        &row.goal,
        &row.measured,
        row.against,
        verdict(row),
    ]
}

fn aligned(rows: &[Row]) -> Vec<String> {
    let table: Vec<[&str; 5]> = std::iter::once(HEADS)
        .chain(rows.iter().map(cells))
        .collect();
    let width = |column: usize| {
        let lengths = table.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or_default()
    };
    let widths: [usize; 5] = std::array::from_fn(width);
    let line = |row: &[&str; 5]| {
        let padded = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    table.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::super::measured::tests::TEXT;
    use super::super::page;
    use super::*;

    fn report() -> Report {
        Report::new(&Workspace::find().unwrap(), vec![Run::read(TEXT).unwrap()]).unwrap()
    }

    #[test]
    fn report_requires_measurements() {
        assert!(Report::new(&Workspace::find().unwrap(), Vec::new()).is_err());
    }

    #[test]
    fn the_table_lists_omitted_measurements() {
        let table = report().table();
        assert!(
            table.contains("omitted: <this>") && table.contains("not measured"),
            "{table}"
        );
    }

    #[test]
    fn programs_can_read_the_goals() {
        let json: serde_json::Value = serde_json::from_str(&report().json()).unwrap();
        assert_eq!(json["goals"].as_array().unwrap().len(), report().rows.len());
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let page = page::html(&report());
        assert!(page.contains("<svg") && page.contains("&lt;this&gt;") && !page.contains("<this>"));
        for elsewhere in ["http:", "https:", "src=", "href=", "@import", "url("] {
            assert!(!page.contains(elsewhere), "{elsewhere}");
        }
    }
}
