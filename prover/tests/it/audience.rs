//! From a proof to what its audience may read: a custodian proves S3 and hands over openings, an
//! insurer checks.

use amanat_circuits::circuit;
use amanat_circuits::statements::record::RecordWitness;
use amanat_circuits::world::World;
use amanat_circuits::world::sample::Sample;
use amanat_domain::record::{Leaf, Record};
use amanat_domain::statement::Statement;
use amanat_domain::statement::record::RecordRequest;
use amanat_domain::tx::{ChainId, ProofTx, Transaction};
use amanat_params::{VerifyingKey, insecure_dev_setup};
use amanat_prover::groth16::no_progress;
use amanat_prover::keys::{Keys, StatementKey};
use amanat_prover::plan::{Plan, Target};
use amanat_verifier::audience::{Asked, AudienceReject, Openings, OpeningsReject, SealedBundle};
use amanat_verifier::{AcceptedKeys, InsecureKey, verify_proof};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

const CHAIN: ChainId = ChainId([1; 32]);
const INSURER: [u8; 32] = [2; 32];
const NONCE: [u8; 32] = [3; 32];
const DISCLOSED: u16 = 1 << Leaf::Unit as u8 | 1 << Leaf::Status as u8;

/// A proof about a made-up record, the record, the request it answers, and the key.
fn proved() -> (VerifyingKey, ProofTx, Record, RecordRequest) {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let statement = Statement::Record;
    let (key, verifying) =
        insecure_dev_setup(statement, statement.version(), circuit(statement), &mut rng, &|_| ())
            .expect("this build's circuit");
    let key = StatementKey::new(key).expect("this build's circuit");
    let mut witness = RecordWitness::case(&World::new(7)).witness;
    witness.request.disclosed = DISCLOSED;
    let (record, request) = (witness.record.clone(), witness.request.clone());
    let (bundle, policy) = (witness.bundle, witness.policy());
    let target = Target { chain: CHAIN, key: key.digest(), audience: INSURER, nonce: Some(NONCE) };
    let plan = Plan::new(&target, bundle.epoch, bundle.hash(), policy, witness, &mut rng).expect("it holds");
    let mut keys = Keys::new();
    keys.insert(key);
    let Transaction::Proof(tx) = plan.prove(&keys, &no_progress).expect("a proof") else {
        panic!("a proof transaction")
    };
    (verifying, *tx, record, request)
}

#[test]
fn an_insurer_reads_what_was_proved_to_it_and_nothing_else() {
    let (key, tx, record, request) = proved();
    let mut accepted = AcceptedKeys::new();
    assert_eq!(accepted.accept(&key), Err(InsecureKey(Statement::Record)), "its maker can forge proofs");
    accepted.accept_insecure_dev(&key);
    let asked =
        Asked { chain: CHAIN, audience: INSURER, nonce: NONCE, oldest_epoch: tx.epoch, policy: request };
    let ledger = SealedBundle::believed(CHAIN, tx.epoch, tx.bundle).into();
    // As it travels: bytes beside the transaction.
    let sent = Openings::of(&record, DISCLOSED).to_bytes();
    let openings = Openings::from_bytes(&sent).expect("own bytes");

    let verified = verify_proof(&accepted, tx).expect("valid");
    let read = verified.disclosure(&asked, &ledger, &openings).map_err(|e| e.to_string());
    let read = read.expect("an answer to this very request").into_inner();
    for leaf in Leaf::ALL {
        let expected = (DISCLOSED >> leaf as u8 & 1 == 1).then(|| record.open(leaf).values);
        assert_eq!(read.value(leaf), expected, "{}", leaf.name());
    }

    let other = Asked { nonce: [4; 32], ..asked.clone() };
    let replayed = verified.disclosure(&other, &ledger, &openings).err();
    assert_eq!(replayed, Some(AudienceReject::Nonce { expected: [4; 32], got: NONCE }));
    let mut request = asked.policy.clone();
    request.anchored_by += 1;
    let other = Asked { policy: request, ..asked.clone() };
    assert_eq!(verified.disclosure(&other, &ledger, &openings).err(), Some(AudienceReject::Policy));
    // Another record's openings of the same leaves.
    let stranger = RecordWitness::case(&World::new(8)).witness.record;
    let lies = Openings::of(&stranger, DISCLOSED);
    let refused = Some(AudienceReject::Openings(OpeningsReject::Commitment));
    assert_eq!(verified.disclosure(&asked, &ledger, &lies).err(), refused);
}
