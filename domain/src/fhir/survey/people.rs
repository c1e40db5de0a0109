//! The patients of an import, and the target of a reference.

use std::collections::{BTreeMap, BTreeSet};

use super::likeness::Likeness;
use super::register::Person;
use super::{Mark, Survey, key};
use crate::fhir::identity::{Name, escaped};
use crate::fhir::problem::{Lost, Reason};

pub(super) struct People {
    pub(super) people: Vec<Person>,
    pub(super) of_patient: BTreeMap<u32, u32>,
    /// Names known from before, and whether they hold beyond a folder.
    pub(super) known: BTreeMap<Mark, (u32, bool)>,
    pub(super) identifiers: BTreeMap<Mark, u32>,
}

/// Sets that are joined.
struct Groups(Vec<usize>);

impl Groups {
    fn new(len: usize) -> Self {
        Self((0..len).collect())
    }

    fn root(&mut self, mut node: usize) -> usize {
        while self.0[node] != node {
            self.0[node] = self.0[self.0[node]];
            node = self.0[node];
        }
        node
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        // The lesser is the root: which one does not depend on the order of joining.
        self.0[a.max(b)] = a.min(b);
    }
}

impl Survey {
    /// The name by which a resource is known beyond this import.
    fn lasting(&self, name: &Name, bundles: &[u32]) -> Name {
        let Some(bundle) = bundles.first().map(|b| &self.bundles[*b as usize]) else { return name.clone() };
        let mut parts = name.as_str().splitn(3, '#');
        match (&bundle.provisional, parts.next(), parts.next(), parts.next()) {
            (Some(provisional), Some(source), Some(key), Some(local)) if escaped(provisional) == key => {
                Name::from_text(&format!("{source}#{}#{local}", bundle.key)).unwrap_or_else(|| name.clone())
            }
            _ => name.clone(),
        }
    }

    pub(super) fn people(&mut self) -> People {
        let known: BTreeMap<Mark, usize> =
            self.known.iter().enumerate().map(|(n, k)| (key(&k.name), n)).collect();
        let names: Vec<Name> = self.patients.iter().map(|p| self.lasting(&p.name, &p.bundles)).collect();
        // One node for each patient of the import, then one for each known name.
        let known_at = self.patients.len();
        let mut groups = Groups::new(known_at + self.known.len());
        // The same Bundle met twice has the same patients.
        let mut by_name: BTreeMap<Mark, usize> = BTreeMap::new();
        for (n, name) in names.iter().enumerate() {
            groups.join(*by_name.entry(key(name)).or_insert(n), n);
        }
        let mut first_of: BTreeMap<usize, usize> = BTreeMap::new();
        for (n, k) in self.known.iter().enumerate() {
            let first = *first_of.entry(k.person).or_insert(n);
            groups.join(known_at + first, known_at + n);
        }
        let of_entry: BTreeMap<u32, u32> = self
            .entries
            .iter()
            .enumerate()
            .filter_map(|(n, entry)| entry.patient.map(|p| (p, n as u32)))
            .collect();
        for (n, name) in names.iter().enumerate() {
            let Some(at) = known.get(&key(name)) else { continue };
            let (own, before) = (&self.patients[n].likeness, &self.known[*at].likeness);
            let entry = of_entry[&(n as u32)];
            let trusted = self.entries[entry as usize].trusted;
            let fits = if trusted { before.may_be(own) } else { before.is(own) || before.says_what(own) };
            if fits {
                groups.join(n, known_at + at);
            } else {
                self.refuse_patient(entry);
            }
        }
        let mut by_identifier: BTreeMap<Mark, usize> = BTreeMap::new();
        let likenesses: Vec<&Likeness> =
            self.patients.iter().map(|p| &p.likeness).chain(self.known.iter().map(|k| &k.likeness)).collect();
        for (n, likeness) in likenesses.iter().enumerate() {
            if n < known_at && self.entries[of_entry[&(n as u32)] as usize].ambiguous {
                continue;
            }
            for [system, whole] in &likeness.identifiers {
                if self.same_by.contains(system) {
                    groups.join(*by_identifier.entry(*whole).or_insert(n), n);
                }
            }
        }
        // A group of two people known as two, or of people who contradict one another in all they
        // say, is nobody.
        let mut wrong: BTreeSet<usize> = BTreeSet::new();
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        (0..likenesses.len()).for_each(|n| members.entry(groups.root(n)).or_default().push(n));
        for (root, nodes) in &members {
            let persons: Vec<usize> =
                nodes.iter().filter(|n| **n >= known_at).map(|n| self.known[n - known_at].person).collect();
            let two_known = persons.windows(2).any(|pair| pair[0] != pair[1]);
            let first = likenesses[nodes[0]];
            let another =
                |n: &usize| !first.may_be(likenesses[*n]) || first.is_another_by_name(likenesses[*n]);
            if two_known || nodes.iter().any(another) {
                wrong.insert(*root);
            }
        }
        for (n, entry) in &of_entry {
            let root = groups.root(*n as usize);
            // What is known under its own name stays who it is.
            if wrong.contains(&root) && !known.contains_key(&key(&names[*n as usize])) {
                self.refuse_patient(*entry);
            }
        }
        let mut people: Vec<Person> = Vec::new();
        let mut number_of: BTreeMap<usize, u32> = BTreeMap::new();
        let mut of_patient: BTreeMap<u32, u32> = BTreeMap::new();
        let mut of_known: BTreeMap<usize, u32> = BTreeMap::new();
        for (root, nodes) in members {
            let split = wrong.contains(&root);
            for node in nodes {
                let (name, likeness, person) = match node.checked_sub(known_at) {
                    Some(k) => (
                        self.known[k].name.clone(),
                        self.known[k].likeness.clone(),
                        Some(self.known[k].person),
                    ),
                    None => {
                        let at = known.get(&key(&names[node])).map(|k| self.known[*k].person);
                        (names[node].clone(), self.patients[node].likeness.clone(), at)
                    }
                };
                if node < known_at && self.entries[of_entry[&(node as u32)] as usize].ambiguous {
                    continue;
                }
                // Of a split group each known person is one for itself.
                let group = match (split, person) {
                    (true, Some(person)) => usize::MAX - person,
                    _ => root,
                };
                let number = *number_of.entry(group).or_insert_with(|| {
                    people.push(Person { names: Vec::new(), known: None, met: false, here: false });
                    people.len() as u32 - 1
                });
                let own = &mut people[number as usize];
                own.known = own.known.or(person);
                own.met |= node < known_at;
                match own.names.iter_mut().find(|(n, _)| *n == name) {
                    // What the import says now, beside what was known.
                    Some(slot) if node < known_at => slot.1 = likeness,
                    Some(_) => {}
                    None => own.names.push((name, likeness)),
                }
                match node.checked_sub(known_at) {
                    Some(k) => of_known.insert(k, number),
                    None => of_patient.insert(node as u32, number),
                };
            }
        }
        people.iter_mut().for_each(|person| person.names.sort_by(|a, b| a.0.cmp(&b.0)));
        let identifiers: Vec<(Mark, usize)> = by_identifier.into_iter().collect();
        let identifiers = identifiers
            .into_iter()
            .filter(|(_, node)| !wrong.contains(&groups.root(*node)))
            .filter_map(|(whole, node)| {
                let number = match node.checked_sub(known_at) {
                    Some(k) => of_known.get(&k),
                    None => of_patient.get(&(node as u32)),
                };
                Some((whole, *number?))
            })
            .collect();
        let known = known
            .into_iter()
            .filter_map(|(k, n)| Some((k, (*of_known.get(&n)?, self.known[n].name.is_lasting()))))
            .collect();
        People { people, of_patient, known, identifiers }
    }

