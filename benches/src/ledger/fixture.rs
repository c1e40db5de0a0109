//! What is made before anything is measured and kept between runs: a ledger that holds the world of
//! [`report::world`](crate::report::world), and access proofs against it. A proof takes longer to
//! make than everything a validator does with it.

use super::central::{Central, Request};
use super::file::Kind;
use super::founder::{Founder, validator};
use crate::report::Outcome;
use crate::report::chain::{at, genesis_with, install, prove_all, reference, registries, sign_by};
use crate::report::world::{plan, plan_for, rng, small, target, world};
use amanat_circuits::world::{Registries, World};
use amanat_domain::field::Fr;
use amanat_domain::identity::RoleInner;
use amanat_domain::record::RecordRoot;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{Action, Transaction};
use amanat_ledger::{Chain, Genesis, Storage, ValidatorSpec};
use amanat_profile::{Stopped, Watcher};
use amanat_prover::keys::{AnyPlan, Keys};
use amanat_prover::plan::Target;
use rayon::prelude::*;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Proofs between two looks at whether to stop.
const CHUNK: usize = 32;
/// The generator of access number `i` has this seed and `i` more.
const SEED: u64 = 1 << 20;

/// Ledgers to copy, and requests for them.
pub(super) struct Fixture {
    folder: PathBuf,
    organisations: usize,
    validators: usize,
    genesis: Arc<Genesis>,
    accesses: Vec<Vec<u8>>,
}

impl Fixture {
    /// What there is in a folder that [`Fixture::prepare`] has filled.
    pub(super) fn open(folder: &Path, organisations: usize) -> Outcome<Self> {
        let genesis = founded_by(organisations, 0)?;
        let accesses = read(&folder.join("accesses.bin"))?;
        Ok(Self { folder: folder.to_owned(), organisations, validators: 0, genesis, accesses })
    }

    /// A ledger and a server on which nothing has happened, and no proofs.
    #[cfg(test)]
    pub(super) fn bare(folder: &Path, organisations: usize) -> Outcome<Self> {
        let genesis = founded_by(organisations, 0)?;
        let accesses = Vec::new();
        let fixture = Self { folder: folder.to_owned(), organisations, validators: 0, genesis, accesses };
        Central::create(&fixture.central(), organisations)?;
        drop(Chain::create(Storage::File(fixture.ledger()), fixture.genesis.clone())?);
        Ok(fixture)
    }

    /// Takes what there is in the cache and makes what is missing.
    pub(super) fn prepare(
        (organisations, validators): (usize, usize),
        proofs: usize,
        keys: &Keys,
        cache: &Path,
        watcher: &dyn Fn(&str) -> Outcome<()>,
    ) -> Outcome<Self> {
        let genesis = founded_by(organisations, validators)?;
        let key = keys.get(Statement::Access).ok_or("the key of access is missing")?.digest();
        // Proofs are bound to the ledger and to the key.
        let name = format!("{}-{}", &genesis.chain_id().to_string()[..16], &key.to_string()[..16]);
        let folder = cache.join(name);
        fs::create_dir_all(&folder)?;
        let world = world(&mut rng(1))?;
        let mut fixture = Self { folder, organisations, validators, genesis, accesses: Vec::new() };
        if !fixture.matches(&world, keys)? {
            watcher("founding a ledger")?;
            fixture.found(&world, keys)?;
        }
        fixture.accesses = read(&fixture.folder.join("accesses.bin"))?;
        fixture.prove(&world, keys, proofs, watcher)?;
        Ok(fixture)
    }

    /// Whether there is a ledger, and it holds the world that this program would put on it.
    fn matches(&self, world: &World, keys: &Keys) -> Outcome<bool> {
        if !self.ledger().exists() || !self.central().exists() {
            return Ok(false);
        }
        let registries = self.registries()?;
        Ok(self.plan(world, &registries, keys, 0, None).is_ok())
    }

