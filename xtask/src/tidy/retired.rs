//! Words that this project no longer uses, and what replaces them.
//!
//! To retire a word, remove its last use and add a line to [`WORDS`]. Lower case matches any case; a `*` at the end
//! matches any ending.

use super::Finding;
use super::sources::Source;

/// Where a word is not used any more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In all lines of all files.
    Anywhere,
    /// In Markdown and HTML, comments, doc comments and docstrings. The word may still be a name in code.
    Prose,
}

use Place::{Anywhere, Prose};

#[rustfmt::skip]
const WORDS: &[(Place, &str, &str)] = &[
    (Anywhere, "add_follower", "add_observer"),
    (Anywhere, "admit_kept", "admit_cached"),
    (Anywhere, "Answers", "CheckResults"),
    (Anywhere, "ANSWERS", "HANDLED_EXCEPTIONS"),
    (Anywhere, "Ask", "Undetermined"),
    (Anywhere, "asks_claim", "mentions_claim"),
    (Anywhere, "asks_no_grants", "has_no_grants"),
    (Anywhere, "at most so often", "at most once per"),
    (Anywhere, "check of your own", "custom check"),
    (Anywhere, "clockwork", "schedule"),
    (Anywhere, "cooled", "cooldown_until"),
    (Anywhere, "disguise*", "key_material"),
    (Anywhere, "entry_until", "retain_until"),
    (Anywhere, "Facts", "PrincipalView"),
    (Anywhere, "FetchTurn", "FetchPermit"),
    (Anywhere, "Flight", "Fetch"),
    (Anywhere, "Follower", "KeyObserver"),
    (Anywhere, "Gatekeeper", "ViewGate"),
    (Anywhere, "gave no answer", "is unavailable"),
    (Anywhere, "has not got", "doesn't have"),
    (Anywhere, "have not got", "don't have"),
    (Anywhere, "held_for", "grants_for"),
    (Anywhere, "is_flying", "in_flight"),
    (Anywhere, "KeptClaims", "CachedClaims"),
    (Anywhere, "KeptToken", "CachedToken"),
    (Anywhere, "KnownKeys", "ApiKeySource"),
    (Anywhere, "lacks_key_of", "may_verify_with_missing_key"),
    (Anywhere, "lapses", "expires"),
    (Anywhere, "let it be", "leave it unchanged"),
    (Anywhere, "MARGIN", "CLOCK_SKEW_MARGIN"),
    (Anywhere, "MAX_TEXT", "MAX_LENGTH"),
    (Anywhere, "may_open", "may_allow"),
    (Anywhere, "misses_keys", "keys_unavailable"),
    (Anywhere, "names_key_of", "knows_kid_of"),
    (Anywhere, "no answer", "unavailable"),
    (Anywhere, "NoAnswer", "FetchError"),
    (Anywhere, "nobody", "no one, or anonymous"),
    (Anywhere, "not_an_answer", "invalid_response_error"),
    (Anywhere, "note_claim", "record_claim"),
    (Anywhere, "note_use", "record_use"),
    (Anywhere, "NotGrants", "Unattainable"),
    (Anywhere, "OnStoreError", "StoreFailurePolicy"),
    (Anywhere, "opens_to_anonymous", "allows_anonymous"),
    (Anywhere, "patience", "lock_timeout"),
    (Anywhere, "Quotes", "QuoteIndex"),
    (Anywhere, "read_usual", "read_common"),
    (Anywhere, "requiring_only", "with_required"),
    (Anywhere, "reroll*", "rotate"),
    (Anywhere, "Sealed", "a standard term"),
    (Anywhere, "Settled", "Evaluated"),
    (Anywhere, "Survey", "ByteClasses"),
    (Anywhere, "take_off", "begin"),
    (Anywhere, "telling", "informative"),
    (Anywhere, "to be had", "available"),
    (Anywhere, "unless asked to", "unless configured otherwise"),
    (Anywhere, "usual_headers", "common_headers"),
    (Anywhere, "vouch_for_anything", "assume_verified"),
    (Anywhere, "Wanted", "Requirements"),
    (Anywhere, "WantedIdentity", "Requirements"),
    (Anywhere, "WantId", "RequirementId"),
    (Anywhere, "what answers", "the request handler"),
    (Anywhere, "what is shown", "the credentials"),
    (Anywhere, "what was sent", "the credentials"),
    (Anywhere, "with less ado", "more simply"),
    (Prose, "a text", "a string"),
    (Prose, "anybody", "any caller, or anyone"),
    (Prose, "are told", "receive"),
    (Prose, "as text", "as a string"),
    (Prose, "ask for", "require"),
    (Prose, "asks for", "requires"),
    (Prose, "by heart", "known in advance"),
    (Prose, "by name", "explicitly, or in the order of names"),
    (Prose, "everybody", "everyone"),
    (Prose, "for good", "permanently"),
    (Prose, "in force", "current"),
    (Prose, "is asked", "is called, or is queried"),
    (Prose, "is no", "isn't a, or doesn't have"),
    (Prose, "is over", "has passed"),
    (Prose, "is said", "is reported"),
    (Prose, "is told", "receives"),
    (Prose, "knows nothing", "doesn't support"),
    (Prose, "leave out", "omit"),
    (Prose, "left out", "omitted"),
    (Prose, "lets in", "allows"),
    (Prose, "lets through", "accepts"),
    (Prose, "lives", "stays valid, or is in"),
    (Prose, "lives on", "stays valid"),
    (Prose, "of its own", "its own, or separate"),
    (Prose, "of one's own", "custom"),
    (Prose, "of ours", "the specific owner"),
    (Prose, "of their own", "their own, or separate"),
    (Prose, "of your own", "custom"),
    (Prose, "outlives", "stays valid after"),
    (Prose, "passed over", "ignored"),
    (Prose, "said aloud", "reported"),
    (Prose, "said by", "reported by"),
    (Prose, "somebody", "someone, or another user"),
    (Prose, "speaks", "supports"),
    (Prose, "stands in", "is in, or replaces"),
    (Prose, "taken for", "treated as"),
    (Prose, "tell apart", "distinguish"),
    (Prose, "tells apart", "distinguishes"),
    (Prose, "texts", "strings"),
    (Prose, "the text", "the string"),
    (Prose, "this text", "this string"),
    (Prose, "told apart", "distinguished"),
    (Prose, "twins", "sync and async variants"),
    (Prose, "unasked", "by default"),
    (Prose, "was told", "received"),
    (Prose, "were told", "received"),
    (Prose, "whoever", "the specific person or program"),
    (Prose, "whomever", "the specific person or program"),
    (Prose, "worlds", "truth assignments"),
];

