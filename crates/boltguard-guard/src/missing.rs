//! The smallest set of missing grants.

use std::collections::{HashMap, HashSet};
use std::fmt;

use boltguard_grants::{PrincipalView, RequirementId};
use boltguard_types::Permission;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::compiled::Test;
use crate::guard::Op;
use crate::incremental::IncrementalValues;
use crate::{Atom, CheckResults, CompiledGuard, Decision, Kleene};

/// The permissions, scopes and roles that a caller is missing.
///
/// All other properties of the caller, such as staff membership, are unchanged. Nothing is missing if the decision
/// depends on checks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// With these grants, the guard allows access or depends only on checks.
    Grants {
        /// [`Atom::Permission`]s, [`Atom::Scope`]s and [`Atom::Role`]s, in the guard's order. None of them can be
        /// omitted.
        grants: Vec<Atom>,
        /// Whether this is certainly a smallest set. True if the caller is missing at most twelve of the permissions,
        /// scopes and roles in the guard, so that all subsets could be evaluated.
        smallest: bool,
    },
    /// The caller is anonymous and must be authenticated first.
    Identity,
    /// Nothing: the guard allows access, or depends only on checks.
    Nothing,
    /// The guard denies access regardless of grants.
    Unattainable,
    /// The caller is missing more than twelve grants, and the guard denies access with all of them. A subset might be
    /// sufficient, because the guard forbids some of them.
    Unknown,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grants { grants, smallest } => {
                for (number, grant) in grants.iter().enumerate() {
                    write!(f, "{}{grant}", if number > 0 { ", " } else { "" })?;
                }
                f.write_str(if *smallest { "" } else { " (or fewer)" })
            }
            Self::Identity => f.write_str("authentication"),
            Self::Nothing => f.write_str("nothing"),
            Self::Unattainable => f.write_str("no grant is sufficient"),
            Self::Unknown => f.write_str("too many grants to determine"),
        }
    }
}

/// `{"kind": "grants", "grants": ["perm(\"blog.add\")"], "smallest": true}`; the other kinds have no grants.
impl Serialize for Missing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, grants, smallest): (_, &[Atom], _) = match self {
            Self::Grants { grants, smallest } => ("grants", grants, *smallest),
            Self::Identity => ("identity", &[], true),
            Self::Nothing => ("nothing", &[], true),
            Self::Unattainable => ("unattainable", &[], true),
            Self::Unknown => ("unknown", &[], false),
        };
        let grants: Vec<String> = grants.iter().map(ToString::to_string).collect();
        let mut fields = serializer.serialize_struct("Missing", 3)?;
        fields.serialize_field("kind", kind)?;
        fields.serialize_field("grants", &grants)?;
        fields.serialize_field("smallest", &smallest)?;
        fields.end()
    }
}

impl CompiledGuard {
    pub(crate) fn missing(
        &self,
        principal: Option<&PrincipalView<'_>>,
        results: &CheckResults,
    ) -> Missing {
        let decision = self.decide_with(principal, results);
        let readable = principal.filter(|principal| self.can_read(principal));
        let (Some(principal), false) = (readable, decision.may_allow()) else {
            return match decision {
                Decision::Challenge => Missing::Identity,
                Decision::Deny(_) => Missing::Unattainable,
                Decision::Allow | Decision::Undetermined => Missing::Nothing,
            };
        };
        let search = Search {
            guard: self,
            principal,
            named_results: results,
            results: self.program.resolve(results),
            candidates: self.missing_atoms(principal),
        };
        if search.candidates.len() > MAX_CANDIDATES {
            search.minimal()
        } else {
            search.smallest()
        }
    }

    /// Returns the distinct permissions, scopes and roles in the guard that the caller doesn't have.
    fn missing_atoms(&self, principal: &PrincipalView<'_>) -> Vec<&Atom> {
        let mut seen = HashSet::new();
        let tests = self.guard.atoms().zip(&self.program.tests);
        tests
            .filter(|(atom, test)| match (atom, test) {
                (Atom::Permission(_) | Atom::Role(_) | Atom::Scope(_), Test::Requirement(id)) => {
                    !principal.grant_set.contains(*id) && seen.insert(*id)
                }
                _ => false,
            })
            .map(|(atom, _)| atom)
            .collect()
    }
}

struct Search<'g> {
    guard: &'g CompiledGuard,
    principal: &'g PrincipalView<'g>,
    named_results: &'g CheckResults,
    results: Vec<Option<bool>>,
    candidates: Vec<&'g Atom>,
}

