//! Which of the home directory's organisations is the custodian.

use crate::actors::Organisation;
use crate::session::Session;
use amanat_api::view::{GovernanceView, Hex32};
use anyhow::{Context, Result, bail};

impl Session {
    /// The organisation that enrols and anchors: the one named by its reference, its id or its name, or the first of the home
    /// directory that may do both.
    pub(crate) fn custodian(&self, named: Option<&str>) -> Result<Organisation> {
        let all = self.organisations()?;
        if all.is_empty() {
            bail!("no organisations in {}: `amanat init` makes them", self.home.root().display());
        }
        choose(all, named, &self.ledger.governance()?)
    }

    /// An organisation of the home directory, by its reference, its id or its name.
    pub(crate) fn organisation(&self, named: &str) -> Result<Organisation> {
        find(self.organisations()?, named)
    }
}

fn choose(all: Vec<Organisation>, named: Option<&str>, governance: &GovernanceView) -> Result<Organisation> {
    let may = |o: &Organisation| {
        let member = governance.organisation(&Hex32(o.id().to_bytes()));
        member.is_some_and(|m| m.removed.is_none() && m.capabilities.enrol && m.capabilities.anchor)
    };
    match named {
        None => {
            let names = list(&all);
            all.into_iter().find(may).with_context(|| {
                format!("no organisation of the home directory may enrol and anchor on this ledger; there are: {names}")
            })
        }
        Some(named) => {
            let custodians = all.iter().filter(|o| may(o)).map(words).collect::<Vec<_>>().join(", ");
            let found = find(all, named)?;
            if !may(&found) {
                bail!("{} may not enrol and anchor on this ledger; these may: {custodians}", words(&found));
            }
            Ok(found)
        }
    }
}

fn find(all: Vec<Organisation>, named: &str) -> Result<Organisation> {
    let names = list(&all);
    let known = |o: &Organisation| {
        o.reference == named
            || o.reference.strip_prefix("Organization/") == Some(named)
            || o.name.eq_ignore_ascii_case(named)
    };
    // Two may have one name.
    let exact = all.iter().position(|o| o.reference == named);
    let mut found: Vec<usize> = (0..all.len()).filter(|i| known(&all[*i])).collect();
    if let Some(exact) = exact {
        found = vec![exact];
    }
    match found[..] {
        [] => bail!("no organisation `{named}` in the home directory; there are: {names}"),
        [at] => all.into_iter().nth(at).context("a position in the list"),
        _ => {
            bail!("several organisations are called `{named}`: name one by its reference; there are: {names}")
        }
    }
}

fn list(all: &[Organisation]) -> String {
    all.iter().map(words).collect::<Vec<_>>().join(", ")
}

fn words(o: &Organisation) -> String {
    format!("{} ({})", o.reference, o.name)
}

#[cfg(test)]
mod tests {
    use super::{choose, find};
    use crate::actors::Organisation;
    use crate::desk::{Desk, dev_genesis};
    use amanat_client::ledger::{Embedded, LedgerAccess};
    use amanat_domain::time::Timestamp;
    use std::sync::Arc;

    fn all() -> Vec<Organisation> {
        let mut rng = rand::rng();
        [("Organization/a", "Hospital A"), ("Organization/b", "Hospital B"), ("Organization/board", "Board")]
            .map(|(reference, name)| Organisation::new(reference, name, &mut rng))
            .into()
    }

    fn reference(found: anyhow::Result<Organisation>) -> String {
        found.map_or_else(|e| format!("{e:#}"), |o| o.reference)
    }

    #[test]
    fn a_custodian_is_named_by_reference_id_or_name_and_must_be_allowed() {
        let organisations = all();
        let (board, hospitals) = organisations.split_last().expect("three");
        let start = Timestamp::from_unix(1_700_000_000).expect("a time");
        let genesis = dev_genesis("test", start, 60, hospitals, board).expect("a genesis");
        let dir = tempfile::tempdir().expect("a folder");
        let desk = Desk::open(&dir.path().join("l"), genesis).expect("a ledger");
        let governance =
            Embedded::new(Arc::clone(&desk.solo), Arc::new(move || start)).governance().expect("a view");
        let with = |named| reference(choose(all(), named, &governance));
        assert_eq!(with(None), "Organization/a");
        assert_eq!(with(Some("Organization/b")), "Organization/b");
        assert_eq!(with(Some("b")), "Organization/b");
        assert_eq!(with(Some("hospital b")), "Organization/b");
        let said = with(Some("board"));
        assert!(
            said.contains("may not enrol and anchor") && said.contains("Organization/a (Hospital A)"),
            "{said}"
        );
        let said = with(Some("Organization/c"));
        assert!(said.contains("there are: Organization/a (Hospital A), Organization/b"), "{said}");
        let only = vec![all().pop().expect("the board")];
        assert!(reference(choose(only, None, &governance)).contains("may enrol and anchor"));
    }

    #[test]
    fn two_organisations_of_one_name_are_told_apart_by_their_references() {
        let twice = || {
            let mut all = all();
            all[1].name = "Hospital A".to_owned();
            all
        };
        let said = reference(find(twice(), "Hospital A"));
        assert!(said.contains("several organisations are called `Hospital A`"), "{said}");
        assert_eq!(reference(find(twice(), "Organization/b")), "Organization/b");
    }
}
