//! Bars as inline SVG.

use super::goals::amount;
use super::measured::{Contest, Figures};
use super::page::escape;

/// A bar: its length, its upper quartile, and its label.
struct Bar<'r> {
    name: &'r str,
    value: f64,
    upper: f64,
    label: String,
}

pub(super) fn contest(contest: &Contest) -> String {
    let bars = contest.entrants.iter().map(|entrant| Bar {
        name: &entrant.name,
        value: entrant.nanoseconds,
        upper: entrant.upper_nanoseconds,
        label: format!(
            "{} ({})",
            amount(entrant.nanoseconds, "ns"),
            amount(entrant.ratio, "x")
        ),
    });
    draw(&contest.path, &bars.collect::<Vec<_>>())
}

pub(super) fn figures(figures: &Figures) -> String {
    let bars = figures.figures.iter().map(|(name, value)| Bar {
        name,
        value: *value,
        upper: *value,
        label: amount(*value, &figures.unit),
    });
    draw(&figures.path, &bars.collect::<Vec<_>>())
}

const ROW: f64 = 22.0;
const NAMES: f64 = 230.0;
const BARS: f64 = 420.0;
const LABELS: f64 = 190.0;

fn draw(title: &str, bars: &[Bar<'_>]) -> String {
    let longest = bars
        .iter()
        .map(|bar| bar.value)
        .fold(f64::MIN_POSITIVE, f64::max);
    let rows: String = bars
        .iter()
        .zip(0u32..)
        .map(|(bar, place)| bar.draw(f64::from(place) * ROW, longest))
        .collect();
    let (title, width, height) = (
        escape(title),
        NAMES + BARS + LABELS,
        ROW * bars.len() as f64,
    );
    format!(
        "<figure><figcaption>{title}</figcaption><svg viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"{title}\">{rows}</svg></figure>\n"
    )
}

impl Bar<'_> {
    fn draw(&self, top: f64, longest: f64) -> String {
        let place = |value: f64| NAMES + (value / longest * BARS).clamp(1.0, BARS + 15.0);
        let (end, upper) = (place(self.value), place(self.upper));
        let class = if self.name.contains("boltguard") {
            "own"
        } else {
            "other"
        };
        let (middle, baseline) = (top + ROW / 2.0, top + ROW / 2.0 + 4.0);
        format!(
            "<text class=\"name\" x=\"{}\" y=\"{baseline}\">{}</text>\
             <rect class=\"{class}\" x=\"{NAMES}\" y=\"{}\" width=\"{:.1}\" height=\"{}\"/>\
             <line x1=\"{end:.1}\" x2=\"{upper:.1}\" y1=\"{middle}\" y2=\"{middle}\"/>\
             <text x=\"{:.1}\" y=\"{baseline}\">{}</text>",
            NAMES - 8.0,
            escape(self.name),
            top + 4.0,
            end - NAMES,
            ROW - 8.0,
            upper.max(end) + 6.0,
            escape(&self.label),
        )
    }
}