impl Search<'_> {
    /// Finds the first of the smallest sufficient sets.
    fn smallest(&self) -> Missing {
        let mut sets: Vec<u32> = (1..1 << self.candidates.len()).collect();
        sets.sort_by_key(|set| set.count_ones());
        let members = |set: u32| (0..self.candidates.len()).filter(move |bit| set >> bit & 1 == 1);
        match sets.into_iter().find(|set| self.opens(members(*set))) {
            Some(set) => self.grants(members(set), true),
            None => Missing::Unattainable,
        }
    }

    /// Finds a sufficient set of which no member can be omitted.
    fn minimal(&self) -> Missing {
        match self.minimal_by_values() {
            Some(set) if self.opens(set.iter().copied()) => self.grants(set.into_iter(), false),
            // The values are too pessimistic if a check occurs more than once.
            _ => self.minimal_by_decisions(),
        }
    }

    /// Starts with all grants and removes those that the value of the guard doesn't depend on.
    fn minimal_by_values(&self) -> Option<Vec<usize>> {
        let values = self.guard.values(Some(self.principal), self.named_results);
        let mut granted = Granted::new(self, IncrementalValues::new(&self.guard.guard, values));
        (0..self.candidates.len()).for_each(|number| granted.add(number));
        if !granted.values.may_allow() {
            return None;
        }
        let mut needed = Vec::new();
        for number in 0..self.candidates.len() {
            granted.remove(number);
            if !granted.values.may_allow() {
                granted.add(number);
                needed.push(number);
            }
        }
        Some(needed)
    }

    /// Starts with all grants and removes those that the decision doesn't depend on.
    fn minimal_by_decisions(&self) -> Missing {
        let mut set: Vec<usize> = (0..self.candidates.len()).collect();
        if !self.opens(set.iter().copied()) {
            return Missing::Unknown;
        }
        let mut at = 0;
        while at < set.len() {
            let removed = set.remove(at);
            if !self.opens(set.iter().copied()) {
                set.insert(at, removed);
                at += 1;
            }
        }
        self.grants(set.into_iter(), false)
    }

    fn opens(&self, set: impl Iterator<Item = usize>) -> bool {
        let mut grants = self
            .guard
            .requirements()
            .reader_continuing(self.principal.grant_set);
        for number in set {
            match self.candidates[number] {
                Atom::Permission(permission) => grants.permission(permission.as_str()),
                Atom::Role(role) => grants.role(role),
                Atom::Scope(scope) => grants.scope(scope),
                _ => {}
            }
        }
        let principal = PrincipalView {
            grant_set: &grants.finish(),
            ..*self.principal
        };
        self.guard
            .program
            .decide(&principal, &self.results)
            .may_allow()
    }

    fn grants(&self, set: impl Iterator<Item = usize>, smallest: bool) -> Missing {
        Missing::Grants {
            grants: set.map(|number| self.candidates[number].clone()).collect(),
            smallest,
        }
    }
}

/// The candidates that are currently granted, with the resulting values.
struct Granted<'g> {
    values: IncrementalValues<'g>,
    /// The requirements that each candidate meets: its own, and for a scope also the permission of the same name.
    met: Vec<Vec<RequirementId>>,
    /// The positions of each requirement in the guard, and the number of granted candidates that meet it.
    requirements: HashMap<RequirementId, (Vec<usize>, u32)>,
}

impl<'g> Granted<'g> {
    fn new(search: &Search<'g>, values: IncrementalValues<'g>) -> Self {
        let compiled = search.guard;
        let atoms = compiled.guard.ops.iter().enumerate();
        let atoms = atoms.filter_map(|(at, op)| match op {
            Op::Atom(atom) => Some((at, atom)),
            Op::Join(..) | Op::Not => None,
        });
        let mut requirements: HashMap<RequirementId, (Vec<usize>, u32)> = HashMap::new();
        let mut ids = HashMap::new();
        for ((at, atom), test) in atoms.zip(&compiled.program.tests) {
            if let Test::Requirement(id) = test {
                requirements.entry(*id).or_default().0.push(at);
                ids.insert(atom, *id);
            }
        }
        let implied = |atom: &Atom| match atom {
            Atom::Scope(scope) => Some(Atom::Permission(Permission::new(scope).ok()?)),
            _ => None,
        };
        let is_granted = |id: &RequirementId| search.principal.grant_set.contains(*id);
        let met = search.candidates.iter().map(|atom| {
            let implied = implied(atom);
            let both = [Some(*atom), implied.as_ref()].into_iter().flatten();
            let met = both.filter_map(|atom| ids.get(atom).copied());
            met.filter(|id| !is_granted(id)).collect()
        });
        Self {
            values,
            met: met.collect(),
            requirements,
        }
    }

    fn add(&mut self, number: usize) {
        for id in &self.met[number] {
            if let Some((positions, count)) = self.requirements.get_mut(id) {
                *count += 1;
                positions
                    .iter()
                    .for_each(|at| self.values.set(*at, Kleene::True));
            }
        }
    }

    fn remove(&mut self, number: usize) {
        for id in &self.met[number] {
            if let Some((positions, count)) = self.requirements.get_mut(id) {
                *count -= 1;
                if *count == 0 {
                    positions
                        .iter()
                        .for_each(|at| self.values.set(*at, Kleene::False));
                }
            }
        }
    }
}

/// The maximum number of candidates of which all subsets are evaluated, at most 4,096.
const MAX_CANDIDATES: usize = 12;