/// The uses that stay: the word, the start of the path, and the reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("*", "xtask/src/tidy", "the rules contain the words"),
    ("nobody", "xtask/src/services", "the user of Unix systems"),
];

/// Longer phrases in which a word is correct.
const PHRASES: &[&str] = &["there is no", "is no longer"];

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    sources.iter().flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Finding> {
    let is_excepted = |word: &str| {
        let mut exceptions = EXCEPTIONS.iter();
        exceptions.any(|(own, path, _)| (*own == "*" || *own == word) && source.is_in(path))
    };
    let words = WORDS.iter().filter(|(_, word, _)| !is_excepted(word));
    let words: Vec<_> = words.collect();
    let mut is_docstring = false;
    let mut findings = Vec::new();
    for (number, line) in source.lines() {
        let is_prose = is_prose(source.ending(), line, &mut is_docstring);
        let lower = line.to_lowercase();
        for (place, word, instead) in &words {
            let is_lower = !word.contains(char::is_uppercase);
            let line = if is_lower { &lower } else { line };
            if (is_prose || *place == Anywhere) && contains(line, word) {
                let what = format!("\"{word}\" is not used any more; write \"{instead}\"");
                findings.push(Finding::new(format!("{}:{number}", source.path), what));
            }
        }
    }
    findings
}

