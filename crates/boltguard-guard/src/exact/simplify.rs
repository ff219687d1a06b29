//! Shorter guards that answer alike.

use super::TooManyAtoms;
use super::cover::{Product, cover};
use super::table::Table;
use super::worlds::Worlds;
use crate::guard::{Join, Op};
use crate::{Atom, Guard};

impl Guard {
    /// A guard that answers alike for every caller, as [`is_equivalent`](Self::is_equivalent) has it, and has no part
    /// that could be left out. It is never longer; it need not be the shortest there is.
    ///
    /// ```
    /// use boltguard_guard::Guard;
    ///
    /// let guard: Guard = r#"authenticated & (staff | (staff & admin)) & ~(perm("a") & ~perm("a"))"#.parse()?;
    /// assert_eq!(guard.simplify()?, Guard::staff());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`TooManyAtoms`] if the guard has more than [`EXACT_ATOMS`](Self::EXACT_ATOMS) distinct atoms, or more than
    /// [`MAX_ATOMS`](Self::MAX_ATOMS) in all.
    pub fn simplify(&self) -> Result<Self, TooManyAtoms> {
        if self.is_constant() {
            return Ok(self.clone());
        }
        if self.atoms().count() > Self::MAX_ATOMS {
            return Err(TooManyAtoms(()));
        }
        let worlds = Worlds::of(&[self])?;
        let table = worlds.table(self);
        if worlds.implies(&worlds.constant(true), &table) {
            return Ok(Self::authenticated());
        }
        if worlds.implies(&table, &worlds.constant(false)) {
            return Ok(!Self::authenticated());
        }
        Ok(shortest(&worlds, &table, Form::of(self, &worlds)).guard(&worlds))
    }
}

/// The shortest of: the guard itself, a sum of products, a product of sums; nothing superfluous in any.
fn shortest(worlds: &Worlds<'_>, table: &Table, written: Form) -> Form {
    let variables = worlds.atoms().len();
    let impossible = !worlds.possible().clone();
    let products = |table: &Table| {
        let required = table.clone() & worlds.possible();
        Form::sum(cover(
            &required,
            &(required.clone() | &impossible),
            variables,
        ))
    };
    let longest = written.size();
    let others = [products(table), products(&!table.clone()).negated()];
    let forms = [written]
        .into_iter()
        .chain(others.into_iter().filter(|form| form.size() < longest));
    let forms = forms.map(|form| form.pruned(worlds, table));
    forms
        .min_by_key(Form::size)
        .unwrap_or(Form::Constant(false))
}

/// A guard whose negations are all at its atoms.
#[derive(Clone, Debug)]
enum Form {
    Constant(bool),
    Join(Join, Vec<Form>),
    Literal(usize, bool),
}

impl Form {
    fn of(guard: &Guard, worlds: &Worlds<'_>) -> Self {
        let mut stack: Vec<Self> = Vec::new();
        for op in &guard.ops {
            let form = match op {
                Op::Atom(atom) => match worlds.atoms().iter().position(|known| *known == atom) {
                    Some(number) => Self::Literal(number, true),
                    None => Self::Constant(*atom != Atom::DenyAll),
                },
                Op::Not => stack.pop().unwrap_or(Self::Constant(true)).negated(),
                Op::Join(join, count) => {
                    Self::join(*join, stack.split_off(stack.len() - *count as usize))
                }
            };
            stack.push(form);
        }
        stack.pop().unwrap_or(Self::Constant(false))
    }

    fn sum(products: Vec<Product>) -> Self {
        let product = |literals: Product| {
            let literals = literals
                .into_iter()
                .map(|(number, sign)| Self::Literal(number, sign));
            Self::join(Join::All, literals.collect())
        };
        Self::join(Join::Any, products.into_iter().map(product).collect())
    }

    /// Joins forms, taking those of the same kind apart.
    fn join(join: Join, forms: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(forms.len());
        for form in forms {
            match form {
                Self::Join(kind, mut inner) if kind == join => flat.append(&mut inner),
                other => flat.push(other),
            }
        }
        match (flat.len(), flat.pop()) {
            (1, Some(only)) => only,
            (_, None) => Self::Constant(join == Join::All),
            (_, Some(last)) => {
                flat.push(last);
                Self::Join(join, flat)
            }
        }
    }

    fn negated(self) -> Self {
        match self {
            Self::Constant(value) => Self::Constant(!value),
            Self::Join(join, forms) => {
                Self::Join(join.dual(), forms.into_iter().map(Self::negated).collect())
            }
            Self::Literal(number, sign) => Self::Literal(number, !sign),
        }
    }

    /// How many atoms it has.
    fn size(&self) -> usize {
        match self {
            Self::Constant(_) | Self::Literal(..) => 1,
            Self::Join(_, forms) => forms.iter().map(Self::size).sum(),
        }
    }

    fn table(&self, worlds: &Worlds<'_>) -> Table {
        match self {
            Self::Constant(value) => worlds.constant(*value),
            Self::Join(join, forms) => {
                worlds.join(*join, forms.iter().map(|form| form.table(worlds)))
            }
            Self::Literal(number, true) => worlds.variable(*number),
            Self::Literal(number, false) => !worlds.variable(*number),
        }
    }

    /// Leaves out, larger parts first, whatever changes nothing.
    fn pruned(mut self, worlds: &Worlds<'_>, table: &Table) -> Self {
        loop {
            let before = self.size();
            let mut number = 1;
            while let Some(shorter) = self.without(number) {
                if worlds.agree(&shorter.table(worlds), table) {
                    self = shorter;
                } else {
                    number += 1;
                }
            }
            if self.size() == before {
                return self;
            }
        }
    }

    /// The form without its part of this number, itself being 0, or `None` past the last.
    fn without(&self, number: usize) -> Option<Self> {
        let mut left = number;
        let shorter = self.drop_part(&mut left);
        (left == 0).then_some(shorter)
    }

    /// Counts down over the parts inside and drops the one at which it gets to nothing.
    fn drop_part(&self, left: &mut usize) -> Self {
        let Self::Join(join, forms) = self else {
            return self.clone();
        };
        let mut kept = Vec::with_capacity(forms.len());
        for form in forms {
            match *left {
                0 => kept.push(form.clone()),
                1 => *left = 0,
                _ => {
                    *left -= 1;
                    kept.push(form.drop_part(left));
                }
            }
        }
        Self::join(*join, kept)
    }

    fn guard(self, worlds: &Worlds<'_>) -> Guard {
        match self {
            Self::Constant(true) => Guard::authenticated(),
            Self::Constant(false) => !Guard::authenticated(),
            Self::Literal(number, sign) => {
                let atom = Guard::from(worlds.atoms()[number].clone());
                if sign { atom } else { !atom }
            }
            Self::Join(join, forms) => {
                let guards = forms.into_iter().map(|form| form.guard(worlds));
                let joined = match join {
                    Join::All => Guard::all(guards),
                    Join::Any => Guard::any(guards),
                };
                joined.unwrap_or_else(|_| Guard::deny_all())
            }
        }
    }
}
