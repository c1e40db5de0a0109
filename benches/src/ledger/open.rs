//! Opens what is measured, whatever it is.

use super::central::Central;
use super::embedded::open_ledger;
use super::file::Kind;
use super::system::System;
use crate::report::Outcome;
use std::path::Path;

/// Opens what is in a file.
pub(super) fn open(kind: Kind, path: &Path) -> Outcome<Box<dyn System>> {
    match kind {
        Kind::Central => Ok(Box::new(Central::open(path)?)),
        Kind::Signed | Kind::Proofs | Kind::Blocks => open_ledger(kind, path),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use super::super::load::{Callers, burst, drive};
    use super::*;

    #[test]
    fn what_is_driven_through_a_system_is_in_its_record_also_when_it_is_opened_again() -> Outcome<()> {
        let folder = tempfile::tempdir()?;
        let fixture = Fixture::bare(folder.path(), 2)?;
        let path = folder.path().join("run.redb");
        // By block there are signed transactions too: ProcessProposal does not ask what a block
        // holds.
        for (kind, asked) in
            [(Kind::Central, Kind::Central), (Kind::Signed, Kind::Signed), (Kind::Blocks, Kind::Signed)]
        {
            fixture.copy(kind, &path)?;
            let requests = fixture.requests(asked, 21);
            let system = open(kind, &path)?;
            let before = system.height();
            drive(&*system, &requests[..20], &burst(20), Callers { number: 2, batch: 5 })?;
            assert!(system.height() > before, "{kind:?}");
            drop(system);
            let system = open(kind, &path)?;
            for request in &requests[..20] {
                assert!(system.holds(request)?, "{kind:?}");
            }
            assert!(!system.holds(&requests[20])?, "{kind:?}");
        }
        Ok(())
    }
}
