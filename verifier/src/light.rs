//! Checks what a ledger says without a node: a chain's name and its validators are enough.
//!
//! A block is final once a quorum of its height's validators has signed its hash ([`Certificate`]).
//! Its header covers the state ([`EntryProof`]) and its receipts ([`InclusionProof`]). A client
//! that knows the validators of a height can check a single receipt, a nullifier or a key, and that
//! something is *not* there, with some kilobytes and no trust in their sender.
//!
//! Validators change on the ledger. A change made by block h holds from h + 2 and is an entry of
//! the state after h: the validators who sign h vouch for their successors
//! ([`LightClient::follow`]). A client that missed a change would believe the old ones, so what it
//! believes about a height is only as good as the honesty, until today, of two thirds of the last
//! validators it knows: come back more often than validators leave, or ask several.

use amanat_domain::block::{BlockHash, Header};
use amanat_domain::entry::{Content, Entry, EntryNotShown, EntryProof};
use amanat_domain::quorum::{Certificate, CertificateError, ValidatorSet};
use amanat_domain::receipt::{InclusionProof, NotIncluded, ReceiptData};
use amanat_domain::tx::ChainId;
use amanat_domain::wire::{Reader, WireError, Writer};

/// Most changes of validators that one piece of evidence brings along.
pub const MAX_CHANGES: usize = 1024;

/// What a client without a node knows of a ledger.
///
/// ```
/// use amanat_domain::{quorum::ValidatorSet, tx::ChainId};
/// use amanat_verifier::light::{LightClient, ReceiptEvidence};
///
/// /// The height of a transaction, from a file of evidence and from what the genesis says.
/// fn height(
///     chain: ChainId,
///     genesis: ValidatorSet,
///     file: &[u8],
/// ) -> Result<u64, Box<dyn std::error::Error>> {
///     let evidence = ReceiptEvidence::from_bytes(file)?;
///     Ok(LightClient::new(chain, genesis).check(&evidence)?.height)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct LightClient {
    chain: ChainId,
    /// The validators, each set with the first height it agrees on, in order of heights. Never
    /// empty.
    sets: Vec<(u64, ValidatorSet)>,
}

/// A change of the validators, shown by a block that the validators before it agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorChange {
    /// That the state after a block has [`Entry::ValidatorSet`].
    pub proof: EntryProof,
    /// That this block is final.
    pub certificate: Certificate,
    /// The set whose hash the entry says.
    pub set: ValidatorSet,
}

/// Everything it takes to check one receipt against a genesis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptEvidence {
    /// Changes of validators from the genesis on, in order.
    pub changes: Vec<ValidatorChange>,
    /// That the receipt is in its block.
    pub inclusion: InclusionProof,
    /// That the block is final.
    pub certificate: Certificate,
}

