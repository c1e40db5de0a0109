//! Transactions: what organisations sign and what proofs authorise, with one canonical encoding.
//!
//! A transaction is identified by its [`TxId`]. Replay of a proof is recognised by its context
//! ([`ProofTx::ctx`]) and its nullifiers, never by proof bytes, which anyone can re-randomise.

use crate::bundle::BundleHash;
use crate::consent::{OrgId, RoleCode};
use crate::field::{Fr, hash_to_field};
use crate::governance::Change;
use crate::identity::{RoleInner, SubjectCommitment};
use crate::ids::{read_vector, write_vector};
use crate::proof::ProofBytes;
use crate::record::{RecordRoot, SupersessionHandle};
use crate::scope::RolePolicy;
use crate::statement::access::AccessPolicy;
use crate::statement::{PolicyKind, PublicVector, Statement};
use crate::wire::{Reader, WireError, Writer};
use sha2::{Digest, Sha256};

pub use crate::ids::{ChainId, KeyDigest, KeyVector, MAX_KEY_BYTES, TxId};

/// Version of the encoding; the first byte of every transaction. Version 1 has no tag of a proof
/// system: its proofs are Groth16's.
pub const TX_VERSION: u8 = 1;
/// Most bytes of one transaction.
pub const MAX_TX_BYTES: usize = 128 * 1024;
/// Most entries of a batch (enrolments, anchors).
pub const MAX_BATCH: usize = 1024;

/// What an organisation does in its own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Enrol subjects.
    Enrol(Vec<SubjectCommitment>),
    /// Issue a role credential; the ledger computes the leaf with the signer's id.
    IssueRole {
        /// The role.
        role: RoleCode,
        /// Private half.
        inner: RoleInner,
    },
    /// Retire a credential this organisation issued.
    RetireRole {
        /// Its leaf index.
        index: u32,
    },
    /// Anchor records, or take some back; the ledger computes the leaves with the signer's id and
    /// the epoch. One list at least has an entry.
    Anchor {
        /// Record roots.
        records: Vec<RecordRoot>,
        /// Handles of records these replace; the ledger inserts their ids into `revocations`.
        superseded: Vec<SupersessionHandle>,
    },
    /// Install a verifying key, if one organisation governs alone; others propose it.
    InstallKey {
        /// Canonical bytes of the verifying key.
        key: Vec<u8>,
        /// First height at which proofs under it are accepted.
        activate_at: u64,
        /// A proof that must verify.
        positive: Box<KeyVector>,
        /// A proof that must not.
        negative: Box<KeyVector>,
    },
    /// Stop accepting proofs under a key, from the next block on.
    FreezeKey {
        /// The statement.
        statement: Statement,
        /// The key.
        key: KeyDigest,
    },
    /// Propose a change; the proposal bears the id of this transaction. It counts as the signer's
    /// approval.
    Propose(Box<Change>),
    /// Approve a proposal.
    Approve(TxId),
}

/// A transaction signed by an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTx {
    /// The ledger it is for.
    pub chain: ChainId,
    /// The signer.
    pub organisation: OrgId,
    /// Makes equal actions different transactions.
    pub nonce: [u8; 16],
    /// What is done.
    pub action: Action,
    /// Ed25519 over [`SignedTx::signing_bytes`].
    pub signature: [u8; 64],
}

/// The policy a proof transaction carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyField {
    /// Grant and revoke have none; the public input is zero.
    None,
    /// S1 and S3: a salted hash; the audience holds the opening.
    Sealed(Fr),
    /// S2: in the clear.
    Role(RolePolicy),
    /// Access: in the clear.
    Access(AccessPolicy),
}

impl PolicyField {
    /// The public input `policy`.
    #[must_use]
    pub fn hash(&self) -> Fr {
        match self {
            Self::None => Fr::from(0u64),
            Self::Sealed(h) => *h,
            Self::Role(p) => p.policy_hash(),
            Self::Access(p) => p.policy_hash(),
        }
    }

