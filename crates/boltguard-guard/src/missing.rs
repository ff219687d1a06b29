//! The least that a caller would have to be granted.

use std::collections::{HashMap, HashSet};
use std::fmt;

use boltguard_grants::{PrincipalView, RequirementId};
use boltguard_types::Permission;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::compiled::Test;
use crate::guard::Op;
use crate::live::Live;
use crate::{Atom, CheckResults, CompiledGuard, Decision, Kleene};

/// What a caller would have to be granted, permissions and scopes, for a guard to open.
///
/// Everything else about the caller stays as it is: nobody is made one of the staff. A guard that waits for checks
/// counts as open.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// These, and the guard opens.
    Grants {
        /// [`Atom::Permission`]s and [`Atom::Scope`]s, in the guard's order. None of them can be left out.
        grants: Vec<Atom>,
        /// Whether no smaller set opens the guard. It is true where the caller lacks up to a dozen of those that the
        /// guard names: every set was tried, the smaller before the larger. Beyond that it is false, and unknown.
        smallest: bool,
    },
    /// An identity: the caller is anonymous.
    Identity,
    /// No grant would open the guard.
    NotGrants,
    /// Nothing: the guard is open.
    Nothing,
    /// The caller lacks more than a dozen, and all of them together would not open the guard: some fewer might, as the
    /// guard forbids others.
    TooMany,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grants { grants, smallest } => {
                for (number, grant) in grants.iter().enumerate() {
                    write!(f, "{}{grant}", if number > 0 { ", " } else { "" })?;
                }
                f.write_str(if *smallest { "" } else { " (perhaps fewer)" })
            }
            Self::Identity => f.write_str("an identity"),
            Self::NotGrants => f.write_str("nothing that can be granted"),
            Self::Nothing => f.write_str("nothing"),
            Self::TooMany => f.write_str("too many to tell"),
        }
    }
}

