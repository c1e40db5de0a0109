//! Validators, and what a quorum of them signs: the certificate that makes a block final.
//!
//! Every validator has one vote. With n validators up to f = ⌊(n - 1) / 3⌋ may do anything at all;
//! n - f of them are a quorum, and two quorums share one that is honest (Lamport, Shostak, Pease
//! 1982; for this protocol Buchman, Kwon, Milosevic 2018, arXiv:1807.04938). A reader that knows
//! the validators can check a block by its certificate alone, without running a node.

use crate::ids::ChainId;
use crate::wire::{Reader, WireError, Writer};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

/// Most validators of one ledger.
pub const MAX_VALIDATORS: usize = 128;

/// A validator: its Ed25519 public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValidatorKey(pub [u8; 32]);

impl core::fmt::Display for ValidatorKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The validators of a height, in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorSet(Vec<ValidatorKey>);

/// Why some keys are no set of validators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorSetError {
    /// None, or too many.
    #[error("{0} validators: a ledger has 1 to {MAX_VALIDATORS}")]
    Count(usize),
    /// Not a key anyone could be held to.
    #[error("{0} is not an Ed25519 public key, or is of small order")]
    Key(ValidatorKey),
    /// Twice the same.
    #[error("validator {0} is named twice")]
    Twice(ValidatorKey),
}

impl ValidatorSet {
    /// The set of these, in whatever order.
    ///
    /// # Errors
    /// [`ValidatorSetError`].
    pub fn new(mut keys: Vec<ValidatorKey>) -> Result<Self, ValidatorSetError> {
        if keys.is_empty() || keys.len() > MAX_VALIDATORS {
            return Err(ValidatorSetError::Count(keys.len()));
        }
        keys.sort_unstable();
        if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ValidatorSetError::Twice(pair[0]));
        }
        let weak = |key: &&ValidatorKey| VerifyingKey::from_bytes(&key.0).map_or(true, |key| key.is_weak());
        match keys.iter().find(weak) {
            Some(key) => Err(ValidatorSetError::Key(*key)),
            None => Ok(Self(keys)),
        }
    }

    /// The validators, in the order of their keys.
    #[must_use]
    pub fn keys(&self) -> &[ValidatorKey] {
        &self.0
    }

    /// Whether this is one of them.
    #[must_use]
    pub fn contains(&self, key: &ValidatorKey) -> bool {
        self.0.binary_search(key).is_ok()
    }

    /// How many may be faulty in any way without harm: f = ⌊(n - 1) / 3⌋.
    #[must_use]
    pub fn faults(&self) -> usize {
        (self.0.len() - 1) / 3
    }

    /// How many must sign: more than two thirds, ⌊2n / 3⌋ + 1.
    #[must_use]
    pub fn quorum(&self) -> usize {
        2 * self.0.len() / 3 + 1
    }

    /// SHA-256 over domain tag, number and keys.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut w = Writer::new();
        self.write(&mut w);
        Sha256::new().chain_update(b"amanat/validators/v1").chain_update(w.finish()).finalize().into()
    }

    /// Writes the canonical form.
    ///
    /// # Panics
    /// Never: a set holds at most [`MAX_VALIDATORS`].
    pub fn write(&self, w: &mut Writer) {
        w.u32(u32::try_from(self.0.len()).expect("a set is small"));
        self.0.iter().for_each(|key| w.fixed(&key.0));
    }

    /// Reads the canonical form; keys out of order are refused.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let n = r.count(1, MAX_VALIDATORS, "validators")?;
        let keys = (0..n).map(|_| r.array("validator").map(ValidatorKey)).collect::<Result<Vec<_>, _>>()?;
        let set = Self::new(keys.clone()).map_err(|_| WireError::Invalid("validators: not a set of keys"))?;
        if set.0 == keys { Ok(set) } else { Err(WireError::Invalid("validators: not in order")) }
    }
}

/// The two kinds of votes of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum VoteKind {
    /// "I consider this block valid."
    Prevote = 1,
    /// "A quorum considers it valid." A quorum of these makes it final.
    Precommit = 2,
}

/// What a validator signs to vote for a block, or for none, in a round of a height. The chain is
/// part of it: a vote on one ledger is worth nothing on another.
#[must_use]
pub fn vote_bytes(
    chain: ChainId,
    kind: VoteKind,
    height: u64,
    round: u32,
    block: Option<[u8; 32]>,
) -> Vec<u8> {
    let mut w = Writer::new();
    w.fixed(b"amanat/vote/v1");
    w.fixed(&chain.0);
    w.u8(kind as u8);
    w.u64(height);
    w.u32(round);
    w.u8(block.is_some().into());
    w.fixed(&block.unwrap_or_default());
    w.finish()
}