    /// The credentials that the policy qualifies, if it says which.
    #[must_use]
    pub const fn roles(&self) -> Option<&RolePolicy> {
        match self {
            Self::None | Self::Sealed(_) => None,
            Self::Role(p) => Some(p),
            Self::Access(p) => Some(&p.roles),
        }
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Self::None => {}
            Self::Sealed(h) => w.field(*h),
            Self::Role(p) => p.write(w),
            Self::Access(p) => p.write(w),
        }
    }

    /// Reads a policy. Its kind follows from the statement, so it is not on the wire.
    fn read(r: &mut Reader<'_>, kind: PolicyKind) -> Result<Self, WireError> {
        Ok(match kind {
            PolicyKind::None => Self::None,
            PolicyKind::Sealed => Self::Sealed(r.field("policy")?),
            PolicyKind::Role => Self::Role(RolePolicy::read(r)?),
            PolicyKind::Access => Self::Access(AccessPolicy::read(r)?),
        })
    }
}

/// A transaction authorised by a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofTx {
    /// The ledger it is for.
    pub chain: ChainId,
    /// What is proved.
    pub statement: Statement,
    /// Under which key.
    pub key: KeyDigest,
    /// Against the bundle of which epoch.
    pub epoch: u64,
    /// That bundle.
    pub bundle: BundleHash,
    /// For whom: free bytes agreed with the audience (hash of its name and session, say).
    pub audience: [u8; 32],
    /// Nonce of the request.
    pub nonce: [u8; 32],
    /// The policy.
    pub policy: PolicyField,
    /// Nullifier slots.
    pub nf: [Fr; 2],
    /// Output slots.
    pub out: [Fr; 2],
    /// The proof.
    pub proof: ProofBytes,
}

/// What `ctx` binds, without slots and proof: known before proving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The ledger.
    pub chain: ChainId,
    /// The statement.
    pub statement: Statement,
    /// The key.
    pub key: KeyDigest,
    /// The epoch.
    pub epoch: u64,
    /// The audience.
    pub audience: [u8; 32],
    /// The request's nonce.
    pub nonce: [u8; 32],
    /// The policy.
    pub policy: PolicyField,
}

impl Context {
    /// `ctx`: hash-to-field of chain id, statement id and version, key digest, audience, policy
    /// encoding, nonce and epoch.
    #[must_use]
    pub fn ctx(&self) -> Fr {
        let mut policy = Writer::new();
        self.policy.write(&mut policy);
        hash_to_field(
            "amanat/ctx/v1",
            &[
                &self.chain.0,
                &[self.statement as u8],
                &self.statement.version().to_le_bytes(),
                &self.key.0,
                &self.audience,
                &policy.finish(),
                &self.nonce,
                &self.epoch.to_le_bytes(),
            ],
        )
    }
}

impl ProofTx {
    /// The part `ctx` binds.
    #[must_use]
    pub fn context(&self) -> Context {
        Context {
            chain: self.chain,
            statement: self.statement,
            key: self.key,
            epoch: self.epoch,
            audience: self.audience,
            nonce: self.nonce,
            policy: self.policy.clone(),
        }
    }

    /// Recomputes `ctx`.
    #[must_use]
    pub fn ctx(&self) -> Fr {
        self.context().ctx()
    }

    /// The public vector the proof must verify against, `ctx` and policy recomputed.
    #[must_use]
    pub fn public_vector(&self) -> PublicVector {
        PublicVector {
            ctx: self.ctx(),
            bundle: self.bundle.to_field(),
            epoch: self.epoch,
            policy: self.policy.hash(),
            nf: self.nf,
            out: self.out,
        }
    }

    /// Identity of the transaction: everything but the proof.
    #[must_use]
    pub fn id(&self) -> TxId {
        let mut w = Writer::new();
        w.u8(TX_VERSION);
        write_proof_head(&mut w, self);
        txid(&w.finish())
    }

    /// The nullifier this transaction spends, if its statement spends one.
    #[must_use]
    pub const fn spent_nullifier(&self) -> Option<Fr> {
        match self.statement.spec().spends {
            Some(slot) => Some(self.nf[slot]),
            None => None,
        }
    }
}

