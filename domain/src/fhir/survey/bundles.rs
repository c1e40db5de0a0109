//! The Bundles of an import: which are the same, and by what they are told apart.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use super::{At, Mark, Survey, hex, mark};
use crate::fhir::problem::{Lost, Place, Reason};
use crate::fhir::resource::Within;

pub(super) struct BundleSeen {
    pub(super) key: String,
    /// The key it had until its content was known.
    pub(super) provisional: Option<String>,
    /// What it holds, where nothing else tells it from others.
    pub(super) content: Option<Vec<(Mark, u32)>>,
    pub(super) at: At,
    pub(super) refused: bool,
    /// The same is there before.
    pub(super) duplicate: bool,
}

impl Survey {
    pub(super) fn bundle(&mut self, place: Place, within: Option<&Within>) -> Option<u32> {
        let within = within?;
        let depth = within.depth as usize;
        if let Some((number, at)) = self.open.get(depth).copied()
            && number == within.bundle
        {
            // Those inside it are done with.
            self.open.truncate(depth + 1);
            return Some(at);
        }
        self.open.truncate(depth);
        let at = self.bundles.len() as u32;
        let (key, content) = match &within.head.identity {
            Some(identity) => (identity.clone(), None),
            // Until its content is known it has a key that differs from every identifier:
            // identifiers contain a bar.
            None => (format!("bundle {} of file {}", within.bundle, self.file()), Some(Vec::new())),
        };
        let provisional = content.is_some().then(|| key.clone());
        let place = Place { entry: None, ..place };
        let at_bundle = At { file: self.file(), bundle: Some(at), place };
        self.bundles.push(BundleSeen {
            key,
            provisional,
            content,
            at: at_bundle,
            refused: false,
            duplicate: false,
        });
        // An outer Bundle whose first entry is a Bundle has not been met yet.
        self.open.resize(depth, (u64::MAX, u32::MAX));
        self.open.push((within.bundle, at));
        Some(at)
    }

    /// A Bundle that nothing else tells from others is what it holds, in whatever order; the same
    /// again is a duplicate.
    pub(super) fn name_bundles(&mut self) {
        let mut first: BTreeMap<(&str, String), Vec<u32>> = BTreeMap::new();
        let mut same: Vec<(u32, u32)> = Vec::new();
        for bundle in &mut self.bundles {
            let Some(mut content) = bundle.content.take() else { continue };
            content.sort_unstable();
            let parts: Vec<&[u8]> = content.iter().map(|(mark, _)| mark.as_slice()).collect();
            bundle.key = format!("sha512:{}", hex(&mark(&parts)));
            let rows: Vec<u32> = content.iter().map(|(_, row)| *row).collect();
            match first.entry((self.files[bundle.at.file].as_str(), bundle.key.clone())) {
                Slot::Vacant(slot) => {
                    slot.insert(rows);
                }
                Slot::Occupied(slot) => {
                    bundle.duplicate = true;
                    same.extend(slot.get().iter().copied().zip(rows));
                }
            }
        }
        drop(first);
        // A resource is as sensitive as each place says.
        for (first, again) in same {
            let entry = |row: u32| self.rows[row as usize].entry.map(|n| n as usize);
            if let (Some(first), Some(again)) = (entry(first), entry(again)) {
                let floor = self.entries[first].floor.union(self.entries[again].floor);
                self.entries[first].floor = floor;
            }
        }
        let again: Vec<At> = self.bundles.iter().filter(|b| b.duplicate).map(|b| b.at).collect();
        for at in again {
            self.find(at, "Bundle", Reason::Same, Lost::Nothing);
        }
    }
}
