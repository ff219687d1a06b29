//! A recursive descent parser for guards, with a limited depth.

use std::str::FromStr;

use boltguard_grants::{ClaimTest, ClaimValue, FreshAuth};
use boltguard_types::Permission;

use super::cursor::Cursor;
use super::error::{Expected, ParseErrorKind, ParseGuardError};
use crate::{Guard, GuardError};

impl FromStr for Guard {
    type Err = ParseGuardError;

    fn from_str(source: &str) -> Result<Self, ParseGuardError> {
        if source.len() > Self::MAX_LENGTH {
            return Err(ParseGuardError::new(ParseErrorKind::TooLarge, source, 0));
        }
        let mut parser = Parser {
            cursor: Cursor::new(source),
            depth: 0,
            atoms: 0,
        };
        let guard = parser.any()?;
        if !parser.cursor.is_at_end() {
            return Err(parser.unexpected(Expected::End));
        }
        if guard.depth() > Self::MAX_DEPTH {
            return Err(ParseGuardError::new(ParseErrorKind::TooDeep, source, 0));
        }
        Ok(guard)
    }
}

struct Parser<'t> {
    cursor: Cursor<'t>,
    depth: usize,
    atoms: usize,
}

type Parsed<T> = Result<T, ParseGuardError>;

impl Parser<'_> {
    fn any(&mut self) -> Parsed<Guard> {
        let mut guard = self.all()?;
        while self.operator('|', "||", "|")? {
            guard = guard | self.all()?;
        }
        Ok(guard)
    }

    fn all(&mut self) -> Parsed<Guard> {
        let mut guard = self.one()?;
        while self.operator('&', "&&", "&")? {
            guard = guard & self.one()?;
        }
        Ok(guard)
    }

    fn operator(&mut self, token: char, doubled: &str, operator: &'static str) -> Parsed<bool> {
        if self.cursor.rest().starts_with(doubled) {
            return Err(self.cursor.error(ParseErrorKind::ForeignOperator(operator)));
        }
        Ok(self.cursor.take(token))
    }

    fn one(&mut self) -> Parsed<Guard> {
        let mut negated = false;
        while self.cursor.take('~') {
            negated = !negated;
        }
        let guard = if self.cursor.rest().starts_with('(') {
            self.parenthesis()?
        } else {
            self.atom()?
        };
        Ok(if negated { !guard } else { guard })
    }

    fn parenthesis(&mut self) -> Parsed<Guard> {
        if self.depth == Guard::MAX_DEPTH {
            return Err(self.cursor.error(ParseErrorKind::TooDeep));
        }
        self.depth += 1;
        self.cursor.expect('(', Expected::Opening)?;
        let guard = self.any()?;
        if !self.cursor.take(')') {
            return Err(self.unexpected(Expected::Within));
        }
        self.depth -= 1;
        Ok(guard)
    }

    fn atom(&mut self) -> Parsed<Guard> {
        let start = self.cursor.at();
        let word = self.cursor.word();
        self.count(start)?;
        match word {
            "admin" => Ok(Guard::admin()),
            "all_perms" => self.permissions(Guard::all_permissions),
            "allow_any" | "anyone" => Ok(Guard::allow_any()),
            "any_perm" => self.permissions(Guard::any_permission),
            "any_role" => self.roles(),
            "authenticated" => Ok(Guard::authenticated()),
            "check" => self.named(Guard::check),
            "claim" => self.claim(),
            "deny_all" => Ok(Guard::deny_all()),
            "fresh_auth" => self.fresh_auth(),
            "perm" => self.permission(),
            "role" => self.named(Guard::role),
            "scope" => self.named(Guard::scope),
            "staff" => Ok(Guard::staff()),
            "via" => self.named(Guard::via_backend),
            "" => Err(self.unexpected(Expected::Guard)),
            unknown => {
                let kind = foreign(unknown)
                    .unwrap_or_else(|| ParseErrorKind::UnknownAtom(similar(unknown)));
                Err(self.cursor.error_at(kind, start))
            }
        }
    }

    /// Counts an atom, and rejects the guard if there are too many.
    fn count(&mut self, start: usize) -> Parsed<()> {
        self.atoms += 1;
        if self.atoms > Guard::MAX_ATOMS {
            return Err(self.cursor.error_at(ParseErrorKind::TooLarge, start));
        }
        Ok(())
    }

    fn named(&mut self, build: impl Fn(&str) -> Result<Guard, GuardError>) -> Parsed<Guard> {
        self.cursor.expect('(', Expected::Opening)?;
        let start = self.cursor.at();
        let name = self.cursor.string()?;
        let guard = build(&name)
            .map_err(|error| self.cursor.error_at(ParseErrorKind::Argument(error), start))?;
        self.cursor.expect(')', Expected::Closing)?;
        Ok(guard)
    }

    fn permission(&mut self) -> Parsed<Guard> {
        self.cursor.expect('(', Expected::Opening)?;
        let permission = self.permission_name()?;
        self.cursor.expect(')', Expected::Closing)?;
        Ok(Guard::permission(permission))
    }

    fn permissions(
        &mut self,
        build: impl Fn(Vec<Permission>) -> Result<Guard, GuardError>,
    ) -> Parsed<Guard> {
        self.list(Self::permission_name, build)
    }

    fn roles(&mut self) -> Parsed<Guard> {
        self.list(Self::role, Guard::any)
    }

    fn role(&mut self) -> Parsed<Guard> {
        let start = self.cursor.at();
        let name = self.cursor.string()?;
        Guard::role(&name)
            .map_err(|error| self.cursor.error_at(ParseErrorKind::Argument(error), start))
    }

    /// Reads the arguments of an atom that stands for several, each of which counts.
    fn list<T>(
        &mut self,
        read: impl Fn(&mut Self) -> Parsed<T>,
        build: impl Fn(Vec<T>) -> Result<Guard, GuardError>,
    ) -> Parsed<Guard> {
        self.cursor.expect('(', Expected::Opening)?;
        let start = self.cursor.at();
        let mut names = vec![read(self)?];
        while self.cursor.take(',') {
            let start = self.cursor.at();
            names.push(read(self)?);
            self.count(start)?;
        }
        self.cursor.expect(')', Expected::Rest)?;
        build(names).map_err(|error| self.cursor.error_at(ParseErrorKind::Argument(error), start))
    }

    fn permission_name(&mut self) -> Parsed<Permission> {
        let start = self.cursor.at();
        let name = self.cursor.string()?;
        Permission::new(&name).map_err(|error| {
            self.cursor
                .error_at(ParseErrorKind::Permission(error), start)
        })
    }

    fn fresh_auth(&mut self) -> Parsed<Guard> {
        self.cursor.expect('(', Expected::Opening)?;
        let start = self.cursor.at();
        let max_age = u32::try_from(self.cursor.integer()?).unwrap_or(0);
        let mut required = FreshAuth::new(max_age);
        if self.cursor.take(',') {
            required = required.with_acr(self.acr()?);
        }
        self.cursor.expect(')', Expected::Rest)?;
        Guard::fresh_auth(required)
            .map_err(|error| self.cursor.error_at(ParseErrorKind::Argument(error), start))
    }

    fn acr(&mut self) -> Parsed<Vec<String>> {
        let start = self.cursor.at();
        if self.cursor.word() != "acr" {
            let kind = ParseErrorKind::Expected(Expected::Acr);
            return Err(self.cursor.error_at(kind, start));
        }
        self.cursor.expect('=', Expected::Assignment)?;
        self.cursor.expect('[', Expected::List)?;
        let mut values = vec![self.cursor.string()?];
        while self.cursor.take(',') {
            values.push(self.cursor.string()?);
        }
        self.cursor.expect(']', Expected::ListRest)?;
        Ok(values)
    }

    fn claim(&mut self) -> Parsed<Guard> {
        self.cursor.expect('(', Expected::Opening)?;
        let start = self.cursor.at();
        let mut test = ClaimTest::new(self.cursor.string()?);
        while self.cursor.take(',') {
            test = self.claim_list(test)?;
        }
        self.cursor.expect(')', Expected::Rest)?;
        Guard::claim(test)
            .map_err(|error| self.cursor.error_at(ParseErrorKind::Argument(error), start))
    }

    fn claim_list(&mut self, test: ClaimTest) -> Parsed<ClaimTest> {
        let start = self.cursor.at();
        let name = self.cursor.word();
        let (values, build): (_, fn(ClaimTest, Vec<ClaimValue>) -> ClaimTest) = match name {
            "all" => (test.required_all(), ClaimTest::all_of),
            "any" => (test.required_any(), ClaimTest::any_of),
            "none" => (test.forbidden(), ClaimTest::none_of),
            _ => {
                return Err(self
                    .cursor
                    .error_at(ParseErrorKind::Expected(Expected::ListName), start));
            }
        };
        if !values.is_empty() {
            return Err(self.cursor.error_at(ParseErrorKind::Repeated, start));
        }
        self.cursor.expect('=', Expected::Assignment)?;
        let values = self.values()?;
        Ok(build(test, values))
    }

    fn values(&mut self) -> Parsed<Vec<ClaimValue>> {
        self.cursor.expect('[', Expected::List)?;
        let mut values = vec![self.value()?];
        while self.cursor.take(',') {
            values.push(self.value()?);
        }
        self.cursor.expect(']', Expected::ListRest)?;
        Ok(values)
    }

    fn value(&mut self) -> Parsed<ClaimValue> {
        let start = self.cursor.at();
        match self.cursor.rest().chars().next() {
            Some('"' | '\'') => Ok(ClaimValue::String(self.cursor.string()?.into())),
            Some('-' | '0'..='9') => Ok(ClaimValue::Integer(self.cursor.integer()?)),
            _ => match self.cursor.word() {
                "true" => Ok(ClaimValue::Bool(true)),
                "false" => Ok(ClaimValue::Bool(false)),
                _ => Err(self
                    .cursor
                    .error_at(ParseErrorKind::Expected(Expected::Value), start)),
            },
        }
    }

    /// Returns an error for the next token, which suggests the correct operator if it is one of another language.
    fn unexpected(&self, expected: Expected) -> ParseGuardError {
        let token = if self.cursor.rest().starts_with('!') {
            "!"
        } else {
            self.cursor.next_word()
        };
        self.cursor
            .error(foreign(token).unwrap_or(ParseErrorKind::Expected(expected)))
    }
}

