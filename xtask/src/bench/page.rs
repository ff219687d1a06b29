//! The report as a self-contained HTML page.

use super::goals::Row;
use super::measured::Run;
use super::plot;
use super::report::{HEADS, Report, cells};

pub(super) fn html(report: &Report) -> String {
    let methods = report
        .runs
        .iter()
        .map(|run| format!("{}: {}.", run.language, run.method));
    let notes = methods.chain([METHOD.to_owned()]).chain(report.remarks());
    let notes: String = notes
        .map(|note| format!("<li>{}\n", escape(&note)))
        .collect();
    let plots: String = report.runs.iter().map(plots).collect();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Boltguard benches</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style>\n\
         <h1>Boltguard benches</h1><p>{}<ul>{notes}</ul>\n<h2>Goals</h2><p>{}\n{}<h2>Versions</h2><p>{}\n{plots}</html>\n",
        escape(&report.machine.text()),
        report.summary(),
        table(&report.rows),
        escape(&report.versions_text()),
    )
}

const METHOD: &str = "A bar is the lower quartile of an entrant's rounds, and the line behind it reaches to the upper one. \
    In brackets are the ratio to the first entrant, or in the table the quartiles of a ratio.";

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn table(rows: &[Row]) -> String {
    let heads: String = HEADS.iter().map(|head| format!("<th>{head}")).collect();
    let line = |row: &Row| {
        let class = match row.is_met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "unknown",
        };
        let cells: String = cells(row)
            .iter()
            .map(|cell| format!("<td>{}", escape(cell)))
            .collect();
        format!("<tr class=\"{class}\">{cells}\n")
    };
    let lines: String = rows.iter().map(line).collect();
    format!("<table><tr>{heads}\n{lines}</table>\n")
}

fn plots(run: &Run) -> String {
    let contests = run.contests.iter().map(plot::contest);
    let figures = run.figures.iter().map(plot::figures);
    let plots: String = contests.chain(figures).collect();
    format!("<h2>{}</h2>\n{plots}", escape(&run.language))
}

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c1e21; --paper: #fff; --own: #2a78c8; --other: #a8b0ba; --line: #d8dde3;
  --met: #1b7f3b; --missed: #b3261e }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e6ea; --paper: #16181b; --own: #5aa9f0; --other: #5a626c;
  --line: #33383e; --met: #5fd38a; --missed: #ff8a80 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
td, th { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
.met td:last-child { color: var(--met) } .missed td:last-child { color: var(--missed); font-weight: 600 }
.unknown { opacity: .6 }
figure { margin: 1.5rem 0 } figcaption { font-weight: 600 }
svg { width: 100%; height: auto } svg text { font-size: 13px; fill: var(--ink) } svg .name { text-anchor: end }
.own { fill: var(--own) } .other { fill: var(--other) } line { stroke: var(--ink) }
";
