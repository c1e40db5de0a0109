//! The world that is measured, and plans over it. [`World`] draws its people and things at random;
//! what a ledger must hold too, or what a figure depends on, is the same in every run here.

use super::Outcome;
use amanat_circuits::with_relation;
use amanat_circuits::world::sample::Sample;
use amanat_circuits::world::{Registries, World};
use amanat_domain::bundle::PerRegistry;
use amanat_domain::consent::{
    Actions, Categories, Confidentiality, ConsentTerms, Effect, Grantee, Jurisdictions, Level, OrgId,
    Purposes, RoleCode, Rule, UseLimit,
};
use amanat_domain::field::{self, Fr};
use amanat_domain::identity::RoleCredential;
use amanat_domain::policy::{AccessPolicy, ConsentRequest, Recipient, RecordRequest, RolePolicy, Scope};
use amanat_domain::record::{Record, RecordFields, ResourceType};
use amanat_domain::statement::Statement;
use amanat_domain::time::{Period, Timestamp};
use amanat_domain::tree::{IndexedTree, Tree};
use amanat_domain::tx::{ChainId, Transaction};
use amanat_prover::groth16::no_progress;
use amanat_prover::keys::{AnyPlan, Keys};
use amanat_prover::plan::Target;
use amanat_prover::sample;
use rand::CryptoRng;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

/// The hospital of the world: anchors the record, issues the credential.
pub const HOSPITAL: &str = "Organization/hospital";
/// Unix time of the world: 2026-11-15.
pub const START: i64 = 1_794_700_800;
/// The ledger of proofs that are for none.
pub const NO_CHAIN: ChainId = ChainId([7; 32]);

/// A generator with a fixed seed: every run measures the same thing.
#[must_use]
pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// A patient whose consent permits a clinician of the hospital to read laboratory results, as often
/// as they like, and one such result.
///
/// # Errors
/// None is expected: terms and policy are well formed.
pub fn world(rng: &mut impl CryptoRng) -> Outcome<World> {
    let now = start()?;
    let hospital = OrgId::from_reference(HOSPITAL);
    let role = RoleCode::from_coding("http://snomed.info/sct", "309343006");
    let drawn = World::new(rng.next_u64());
    let credential =
        RoleCredential { role, organisation: hospital, licence: Period::ALWAYS, ..drawn.credential };
    let scope = Scope {
        purposes: Purposes::TREAT,
        actions: Actions::ACCESS,
        categories: Categories::LABS,
        jurisdictions: Jurisdictions::PK_PUNJAB,
        confidentiality: Confidentiality::Normal,
    };
    let permit = Rule {
        grantee: Grantee::Role(role),
        purposes: Purposes::TREAT.union(Purposes::ETREAT),
        categories: Categories::LABS.union(Categories::VITALS),
        confidentiality: Confidentiality::Normal,
        ..Rule::unconditional(Effect::Permit, Level::Root)
    };
    let mut world = World {
        terms: ConsentTerms::new(vec![permit], Effect::Deny, "https://example.org/policy".to_owned())?,
        limit: UseLimit::UNLIMITED,
        custodian: hospital,
        anchored: 0,
        request: ConsentRequest {
            scope,
            data_period: Period::at(now),
            recipient: Recipient { organisation: hospital, role, holder: credential.holder },
            salt: field::random(rng),
        },
        policy: AccessPolicy { scope, roles: RolePolicy::new(vec![role], vec![hospital])? },
        asked: RecordRequest {
            resource_type: Some(ResourceType::Observation as u64),
            code: None,
            unit: None,
            status: None,
            value: None,
            period: Period::ALWAYS,
            custodian: Some(hospital),
            anchored_by: 1,
            latest: true,
            disclosed: 1 << 4,
            salt: field::random(rng),
        },
        credential,
        epoch: 1,
        time: now,
        strangers: PerRegistry::default(),
        positions: PerRegistry::default(),
        revoked: Vec::new(),
        ..drawn
    };
    let record = Record::commit(&fields(now), &world.wallet().subject(), "vault/1", rng);
    world.set_record(&record);
    world.redraw_consent(rng);
    Ok(world)
}

/// The same world, with another consent of the patient.
pub fn another_consent(world: &World, rng: &mut impl CryptoRng) -> World {
    let mut world = World { consent_salt: field::random(rng), ..world.clone() };
    world.redraw_consent(rng);
    world
}

