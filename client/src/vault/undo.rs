//! How a change of the vault is undone whose transaction the ledger refuses.

use super::{Errand, ResourceEntry, Result, Supersession, Vault, VaultError};
use amanat_domain::fhir::identity::Name;
use amanat_domain::tx::{Action, Transaction};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How a change is undone whose transaction the ledger refuses: all of it, or the rest of it, if
/// the ledger has the transactions before.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Undo {
    /// Its new records.
    pub records: Vec<u32>,
    /// The records that it superseded.
    pub superseded: Vec<u32>,
    /// Its resources, as they are to be.
    pub resources: Vec<(String, Option<ResourceEntry>)>,
    /// The records that it superseded on the ledger, too: they stay superseded.
    #[serde(default)]
    pub replaced: Vec<u32>,
}

impl Undo {
    /// What is left to undo when the ledger has a transaction with these records, which supersedes
    /// the first `superseded` records. `changed`: a resource as the change made it.
    ///
    /// A resource of which the ledger has a part keeps the records that are on the ledger and not
    /// superseded there. Their number is not that of the resource's records, so that the next
    /// import anchors the resource again, and supersedes them.
    ///
    /// A resource that was taken back stays so once the ledger has superseded a record of it: it
    /// keeps the records that are not superseded yet, and no import of an older version brings it
    /// back.
    ///
    /// # Errors
    /// Those of `changed`.
    pub(super) fn rest<E>(
        &self,
        records: &[u32],
        superseded: usize,
        changed: impl Fn(&str) -> Result<Option<ResourceEntry>, E>,
    ) -> Result<Self, E> {
        let (gone, superseded) = self.superseded.split_at(superseded.min(self.superseded.len()));
        let rest_of = |(name, before): &(String, Option<ResourceEntry>)| {
            let own = |entry: ResourceEntry| {
                let new: Vec<u32> = entry.records.iter().copied().filter(|n| records.contains(n)).collect();
                (entry, new)
            };
            let (changed, new) = changed(name)?.map(own).unzip();
            let new = new.unwrap_or_default();
            let old = || before.iter().flat_map(|entry| &entry.records).copied();
            let taken_back = changed.as_ref().is_some_and(|entry| entry.retracted)
                && old().any(|number| gone.contains(&number));
            let live = old().filter(|number| !gone.contains(number)).chain(new.iter().copied()).collect();
            let kept = if new.is_empty() && !taken_back { before.clone() } else { changed };
            Ok((name.clone(), kept.map(|entry| ResourceEntry { records: live, ..entry })))
        };
        Ok(Self {
            records: self.records.iter().copied().filter(|n| !records.contains(n)).collect(),
            superseded: superseded.to_vec(),
            resources: self.resources.iter().map(rest_of).collect::<Result<_, E>>()?,
            replaced: self.replaced.iter().chain(gone).copied().collect(),
        })
    }
}

impl Vault {
    /// How the transaction `first` of the outbox, and those of the same change after it, are
    /// undone, if nothing says it: earlier versions noted that for the first transaction of a
    /// change alone.
    ///
    /// The transactions name the records that they supersede. What a resource was before the change
    /// is lost: it keeps its version and its content, with the records that are on the ledger and
    /// not superseded there, so that the next import of it anchors what they do not say.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn undo_without_note(&self, first: u32) -> Result<Undo> {
        let (mut new, mut handles) = (BTreeSet::new(), BTreeSet::new());
        for (_, transaction, errand) in self.outbox()?.into_iter().skip_while(|(n, ..)| *n < first) {
            let Errand::Anchor { records, undo: None } = errand else { break };
            new.extend(records);
            if let Transaction::Signed(tx) = transaction
                && let Action::Anchor { superseded, .. } = tx.action
            {
                handles.extend(superseded);
            }
        }
        let mut undo = Undo { records: new.iter().copied().collect(), ..Undo::default() };
        // Of each resource: the records that are superseded no longer, and whether others are.
        let mut resources: BTreeMap<String, (Vec<u32>, bool)> = BTreeMap::new();
        self.each_record(|record| {
            let number = record.number;
            let superseded = record.supersession != Supersession::Latest;
            let replaced = matches!(record.supersession, Supersession::By(by) if new.contains(&by));
            if superseded && handles.contains(&record.record.supersession_handle()) {
                undo.superseded.push(number);
                resources.entry(record.label).or_default().0.push(number);
            } else if replaced {
                undo.replaced.push(number);
                resources.entry(record.label).or_default().1 = true;
            } else if new.contains(&number) {
                resources.entry(record.label).or_default();
            }
            true
        })?;
        for (label, (mut live, replaced)) in resources {
            const NAMELESS: VaultError = VaultError::Inconsistent("record has no resource");
            let name = Name::from_text(&label).ok_or(NAMELESS)?;
            let now = self.resource(&name)?;
            live.extend(now.iter().flat_map(|entry| &entry.records).filter(|n| !new.contains(n)));
            let kept = now.filter(|_| replaced || !live.is_empty());
            undo.resources.push((label, kept.map(|entry| ResourceEntry { records: live, ..entry })));
        }
        Ok(undo)
    }
}

