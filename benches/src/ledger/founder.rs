//! Founds a ledger that several validators will keep: all of them sign, in one place.

use crate::report::Outcome;
use amanat_domain::quorum::{Certificate, ValidatorKey, VoteKind, vote_bytes};
use amanat_domain::time::Timestamp;
use amanat_domain::tx::Transaction;
use amanat_ledger::{Chain, Delta, Genesis, Storage};
use ed25519_dalek::{Signer, SigningKey};
use std::path::Path;
use std::sync::Arc;

/// A ledger before its validators have it.
pub(super) struct Founder {
    chain: Chain,
    validators: usize,
}

impl Founder {
    /// A new file.
    pub(super) fn create(path: &Path, genesis: Arc<Genesis>, validators: usize) -> Outcome<Self> {
        Ok(Self { chain: Chain::create(Storage::File(path.to_owned()), genesis)?, validators })
    }

    /// The ledger.
    pub(super) const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Commits transactions, none of which depends on another.
    pub(super) fn submit(&self, txs: &[Transaction], now: Timestamp) -> Outcome<()> {
        let bytes: Vec<Vec<u8>> = txs.iter().map(Transaction::to_bytes).collect();
        for checked in self.chain.check_txs(&bytes, now) {
            self.chain.enqueue(checked)?;
        }
        self.tick(now)
    }

    /// Makes blocks while one is due.
    pub(super) fn tick(&self, now: Timestamp) -> Outcome<()> {
        while self.chain.due(now) {
            let delta = self.chain.prepare_proposal(now)?;
            let certificate = (self.validators > 0).then(|| self.certificate(&delta));
            self.chain.commit(delta, certificate.as_ref())?;
        }
        Ok(())
    }

    fn certificate(&self, delta: &Delta) -> Certificate {
        let header = delta.block().header;
        let (height, round, block) = (header.height, 0, header.hash().0);
        let vote = vote_bytes(header.chain, VoteKind::Precommit, height, round, Some(block));
        let mut signatures: Vec<_> = (0..self.validators)
            .map(validator)
            .map(|key| (ValidatorKey(key.verifying_key().to_bytes()), key.sign(&vote).to_bytes()))
            .collect();
        signatures.sort_unstable();
        Certificate { height, round, block, signatures }
    }
}

/// The key of validator number `n`.
pub(super) fn validator(n: usize) -> SigningKey {
    let mut seed = [2; 32];
    seed[..8].copy_from_slice(&(n as u64).to_le_bytes());
    SigningKey::from_bytes(&seed)
}