/// A transaction.
///
/// ```
/// use amanat_domain::{tx::Transaction, wire::WireError};
///
/// /// The id of a transaction in a file. A transaction has one encoding.
/// fn id(file: &[u8]) -> Result<String, WireError> {
///     let tx = Transaction::from_bytes(file)?;
///     assert_eq!(tx.to_bytes(), file);
///     Ok(tx.id().to_string())
/// }
/// assert!(id(b"something else").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transaction {
    /// Signed by an organisation.
    Signed(Box<SignedTx>),
    /// Authorised by a proof.
    Proof(Box<ProofTx>),
}

impl SignedTx {
    /// What is signed: a domain separator and everything but the signature.
    #[must_use]
    pub fn signing_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.fixed(b"amanat/signed/v1");
        self.write_unsigned(&mut w);
        w.finish()
    }

    fn write_unsigned(&self, w: &mut Writer) {
        w.fixed(&self.chain.0);
        w.field(self.organisation.to_field());
        w.fixed(&self.nonce);
        write_action(w, &self.action);
    }
}

impl Transaction {
    /// The ledger it is for.
    #[must_use]
    pub fn chain(&self) -> ChainId {
        match self {
            Self::Signed(tx) => tx.chain,
            Self::Proof(tx) => tx.chain,
        }
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(TX_VERSION);
        match self {
            Self::Signed(tx) => {
                w.u8(0);
                tx.write_unsigned(&mut w);
                w.fixed(&tx.signature);
            }
            Self::Proof(tx) => {
                write_proof_head(&mut w, tx);
                tx.proof.write_v1(&mut w);
            }
        }
        w.finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// [`WireError`] saying what is wrong where.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.len() > MAX_TX_BYTES {
            return Err(WireError::Length {
                what: "transaction",
                got: bytes.len(),
                least: 1,
                most: MAX_TX_BYTES,
            });
        }
        let mut r = Reader::new(bytes);
        let version = r.u8("transaction version")?;
        if version != TX_VERSION {
            return Err(WireError::Unknown { what: "transaction version", got: version.into() });
        }
        let tx = match r.u8("transaction kind")? {
            0 => Self::Signed(Box::new(read_signed(&mut r)?)),
            n => {
                let statement = Statement::from_u8(n)
                    .ok_or(WireError::Unknown { what: "transaction kind", got: n.into() })?;
                Self::Proof(Box::new(read_proof(&mut r, statement)?))
            }
        };
        r.finish()?;
        Ok(tx)
    }

    /// Identity of the transaction.
    #[must_use]
    pub fn id(&self) -> TxId {
        match self {
            Self::Signed(_) => txid(&self.to_bytes()),
            Self::Proof(tx) => tx.id(),
        }
    }
}

fn txid(identified: &[u8]) -> TxId {
    TxId(Sha256::new().chain_update(b"amanat/txid/v1").chain_update(identified).finalize().into())
}

fn write_proof_head(w: &mut Writer, tx: &ProofTx) {
    w.u8(tx.statement as u8);
    w.fixed(&tx.chain.0);
    w.fixed(&tx.key.0);
    w.u64(tx.epoch);
    w.field(tx.bundle.to_field());
    w.fixed(&tx.audience);
    w.fixed(&tx.nonce);
    tx.policy.write(w);
    for x in tx.nf.iter().chain(&tx.out) {
        w.field(*x);
    }
}

fn read_proof(r: &mut Reader<'_>, statement: Statement) -> Result<ProofTx, WireError> {
    Ok(ProofTx {
        chain: ChainId(r.array("chain id")?),
        statement,
        key: KeyDigest(r.array("key digest")?),
        epoch: r.u64("epoch")?,
        bundle: BundleHash::new(r.field("bundle")?),
        audience: r.array("audience")?,
        nonce: r.array("request nonce")?,
        policy: PolicyField::read(r, statement.spec().policy)?,
        nf: [r.field("nf_0")?, r.field("nf_1")?],
        out: [r.field("out_0")?, r.field("out_1")?],
        proof: ProofBytes::read_v1(r)?,
    })
}

fn read_signed(r: &mut Reader<'_>) -> Result<SignedTx, WireError> {
    Ok(SignedTx {
        chain: ChainId(r.array("chain id")?),
        organisation: OrgId::new(r.field("organisation")?),
        nonce: r.array("nonce")?,
        action: read_action(r)?,
        signature: r.array("signature")?,
    })
}