/// Why a light client does not believe something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LightError {
    /// Another ledger's.
    #[error("the block is of chain {got}, not of {expected}")]
    OtherChain {
        /// Ours.
        expected: ChainId,
        /// The header's.
        got: ChainId,
    },
    /// The certificate is for another block.
    #[error("the certificate is for block {got} of height {height}, not for {expected}")]
    OtherBlock {
        /// The header's hash.
        expected: BlockHash,
        /// The certificate's block.
        got: BlockHash,
        /// The certificate's height.
        height: u64,
    },
    /// No quorum signed.
    #[error("the block of height {height} is not certified: {reason}")]
    Certificate {
        /// The block's height.
        height: u64,
        /// What is wrong.
        reason: CertificateError,
    },
    /// The receipt is not in the block.
    #[error(transparent)]
    Receipt(#[from] NotIncluded),
    /// The entry is not in the state.
    #[error(transparent)]
    Entry(#[from] EntryNotShown),
    /// A proof about something else.
    #[error("the proof is not about the validators")]
    NotValidators,
    /// A proof about something else, or that no such bundle was sealed.
    #[error("the proof does not show a sealed bundle")]
    NotBundle,
    /// The set is not the one the entry says.
    #[error("the validators given are not those that block {0} names")]
    OtherValidators(u64),
    /// A change is missing before it.
    #[error("the change of validators that block {0} made follows one that was not given")]
    Gap(u64),
    /// A change older than what the client knows already.
    #[error("the validators from height {got} on are older than those known, from height {known} on")]
    Stale {
        /// From where on the newest known set agrees.
        known: u64,
        /// What was given.
        got: u64,
    },
}

impl LightClient {
    /// Knows the chain and the validators of its genesis: both come from the genesis file, and so
    /// must the trust in them.
    #[must_use]
    pub fn new(chain: ChainId, genesis: ValidatorSet) -> Self {
        Self { chain, sets: vec![(0, genesis)] }
    }

    /// The ledger.
    #[must_use]
    pub const fn chain(&self) -> ChainId {
        self.chain
    }

    /// The validators of a height, as far as this client knows.
    #[must_use]
    pub fn validators(&self, height: u64) -> &ValidatorSet {
        let after = self.sets.partition_point(|(from, _)| *from <= height);
        // The first set holds from height 0 on.
        &self.sets[after.saturating_sub(1)].1
    }

    /// Checks that a block is final: a quorum of the validators of its height signed its hash.
    ///
    /// # Errors
    /// [`LightError`].
    pub fn block(&self, header: &Header, certificate: &Certificate) -> Result<BlockHash, LightError> {
        if header.chain != self.chain {
            return Err(LightError::OtherChain { expected: self.chain, got: header.chain });
        }
        let (hash, height) = (header.hash(), header.height);
        let got = BlockHash(certificate.block);
        if got != hash || certificate.height != height {
            return Err(LightError::OtherBlock { expected: hash, got, height: certificate.height });
        }
        let held = certificate.verify(self.chain, self.validators(height));
        held.map(|()| hash).map_err(|reason| LightError::Certificate { height, reason })
    }

    /// Checks that a transaction's receipt is on the ledger.
    ///
    /// # Errors
    /// [`LightError`].
    pub fn receipt<'p>(
        &self,
        proof: &'p InclusionProof,
        certificate: &Certificate,
    ) -> Result<&'p ReceiptData, LightError> {
        proof.verify(self.block(&proof.header, certificate)?)?;
        Ok(&proof.receipt)
    }

    /// Checks that the state after a block has an entry with a content, or, without one, that it
    /// has none.
    ///
    /// # Errors
    /// [`LightError`].
    pub fn entry(
        &self,
        proof: &EntryProof,
        certificate: &Certificate,
    ) -> Result<Option<Content>, LightError> {
        proof.verify(self.block(&proof.header, certificate)?)?;
        Ok(proof.content)
    }

    /// Takes over a change of the validators.
    ///
    /// # Errors
    /// [`LightError`]; nothing is taken over then.
    pub fn follow(&mut self, change: &ValidatorChange) -> Result<(), LightError> {
        if change.proof.entry != Entry::ValidatorSet {
            return Err(LightError::NotValidators);
        }
        let Some(Content::ValidatorSet { set, from, before, .. }) =
            self.entry(&change.proof, &change.certificate)?
        else {
            return Err(LightError::NotValidators);
        };
        if change.set.hash() != set {
            return Err(LightError::OtherValidators(change.proof.header.height));
        }
        match self.sets.last() {
            // What is known already does no harm.
            Some((known, last)) if *known == from && *last == change.set => Ok(()),
            Some((known, _)) if *known >= from => Err(LightError::Stale { known: *known, got: from }),
            Some((_, last)) if last.hash() != before => Err(LightError::Gap(change.proof.header.height)),
            _ => {
                self.sets.push((from, change.set.clone()));
                Ok(())
            }
        }
    }

    /// Follows all changes and checks the receipt.
    ///
    /// # Errors
    /// [`LightError`].
    pub fn check<'e>(&mut self, evidence: &'e ReceiptEvidence) -> Result<&'e ReceiptData, LightError> {
        evidence.changes.iter().try_for_each(|change| self.follow(change))?;
        self.receipt(&evidence.inclusion, &evidence.certificate)
    }
}

impl ReceiptEvidence {
    /// Whether these bytes begin as evidence does.
    #[must_use]
    pub fn is_named_by(bytes: &[u8]) -> bool {
        bytes.starts_with(Self::TAG)
    }