/// The same world, asked once more: another use of the consent, other salts of the requests.
fn asked_again(world: &World, rng: &mut impl CryptoRng) -> World {
    let mut world = World { use_index: rng.next_u64(), ..world.clone() };
    world.request.salt = field::random(rng);
    world.asked.salt = field::random(rng);
    world
}

/// Small registries that hold the world.
///
/// # Errors
/// None is expected.
pub fn small(world: &World) -> Outcome<Registries> {
    Ok(Registries::over(world, Tree::from_leaves(&random_leaves(16, &mut rng(16)))?, IndexedTree::new())?)
}

/// The witness of another use.
///
/// # Errors
/// If the registries do not hold what the statement is about.
pub fn witness<R: Sample>(world: &World, registries: &Registries, rng: &mut impl CryptoRng) -> Outcome<R> {
    Ok(R::witness(&asked_again(world, rng), registries).ok_or("the world is not in the registries")?)
}

/// Where a transaction to a ledger goes.
///
/// # Errors
/// If there is no key for the statement.
pub fn target(statement: Statement, (chain, keys): (ChainId, &Keys)) -> Outcome<Target> {
    let key = keys.get(statement).ok_or("a key is missing")?.digest();
    Ok(Target { chain, key, audience: [9; 32], nonce: None })
}

/// A plan for another use.
///
/// # Errors
/// As [`witness`] and [`target`]; a statement that does not hold.
pub fn plan(
    statement: Statement,
    world: &World,
    registries: &Registries,
    to: (ChainId, &Keys),
    rng: &mut impl CryptoRng,
) -> Outcome<Box<dyn AnyPlan>> {
    plan_for(&target(statement, to)?, statement, world, registries, rng)
}

/// [`plan`] for any target. From the same generator two nonces give two proofs of one use.
///
/// # Errors
/// As [`witness`]; a statement that does not hold.
pub fn plan_for(
    target: &Target,
    statement: Statement,
    world: &World,
    registries: &Registries,
    rng: &mut impl CryptoRng,
) -> Outcome<Box<dyn AnyPlan>> {
    with_relation!(statement, |Witness| {
        let witness: Witness = witness(world, registries, rng)?;
        Ok(sample::plan_of(witness, target, rng)?)
    })
}

/// A proof over registries of no ledger, by all threads.
///
/// # Errors
/// As [`plan`]; if the prover fails.
pub fn prove(
    statement: Statement,
    world: &World,
    registries: &Registries,
    keys: &Keys,
    rng: &mut impl CryptoRng,
) -> Outcome<Transaction> {
    Ok(plan(statement, world, registries, (NO_CHAIN, keys), rng)?.prove_any(keys, &no_progress)?)
}

/// The world's beginning.
///
/// # Errors
/// None is expected.
pub fn start() -> Outcome<Timestamp> {
    Ok(Timestamp::from_unix(START).ok_or("a time")?)
}

/// Random leaves, of no use but to fill a tree.
pub fn random_leaves(n: usize, rng: &mut impl CryptoRng) -> Vec<Fr> {
    (0..n).map(|_| field::random(rng)).collect()
}

/// An observation.
#[must_use]
pub fn fields(now: Timestamp) -> RecordFields {
    RecordFields {
        resource_type: ResourceType::Observation,
        code: None,
        categories: Categories::LABS,
        confidentiality: Confidentiality::Normal,
        time: Period::at(now),
        value: None,
        unit: None,
        amount: None,
        provider: None,
        organisation: None,
        link: None,
        status: Some("final".to_owned()),
        body_digest: [5; 64],
        device: None,
        provenance: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amanat_circuits::Relation;
    use amanat_circuits::statements::consent::ConsentWitness;
    use amanat_circuits::world::Case;

    #[test]
    fn every_statement_holds_in_the_measured_world() -> Outcome<()> {
        let world = world(&mut rng(1))?;
        let registries = small(&world)?;
        for statement in Statement::ALL {
            with_relation!(statement, |Witness| {
                let witness = witness::<Witness>(&world, &registries, &mut rng(2))?;
                let case = Case::honest(witness, world.ctx);
                case.witness.check(&case.public)?;
            });
        }
        let another = another_consent(&world, &mut rng(3));
        assert!(witness::<ConsentWitness>(&another, &registries, &mut rng(4)).is_err(), "not granted there");
        Ok(())
    }
}
