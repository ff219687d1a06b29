//! Just enough of a command line parser.

use std::str::FromStr;

use crate::failure::{Failure, Result};

/// The words after the command's name; each reader takes what it knows.
#[derive(Debug)]
pub(crate) struct Args {
    left: Vec<String>,
}

impl Args {
    pub(crate) fn new(words: Vec<String>) -> Self {
        Self { left: words }
    }

    /// Takes `--name`, and says whether it was there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.left.len();
        self.left.retain(|word| word != name);
        self.left.len() < before
    }

    /// Takes `--name VALUE` or `--name=VALUE`; `meaning` tells what a value is, for the error message.
    pub(crate) fn value<T: FromStr>(&mut self, name: &str, meaning: &str) -> Result<Option<T>> {
        let Some(text) = self.take(name, meaning)? else {
            return Ok(None);
        };
        let wrong = || Failure::usage(format!("{name} takes {meaning}, not `{text}`"));
        text.parse().map(Some).map_err(|_| wrong())
    }

    /// The words that are no options; refuses options that nobody took.
    pub(crate) fn names(self) -> Result<Vec<String>> {
        match self.left.iter().find(|word| word.starts_with('-')) {
            Some(word) => Err(unknown(word)),
            None => Ok(self.left),
        }
    }

    /// Refuses whatever nobody took.
    pub(crate) fn finish(self) -> Result {
        self.left.first().map_or(Ok(()), |word| Err(unknown(word)))
    }

    fn take(&mut self, name: &str, meaning: &str) -> Result<Option<String>> {
        let is_it = |word: &String| {
            word == name
                || word
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with('='))
        };
        let Some(place) = self.left.iter().position(is_it) else {
            return Ok(None);
        };
        let word = self.left.remove(place);
        if let Some((_, value)) = word.split_once('=') {
            return Ok(Some(value.to_owned()));
        }
        if place == self.left.len() {
            return Err(Failure::usage(format!("{name} takes {meaning}")));
        }
        Ok(Some(self.left.remove(place)))
    }
}

fn unknown(word: &str) -> Failure {
    Failure::usage(format!("unexpected `{word}`"))
        .remedy("the same command with --help tells what it takes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> Args {
        Args::new(text.split_whitespace().map(String::from).collect())
    }

    #[test]
    fn a_value_follows_its_option_or_an_equals_sign() {
        for text in ["--port 8001 --check", "--check --port=8001"] {
            let mut args = args(text);
            assert_eq!(args.value::<u16>("--port", "a number").unwrap(), Some(8001));
            assert!(args.flag("--check"));
            assert!(!args.flag("--check"));
            args.finish().unwrap();
        }
    }

    #[test]
    fn a_missing_or_wrong_value_says_what_it_should_be() {
        for text in ["--port", "--port x", "--port="] {
            let failure = args(text).value::<u16>("--port", "a number").unwrap_err();
            assert!(failure.what().contains("a number"), "{text}: {failure}");
        }
    }

    #[test]
    fn what_nobody_took_is_refused() {
        assert!(args("--chek").finish().is_err());
        assert!(args("jwt --chek").names().is_err());
        assert_eq!(args("jwt header").names().unwrap(), ["jwt", "header"]);
    }
}
