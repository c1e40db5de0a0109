//! A ledger and a home directory, opened for one command.

use crate::actors::{self, HeldConsent, Holder, Organisation, Patient};
use crate::args::{Global, LedgerAt};
use crate::desk::dev_genesis;
use crate::home::Home;
use crate::ui::Ui;
use crate::vault::Vault;
pub(crate) use amanat_api::clock::machine as now;
use amanat_api::clock::{EPOCHS_BY_HAND, machine};
use amanat_api::view::{GovernanceView, Hex32};
use amanat_client::ledger::{Acknowledged, Embedded, Http, LedgerAccess};
use amanat_domain::bundle::{Bundle, Registry};
use amanat_domain::mirror::Mirror;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{ChainId, KeyDigest, Transaction};
use amanat_ledger::{Genesis, Solo};
use amanat_prover::plan::Target;
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::sync::Arc;

const GENESIS: &str = "genesis.json";
const LEDGER: &str = "ledger.redb";

/// What a command works with.
pub(crate) struct Session {
    pub home: Home,
    pub ui: Ui,
    pub ledger: Box<dyn LedgerAccess>,
    /// Held while the command changes the home directory.
    _lock: File,
}

/// Makes genesis and organisations of a development ledger.
pub(crate) fn found(home: &Home, chain: &str, epoch_seconds: u64) -> Result<()> {
    let organisations = crate::town::organisations(crate::generated::HOSPITALS, &mut rand::rng());
    let (regulator, members) = organisations.split_last().context("no organisations")?;
    let genesis = dev_genesis(chain, now(), epoch(epoch_seconds)?, members, regulator)?;
    settle(home, &organisations, &genesis)
}

/// A length of epochs, as a genesis takes it.
pub(crate) fn epoch(seconds: u64) -> Result<u32> {
    u32::try_from(seconds).context("--epoch-seconds: at most 4294967295")
}

/// Makes a home directory the one of these organisations.
pub(crate) fn settle(home: &Home, organisations: &[Organisation], genesis: &Genesis) -> Result<()> {
    let _lock = home.lock()?;
    if home.has(GENESIS) {
        bail!("{} holds a ledger already: give another --home, or remove it", home.root().display());
    }
    actors::save_organisations(home, organisations)?;
    home.write(GENESIS, genesis.spec())
}

/// The genesis in the home directory, where there is one.
pub(crate) fn genesis(home: &Home) -> Result<Option<Genesis>> {
    if !home.has(GENESIS) {
        return Ok(None);
    }
    Ok(Some(Genesis::read(&home.path(GENESIS))?))
}

/// Where the ledger in the home directory is.
pub(crate) fn ledger_path(home: &Home) -> std::path::PathBuf {
    home.path(LEDGER)
}

/// The ledger in the home directory.
pub(crate) fn solo(home: &Home) -> Result<Arc<Solo>> {
    let genesis = genesis(home)?
        .with_context(|| format!("no ledger in {}: make one with `amanat init`", home.root().display()))?;
    let path = ledger_path(home);
    Solo::open_or_create(&path, Arc::new(genesis))
        .map(Arc::new)
        .with_context(|| format!("cannot open the ledger {}", path.display()))
}

impl Session {
    /// Opens the home directory and the ledger in it, or a node.
    pub(crate) fn open(global: &Global, at: &LedgerAt, ui: Ui) -> Result<Self> {
        let home = Home::open(global.home.as_deref())?;
        let lock = home.lock()?;
        let ledger: Box<dyn LedgerAccess> = match &at.node {
            Some(url) => {
                let expected: Option<ChainId> = genesis(&home)?.map(|g| g.chain_id());
                Box::new(Http::connect_with(url, expected, &at.tls.files())?)
            }
            None if !at.tls.files().is_empty() => {
                bail!(
                    "--ca, --certificate and --certificate-key are for a node: name it with --node https://HOST:PORT"
                )
            }
            None => {
                let embedded = match home.has(EPOCHS_BY_HAND) {
                    true => Embedded::by_hand(solo(&home)?)?,
                    false => Embedded::new(solo(&home)?, Arc::new(machine)),
                };
                // Without a node nobody else seals the bundle of an epoch that has begun.
                embedded.tick()?;
                Box::new(embedded)
            }
        };
        Ok(Self { home, ui, ledger, _lock: lock })
    }