    /// Canonical bytes: tag and version first, so that a file is known for what it is.
    ///
    /// # Panics
    /// With more than [`MAX_CHANGES`] changes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        assert!(self.changes.len() <= MAX_CHANGES, "at most {MAX_CHANGES} changes of validators");
        let mut w = Writer::new();
        w.fixed(Self::TAG);
        w.u32(u32::try_from(self.changes.len()).expect("bounded above"));
        for ValidatorChange { proof, certificate, set } in &self.changes {
            w.bytes(&proof.to_bytes());
            certificate.write(&mut w);
            set.write(&mut w);
        }
        w.bytes(&self.inclusion.to_bytes());
        self.certificate.write(&mut w);
        w.finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        const MAX_PROOF_BYTES: usize = 64 * 1024;
        let mut r = Reader::new(bytes);
        if r.array::<{ Self::TAG.len() }>("tag")? != *Self::TAG {
            return Err(WireError::Invalid("not evidence of a receipt, or of another version"));
        }
        let n = r.count(0, MAX_CHANGES, "changes of validators")?;
        let change = |_| {
            let proof = EntryProof::from_bytes(r.bytes(MAX_PROOF_BYTES, "entry proof")?)?;
            let certificate = Certificate::read(&mut r)?;
            Ok(ValidatorChange { proof, certificate, set: ValidatorSet::read(&mut r)? })
        };
        let changes = (0..n).map(change).collect::<Result<Vec<_>, WireError>>()?;
        let inclusion = InclusionProof::from_bytes(r.bytes(MAX_PROOF_BYTES, "inclusion proof")?)?;
        let certificate = Certificate::read(&mut r)?;
        r.finish()?;
        Ok(Self { changes, inclusion, certificate })
    }

    const TAG: &'static [u8; 26] = b"amanat/receipt-evidence/v1";
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use amanat_domain::block::AppHash;
    use amanat_domain::bundle::PerRegistry;
    use amanat_domain::commitments::Commitments;
    use amanat_domain::map::MerkleMap;
    use amanat_domain::merkle;
    use amanat_domain::quorum::{ValidatorKey, VoteKind, vote_bytes};
    use amanat_domain::receipt::{Effect, receipts_root};
    use amanat_domain::time::Timestamp;
    use amanat_domain::tree::Root;
    use amanat_domain::tx::TxId;
    use ed25519_dalek::{Signer, SigningKey};

    pub(crate) const CHAIN: ChainId = ChainId([3; 32]);

    pub(crate) fn signers(seeds: core::ops::Range<u8>) -> Vec<SigningKey> {
        let mut all: Vec<SigningKey> = seeds.map(|i| SigningKey::from_bytes(&[i; 32])).collect();
        all.sort_unstable_by_key(|k| k.verifying_key().to_bytes());
        all
    }

    pub(crate) fn set(signers: &[SigningKey]) -> ValidatorSet {
        let key = |s: &SigningKey| ValidatorKey(s.verifying_key().to_bytes());
        ValidatorSet::new(signers.iter().map(key).collect()).expect("good keys")
    }

    pub(crate) fn certify(header: &Header, signers: &[SigningKey]) -> Certificate {
        let (height, round, block) = (header.height, 1, header.hash().0);
        let vote = vote_bytes(header.chain, VoteKind::Precommit, height, round, Some(block));
        let key = |s: &SigningKey| ValidatorKey(s.verifying_key().to_bytes());
        let signatures = signers.iter().map(|s| (key(s), s.sign(&vote).to_bytes())).collect();
        Certificate { height, round, block, signatures }
    }

    /// A block with three receipts, and a state with some entries.
    pub(crate) struct Made {
        pub(crate) header: Header,
        pub(crate) receipts: Vec<ReceiptData>,
        commitments: Commitments,
        entries: MerkleMap,
    }

    pub(crate) fn block(height: u64, entries: &[(Entry, Content)]) -> Made {
        let receipt = |index: u32| ReceiptData {
            txid: TxId([index as u8 + 1; 32]),
            height,
            index,
            epoch: 2,
            effect: Effect::Recorded,
        };
        let receipts: Vec<ReceiptData> = (0..3).map(receipt).collect();
        let entries = MerkleMap::new().with(entries.iter().map(|(e, c)| (e.key(), c.value())));
        let commitments = Commitments {
            chain: CHAIN,
            registries: PerRegistry::from_fn(|_| (Root::new(0u64.into()), 0)),
            active: 0,
            entries: (entries.root(), entries.len()),
        };
        let header = Header {
            chain: CHAIN,
            height,
            parent: BlockHash([1; 32]),
            time: Timestamp::from_unix(1_795_000_000).expect("a time"),
            epoch: 2,
            tx_root: [2; 32],
            receipts_root: receipts_root(&receipts),
            count: 3,
            app_hash: commitments.app_hash(),
        };
        Made { header, receipts, commitments, entries }
    }

    impl Made {
        pub(crate) fn inclusion(&self, index: usize) -> InclusionProof {
            let leaves: Vec<_> = self.receipts.iter().map(ReceiptData::to_bytes).collect();
            let siblings = merkle::path(&leaves, index).expect("there");
            InclusionProof { receipt: self.receipts[index], header: self.header, siblings }
        }

        pub(crate) fn entry(&self, entry: Entry, content: Option<Content>) -> EntryProof {
            let path = self.entries.prove(&entry.key());
            EntryProof { entry, content, header: self.header, commitments: self.commitments, path }
        }
    }

    fn succession(height: u64, to: &[SigningKey], before: &[SigningKey]) -> (Made, Content) {
        let content = Content::ValidatorSet {
            set: set(to).hash(),
            from: height + 2,
            before: set(before).hash(),
            operators: [0; 32],
        };
        (block(height, &[(Entry::ValidatorSet, content)]), content)
    }

    #[test]
    fn a_receipt_in_a_certified_block_is_believed_and_nothing_else() {
        let all = signers(1..5);
        let client = LightClient::new(CHAIN, set(&all));
        let made = block(7, &[]);
        let certificate = certify(&made.header, &all[..3]);
        for index in 0..3 {
            let proof = made.inclusion(index);
            assert_eq!(client.receipt(&proof, &certificate), Ok(&made.receipts[index]));
        }
        let few = certify(&made.header, &all[..2]);
        let proof = made.inclusion(0);
        let refused = client.receipt(&proof, &few);
        assert!(matches!(refused, Err(LightError::Certificate { height: 7, .. })), "{refused:?}");
        // Signed by keys that are no validators.
        let others = certify(&made.header, &signers(10..14));
        assert!(client.receipt(&proof, &others).is_err());
        // Another block's certificate, of the same height or of another.
        let mut other = block(7, &[]);
        other.header.app_hash = AppHash([9; 32]);
        for wrong in [certify(&other.header, &all), certify(&block(8, &[]).header, &all)] {
            let refused = client.receipt(&proof, &wrong);
            assert!(matches!(refused, Err(LightError::OtherBlock { .. })), "{refused:?}");
        }
        // A receipt that is not in the block.
        let mut forged = made.inclusion(1);
        forged.receipt.txid = TxId([99; 32]);
        assert!(matches!(client.receipt(&forged, &certificate), Err(LightError::Receipt(_))));
        // Another chain with the same validators.
        let elsewhere = LightClient::new(ChainId([4; 32]), set(&all));
        let refused = elsewhere.receipt(&proof, &certificate);
        assert!(matches!(refused, Err(LightError::OtherChain { .. })), "{refused:?}");
    }

    #[test]
    fn entries_are_shown_to_be_there_or_not() {
        let all = signers(1..5);
        let client = LightClient::new(CHAIN, set(&all));
        let (spent, unspent) = (Entry::Nullifier([1; 32]), Entry::Nullifier([2; 32]));
        let made = block(7, &[(spent, Content::SpentAt(5))]);
        let certificate = certify(&made.header, &all);
        let proof = made.entry(spent, Some(Content::SpentAt(5)));
        assert_eq!(client.entry(&proof, &certificate), Ok(Some(Content::SpentAt(5))));
        assert_eq!(client.entry(&made.entry(unspent, None), &certificate), Ok(None));
        let lies = [
            made.entry(spent, None),
            made.entry(spent, Some(Content::SpentAt(6))),
            made.entry(unspent, Some(Content::SpentAt(5))),
        ];
        for lie in lies {
            assert!(matches!(client.entry(&lie, &certificate), Err(LightError::Entry(_))), "{lie:?}");
        }
    }

    #[test]
    fn changes_of_validators_are_followed_in_order_and_only_where_the_old_ones_vouch() {
        let (first, second) = (signers(1..5), signers(20..24));
        let mut client = LightClient::new(CHAIN, set(&first));
        let (made, content) = succession(10, &second, &first);
        let change = |signers: &[SigningKey], to: &[SigningKey]| ValidatorChange {
            proof: made.entry(Entry::ValidatorSet, Some(content)),
            certificate: certify(&made.header, signers),
            set: set(to),
        };
        // By the successors themselves; with another set; about something else.
        assert!(matches!(client.follow(&change(&second, &second)), Err(LightError::Certificate { .. })));
        assert_eq!(client.follow(&change(&first, &first)), Err(LightError::OtherValidators(10)));
        let mut other = change(&first, &second);
        other.proof = made.entry(Entry::Nullifier([1; 32]), None);
        assert_eq!(client.follow(&other), Err(LightError::NotValidators));

        assert_eq!(client.follow(&change(&first, &second)), Ok(()));
        assert_eq!(client.follow(&change(&first, &second)), Ok(()), "known already");
        // Up to height 11 the old ones agree, from 12 on the new ones.
        for (height, signers, others) in [(11, &first, &second), (12, &second, &first), (13, &second, &first)]
        {
            let made = block(height, &[]);
            assert!(client.block(&made.header, &certify(&made.header, signers)).is_ok(), "{height}");
            assert!(client.block(&made.header, &certify(&made.header, others)).is_err(), "{height}");
        }
        // The next but one is not a successor of the known set.
        let (skipped, content) = succession(20, &signers(50..54), &signers(40..44));
        let gap = ValidatorChange {
            proof: skipped.entry(Entry::ValidatorSet, Some(content)),
            certificate: certify(&skipped.header, &second),
            set: set(&signers(50..54)),
        };
        assert_eq!(client.follow(&gap), Err(LightError::Gap(20)));
        // An older change does not take over from a newer one.
        let (older, content) = succession(9, &signers(30..34), &first);
        let stale = ValidatorChange {
            proof: older.entry(Entry::ValidatorSet, Some(content)),
            certificate: certify(&older.header, &first),
            set: set(&signers(30..34)),
        };
        assert_eq!(client.follow(&stale), Err(LightError::Stale { known: 12, got: 11 }));
    }

    #[test]
    fn evidence_is_read_back_and_any_changed_byte_is_refused() {
        let (first, second) = (signers(1..2), signers(20..21));
        let (made, content) = succession(10, &second, &first);
        let change = ValidatorChange {
            proof: made.entry(Entry::ValidatorSet, Some(content)),
            certificate: certify(&made.header, &first),
            set: set(&second),
        };
        let late = block(15, &[]);
        let evidence = ReceiptEvidence {
            changes: vec![change],
            inclusion: late.inclusion(2),
            certificate: certify(&late.header, &second),
        };
        let client = LightClient::new(CHAIN, set(&first));
        assert_eq!(client.clone().check(&evidence), Ok(&late.receipts[2]));
        let without = ReceiptEvidence { changes: Vec::new(), ..evidence.clone() };
        assert!(client.clone().check(&without).is_err(), "nobody vouches for the new ones");
        let bytes = evidence.to_bytes();
        assert_eq!(ReceiptEvidence::from_bytes(&bytes).as_ref(), Ok(&evidence));
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            let believed = ReceiptEvidence::from_bytes(&bad)
                .is_ok_and(|evidence| client.clone().check(&evidence).is_ok());
            assert!(!believed, "byte {at}");
            assert!(ReceiptEvidence::from_bytes(&bytes[..at]).is_err(), "cut at {at}");
        }
    }
}
