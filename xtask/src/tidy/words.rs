//! Rules for the lines of a single file.

use super::Finding;
use super::sources::Source;

/// The number of lines of a source file, with its tests, that causes a warning, and the number that is an error.
const LONG: usize = 450;
const TOO_LONG: usize = 600;

/// The maximum width of a comment. Rustfmt limits the width of code only.
const COLUMNS: usize = 120;

/// A rule over one file.
type Rule = fn(&Source) -> Vec<Finding>;

const RULES: [Rule; 5] = [columns, length, manifests, primitives, unfinished];

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    sources
        .iter()
        .flat_map(|source| RULES.iter().flat_map(move |rule| rule(source)))
        .collect()
}

fn columns(source: &Source) -> Vec<Finding> {
    let is_long = |line: &str| {
        let text = line.trim_start();
        (text.starts_with("//") || text.starts_with("# "))
            && line.chars().count() > COLUMNS
            && !text.contains("://")
    };
    match source.ending() {
        "rs" | "py" | "pyi" | "toml" => lines(
            source,
            is_long,
            &format!("a comment of more than {COLUMNS} columns"),
        ),
        _ => Vec::new(),
    }
}

fn length(source: &Source) -> Vec<Finding> {
    let count = source.text.lines().count();
    if !matches!(source.ending(), "rs" | "py") || source.is_test() || count <= LONG {
        return Vec::new();
    }
    let what = format!("{count} lines; more than {LONG} is long, more than {TOO_LONG} too long");
    vec![if count > TOO_LONG {
        Finding::new(&source.path, what)
    } else {
        Finding::warning(&source.path, what)
    }]
}

/// Every crate forbids unsafe code, through the lints of the workspace or its own.
fn manifests(source: &Source) -> Vec<Finding> {
    let is_manifest = source.path.ends_with("/Cargo.toml");
    let has_lints = source.text.contains("[lints]\nworkspace = true")
        || source.text.contains("unsafe_code = \"forbid\"");
    let what = "no `[lints] workspace = true`, and unsafe code is not forbidden";
    if is_manifest && !has_lints {
        vec![Finding::new(&source.path, what)]
    } else {
        Vec::new()
    }
}

/// Only one module uses the cryptographic libraries, apart from the benchmarks. `layers` checks the manifests.
fn primitives(source: &Source) -> Vec<Finding> {
    let may = [
        "benches",
        "crates/boltguard-keys/src/backend",
        "fuzz",
        RULES_OF_THE_HOUSE,
    ]
    .iter()
    .any(|place| source.is_in(place));
    if may || source.ending() != "rs" {
        return Vec::new();
    }
    code(
        source,
        names_a_primitive,
        "names a cryptographic primitive; only the backend module of boltguard-keys may",
    )
}

const PRIMITIVES: [&str; 6] = ["aws_lc_rs", "k256", "p256", "p384", "p521", "ring"];

fn names_a_primitive(line: &str) -> bool {
    PRIMITIVES.iter().any(|name| {
        line.match_indices(name).any(|(place, _)| {
            let (before, after) = (&line[..place], &line[place + name.len()..]);
            let is_import = before.ends_with("use ") || before.ends_with("crate ");
            is_import && !after.starts_with(is_of_a_word)
                || !before.ends_with(is_of_a_word) && after.starts_with("::")
        })
    })
}

fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn unfinished(source: &Source) -> Vec<Finding> {
    if source.is_in(RULES_OF_THE_HOUSE) {
        return Vec::new();
    }
    let mut findings = lines(source, is_unfinished, "is unfinished by its own words");
    findings.extend(lines(
        source,
        names_a_place,
        "names a place that only one machine has",
    ));
    findings.extend(lines(
        source,
        names_an_issue,
        "names an issue; say what the reason is",
    ));
    findings
}

fn is_unfinished(line: &str) -> bool {
    let marks = ["TODO", "FIXME", "XXX"];
    let has_macro = ["todo!(", "unimplemented!("]
        .iter()
        .any(|name| line.contains(name));
    has_macro || words(line).any(|word| marks.contains(&word))
}

fn names_a_place(line: &str) -> bool {
    let starts = line
        .match_indices('/')
        .filter(|(place, _)| !line[..*place].ends_with(is_of_a_path));
    let rests = starts.map(|(place, _)| line[place + 1..].split('/'));
    let homes = ["home", "Users", "root", "work"];
    rests.into_iter().any(|mut rest| {
        rest.next().is_some_and(|first| homes.contains(&first)) && rest.next().is_some()
    })
}

fn is_of_a_path(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '}' | '/' | '>')
}

fn names_an_issue(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.any(|word| word.eq_ignore_ascii_case("issue")) && words.next().is_some_and(is_number)
}

fn is_number(word: &str) -> bool {
    word.trim_start_matches('#')
        .starts_with(|c: char| c.is_ascii_digit())
}

/// Exempt from the rules about words, because it contains them.
const RULES_OF_THE_HOUSE: &str = "xtask/src/tidy";

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c| !is_of_a_word(c))
}