    fn found(&self, world: &World, keys: &Keys) -> Outcome<()> {
        for entry in fs::read_dir(&self.folder)? {
            fs::remove_file(entry?.path())?;
        }
        Central::create(&self.central(), self.organisations)?;
        let unfinished = self.folder.join("unfinished.redb");
        let genesis = &self.genesis;
        let founder = Founder::create(&unfinished, genesis.clone(), self.validators)?;
        let role = world.credential.role;
        let records = vec![world.record().root()];
        let mut setup = vec![
            sign_by(genesis, 0, 0, Action::Enrol(vec![world.wallet().subject().commitment()])),
            sign_by(genesis, 0, 0, Action::IssueRole { role, inner: world.credential.inner() }),
            sign_by(genesis, 0, 0, Action::Anchor { records, superseded: Vec::new() }),
        ];
        setup.extend((1..self.organisations).map(|n| {
            let inner = RoleInner::new(Fr::from(n as u64 + 1));
            sign_by(genesis, n, 0, Action::IssueRole { role, inner })
        }));
        let small = small(world)?;
        for statement in [Statement::Grant, Statement::Access] {
            setup.push(install(genesis, statement, world, &small, keys, &mut rng(2))?);
        }
        founder.submit(&setup, at(0, 1)?)?;
        founder.tick(at(1, 0)?)?;
        let before = registries(&founder.chain().state())?;
        let to = (genesis.chain_id(), keys);
        let grant = plan(Statement::Grant, world, &before, to, &mut rng(3))?;
        founder.submit(&prove_all(vec![grant], keys)?, at(1, 1)?)?;
        founder.tick(at(2, 0)?)?;
        drop(founder);
        Ok(fs::rename(unfinished, self.ledger())?)
    }

    fn prove(
        &mut self,
        world: &World,
        keys: &Keys,
        proofs: usize,
        watcher: &dyn Fn(&str) -> Outcome<()>,
    ) -> Outcome<()> {
        let twin = self.folder.join("twin.bin");
        if self.accesses.len() >= proofs && twin.exists() {
            return Ok(());
        }
        let registries = self.registries()?;
        if !twin.exists() {
            let plan = self.plan(world, &registries, keys, 0, Some([1; 32]))?;
            let txs = prove_all(vec![plan], keys)?;
            fs::write(&twin, txs[0].to_bytes())?;
        }
        while self.accesses.len() < proofs {
            let from = self.accesses.len();
            watcher(&format!("access proof {from} of {proofs}"))?;
            let plans: Vec<_> = (from..proofs.min(from + CHUNK))
                .map(|i| self.plan(world, &registries, keys, i as u64, None))
                .collect::<Outcome<_>>()?;
            self.accesses.extend(prove_all(plans, keys)?.iter().map(Transaction::to_bytes));
            write(&self.folder.join("accesses.bin"), &self.accesses)?;
        }
        Ok(())
    }

    /// Access number `i`: another use of the consent than every other number, in another context.
    fn plan(
        &self,
        world: &World,
        registries: &Registries,
        keys: &Keys,
        i: u64,
        nonce: Option<[u8; 32]>,
    ) -> Outcome<Box<dyn AnyPlan>> {
        let to = target(Statement::Access, (self.genesis.chain_id(), keys))?;
        plan_for(&Target { nonce, ..to }, Statement::Access, world, registries, &mut rng(SEED + i))
    }

    fn registries(&self) -> Outcome<Registries> {
        let chain = Chain::open(Storage::File(self.ledger()))?;
        let registries = registries(&chain.state())?;
        Ok(registries)
    }

    fn ledger(&self) -> PathBuf {
        self.folder.join("ledger.redb")
    }

