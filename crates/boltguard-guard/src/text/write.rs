//! Formatting of guards.

use std::fmt::{self, Display, Write as _};

use boltguard_grants::{ClaimTest, ClaimValue, FreshAuth};

use crate::guard::{Join, Op};
use crate::{Atom, Guard};

/// Formats the guard as a string that [parses](std::str::FromStr) to an equal guard.
///
/// Nested operators are in parentheses, so that the precedence of `&` over `|` is irrelevant. A list that consists only
/// of permissions is written as `any_perm(…)` or `all_perms(…)`, and alternatives that are only roles as `any_role(…)`.
impl Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let starts = self.starts();
        let mut pending = vec![Piece::Guard {
            at: self.ops.len() - 1,
            inner: false,
        }];
        while let Some(piece) = pending.pop() {
            match piece {
                Piece::Literal(literal) => f.write_str(literal)?,
                Piece::Guard { at, inner } => self.piece(f, at, inner, &starts, &mut pending)?,
            }
        }
        Ok(())
    }
}

enum Piece {
    Guard { at: usize, inner: bool },
    Literal(&'static str),
}

impl Guard {
    /// Writes the start of a part, and adds the rest to `pending`.
    fn piece(
        &self,
        f: &mut fmt::Formatter<'_>,
        at: usize,
        inner: bool,
        starts: &[usize],
        pending: &mut Vec<Piece>,
    ) -> fmt::Result {
        match &self.ops[at] {
            Op::Atom(atom) => return atom.fmt(f),
            Op::Not => {
                f.write_char('~')?;
                pending.push(Piece::Guard {
                    at: at - 1,
                    inner: true,
                });
            }
            Op::Join(join, _) => {
                let operands = &self.ops[starts[at]..at];
                if let Some(function) = function(*join, operands) {
                    return names(f, function, operands);
                }
                if inner {
                    f.write_char('(')?;
                    pending.push(Piece::Literal(")"));
                }
                for (number, operand) in self.operands_reversed(at, starts).enumerate() {
                    if number > 0 {
                        pending.push(Piece::Literal(join.operator()));
                    }
                    pending.push(Piece::Guard {
                        at: operand,
                        inner: true,
                    });
                }
            }
        }
        Ok(())
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

/// Returns the function for a join of names of one kind, if there is one.
fn function(join: Join, ops: &[Op]) -> Option<&'static str> {
    let are = |is_kind: fn(&Atom) -> bool| {
        ops.iter()
            .all(|op| matches!(op, Op::Atom(atom) if is_kind(atom)))
    };
    let are_permissions = are(|atom| matches!(atom, Atom::Permission(_)));
    let are_roles = are(|atom| matches!(atom, Atom::Role(_)));
    match join {
        Join::All if are_permissions => Some("all_perms"),
        Join::Any if are_permissions => Some("any_perm"),
        Join::Any if are_roles => Some("any_role"),
        _ => None,
    }
}

fn names(f: &mut fmt::Formatter<'_>, function: &str, ops: &[Op]) -> fmt::Result {
    let names = ops.iter().filter_map(|op| match op {
        Op::Atom(Atom::Permission(permission)) => Some(permission.as_str()),
        Op::Atom(Atom::Role(role)) => Some(role),
        _ => None,
    });
    write!(f, "{function}(")?;
    list(f, names, quoted)?;
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
            Self::FreshAuth(required) => fresh_auth(f, required),
            Self::Permission(permission) => call(f, "perm", permission.as_str()),
            Self::Role(role) => call(f, "role", role),
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
            list(f, values, claim_value)?;
            f.write_char(']')?;
        }
    }
    f.write_char(')')
}

fn fresh_auth(f: &mut fmt::Formatter<'_>, required: &FreshAuth) -> fmt::Result {
    write!(f, "fresh_auth({}", required.max_age())?;
    if !required.acr().is_empty() {
        f.write_str(", acr=[")?;
        list(f, required.acr(), |f, value| quoted(f, value))?;
        f.write_char(']')?;
    }
    f.write_char(')')
}

fn claim_value(f: &mut fmt::Formatter<'_>, value: &ClaimValue) -> fmt::Result {
    match value {
        ClaimValue::Bool(value) => value.fmt(f),
        ClaimValue::Integer(value) => write!(f, "{value}"),
        ClaimValue::String(value) => quoted(f, value),
    }
}

fn list<T>(
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

/// Writes a JSON string in which invisible characters are escaped.
fn quoted(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in value.chars() {
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

/// Returns whether a character is invisible or changes how others are displayed, such as control characters and
/// direction marks.
pub(super) fn needs_escape(c: char) -> bool {
    !matches!(c, '"' | '\\' | '\'') && c.escape_debug().len() > 1
}