/// Findings in lines other than comments.
fn code(source: &Source, is_wrong: impl Fn(&str) -> bool, what: &str) -> Vec<Finding> {
    let is_comment =
        |line: &str| line.trim_start().starts_with("//") || line.trim_start().starts_with('#');
    lines(source, |line| !is_comment(line) && is_wrong(line), what)
}

fn lines(source: &Source, is_wrong: impl Fn(&str) -> bool, what: &str) -> Vec<Finding> {
    let wrong = source.lines().filter(|(_, line)| is_wrong(line));
    wrong
        .map(|(number, _)| Finding::new(format!("{}:{number}", source.path), what))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(path: &str, text: &str) -> Vec<String> {
        let source = Source {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        check(&[source]).iter().map(Finding::to_string).collect()
    }

    #[track_caller]
    fn assert_caught(path: &str, text: &str, what: &str) {
        let found = check_one(path, text);
        assert!(
            found.len() == 1 && found[0].contains(what),
            "{path}: {text}: {found:?}"
        );
    }

    #[track_caller]
    fn assert_fine(path: &str, text: &str) {
        assert_eq!(check_one(path, text), [""; 0], "{path}: {text}");
    }

    #[test]
    fn primitives_outside_the_backend_are_caught() {
        assert_caught(
            "crates/boltguard-jws/src/sign.rs",
            "\nuse ring::hmac;\n",
            "crates/boltguard-jws/src/sign.rs:2",
        );
        assert_caught(
            "bindings/python/src/key.rs",
            "let key = p521::SecretKey::random();",
            "primitive",
        );
        assert_caught(
            "crates/boltguard/src/lib.rs",
            "extern crate ring as primitives;",
            "primitive",
        );
        assert_caught(
            "crates/boltguard-keys/src/signing.rs",
            "use aws_lc_rs::signature;",
            "primitive",
        );
        assert_fine(
            "crates/boltguard-keys/src/backend/digest.rs",
            "use ring::hmac;",
        );
        assert_fine("benches/src/lib.rs", "use ring::hmac;");
        assert_fine(
            "crates/boltguard-jws/src/sign.rs",
            "//! Signs with what ring::hmac offers.\nlet p521 = keyring::get(ring);",
        );
    }

    #[test]
    fn a_manifest_that_leaves_the_lints_is_caught() {
        assert_caught(
            "crates/boltguard-jws/Cargo.toml",
            "[package]\nname = \"boltguard-jws\"\n",
            "unsafe",
        );
        assert_fine(
            "crates/boltguard-jws/Cargo.toml",
            "[lints]\nworkspace = true\n",
        );
        assert_fine(
            "fuzz/Cargo.toml",
            "[lints.rust]\nunsafe_code = \"forbid\"\n",
        );
    }

    #[test]
    fn long_files_are_warned_of_and_longer_ones_refused() {
        let of = |lines: usize| "x\n".repeat(lines);
        assert_fine("crates/a/src/lib.rs", &of(LONG));
        assert_caught("crates/a/src/lib.rs", &of(LONG + 1), "warning");
        assert_caught(
            "bindings/python/python/boltguard/auth.py",
            &of(TOO_LONG + 1),
            "error",
        );
        assert_fine("crates/a/tests/it/vectors.rs", &of(TOO_LONG + 1));
        assert_fine("docs/architecture.md", &of(TOO_LONG + 1));
    }

    #[test]
    fn a_long_comment_is_caught_unless_it_holds_an_address() {
        assert_caught(
            "crates/a/src/lib.rs",
            &format!("/// {}", "a ".repeat(60)),
            "columns",
        );
        assert_fine(
            "crates/a/src/lib.rs",
            &format!("/// <https://example.org/{}>", "a".repeat(120)),
        );
        assert_fine(
            "crates/a/src/lib.rs",
            &format!("const TOKEN: &str = \"{}\";", "a".repeat(200)),
        );
    }

    #[test]
    fn unfinished_work_is_caught() {
        for text in [
            "// TODO: later",
            "todo!()",
            "# FIXME",
            "unimplemented!(\"x\")",
        ] {
            assert_caught(
                "bindings/python/python/boltguard/auth.py",
                text,
                "unfinished",
            );
        }
        assert_fine("crates/a/src/lib.rs", "let todos = 1; // TODOS are many");
    }

    #[test]
    fn a_place_of_one_machine_is_caught() {
        for text in [
            "cd /home/ada/boltguard",
            "see \"/root/x\"",
            "`/Users/ada/x`",
            "(/work/x)",
        ] {
            assert_caught("docs/architecture.md", text, "one machine");
        }
        assert_fine(
            "docs/architecture.md",
            "path(\"api/home/\"), https://example.org/home/x, src/work/x, GET /home",
        );
    }

    #[test]
    fn an_issue_by_its_number_is_caught() {
        assert_caught("docs/architecture.md", "as Issue #12 asks", "issue");
        assert_caught("crates/a/src/lib.rs", "// see issue 3.", "issue");
        assert_fine(
            "docs/architecture.md",
            "an issue of 3 parts, issue tokens, 3 issues",
        );
    }
}