/// `{"kind": "grants", "grants": ["perm(\"blog.add\")"], "smallest": true}`; the other kinds have no grants.
impl Serialize for Missing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, grants, smallest): (_, &[Atom], _) = match self {
            Self::Grants { grants, smallest } => ("grants", grants, *smallest),
            Self::Identity => ("identity", &[], true),
            Self::NotGrants => ("not_grants", &[], true),
            Self::Nothing => ("nothing", &[], true),
            Self::TooMany => ("too_many", &[], false),
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
        let (Some(principal), false) = (readable, decision.may_open()) else {
            return match decision {
                Decision::Challenge => Missing::Identity,
                Decision::Deny(_) => Missing::NotGrants,
                Decision::Allow | Decision::Undetermined => Missing::Nothing,
            };
        };
        let search = Search {
            guard: self,
            principal,
            said: results,
            results: self.program.resolve(results),
            lacking: self.lacking(principal),
        };
        if search.lacking.len() > MAX_LACKING {
            search.some()
        } else {
            search.smallest()
        }
    }

    /// The permissions and scopes that the guard names and the caller lacks, once each.
    fn lacking(&self, principal: &PrincipalView<'_>) -> Vec<&Atom> {
        let mut seen = HashSet::new();
        let asked = self.guard.atoms().zip(&self.program.tests);
        asked
            .filter(|(atom, test)| match (atom, test) {
                (Atom::Permission(_) | Atom::Scope(_), Test::Requirement(id)) => {
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
    said: &'g CheckResults,
    results: Vec<Option<bool>>,
    lacking: Vec<&'g Atom>,
}

impl Search<'_> {
    /// The first of the smallest sets that open the guard.
    fn smallest(&self) -> Missing {
        let mut sets: Vec<u32> = (1..1 << self.lacking.len()).collect();
        sets.sort_by_key(|set| set.count_ones());
        let members = |set: u32| (0..self.lacking.len()).filter(move |bit| set >> bit & 1 == 1);
        match sets.into_iter().find(|set| self.opens(members(*set))) {
            Some(set) => self.grants(members(set), true),
            None => Missing::NotGrants,
        }
    }

    /// A set that opens the guard and would not if any of it was left out.
    fn some(&self) -> Missing {
        match self.some_by_values() {
            Some(set) if self.opens(set.iter().copied()) => self.grants(set.into_iter(), false),
            // Of a check that is asked twice the values know too little.
            _ => self.some_by_decisions(),
        }
    }

    /// Takes grant after grant away, and looks at the value of the guard.
    fn some_by_values(&self) -> Option<Vec<usize>> {
        let values = self.guard.values(Some(self.principal), self.said);
        let mut granted = Granted::new(self, Live::new(&self.guard.guard, values));
        (0..self.lacking.len()).for_each(|number| granted.give(number));
        if !granted.live.may_hold() {
            return None;
        }
        let mut needed = Vec::new();
        for number in 0..self.lacking.len() {
            granted.take(number);
            if !granted.live.may_hold() {
                granted.give(number);
                needed.push(number);
            }
        }
        Some(needed)
    }

    fn some_by_decisions(&self) -> Missing {
        let mut set: Vec<usize> = (0..self.lacking.len()).collect();
        if !self.opens(set.iter().copied()) {
            return Missing::TooMany;
        }
        let mut at = 0;
        while at < set.len() {
            let left_out = set.remove(at);
            if !self.opens(set.iter().copied()) {
                set.insert(at, left_out);
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
            match self.lacking[number] {
                Atom::Permission(permission) => grants.permission(permission.as_str()),
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
            .may_open()
    }

    fn grants(&self, set: impl Iterator<Item = usize>, smallest: bool) -> Missing {
        Missing::Grants {
            grants: set.map(|number| self.lacking[number].clone()).collect(),
            smallest,
        }
    }
}

/// What is granted of what the caller lacks.
struct Granted<'g> {
    live: Live<'g>,
    /// What each grant brings: itself, and for a scope the permission of its name.
    brings: Vec<Vec<RequirementId>>,
    /// Where each thing is asked, and by how many grants it is met.
    asked: HashMap<RequirementId, (Vec<usize>, u32)>,
}

impl<'g> Granted<'g> {
    fn new(search: &Search<'g>, live: Live<'g>) -> Self {
        let compiled = search.guard;
        let atoms = compiled.guard.ops.iter().enumerate();
        let atoms = atoms.filter_map(|(at, op)| match op {
            Op::Atom(atom) => Some((at, atom)),
            Op::Join(..) | Op::Not => None,
        });
        let mut asked: HashMap<RequirementId, (Vec<usize>, u32)> = HashMap::new();
        let mut numbers = HashMap::new();
        for ((at, atom), test) in atoms.zip(&compiled.program.tests) {
            if let Test::Requirement(id) = test {
                asked.entry(*id).or_default().0.push(at);
                numbers.insert(atom, *id);
            }
        }
        let implied = |atom: &Atom| match atom {
            Atom::Scope(scope) => Some(Atom::Permission(Permission::new(scope).ok()?)),
            _ => None,
        };
        let grant_set = |id: &RequirementId| search.principal.grant_set.contains(*id);
        let brings = search.lacking.iter().map(|atom| {
            let implied = implied(atom);
            let both = [Some(*atom), implied.as_ref()].into_iter().flatten();
            let ids = both.filter_map(|atom| numbers.get(atom).copied());
            ids.filter(|id| !grant_set(id)).collect()
        });
        Self {
            live,
            brings: brings.collect(),
            asked,
        }
    }

    fn give(&mut self, number: usize) {
        for id in &self.brings[number] {
            if let Some((places, count)) = self.asked.get_mut(id) {
                *count += 1;
                places
                    .iter()
                    .for_each(|at| self.live.set(*at, Kleene::True));
            }
        }
    }

    fn take(&mut self, number: usize) {
        for id in &self.brings[number] {
            if let Some((places, count)) = self.asked.get_mut(id) {
                *count -= 1;
                if *count == 0 {
                    places
                        .iter()
                        .for_each(|at| self.live.set(*at, Kleene::False));
                }
            }
        }
    }
}

/// Up to this many, every set is tried: 4,096 at most.
const MAX_LACKING: usize = 12;
