//! Writes guards as text.

use std::fmt::{self, Display, Write as _};

use boltguard_grants::{ClaimTest, ClaimValue};

use crate::guard::{Join, Op};
use crate::{Atom, Guard};

/// The text form, which [parses](std::str::FromStr) back to an equal guard.
///
/// A list inside another stands in parentheses, so that nobody needs to know that `&` binds tighter than `|`. A list of
/// permissions alone is `any_perm(…)` or `all_perms(…)`.
impl Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let starts = self.starts();
        let mut todo = vec![Piece::Guard {
            at: self.ops.len() - 1,
            inner: false,
        }];
        while let Some(piece) = todo.pop() {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Guard { at, inner } => self.piece(f, at, inner, &starts, &mut todo)?,
            }
        }
        Ok(())
    }
}

enum Piece {
    Guard { at: usize, inner: bool },
    Text(&'static str),
}

impl Guard {
    /// Writes the beginning of a sub-guard and leaves the rest to do.
    fn piece(
        &self,
        f: &mut fmt::Formatter<'_>,
        at: usize,
        inner: bool,
        starts: &[usize],
        todo: &mut Vec<Piece>,
    ) -> fmt::Result {
        match &self.ops[at] {
            Op::Atom(atom) => return atom.fmt(f),
            Op::Not => {
                f.write_char('~')?;
                todo.push(Piece::Guard {
                    at: at - 1,
                    inner: true,
                });
            }
            Op::Join(join, _) if self.are_permissions(starts[at], at) => {
                return permissions(f, *join, &self.ops[starts[at]..at]);
            }
            Op::Join(join, _) => {
                if inner {
                    f.write_char('(')?;
                    todo.push(Piece::Text(")"));
                }
                for (number, operand) in self.operands_reversed(at, starts).enumerate() {
                    if number > 0 {
                        todo.push(Piece::Text(join.operator()));
                    }
                    todo.push(Piece::Guard {
                        at: operand,
                        inner: true,
                    });
                }
            }
        }
        Ok(())
    }

    fn are_permissions(&self, start: usize, end: usize) -> bool {
        self.ops[start..end]
            .iter()
            .all(|op| matches!(op, Op::Atom(Atom::Permission(_))))
    }
}

impl Join {
    fn operator(self) -> &'static str {
        match self {
            Self::All => " & ",
            Self::Any => " | ",
        }
    }
}

fn permissions(f: &mut fmt::Formatter<'_>, join: Join, ops: &[Op]) -> fmt::Result {
    let names = ops.iter().filter_map(|op| match op {
        Op::Atom(Atom::Permission(permission)) => Some(permission.as_str()),
        _ => None,
    });
    f.write_str(match join {
        Join::All => "all_perms(",
        Join::Any => "any_perm(",
    })?;
    listed(f, names, quoted)?;
    f.write_char(')')
}

impl Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin => f.write_str("admin"),
            Self::AllowAny => f.write_str("allow_any"),
            Self::Authenticated => f.write_str("authenticated"),
            Self::Check(name) => call(f, "check", name),
            Self::Claim(test) => claim(f, test),
            Self::DenyAll => f.write_str("deny_all"),
            Self::Permission(permission) => call(f, "perm", permission.as_str()),
            Self::Scope(scope) => call(f, "scope", scope),
            Self::Staff => f.write_str("staff"),
            Self::ViaBackend(name) => call(f, "via", name),
        }
    }
}

fn call(f: &mut fmt::Formatter<'_>, function: &str, argument: &str) -> fmt::Result {
    f.write_str(function)?;
    f.write_char('(')?;
    quoted(f, argument)?;
    f.write_char(')')
}

fn claim(f: &mut fmt::Formatter<'_>, test: &ClaimTest) -> fmt::Result {
    f.write_str("claim(")?;
    quoted(f, test.name())?;
    for (name, values) in [
        ("any", test.required_any()),
        ("all", test.required_all()),
        ("none", test.forbidden()),
    ] {
        if !values.is_empty() {
            write!(f, ", {name}=[")?;
            listed(f, values, scalar)?;
            f.write_char(']')?;
        }
    }
    f.write_char(')')
}

fn scalar(f: &mut fmt::Formatter<'_>, value: &ClaimValue) -> fmt::Result {
    match value {
        ClaimValue::Bool(value) => value.fmt(f),
        ClaimValue::Integer(value) => write!(f, "{value}"),
        ClaimValue::Text(text) => quoted(f, text),
    }
}

fn listed<T>(
    f: &mut fmt::Formatter<'_>,
    items: impl IntoIterator<Item = T>,
    write: impl Fn(&mut fmt::Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    for (number, item) in items.into_iter().enumerate() {
        if number > 0 {
            f.write_str(", ")?;
        }
        write(f, item)?;
    }
    Ok(())
}

/// Writes a JSON string in which everything can be seen.
fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            _ if needs_escape(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(f, "\\u{unit:04x}")?;
                }
            }
            _ => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

/// Whether a character would not be seen, or would change how its neighbours are: control characters, marks that turn
/// the direction of writing, and such.
pub(super) fn needs_escape(c: char) -> bool {
    !matches!(c, '"' | '\\' | '\'') && c.escape_debug().len() > 1
}
