//! The least that a caller would have to be granted.

use std::fmt;

use boltguard_types::{Facts, Held, Permission, WantId};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::compiled::Test;
use crate::{Answers, Atom, CompiledGuard, Decision};

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
    pub(crate) fn missing(&self, facts: Option<&Facts<'_>>, answers: &Answers) -> Missing {
        let decision = self.decide_with(facts, answers);
        let (Some(facts), false) = (facts, decision.may_open()) else {
            return match decision {
                Decision::Challenge => Missing::Identity,
                Decision::Deny(_) => Missing::NotGrants,
                Decision::Allow | Decision::Ask => Missing::Nothing,
            };
        };
        let search = Search {
            guard: self,
            facts,
            answers: self.program.resolve(answers),
            lacking: self.lacking(facts),
        };
        if search.lacking.len() > MAX_LACKING {
            search.some()
        } else {
            search.smallest()
        }
    }

    /// The permissions and scopes that the guard names and the caller lacks, once each.
    fn lacking(&self, facts: &Facts<'_>) -> Vec<Grant<'_>> {
        let mut lacking: Vec<Grant<'_>> = Vec::new();
        for (atom, test) in self.guard.atoms().zip(&self.program.tests) {
            if let (Atom::Permission(_) | Atom::Scope(_), Test::Held(id)) = (atom, test)
                && !facts.held.contains(*id)
                && lacking.iter().all(|known| known.id != *id)
            {
                lacking.push(Grant {
                    atom,
                    id: *id,
                    implied: self.permission_of_scope(atom),
                });
            }
        }
        lacking
    }

    /// A scope grants the permission of its name too.
    fn permission_of_scope(&self, atom: &Atom) -> Option<WantId> {
        let Atom::Scope(scope) = atom else {
            return None;
        };
        let permission = Atom::Permission(Permission::new(scope).ok()?);
        let mut asked = self.guard.atoms().zip(&self.program.tests);
        asked.find_map(|(atom, test)| match test {
            Test::Held(id) if *atom == permission => Some(*id),
            _ => None,
        })
    }
}

/// What could be granted.
struct Grant<'g> {
    atom: &'g Atom,
    id: WantId,
    implied: Option<WantId>,
}

struct Search<'g> {
    guard: &'g CompiledGuard,
    facts: &'g Facts<'g>,
    answers: Vec<Option<bool>>,
    lacking: Vec<Grant<'g>>,
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
        let mut held: Held = self.facts.held.clone();
        for grant in set.map(|number| &self.lacking[number]) {
            held.insert(grant.id);
            if let Some(permission) = grant.implied {
                held.insert(permission);
            }
        }
        let facts = Facts {
            held: &held,
            ..*self.facts
        };
        self.guard.program.decide(&facts, &self.answers).may_open()
    }

    fn grants(&self, set: impl Iterator<Item = usize>, smallest: bool) -> Missing {
        Missing::Grants {
            grants: set
                .map(|number| self.lacking[number].atom.clone())
                .collect(),
            smallest,
        }
    }
}

/// Up to this many, every set is tried: 4,096 at most.
const MAX_LACKING: usize = 12;
