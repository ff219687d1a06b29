//! The number of each verdict of a library.

use boltguard_testing::conformance::{Row, Verdict};

/// The verdicts of a library, compared with the expected ones.
pub(crate) struct Tally {
    name: &'static str,
    same: usize,
    accepted: Different,
    rejected: Different,
    other_claims: usize,
    /// The rows with another verdict, one per line.
    differences: String,
}

/// The verdicts that differ in one direction.
#[derive(Default)]
struct Different {
    all: usize,
    /// Those that an RFC permits.
    permitted: usize,
    /// Those that require an algorithm or a setting that the library doesn't have.
    lacking: usize,
}

impl Tally {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            same: 0,
            accepted: Different::default(),
            rejected: Different::default(),
            other_claims: 0,
            differences: String::new(),
        }
    }

    /// Adds a verdict. `lacks` is whether the library doesn't have an algorithm or a setting of the row.
    pub(crate) fn add(&mut self, row: &Row, verdict: Verdict, lacks: bool) {
        match verdict {
            Verdict::Same => {
                self.same += 1;
                return;
            }
            Verdict::Accepted => self.accepted.add(row, lacks),
            Verdict::Rejected => self.rejected.add(row, lacks),
            Verdict::OtherClaims => self.other_claims += 1,
        }
        let (name, id, reason) = (self.name, &row.id, &row.reason);
        self.differences += &format!("{name}\t{verdict:?}\t{id}\t{lacks}\t{reason}\n");
    }

    pub(crate) fn is_perfect(&self) -> bool {
        self.differences.is_empty()
    }

    pub(crate) fn differences(&self) -> String {
        self.differences.clone()
    }
}

impl Different {
    fn add(&mut self, row: &Row, lacks: bool) {
        self.all += 1;
        if lacks {
            self.lacking += 1;
        } else if row.is_policy() {
            self.permitted += 1;
        }
    }
}

/// Returns a Markdown table.
pub(crate) fn table(tallies: &[Tally]) -> String {
    let mut lines = vec![HEAD.to_owned(), RULE.to_owned()];
    lines.extend(tallies.iter().map(|tally| {
        let (accepted, rejected) = (&tally.accepted, &tally.rejected);
        format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            tally.name,
            tally.same,
            accepted.all,
            accepted.lacking,
            accepted.permitted,
            rejected.all,
            rejected.lacking,
            tally.other_claims,
        )
    }));
    lines.join("\n")
}

const HEAD: &str = "| library | same verdict | wrongly accepted | of which: no setting | of which: permitted by an RFC \
                    | wrongly rejected | of which: no setting or algorithm | other claims |";
const RULE: &str = "| --- | --- | --- | --- | --- | --- | --- | --- |";