    /// Over any ledger: for tests that make it fail.
    #[cfg(test)]
    pub(crate) fn over(home: Home, ui: Ui, ledger: Box<dyn LedgerAccess>) -> Result<Self> {
        let lock = home.lock()?;
        Ok(Self { home, ui, ledger, _lock: lock })
    }

    pub(crate) fn chain(&self) -> ChainId {
        self.ledger.genesis().chain_id()
    }

    pub(crate) fn mirror(&self) -> Result<Mirror> {
        Ok(self.ledger.mirror()?)
    }

    /// The key of a statement that the ledger accepts now and this build can prove under.
    pub(crate) fn target(&self, statement: Statement, key: KeyDigest, audience: &str) -> Result<Target> {
        let height = self.ledger.status()?.height;
        let accepted = self
            .ledger
            .keys()?
            .iter()
            .any(|k| k.statement == statement && k.digest == key && k.active_at(height + 1));
        if !accepted {
            bail!(
                "the ledger does not accept the key {key} for `{statement}`: install it with `amanat keys install`"
            );
        }
        Ok(Target { chain: self.chain(), key, audience: crate::policies::audience(audience), nonce: None })
    }

    /// Whether the registries are large enough to hide in, before a proof is made that the ledger would refuse.
    pub(crate) fn check_floors(&self, statement: Statement, bundle: &Bundle) -> Result<()> {
        let genesis = self.ledger.genesis();
        let hides_in: &[Registry] = match statement {
            Statement::Grant => &[Registry::Subjects],
            Statement::Revoke | Statement::Consent => &[Registry::Consents],
            Statement::Role => &[Registry::Roles],
            Statement::Record => &[Registry::Records],
            Statement::Access => &[Registry::Consents, Registry::Roles, Registry::Records],
        };
        for registry in hides_in {
            let (got, floor) = (bundle.registry(*registry).count, genesis.floors().of(*registry));
            if got < floor {
                bail!(
                    "too few to hide among in {}: {got} as of epoch {}, the floor is {floor}: wait until it has grown",
                    registry.name(),
                    bundle.epoch
                );
            }
        }
        Ok(())
    }

    pub(crate) fn submit(&self, tx: &Transaction) -> Result<Acknowledged> {
        Ok(self.ledger.submit(tx)?)
    }

    /// The organisation of the home directory that signs: the one named, or the last that governs.
    pub(crate) fn signer(&self, named: Option<&str>, governance: &GovernanceView) -> Result<Organisation> {
        let all = self.organisations()?;
        let found = match named {
            Some(reference) => all.into_iter().find(|o| o.reference == reference),
            None => all.into_iter().rfind(|o| {
                let member = governance.organisation(&Hex32(o.id().to_bytes()));
                member.is_some_and(|member| member.removed.is_none() && member.capabilities.govern)
            }),
        };
        found.with_context(|| match named {
            Some(reference) => format!("{} has no key of {reference}", self.home.root().display()),
            None => format!("{} has no key of an organisation that governs", self.home.root().display()),
        })
    }

    pub(crate) fn organisations(&self) -> Result<Vec<Organisation>> {
        actors::load_organisations(&self.home)
    }

    pub(crate) fn patients(&self) -> Result<Vec<Patient>> {
        actors::load_patients(&self.home)
    }

    pub(crate) fn holders(&self) -> Result<Vec<Holder>> {
        actors::load_holders(&self.home)
    }

    pub(crate) fn consents(&self) -> Result<Vec<HeldConsent>> {
        actors::load_consents(&self.home)
    }

    pub(crate) fn vault(&self) -> Result<Vault> {
        Vault::open(&self.home, self.chain())
    }
}