/// Precommits of a quorum for one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Height of the block.
    pub height: u64,
    /// Round in which it was decided.
    pub round: u32,
    /// Hash of its header.
    pub block: [u8; 32],
    /// The signers, in the order of the keys, and the signatures.
    pub signatures: Vec<(ValidatorKey, [u8; 64])>,
}

/// Why a certificate shows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Signed by another party.
    #[error("{0} is not a validator of this height")]
    Stranger(ValidatorKey),
    /// One signs twice, or the signers are not in the order of their keys.
    #[error("the signers must be in the order of their keys, each once: {0} is out of order")]
    Order(ValidatorKey),
    /// A signature is not the validator's, for this vote.
    #[error("the signature of {0} is not under a precommit for this block")]
    Signature(ValidatorKey),
    /// Too few.
    #[error("{got} of {of} validators signed; a quorum is {quorum}")]
    Few {
        /// Signatures.
        got: usize,
        /// What it takes.
        quorum: usize,
        /// Validators.
        of: usize,
    },
}

impl Certificate {
    /// Checks that a quorum of `validators` precommitted the block. Every signature must hold: one
    /// that does not was not put there by an honest node.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn verify(&self, chain: ChainId, validators: &ValidatorSet) -> Result<(), CertificateError> {
        let (got, quorum, of) = (self.signatures.len(), validators.quorum(), validators.keys().len());
        if let Some(pair) = self.signatures.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
            return Err(CertificateError::Order(pair[1].0));
        }
        if let Some((key, _)) = self.signatures.iter().find(|(key, _)| !validators.contains(key)) {
            return Err(CertificateError::Stranger(*key));
        }
        if got < quorum {
            return Err(CertificateError::Few { got, quorum, of });
        }
        let vote = vote_bytes(chain, VoteKind::Precommit, self.height, self.round, Some(self.block));
        for (key, signature) in &self.signatures {
            // Strict, as everywhere: all who check come to one verdict.
            let held = VerifyingKey::from_bytes(&key.0)
                .and_then(|known| known.verify_strict(&vote, &Signature::from_bytes(signature)));
            held.map_err(|_| CertificateError::Signature(*key))?;
        }
        Ok(())
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        self.write(&mut w);
        w.finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        Reader::whole(bytes, Self::read)
    }

    /// Writes the canonical form.
    ///
    /// # Panics
    /// If there are more than 2^32 signatures.
    pub fn write(&self, w: &mut Writer) {
        w.u64(self.height);
        w.u32(self.round);
        w.fixed(&self.block);
        w.u32(u32::try_from(self.signatures.len()).expect("at most one a validator"));
        for (key, signature) in &self.signatures {
            w.fixed(&key.0);
            w.fixed(signature);
        }
    }

    /// Reads the canonical form.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let (height, round, block) = (r.u64("height")?, r.u32("round")?, r.array("block")?);
        let n = r.count(0, MAX_VALIDATORS, "signatures")?;
        let signature = |_| Ok((ValidatorKey(r.array("validator")?), r.array("signature")?));
        let signatures = (0..n).map(signature).collect::<Result<Vec<_>, WireError>>()?;
        Ok(Self { height, round, block, signatures })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer, SigningKey};

    const CHAIN: ChainId = ChainId([7; 32]);

    /// n validators' keys in the order of the set.
    fn signers(n: u8) -> Vec<SigningKey> {
        let mut all: Vec<SigningKey> = (1..=n).map(|i| SigningKey::from_bytes(&[i; 32])).collect();
        all.sort_unstable_by_key(|k| k.verifying_key().to_bytes());
        all
    }

    fn key(signer: &SigningKey) -> ValidatorKey {
        ValidatorKey(signer.verifying_key().to_bytes())
    }

    fn set(signers: &[SigningKey]) -> ValidatorSet {
        ValidatorSet::new(signers.iter().map(key).collect()).expect("good keys")
    }

    fn certificate(signers: &[SigningKey]) -> Certificate {
        let (height, round, block) = (5, 2, [9; 32]);
        let vote = vote_bytes(CHAIN, VoteKind::Precommit, height, round, Some(block));
        let signatures = signers.iter().map(|s| (key(s), s.sign(&vote).to_bytes())).collect();
        Certificate { height, round, block, signatures }
    }

    #[test]
    fn quorums_of_all_sizes_overlap_in_an_honest_one() {
        for n in 1..=MAX_VALIDATORS {
            // Keys do not matter here.
            let set = ValidatorSet(vec![ValidatorKey([1; 32]); n]);
            assert!(2 * set.quorum() - n > set.faults(), "{n}: two quorums share an honest validator");
            assert!(set.quorum() <= n - set.faults(), "{n}: the honest are a quorum");
        }
    }

    #[test]
    fn a_quorum_is_enough_and_one_less_is_not() {
        let all = signers(4);
        let validators = set(&all);
        assert_eq!((validators.quorum(), validators.faults()), (3, 1));
        assert_eq!(certificate(&all).verify(CHAIN, &validators), Ok(()));
        assert_eq!(certificate(&all[1..]).verify(CHAIN, &validators), Ok(()));
        let few = CertificateError::Few { got: 2, quorum: 3, of: 4 };
        assert_eq!(certificate(&all[2..]).verify(CHAIN, &validators), Err(few));
    }

    #[test]
    fn what_was_signed_is_what_is_certified() {
        let all = signers(4);
        let validators = set(&all);
        let good = certificate(&all);
        let first = CertificateError::Signature(key(&all[0]));
        type Change = (&'static str, fn(&mut Certificate));
        let changes: [Change; 3] =
            [("height", |c| c.height += 1), ("round", |c| c.round += 1), ("block", |c| c.block[31] ^= 1)];
        for (what, change) in changes {
            let mut bad = good.clone();
            change(&mut bad);
            assert_eq!(bad.verify(CHAIN, &validators), Err(first), "{what}");
        }
        assert_eq!(good.verify(ChainId([8; 32]), &validators), Err(first), "chain");
        let mut bad = good.clone();
        let prevote = vote_bytes(CHAIN, VoteKind::Prevote, bad.height, bad.round, Some(bad.block));
        bad.signatures[0].1 = all[0].sign(&prevote).to_bytes();
        assert_eq!(bad.verify(CHAIN, &validators), Err(first), "a prevote");
        let mut bad = good;
        let nil = vote_bytes(CHAIN, VoteKind::Precommit, bad.height, bad.round, None);
        bad.signatures[3].1 = all[3].sign(&nil).to_bytes();
        assert_eq!(bad.verify(CHAIN, &validators), Err(CertificateError::Signature(key(&all[3]))), "nil");
    }

    #[test]
    fn strangers_and_double_votes_do_not_count() {
        let all = signers(5);
        let validators = set(&all[..4]);
        let stranger = key(&all[4]);
        assert_eq!(certificate(&all).verify(CHAIN, &validators), Err(CertificateError::Stranger(stranger)));
        let mut twice = certificate(&all[..2]);
        twice.signatures.push(twice.signatures[1]);
        assert_eq!(twice.verify(CHAIN, &validators), Err(CertificateError::Order(key(&all[1]))));
    }

    #[test]
    fn sets_are_checked() {
        let all = signers(2);
        assert_eq!(ValidatorSet::new(Vec::new()), Err(ValidatorSetError::Count(0)));
        let one = key(&all[0]);
        assert_eq!(ValidatorSet::new(vec![one, one]), Err(ValidatorSetError::Twice(one)));
        let mut weak = [0; 32];
        weak[0] = 1; // the identity
        let weak = ValidatorKey(weak);
        assert_eq!(ValidatorSet::new(vec![one, weak]), Err(ValidatorSetError::Key(weak)));
        assert_eq!(ValidatorSet::new(vec![one; MAX_VALIDATORS + 1]), Err(ValidatorSetError::Count(129)));
    }

    #[test]
    fn one_encoding() {
        let all = signers(4);
        let certificate = certificate(&all);
        let bytes = certificate.to_bytes();
        assert_eq!(Certificate::from_bytes(&bytes), Ok(certificate));
        for n in 0..bytes.len() {
            assert!(Certificate::from_bytes(&bytes[..n]).is_err(), "{n}");
        }
        let mut w = Writer::new();
        set(&all).write(&mut w);
        let mut bytes = w.finish();
        assert_eq!(ValidatorSet::read(&mut Reader::new(&bytes)), Ok(set(&all)));
        bytes[4..68].rotate_left(32);
        assert!(ValidatorSet::read(&mut Reader::new(&bytes)).is_err(), "out of order");
    }
}