#[cfg(test)]
mod tests {
    use super::{ResourceEntry, Undo};
    use std::convert::Infallible;

    fn entry(content: &str, records: &[u32]) -> ResourceEntry {
        ResourceEntry { content: content.to_owned(), records: records.to_vec(), ..ResourceEntry::default() }
    }

    /// Content and records of each resource.
    fn resources(undo: &Undo) -> Vec<Option<(&str, &[u32])>> {
        undo.resources
            .iter()
            .map(|(_, entry)| entry.as_ref().map(|entry| (&*entry.content, &*entry.records)))
            .collect()
    }

    #[test]
    fn the_rest_of_a_change_is_what_the_ledger_has_not() {
        // `a` is new, `b` is another version of records 1 and 2, `c` of record 3.
        let made = |name: &str| {
            Ok::<_, Infallible>(match name {
                "a" => Some(entry("new a", &[10, 11])),
                "b" => Some(entry("new b", &[12])),
                "c" => Some(entry("new c", &[13])),
                _ => None,
            })
        };
        let whole = Undo {
            records: vec![10, 11, 12, 13],
            superseded: vec![1, 2, 3],
            resources: vec![
                ("a".to_owned(), None),
                ("b".to_owned(), Some(entry("old b", &[1, 2]))),
                ("c".to_owned(), Some(entry("old c", &[3]))),
            ],
            replaced: Vec::new(),
        };
        let Ok(rest) = whole.rest(&[10], 1, made);
        assert_eq!(
            (&*rest.records, &*rest.superseded, &*rest.replaced),
            (&[11, 12, 13][..], &[2, 3][..], &[1][..])
        );
        let expected: [Option<(&str, &[u32])>; 3] =
            [Some(("new a", &[10])), Some(("old b", &[2])), Some(("old c", &[3]))];
        assert_eq!(resources(&rest), expected, "a part of `a` is anchored, a part of `b` superseded");
        let Ok(rest) = rest.rest(&[11, 12], 1, made);
        assert_eq!((&*rest.records, &*rest.superseded, &*rest.replaced), (&[13][..], &[3][..], &[1, 2][..]));
        let expected: [Option<(&str, &[u32])>; 3] =
            [Some(("new a", &[10, 11])), Some(("new b", &[12])), Some(("old c", &[3]))];
        assert_eq!(resources(&rest), expected, "`a` and `b` are on the ledger, `c` is as it was");
        let Ok(none) = rest.rest(&[13], 1, made);
        assert!(none.records.is_empty() && none.superseded.is_empty());
    }

    #[test]
    fn a_retraction_that_the_ledger_has_is_not_undone_with_the_rest() {
        // `a` and `b` are taken back, `c` is another version of record 4.
        let taken_back = || ResourceEntry { retracted: true, ..entry("taken back", &[]) };
        let made = |name: &str| {
            Ok::<_, Infallible>(Some(if name == "c" { entry("new c", &[10]) } else { taken_back() }))
        };
        let whole = Undo {
            records: vec![10],
            superseded: vec![1, 2, 3, 4],
            resources: vec![
                ("a".to_owned(), Some(entry("old a", &[1]))),
                ("b".to_owned(), Some(entry("old b", &[2, 3]))),
                ("c".to_owned(), Some(entry("old c", &[4]))),
            ],
            replaced: Vec::new(),
        };
        let retracted = |undo: &Undo| -> Vec<bool> {
            undo.resources.iter().map(|(_, entry)| entry.as_ref().is_some_and(|e| e.retracted)).collect()
        };
        let Ok(none) = whole.rest(&[], 0, made);
        assert_eq!(retracted(&none), [false; 3], "the ledger has nothing of it");
        let Ok(rest) = whole.rest(&[], 2, made);
        let expected: [Option<(&str, &[u32])>; 3] =
            [Some(("taken back", &[])), Some(("taken back", &[3])), Some(("old c", &[4]))];
        assert_eq!(resources(&rest), expected, "a part of `b` is taken back on the ledger");
        assert_eq!(retracted(&rest), [true, true, false]);
        let Ok(rest) = rest.rest(&[], 1, made);
        let expected: [Option<(&str, &[u32])>; 3] =
            [Some(("taken back", &[])), Some(("taken back", &[])), Some(("old c", &[4]))];
        assert_eq!(resources(&rest), expected);
        assert_eq!(retracted(&rest), [true, true, false], "in the second step as in the first");
    }
}
