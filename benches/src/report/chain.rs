//! A ledger that holds the world: keys installed, patient enrolled, credential issued, record
//! anchored, consents granted. The testkit's chain is for tests alone, and its proofs say nothing
//! about a world.

use super::Outcome;
use super::world::{self, HOSPITAL, START, another_consent, plan, start};
use amanat_circuits::world::{Registries, World};
use amanat_domain::consent::OrgId;
use amanat_domain::field::Fr;
use amanat_domain::identity::SubjectCommitment;
use amanat_domain::mirror::Leaves;
use amanat_domain::statement::Statement;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::{Action, KeyVector, SignedTx, Transaction};
use amanat_ledger::{
    AllRoles, CapabilitiesSpec, Floors, Genesis, GenesisSpec, Limits, OrganisationSpec, Profile, RolesSpec,
    State, ValidatorSpec, Windows, finalize_block, validate_transactions,
};
use amanat_prover::batch::prove_batch;
use amanat_prover::keys::{AnyPlan, Keys};
use core::ops::ControlFlow;
use ed25519_dalek::{Signer, SigningKey};
use rand::CryptoRng;
use std::sync::Arc;

const EPOCH: u32 = 3600;

/// A ledger and the world on it.
pub struct Chain {
    /// The ledger's state, at the beginning of an epoch.
    pub state: State,
    /// The patient that the proofs are about.
    pub world: World,
    registries: Registries,
    /// The world with consents that are granted and not revoked, for revocations.
    granted: Vec<World>,
}

/// One organisation that may do everything; anonymity floors of zero, since one patient is no
/// crowd.
///
/// # Errors
/// None is expected.
pub fn genesis() -> Outcome<Arc<Genesis>> {
    genesis_of(1)
}

/// A genesis of `organisations` organisations that may do everything, the hospital first.
///
/// # Errors
/// None is expected.
pub fn genesis_of(organisations: usize) -> Outcome<Arc<Genesis>> {
    genesis_with(organisations, Vec::new())
}

/// The same with validators.
///
/// # Errors
/// None is expected.
pub fn genesis_with(organisations: usize, validators: Vec<ValidatorSpec>) -> Outcome<Arc<Genesis>> {
    let organisations = (0..organisations).map(|n| OrganisationSpec {
        id: reference(n),
        name: if n == 0 { "Hospital".to_owned() } else { format!("Hospital {n}") },
        key: hex::encode(signer(n).verifying_key().to_bytes()),
        capabilities: CapabilitiesSpec {
            enrol: true,
            anchor: true,
            // The hospital installs the keys alone, however many there are.
            govern: n == 0,
            issue_roles: RolesSpec::All(AllRoles::All),
        },
    });
    Ok(Arc::new(Genesis::new(GenesisSpec {
        chain: "bench".into(),
        profile: Profile::Dev,
        time: START,
        epoch_seconds: EPOCH,
        windows: Windows::default(),
        floors: Some(Floors::all(0)),
        limits: Limits::default(),
        organisations: organisations.collect(),
        validators,
    })?))
}

/// What organisation number `n` is called.
#[must_use]
pub fn reference(n: usize) -> String {
    if n == 0 { HOSPITAL.to_owned() } else { format!("{HOSPITAL}-{n}") }
}

/// The key of organisation number `n`.
#[must_use]
pub fn signer(n: usize) -> SigningKey {
    let mut seed = [1; 32];
    seed[..8].copy_from_slice(&(n as u64 + 0x0101_0101_0101_0101).to_le_bytes());
    SigningKey::from_bytes(&seed)
}

/// Signs an action of the hospital.
#[must_use]
pub fn sign(genesis: &Genesis, nonce: u64, action: Action) -> Transaction {
    sign_by(genesis, 0, nonce, action)
}

/// Signs an action of organisation number `n`.
#[must_use]
pub fn sign_by(genesis: &Genesis, n: usize, nonce: u64, action: Action) -> Transaction {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&nonce.to_le_bytes());
    let organisation = OrgId::from_reference(&reference(n));
    let mut tx =
        SignedTx { chain: genesis.chain_id(), organisation, nonce: bytes, action, signature: [0; 64] };
    tx.signature = signer(n).sign(&tx.signing_bytes()).to_bytes();
    Transaction::Signed(Box::new(tx))
}

/// Enrols subject number `n`.
#[must_use]
pub fn enrol(genesis: &Genesis, n: u64) -> Transaction {
    let subject = SubjectCommitment::new(Fr::from(n + 1));
    sign(genesis, n, Action::Enrol(vec![subject]))
}

/// Some seconds into an epoch.
///
/// # Errors
/// None is expected.
pub fn at(epoch: i64, seconds: i64) -> Outcome<Timestamp> {
    Ok(Timestamp::from_unix(START + epoch * i64::from(EPOCH) + seconds).ok_or("a time")?)
}

