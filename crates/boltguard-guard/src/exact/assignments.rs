//! The truth assignments of the callers that can exist.

use boltguard_grants::ClaimTest;

use super::TooManyAtoms;
use super::claims::possible;
use super::table::Table;
use crate::guard::{Join, Op};
use crate::{Atom, Guard};

/// The truth assignments to the atoms of some guards, for authenticated callers.
pub(super) struct Assignments<'g> {
    atoms: Vec<&'g Atom>,
    /// The assignments for which a caller can exist.
    possible: Table,
}

impl<'g> Assignments<'g> {
    pub(super) fn of(guards: &[&'g Guard]) -> Result<Self, TooManyAtoms> {
        let mut atoms: Vec<&Atom> = Vec::new();
        for atom in guards.iter().flat_map(|guard| guard.atoms()) {
            let fixed = matches!(atom, Atom::AllowAny | Atom::Authenticated | Atom::DenyAll);
            if !fixed && !atoms.contains(&atom) {
                atoms.push(atom);
            }
            if atoms.len() > Guard::EXACT_ATOMS {
                return Err(TooManyAtoms(()));
            }
        }
        let mut assignments = Self {
            possible: Table::constant(atoms.len(), true),
            atoms,
        };
        assignments.exclude_pairs();
        assignments.exclude_claims()?;
        Ok(assignments)
    }

    /// Returns the assignments for which the guard is true.
    pub(super) fn table(&self, guard: &Guard) -> Table {
        let mut stack: Vec<Table> = Vec::new();
        for op in &guard.ops {
            let value = match op {
                Op::Atom(atom) => self.atom(atom),
                Op::Not => !stack.pop().unwrap_or_else(|| self.constant(false)),
                Op::Join(join, count) => {
                    let operands = stack.drain(stack.len() - *count as usize..);
                    self.join(*join, operands)
                }
            };
            stack.push(value);
        }
        stack.pop().unwrap_or_else(|| self.constant(false))
    }

    pub(super) fn join(&self, join: Join, operands: impl Iterator<Item = Table>) -> Table {
        match join {
            Join::All => operands.fold(self.constant(true), |all, one| all & &one),
            Join::Any => operands.fold(self.constant(false), |any, one| any | &one),
        }
    }

    pub(super) fn variable(&self, number: usize) -> Table {
        Table::variable(self.atoms.len(), number)
    }

    pub(super) fn constant(&self, value: bool) -> Table {
        Table::constant(self.atoms.len(), value)
    }

    /// Returns whether `other` is true for every caller for whom `one` is true.
    pub(super) fn implies(&self, one: &Table, other: &Table) -> bool {
        (one.clone() & &!other.clone() & &self.possible).is_false()
    }

    /// Returns whether both are true for the same callers.
    pub(super) fn agree(&self, one: &Table, other: &Table) -> bool {
        self.implies(one, other) && self.implies(other, one)
    }

    fn atom(&self, atom: &Atom) -> Table {
        match self.atoms.iter().position(|known| *known == atom) {
            Some(number) => self.variable(number),
            None => self.constant(*atom != Atom::DenyAll),
        }
    }

    /// Excludes callers with two backends, with a strict authentication but not a less strict one, and with a scope but
    /// not the permission of the same name.
    fn exclude_pairs(&mut self) {
        for one in 0..self.atoms.len() {
            for other in 0..self.atoms.len() {
                let impossible = match (self.atoms[one], self.atoms[other]) {
                    (Atom::ViaBackend(_), Atom::ViaBackend(_)) if one < other => {
                        self.variable(other)
                    }
                    (Atom::FreshAuth(stricter), Atom::FreshAuth(weaker))
                        if one != other && stricter.implies(weaker) =>
                    {
                        !self.variable(other)
                    }
                    (Atom::Scope(scope), Atom::Permission(permission))
                        if **scope == *permission.as_str() =>
                    {
                        !self.variable(other)
                    }
                    _ => continue,
                };
                self.exclude(&(impossible & &self.variable(one)));
            }
        }
    }

    /// Excludes results of claim tests that no value of the claim has.
    fn exclude_claims(&mut self) -> Result<(), TooManyAtoms> {
        let mut claims: Vec<(&str, Vec<(usize, &ClaimTest)>)> = Vec::new();
        for (number, atom) in self.atoms.iter().enumerate() {
            if let Atom::Claim(test) = atom {
                match claims.iter_mut().find(|(name, _)| *name == test.name()) {
                    Some((_, tests)) => tests.push((number, test)),
                    None => claims.push((test.name(), vec![(number, test)])),
                }
            }
        }
        for (_, tests) in claims {
            let outcomes = possible(&tests.iter().map(|(_, test)| *test).collect::<Vec<_>>())?;
            let outcomes = outcomes.iter().map(|outcome| {
                let literals = tests.iter().zip(outcome).map(|((number, _), passed)| {
                    let variable = self.variable(*number);
                    if *passed { variable } else { !variable }
                });
                self.join(Join::All, literals)
            });
            let impossible = !self.join(Join::Any, outcomes);
            self.exclude(&impossible);
        }
        Ok(())
    }

    fn exclude(&mut self, impossible: &Table) {
        self.possible = self.possible.clone() & &!impossible.clone();
    }
}
