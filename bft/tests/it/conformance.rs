//! One suite over every engine: solo, one validator, four in this process, four processes.

use crate::cluster::*;
use crate::inside::{Alone, Inside};
use crate::processes::Processes;
use crate::world::*;
use amanat_domain::identity::SubjectCommitment;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{Action, Transaction};
use amanat_ledger::*;

#[test]
fn solo_conforms() {
    conforms(&mut Alone::new());
}

#[test]
fn one_validator_conforms() {
    conforms(&mut Inside::new(1));
}

#[test]
fn four_validators_in_one_process_conform() {
    conforms(&mut Inside::new(4));
}

#[test]
fn four_processes_conform() {
    conforms(&mut Processes::new(4));
}

/// A state that follows the ledger block by block, validating each.
struct Replica(State);

impl Replica {
    fn follow(&mut self, ledger: &dyn Ledger, height: u64) -> &State {
        while self.0.tip().height < height {
            let block = ledger.block(self.0.tip().height + 1);
            let certificate = ledger.certificate(block.header.height);
            let genesis = ledger.genesis();
            match genesis.validators() {
                None => assert_eq!(certificate, None),
                Some(validators) => {
                    let certificate = certificate.expect("certified");
                    assert_eq!(certificate.block, block.header.hash().0);
                    assert_eq!(certificate.verify(genesis.chain_id(), &validators.set), Ok(()));
                }
            }
            let delta = process_proposal(&self.0, &block, &unknown).expect("valid");
            self.0.commit(delta);
        }
        &self.0
    }
}

fn bytes(txs: &[Transaction]) -> Vec<Vec<u8>> {
    txs.iter().map(Transaction::to_bytes).collect()
}

#[track_caller]
pub(crate) fn committed(answers: &[Answer]) -> u64 {
    answers.iter().map(Answer::height).max().expect("some")
}

fn conforms(ledger: &mut dyn Ledger) {
    let chain = ledger.genesis();
    let mut replica = Replica(State::genesis(chain.clone()));

    // Submitted, and proved to be there: by receipt, and by entry.
    let tx = enrol(&chain, 1);
    let answer = ledger.submit(&tx.to_bytes());
    let height = answer.height();
    assert_eq!(answer, Answer::Committed { txid: tx.id(), height });
    let inclusion = ledger.inclusion(&tx.id());
    let block = replica.follow(ledger, height).tip().hash();
    assert_eq!((inclusion.receipt.txid, inclusion.receipt.height), (tx.id(), height));
    assert_eq!(inclusion.verify(block), Ok(()));
    let entry = ledger.prove(Entry::Transaction(tx.id()));
    let tip = replica.follow(ledger, entry.header.height).tip().hash();
    assert_eq!(entry.verify(tip), Ok(()));
    assert!(matches!(entry.content, Some(Content::Receipt(receipt)) if receipt == inclusion.receipt));

    // Again: the first receipt. Nonsense, and what the state forbids: refused, nothing changes.
    assert_eq!(ledger.submit(&tx.to_bytes()), Answer::Before { txid: tx.id(), height });
    assert!(ledger.submit(b"nonsense").refusal().contains("transaction"));
    let taken = sign(&chain, HOSPITAL, 9, Action::Enrol(vec![SubjectCommitment::new(f(1))]));
    assert!(ledger.submit(&taken.to_bytes()).refusal().contains("enrolled already"));
    let Transaction::Signed(mut forged) = enrol(&chain, 2) else { panic!("signed") };
    forged.signature[5] ^= 1;
    let forged = Transaction::Signed(forged);
    assert!(matches!(ledger.submit(&forged.to_bytes()), Answer::Refused(_)));
    assert_eq!(ledger.prove(Entry::Transaction(forged.id())).content, None);

    // A new epoch is sealed without anybody submitting.
    let keys: Vec<Transaction> = Statement::ALL.iter().map(|s| key(*s).install(&chain, 0)).collect();
    committed(&ledger.submit_all(&bytes(&keys)));
    ledger.set_clock(epoch(1));
    ledger.wait_epoch(1);
    let state = replica.follow(ledger, ledger.height());
    assert_eq!(state.latest_bundle().bundle.epoch, 1);

    // Two at different validators that spend one nullifier: one is committed, once; the other is
    // told.
    let spend = |request: u64| {
        let mut tx = claim(state, Statement::Access, request);
        tx.nf[0] = f(1);
        tx.out[1] = f(request);
        proved(tx)
    };
    let race = [spend(1), spend(2)];
    let answers = ledger.submit_all(&bytes(&race));
    let (won, lost): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|a| matches!(a, Answer::Committed { .. }));
    assert_eq!((won.len(), lost.len()), (1, 1), "{lost:?}");
    let why = lost[0].clone().refusal();
    assert!(why.contains("nullifier"), "{why}");
    // A proof that does not hold, of a claim that would be fine.
    let Transaction::Proof(mut bad) = proof(state, Statement::Role, 7) else { panic!("a proof") };
    bad.proof = {
        let Transaction::Proof(other) = proof(state, Statement::Role, 8) else { panic!("a proof") };
        other.proof
    };
    assert!(matches!(ledger.submit(&Transaction::Proof(bad).to_bytes()), Answer::Refused(_)));

    // Many at once, at all validators.
    let many: Vec<Transaction> = (100..140).map(|n| enrol(&chain, n)).collect();
    committed(&ledger.submit_all(&bytes(&many)));

    // Everything is there after a restart, and it goes on.
    ledger.restart();
    for tx in many.iter().chain([&tx]) {
        let proof = ledger.inclusion(&tx.id());
        assert_eq!(proof.verify(ledger.block(proof.receipt.height).header.hash()), Ok(()));
        assert!(matches!(ledger.submit(&tx.to_bytes()), Answer::Before { .. }));
    }
    let height = ledger.submit(&enrol(&chain, 1000).to_bytes()).height();
    let state = replica.follow(ledger, height);
    assert_eq!(state.tree(amanat_domain::bundle::Registry::Subjects).len(), 42);
}