fn foreign(token: &str) -> Option<ParseErrorKind> {
    let found = FOREIGN.iter().find(|(foreign, _)| *foreign == token);
    found.map(|(_, operator)| ParseErrorKind::ForeignOperator(operator))
}

/// Returns the atom that is most similar to `word`, which can be the name of a Python class, with at most two edits.
fn similar(word: &str) -> Option<&'static str> {
    if word.len() > 20 {
        return None;
    }
    let word = word.trim_start_matches("Is").to_ascii_lowercase();
    let near = ATOMS
        .iter()
        .map(|atom| (distance(&word, atom), *atom))
        .filter(|(distance, _)| *distance <= 2);
    near.min().map(|(_, atom)| atom)
}

/// Returns the Levenshtein distance of two strings, in bytes.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, a) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = number + 1;
        for (column, b) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

impl Guard {
    /// The maximum nesting depth of operators, when parsing and when compiling.
    pub const MAX_DEPTH: usize = 64;
    /// The maximum number of atoms, including each permission of a list, when parsing and when compiling.
    pub const MAX_ATOMS: usize = 1_000;
    /// The maximum length of the string of a guard, in bytes, when parsing and when compiling.
    pub const MAX_LENGTH: usize = 64 * 1024;
}

/// Operators of other languages, with the operators to use instead.
const FOREIGN: &[(&str, &str)] = &[
    ("!", "~"),
    ("and", "&"),
    ("AND", "&"),
    ("not", "~"),
    ("NOT", "~"),
    ("or", "|"),
    ("OR", "|"),
];

const ATOMS: &[&str] = &[
    "admin",
    "all_perms",
    "allow_any",
    "any_perm",
    "any_role",
    "anyone",
    "authenticated",
    "check",
    "claim",
    "deny_all",
    "fresh_auth",
    "perm",
    "role",
    "scope",
    "staff",
    "via",
];