fn write_action(w: &mut Writer, action: &Action) {
    let list = |w: &mut Writer, xs: &mut dyn ExactSizeIterator<Item = Fr>| {
        w.u32(u32::try_from(xs.len()).expect("batches are far below 2^32"));
        xs.for_each(|x| w.field(x));
    };
    match action {
        Action::Enrol(subjects) => {
            w.u8(1);
            list(w, &mut subjects.iter().map(|s| s.to_field()));
        }
        Action::IssueRole { role, inner } => {
            w.u8(2);
            w.field(role.to_field());
            w.field(inner.to_field());
        }
        Action::RetireRole { index } => {
            w.u8(3);
            w.u32(*index);
        }
        Action::Anchor { records, superseded } => {
            w.u8(4);
            list(w, &mut records.iter().map(|x| x.to_field()));
            list(w, &mut superseded.iter().map(|x| x.to_field()));
        }
        Action::InstallKey { key, activate_at, positive, negative } => {
            w.u8(5);
            w.bytes(key);
            w.u64(*activate_at);
            write_vector(w, positive);
            write_vector(w, negative);
        }
        Action::FreezeKey { statement, key } => {
            w.u8(6);
            w.u8(*statement as u8);
            w.fixed(&key.0);
        }
        Action::Propose(change) => {
            w.u8(7);
            change.write(w);
        }
        Action::Approve(proposal) => {
            w.u8(8);
            w.fixed(&proposal.0);
        }
    }
}

fn read_action(r: &mut Reader<'_>) -> Result<Action, WireError> {
    Ok(match r.u8("action")? {
        1 => {
            let n = r.count(1, MAX_BATCH, "subjects")?;
            Action::Enrol(
                (0..n).map(|_| r.field("subject").map(SubjectCommitment::new)).collect::<Result<_, _>>()?,
            )
        }
        2 => Action::IssueRole {
            role: RoleCode::new(r.field("role")?),
            inner: RoleInner::new(r.field("credential")?),
        },
        3 => Action::RetireRole { index: r.u32("credential index")? },
        4 => {
            let n = r.count(0, MAX_BATCH, "records")?;
            let records: Vec<_> =
                (0..n).map(|_| r.field("record root").map(RecordRoot::new)).collect::<Result<_, _>>()?;
            // What was anchored in error is superseded by nothing.
            let n = r.count(usize::from(records.is_empty()), MAX_BATCH, "superseded records")?;
            let superseded = (0..n)
                .map(|_| r.field("supersession handle").map(SupersessionHandle::new))
                .collect::<Result<_, _>>()?;
            Action::Anchor { records, superseded }
        }
        5 => Action::InstallKey {
            key: r.bytes(MAX_KEY_BYTES, "verifying key")?.to_vec(),
            activate_at: r.u64("activation height")?,
            positive: Box::new(read_vector(r)?),
            negative: Box::new(read_vector(r)?),
        },
        6 => Action::FreezeKey { statement: Statement::read(r)?, key: KeyDigest(r.array("key digest")?) },
        7 => Action::Propose(Box::new(Change::read(r)?)),
        8 => Action::Approve(TxId(r.array("proposal")?)),
        n => return Err(WireError::Unknown { what: "action", got: n.into() }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::governance::tests::arb_change;
    use proptest::prelude::*;

    fn signed(action: Action) -> Transaction {
        let organisation = OrgId::new(Fr::from(7u64));
        let tx =
            SignedTx { chain: ChainId([1; 32]), organisation, nonce: [2; 16], action, signature: [3; 64] };
        Transaction::Signed(Box::new(tx))
    }

    proptest! {
        #[test]
        fn one_encoding_of_each_proposal(change in arb_change()) {
            let tx = signed(Action::Propose(Box::new(change)));
            prop_assert_eq!(Transaction::from_bytes(&tx.to_bytes()), Ok(tx));
        }

        #[test]
        fn one_encoding_of_each_approval(id in any::<[u8; 32]>()) {
            let tx = signed(Action::Approve(TxId(id)));
            prop_assert_eq!(Transaction::from_bytes(&tx.to_bytes()), Ok(tx));
        }
    }
}