impl Chain {
    /// Makes a ledger on which [`Chain::proofs`] can make `proofs` proofs.
    ///
    /// # Errors
    /// If something here is broken.
    pub fn new(keys: &Keys, proofs: usize, rng: &mut impl CryptoRng) -> Outcome<Self> {
        let genesis = genesis()?;
        let mut state = State::genesis(genesis.clone());
        let world = world::world(rng)?;
        let mut setup = vec![
            sign(&genesis, 0, Action::Enrol(vec![world.wallet().subject().commitment()])),
            sign(
                &genesis,
                0,
                Action::IssueRole { role: world.credential.role, inner: world.credential.inner() },
            ),
            sign(
                &genesis,
                0,
                Action::Anchor { records: vec![world.record().root()], superseded: Vec::new() },
            ),
        ];
        let small = world::small(&world)?;
        for statement in Statement::ALL {
            setup.push(install(&genesis, statement, &world, &small, keys, rng)?);
        }
        advance(&mut state, at(0, 1)?, setup)?;
        advance(&mut state, at(1, 0)?, Vec::new())?;
        // One consent for the uses, one for each revocation.
        let revocations = proofs.div_ceil(Statement::ALL.len());
        let mut granted: Vec<World> = (0..revocations).map(|_| another_consent(&world, rng)).collect();
        granted.push(world.clone());
        let registries = registries(&state)?;
        let to = (genesis.chain_id(), keys);
        let plans: Vec<_> = granted
            .iter()
            .map(|world| plan(Statement::Grant, world, &registries, to, rng))
            .collect::<Outcome<_>>()?;
        advance(&mut state, at(1, 1)?, prove_all(plans, keys)?)?;
        advance(&mut state, at(2, 0)?, Vec::new())?;
        granted.pop();
        let registries = self::registries(&state)?;
        Ok(Self { state, world, registries, granted })
    }

    /// Time of the next block.
    ///
    /// # Errors
    /// None is expected.
    pub fn now(&self) -> Outcome<Timestamp> {
        at(2, 1)
    }

    /// `n` proofs of all statements in turn, all admissible in one block on top of the state.
    ///
    /// # Errors
    /// If something here is broken.
    pub fn proofs(&self, n: usize, keys: &Keys, rng: &mut impl CryptoRng) -> Outcome<Vec<Transaction>> {
        let chain = self.state.genesis_block().chain_id();
        let mut granted = self.granted.iter();
        let plans = Statement::ALL
            .into_iter()
            .cycle()
            .take(n)
            .map(|statement| {
                let fresh;
                let world = match statement {
                    Statement::Grant => {
                        fresh = another_consent(&self.world, rng);
                        &fresh
                    }
                    Statement::Revoke => granted.next().ok_or("too few consents to revoke")?,
                    _ => &self.world,
                };
                plan(statement, world, &self.registries, (chain, keys), rng)
            })
            .collect::<Outcome<Vec<_>>>()?;
        prove_all(plans, keys)
    }
}

/// Installs a key with a proof that holds and one that does not.
pub(crate) fn install(
    genesis: &Genesis,
    statement: Statement,
    world: &World,
    registries: &Registries,
    keys: &Keys,
    rng: &mut impl CryptoRng,
) -> Outcome<Transaction> {
    let Transaction::Proof(tx) = world::prove(statement, world, registries, keys, rng)? else {
        return Err("not a proof".into());
    };
    let public = tx.public_vector().to_field_elements();
    let positive = KeyVector { public, proof: tx.proof };
    let mut negative = positive.clone();
    negative.public[0] += Fr::from(1u64);
    let key = keys.get(statement).ok_or("a key is missing")?.proving_key().verifying_key().to_bytes();
    let (positive, negative) = (Box::new(positive), Box::new(negative));
    Ok(sign(genesis, 0, Action::InstallKey { key, activate_at: 0, positive, negative }))
}

pub(crate) fn prove_all(plans: Vec<Box<dyn AnyPlan>>, keys: &Keys) -> Outcome<Vec<Transaction>> {
    let mut txs = Ok(Vec::with_capacity(plans.len()));
    // As many at a time as there are threads: they then need not share the work of one proof.
    prove_batch(plans, keys, rayon::current_num_threads(), |result| {
        match (result, &mut txs) {
            (Ok(tx), Ok(list)) => list.push(tx),
            (Err(error), _) => txs = Err(error),
            (Ok(_), Err(_)) => {}
        }
        if txs.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    Ok(txs?)
}

fn advance(state: &mut State, time: Timestamp, txs: Vec<Transaction>) -> Outcome<()> {
    let delta = finalize_block(validate_transactions(state, time, txs, &|_| None)?);
    state.commit(delta);
    Ok(())
}

/// What anyone can mirror from the newest bundle.
pub(crate) fn registries(state: &State) -> Outcome<Registries> {
    let bundle = state.latest_bundle().bundle;
    let dense = |registry| {
        state.leaves_as_of(bundle.epoch, registry, 0, usize::MAX).ok_or("a registry of the newest bundle")
    };
    let indexed = |_| {
        state.revocations_as_of(bundle.epoch, 0, usize::MAX).ok_or("the revocations of the newest bundle")
    };
    let leaves = Leaves::read(dense, indexed)?;
    debug_assert!(start().is_ok_and(|start| start <= bundle.time));
    Ok(Registries::new(bundle, leaves.into_trees()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use amanat_ledger::State;

    #[test]
    fn one_organisation_decides_however_many_there_are() -> Outcome<()> {
        for organisations in [1, 8, 64] {
            assert_eq!(State::genesis(genesis_of(organisations)?).quorum(), 1);
        }
        Ok(())
    }
}