/// Whether a line is text for people. `is_docstring` is whether it starts within a string of three quotes.
fn is_prose(ending: &str, line: &str, is_docstring: &mut bool) -> bool {
    let text = line.trim_start();
    match ending {
        "html" | "md" => true,
        "rs" => text.starts_with("//"),
        "py" | "pyi" => {
            let quotes = line.matches("\"\"\"").count();
            let was_docstring = *is_docstring;
            *is_docstring ^= quotes % 2 == 1;
            was_docstring || quotes > 0 || text.starts_with('#')
        }
        _ => text.starts_with('#'),
    }
}

/// Whether the word is in the line, not as a part of a longer one, and outside of [`PHRASES`].
fn contains(line: &str, word: &str) -> bool {
    let is_of_a_word = |c: char| c.is_alphanumeric() || c == '_';
    let stem = word.trim_end_matches('*');
    line.match_indices(stem).any(|(place, _)| {
        let (before, after) = (&line[..place], &line[place + stem.len()..]);
        let ends = stem != word || !after.starts_with(is_of_a_word);
        ends && !before.ends_with(is_of_a_word) && !is_in_phrase(line, place, stem)
    })
}

fn is_in_phrase(line: &str, place: usize, word: &str) -> bool {
    let phrases = PHRASES.iter().filter(|phrase| phrase.contains(word));
    phrases
        .flat_map(|phrase| line.match_indices(phrase))
        .any(|(start, phrase)| start <= place && place + word.len() <= start + phrase.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(path: &str, text: &str) -> usize {
        let (path, text) = (path.to_owned(), text.to_owned());
        check(&[Source { path, text }]).len()
    }

    #[test]
    fn retired_names_are_found_as_whole_words() {
        for text in [
            "struct Wanted;",
            "// of Wanted.",
            "let x = s.held_for(y);",
            "Rerolled",
        ] {
            assert_eq!(finds("crates/a/src/lib.rs", text), 1, "{text}");
        }
        for text in ["wanted", "UnWanted", "Wanteds", "in_flight", "upheld_for"] {
            assert_eq!(finds("crates/a/src/lib.rs", text), 0, "{text}");
        }
        assert_eq!(finds("xtask/src/tidy/retired.rs", "struct Wanted;"), 0);
    }

    #[test]
    fn retired_phrases_are_found_in_prose_only() {
        for (path, text) in [
            ("docs/a.md", "Known by heart."),
            ("crates/a/src/lib.rs", "    /// By heart."),
            (
                "a.py",
                "def f():\n    \"\"\"One.\n\n    By heart.\n    \"\"\"\n",
            ),
            ("a.py", "# by heart"),
            ("deny.toml", "# by heart"),
        ] {
            assert_eq!(finds(path, text), 1, "{path}: {text}");
        }
        for (path, text) in [
            ("crates/a/src/lib.rs", "let worlds = 3;"),
            (
                "a.py",
                "\"\"\"One.\"\"\"\nworlds = 3\n\"\"\"\nTwo.\n\"\"\"\nworlds = 3\n",
            ),
        ] {
            assert_eq!(finds(path, text), 0, "{path}: {text}");
        }
    }

    #[test]
    fn phrases_are_found_except_within_longer_ones() {
        for text in [
            "A header is no certificate.",
            "There is no header. It is no certificate.",
            "The claims as text.",
            "A text.",
            "Requires one of its own.",
            "Only checked if it is passed by name.",
            "Allows everybody.",
            "What is no string.",
        ] {
            assert_eq!(finds("docs/a.md", text), 1, "{text}");
        }
        for text in [
            "If there is no header.",
            "A key that is no longer configured.",
            "A JSON text.",
            "```text",
            "its own",
        ] {
            assert_eq!(finds("docs/a.md", text), 0, "{text}");
        }
    }

    #[test]
    fn words_are_allowed_where_an_exception_names_them() {
        let server = "xtask/src/services/server.rs";
        assert_eq!(finds(server, "// runs as `nobody`"), 0);
        assert_eq!(finds(server, "// whoever"), 1);
        assert_eq!(finds("a.py", "nobody = 1"), 1);
    }
}