    fn central(&self) -> PathBuf {
        self.folder.join("central.redb")
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many organisations there are.
    pub(super) const fn organisations(&self) -> usize {
        self.organisations
    }

    /// The ledger's identity.
    pub(super) const fn genesis(&self) -> &Arc<Genesis> {
        &self.genesis
    }

    /// How many access proofs there are.
    pub(super) const fn proofs(&self) -> usize {
        self.accesses.len()
    }

    /// Another proof of the use that access number 0 is of, in another context.
    pub(super) fn twin(&self) -> Outcome<Vec<u8>> {
        Ok(fs::read(self.folder.join("twin.bin"))?)
    }

    /// What a run starts with.
    pub(super) fn template(&self, kind: Kind) -> PathBuf {
        if kind == Kind::Central { self.central() } else { self.ledger() }
    }

    /// A copy of what a run starts with, on the disk and not on its way there.
    pub(super) fn copy(&self, kind: Kind, to: &Path) -> Outcome<()> {
        fs::copy(self.template(kind), to)?;
        Ok(fs::File::open(to)?.sync_all()?)
    }

    /// Requests for a system, all good, all different; if it takes proofs, at most as many as there
    /// are.
    pub(super) fn requests(&self, kind: Kind, n: usize) -> Vec<Vec<u8>> {
        let (organisations, numbers) = (self.organisations, 0..n as u64);
        match kind {
            Kind::Central => {
                numbers.into_par_iter().map(|i| Request::number(i, organisations).to_bytes()).collect()
            }
            Kind::Signed => numbers.into_par_iter().map(|i| self.signed(i).to_bytes()).collect(),
            Kind::Proofs | Kind::Blocks => self.accesses.iter().take(n).cloned().collect(),
        }
    }

    /// Access number `i` without a proof: an organisation anchors a commitment of what it did.
    pub(super) fn signed(&self, i: u64) -> Transaction {
        // As long and as random as a commitment; nobody here opens it.
        let records = vec![RecordRoot::new(amanat_domain::field::random(&mut rng(i)))];
        let n = usize::try_from(i).unwrap_or(0) % self.organisations;
        sign_by(&self.genesis, n, i + 1, Action::Anchor { records, superseded: Vec::new() })
    }
}

/// The genesis of a fixture: organisation `n` runs validator `n`, and further ones the first.
pub(super) fn founded_by(organisations: usize, validators: usize) -> Outcome<Arc<Genesis>> {
    let validator = |n: usize| ValidatorSpec {
        organisation: reference(if n < organisations { n } else { 0 }),
        key: hex::encode(validator(n).verifying_key().to_bytes()),
    };
    genesis_with(organisations, (0..validators).map(validator).collect())
}

/// Says what comes, and whether to go on.
pub(super) fn tell(watcher: &dyn Watcher, done: u64, of: u64, now: &str) -> Outcome<()> {
    watcher.at(done, of, now);
    if watcher.stopped() { Err(Stopped.into()) } else { Ok(()) }
}

fn read(path: &Path) -> Outcome<Vec<Vec<u8>>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    Ok(parse(&fs::read(path)?))
}

/// Each with its length before it; what is cut short at the end is left out.
fn parse(mut rest: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    while let Some((length, more)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let Some((one, more)) = more.split_at_checked(length) else { break };
        out.push(one.to_vec());
        rest = more;
    }
    out
}

fn write(path: &Path, list: &[Vec<u8>]) -> Outcome<()> {
    let unfinished = path.with_extension("new");
    let mut file = fs::File::create(&unfinished)?;
    let mut bytes = Vec::new();
    for one in list {
        bytes.extend_from_slice(&u32::try_from(one.len())?.to_le_bytes());
        bytes.extend_from_slice(one);
    }
    file.write_all(&bytes)?;
    file.sync_all()?;
    Ok(fs::rename(unfinished, path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_requests_are_read_as_they_were_written_and_a_cut_one_is_left_out() -> Outcome<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.bin");
        assert!(read(&path)?.is_empty());
        let list = vec![vec![1, 2, 3], vec![], vec![7; 600]];
        write(&path, &list)?;
        assert_eq!(read(&path)?, list);
        let bytes = fs::read(&path)?;
        assert_eq!(parse(&bytes[..bytes.len() - 1]), list[..2]);
        assert_eq!(parse(&bytes[..3]), Vec::<Vec<u8>>::new());
        Ok(())
    }
}