    fn refuse_patient(&mut self, entry: u32) {
        let seen = &mut self.entries[entry as usize];
        if !core::mem::replace(&mut seen.ambiguous, true) {
            let at = seen.at;
            self.find(at, "Patient", Reason::AmbiguousPatient, Lost::Resource);
        }
    }

    /// The person a subject is; the reason is told.
    pub(super) fn resolve(&mut self, number: usize, people: &People) -> Result<u32, ()> {
        let subject = &self.subjects[number];
        let (at, path, times) = (subject.first, subject.path, subject.times);
        for candidate in &subject.candidates {
            let named = self.names.get(candidate).copied();
            let meant = match (named, self.aliases.get(candidate)) {
                // Two resources of one Bundle answer to the id.
                (_, Some(None)) => Some(None),
                (Some(one), Some(Some(other))) if one != *other => Some(None),
                (Some(one), _) => Some(Some(one)),
                (None, Some(alias)) => Some(*alias),
                (None, None) => None,
            };
            match meant.map(|n| n.map(|n| &self.entries[n as usize])) {
                Some(None) => {
                    self.find(at, path, Reason::Ambiguous, self.unjoined());
                    return Err(());
                }
                Some(Some(entry)) => {
                    let Some(patient) = entry.patient else {
                        let other = crate::fhir::type_name(entry.resource_type);
                        self.find(at, path, Reason::NotAPatient(other), self.unjoined());
                        return Err(());
                    };
                    // Where nobody is (an ambiguous patient), that was told where the patient is.
                    return people.of_patient.get(&patient).copied().ok_or(());
                }
                None => {}
            }
            // What a folder's id meant before it may not mean now: the patient must be in this
            // import.
            match people.known.get(candidate) {
                Some((person, true)) => return Ok(*person),
                Some((person, false)) if people.people[*person as usize].met => return Ok(*person),
                Some(_) => {
                    self.find(at, path, Reason::SubjectNotHere { times }, self.unjoined());
                    return Err(());
                }
                None => {}
            }
        }
        let named: Vec<u32> = subject
            .identifiers
            .iter()
            .filter_map(|[_, whole]| people.identifiers.get(whole).copied())
            .collect();
        if let [first, rest @ ..] = named.as_slice()
            && rest.iter().all(|n| n == first)
        {
            return Ok(*first);
        }
        let lost = self.unjoined();
        let by_rule = subject.identifiers.iter().any(|[system, _]| self.same_by.contains(system));
        let reason = if subject.candidates.is_empty() && !by_rule {
            Reason::SubjectByIdentifier { times }
        } else {
            Reason::SubjectNotFound { times }
        };
        self.find(at, path, reason, lost);
        Err(())
    }
}
