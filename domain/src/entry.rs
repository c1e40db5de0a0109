//! What the app hash commits to entry by entry, and proofs of single entries.
//!
//! Nullifiers, contexts, receipts, keys, bundles, credentials, members, validators and proposals
//! are entries of one [`MerkleMap`](crate::map::MerkleMap): its root goes into the app hash, so a
//! header proves that one of them is there, or is not.

use crate::block::{BlockHash, Header};
use crate::bundle::BundleHash;
use crate::commitments::Commitments;
use crate::consent::{OrgId, RoleCode};
use crate::field::Fr;
use crate::ids::{KeyDigest, TxId};
use crate::map::{Key, MapProof, NotShown, Value};
use crate::receipt::ReceiptData;
use crate::statement::Statement;
use crate::wire::{Reader, WireError, Writer};
use sha2::{Digest, Sha256};

/// What there may be an entry for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A nullifier: spent or not.
    Nullifier([u8; 32]),
    /// A transaction: committed or not.
    Transaction(TxId),
    /// A verifying key: installed or not.
    VerifyingKey(Statement, KeyDigest),
    /// The bundle of an epoch: sealed or not.
    Bundle(u64),
    /// A context: used or not.
    Context([u8; 32]),
    /// The credential at this leaf of `roles`: issued or not.
    Credential(u32),
    /// An organisation: a member, once a member, or never one.
    Organisation(OrgId),
    /// The validators: there are some, or one operator keeps the ledger by themselves.
    ValidatorSet,
    /// A proposal, by the id of the proposing transaction: made or not.
    Proposal(TxId),
}

/// What the entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A nullifier was spent by the block of this height.
    SpentAt(u64),
    /// A transaction was committed.
    Receipt(ReceiptData),
    /// A verifying key is installed.
    VerifyingKey {
        /// First height at which proofs under it are accepted.
        active_from: u64,
        /// First height at which they no longer are: frozen.
        frozen_from: Option<u64>,
        /// First height at which they no longer are: its time is over.
        sunset_from: Option<u64>,
    },
    /// A bundle was sealed.
    Bundle(BundleHash),
    /// A context was used by this transaction.
    UsedBy(TxId),
    /// A credential was issued.
    Credential(Credential),
    /// An organisation is or was a member.
    Organisation {
        /// Digest of name, key and capabilities.
        digest: [u8; 32],
        /// Block that took it in; 0: the genesis.
        since: u64,
        /// Block that removed it.
        removed: Option<u64>,
    },
    /// There are validators. A reader that trusts this block learns from it which validators agree
    /// on the two blocks that follow, and so can follow every change.
    ValidatorSet {
        /// [Hash](crate::quorum::ValidatorSet::hash) of the newest set.
        set: [u8; 32],
        /// First height it agrees on, at most two above this block's.
        from: u64,
        /// Hash of the set of the heights before.
        before: [u8; 32],
        /// SHA-256 over domain tag and both sets with the organisation of each validator.
        operators: [u8; 32],
    },
    /// A change was proposed.
    Proposal {
        /// [Digest](crate::governance::Change::digest) of the change.
        change: [u8; 32],
        /// By whom.
        proposer: OrgId,
        /// Block that holds it.
        proposed: u64,
        /// First epoch in which it can no longer be approved.
        expires: u64,
        /// SHA-256 over domain tag, number and ids of the organisations that approved it.
        approvals: [u8; 32],
        /// Block that made the change.
        enacted: Option<u64>,
    },
}

/// The issuer and the role of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credential {
    /// The role.
    pub role: RoleCode,
    /// The issuer.
    pub organisation: OrgId,
    /// Its leaf in `roles`, kept beyond retirement: an earlier bundle was sealed over it.
    pub leaf: Fr,
    /// Block that issued it.
    pub issued: u64,
    /// Block that retired it.
    pub retired: Option<u64>,
}

/// The proof that the state after a block has an entry with this content, or, without content, that
/// it has no such entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryProof {
    /// What it is about.
    pub entry: Entry,
    /// What the entry says; none: it is not there.
    pub content: Option<Content>,
    /// The block after which that was so.
    pub header: Header,
    /// What the header's app hash covers.
    pub commitments: Commitments,
    /// The path to the root of the entries.
    pub path: MapProof,
}

/// Why an entry proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryNotShown {
    /// The header is not the block's.
    #[error("the header has hash {got}, expected {expected}")]
    OtherBlock {
        /// The block trusted.
        expected: BlockHash,
        /// The header's hash.
        got: BlockHash,
    },
    /// The commitments are not those of the header's app hash.
    #[error("the commitments are not those of block {0}")]
    OtherState(u64),
    /// The content is not of the entry's kind, or is about another one.
    #[error("the content is not about the entry")]
    OtherContent,
    /// The path shows something else.
    #[error(transparent)]
    Path(#[from] NotShown),
}

/// Why words name no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryNameError {
    /// No such kind.
    #[error("the kinds of entries are {}", Entry::KINDS.join(", "))]
    Kind,
    /// A name that the kind does not have.
    #[error("expected {0}")]
    Name(&'static str),
}

impl Entry {
    /// The kinds of entries, as people write them.
    pub const KINDS: [&'static str; 9] = [
        "nullifier",
        "transaction",
        "key",
        "bundle",
        "context",
        "credential",
        "organisation",
        "validators",
        "proposal",
    ];

    /// What people call this entry: kind and name, as [`from_words`](Self::from_words) reads them.
    #[must_use]
    pub fn words(&self) -> (&'static str, String) {
        match self {
            Self::Nullifier(nullifier) => ("nullifier", hex::encode(nullifier)),
            Self::Transaction(txid) => ("transaction", txid.to_string()),
            Self::VerifyingKey(statement, digest) => ("key", format!("{}.{digest}", statement.name())),
            Self::Bundle(epoch) => ("bundle", epoch.to_string()),
            Self::Context(ctx) => ("context", hex::encode(ctx)),
            Self::Credential(index) => ("credential", index.to_string()),
            Self::Organisation(id) => ("organisation", hex::encode(id.to_bytes())),
            Self::ValidatorSet => ("validators", "now".to_owned()),
            Self::Proposal(txid) => ("proposal", txid.to_string()),
        }
    }

    /// What people call an entry: one of [`KINDS`](Self::KINDS), and a name of that kind.
    ///
    /// # Errors
    /// [`EntryNameError`].
    pub fn from_words(kind: &str, name: &str) -> Result<Self, EntryNameError> {
        const HEX: EntryNameError = EntryNameError::Name("64 hexadecimal digits");
        let hex = |text: &str| {
            let mut bytes = [0; 32];
            hex::decode_to_slice(text, &mut bytes).map(|()| bytes).map_err(|_| HEX)
        };
        let number = |what| {
            let digits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
            name.parse::<u64>().ok().filter(|_| digits).ok_or(EntryNameError::Name(what))
        };
        Ok(match kind {
            "nullifier" => Self::Nullifier(hex(name)?),
            "transaction" => Self::Transaction(TxId(hex(name)?)),
            "key" => {
                const KEY: EntryNameError =
                    EntryNameError::Name("a statement and a key's digest, as role.64 digits");
                let (statement, digest) = name.split_once('.').ok_or(KEY)?;
                let statement = Statement::ALL.into_iter().find(|s| s.name() == statement).ok_or(KEY)?;
                Self::VerifyingKey(statement, KeyDigest(hex(digest)?))
            }
            "bundle" => Self::Bundle(number("the number of an epoch")?),
            "context" => Self::Context(hex(name)?),
            "credential" => {
                const LEAF: &str = "the index of a leaf";
                Self::Credential(u32::try_from(number(LEAF)?).map_err(|_| EntryNameError::Name(LEAF))?)
            }
            // A reference such as Organization/x, or its id.
            "organisation" => match hex(name).ok().and_then(|bytes| OrgId::from_bytes(&bytes).ok()) {
                Some(id) => Self::Organisation(id),
                None => Self::Organisation(OrgId::from_reference(name)),
            },
            "validators" if name == "now" => Self::ValidatorSet,
            "validators" => return Err(EntryNameError::Name("the word now")),
            "proposal" => Self::Proposal(TxId(hex(name)?)),
            _ => return Err(EntryNameError::Kind),
        })
    }

    /// Its place in the map: SHA-256 over domain tag, kind and name.
    #[must_use]
    pub fn key(&self) -> Key {
        let mut w = Writer::new();
        self.write(&mut w);
        Sha256::new().chain_update(b"amanat/entry/v1").chain_update(w.finish()).finalize().into()
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Self::Nullifier(nullifier) => {
                w.u8(1);
                w.fixed(nullifier);
            }
            Self::Transaction(txid) => {
                w.u8(2);
                w.fixed(&txid.0);
            }
            Self::VerifyingKey(statement, digest) => {
                w.u8(3);
                w.u8(*statement as u8);
                w.fixed(&digest.0);
            }
            Self::Bundle(epoch) => {
                w.u8(4);
                w.u64(*epoch);
            }
            Self::Context(ctx) => {
                w.u8(5);
                w.fixed(ctx);
            }
            Self::Credential(index) => {
                w.u8(6);
                w.u32(*index);
            }
            Self::Organisation(id) => {
                w.u8(7);
                w.field(id.to_field());
            }
            Self::ValidatorSet => w.u8(8),
            Self::Proposal(txid) => {
                w.u8(9);
                w.fixed(&txid.0);
            }
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match r.u8("kind of entry")? {
            1 => Self::Nullifier(r.array("nullifier")?),
            2 => Self::Transaction(TxId(r.array("transaction id")?)),
            3 => {
                let n = r.u8("statement")?;
                let statement = Statement::from_u8(n);
                let statement = statement.ok_or(WireError::Unknown { what: "statement", got: n.into() })?;
                Self::VerifyingKey(statement, KeyDigest(r.array("key")?))
            }
            4 => Self::Bundle(r.u64("epoch")?),
            5 => Self::Context(r.array("context")?),
            6 => Self::Credential(r.u32("leaf")?),
            7 => Self::Organisation(OrgId::new(r.field("organisation")?)),
            8 => Self::ValidatorSet,
            9 => Self::Proposal(TxId(r.array("proposal")?)),
            n => return Err(WireError::Unknown { what: "kind of entry", got: n.into() }),
        })
    }
}

impl Content {
    /// Its value in the map: a height as 32 bytes little-endian, a transaction id as it is, of
    /// everything else SHA-256 over domain tag and canonical bytes. An entry has contents of one
    /// kind only, so that values of two kinds never meet.
    #[must_use]
    pub fn value(&self) -> Value {
        match self {
            Self::SpentAt(height) => {
                let mut value = [0; 32];
                value[..8].copy_from_slice(&height.to_le_bytes());
                value
            }
            Self::UsedBy(txid) => txid.0,
            other => {
                let mut w = Writer::new();
                other.write(&mut w);
                Sha256::new().chain_update(b"amanat/content/v1").chain_update(w.finish()).finalize().into()
            }
        }
    }

    fn is_about(&self, entry: &Entry) -> bool {
        match (entry, self) {
            (Entry::Transaction(txid), Self::Receipt(receipt)) => receipt.txid == *txid,
            (Entry::Nullifier(_), Self::SpentAt(_))
            | (Entry::VerifyingKey(..), Self::VerifyingKey { .. })
            | (Entry::Bundle(_), Self::Bundle(_))
            | (Entry::Context(_), Self::UsedBy(_))
            | (Entry::Credential(_), Self::Credential(_))
            | (Entry::Organisation(_), Self::Organisation { .. })
            | (Entry::ValidatorSet, Self::ValidatorSet { .. })
            | (Entry::Proposal(_), Self::Proposal { .. }) => true,
            _ => false,
        }
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Self::SpentAt(height) => {
                w.u8(1);
                w.u64(*height);
            }
            Self::Receipt(receipt) => {
                w.u8(2);
                receipt.write(w);
            }
            Self::VerifyingKey { active_from, frozen_from, sunset_from } => {
                w.u8(3);
                w.u64(*active_from);
                // Frozen or over at height 0 is impossible: a key is installed by a block.
                write_height(w, *frozen_from);
                write_height(w, *sunset_from);
            }
            Self::Bundle(hash) => {
                w.u8(4);
                w.fixed(&hash.to_bytes());
            }
            Self::UsedBy(txid) => {
                w.u8(5);
                w.fixed(&txid.0);
            }
            Self::Credential(credential) => {
                w.u8(6);
                credential.write(w);
            }
            Self::Organisation { digest, since, removed } => {
                w.u8(7);
                w.fixed(digest);
                w.u64(*since);
                write_height(w, *removed);
            }
            Self::ValidatorSet { set, from, before, operators } => {
                w.u8(8);
                w.fixed(set);
                w.u64(*from);
                w.fixed(before);
                w.fixed(operators);
            }
            Self::Proposal { change, proposer, proposed, expires, approvals, enacted } => {
                w.u8(9);
                w.fixed(change);
                w.field(proposer.to_field());
                w.u64(*proposed);
                w.u64(*expires);
                w.fixed(approvals);
                write_height(w, *enacted);
            }
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match r.u8("kind of content")? {
            1 => Self::SpentAt(r.u64("height")?),
            2 => Self::Receipt(ReceiptData::read(r)?),
            3 => Self::VerifyingKey {
                active_from: r.u64("active from")?,
                frozen_from: read_height(r, "frozen from")?,
                sunset_from: read_height(r, "sunset from")?,
            },
            4 => Self::Bundle(BundleHash::new(r.field("bundle hash")?)),
            5 => Self::UsedBy(TxId(r.array("transaction id")?)),
            6 => Self::Credential(Credential::read(r)?),
            7 => Self::Organisation {
                digest: r.array("organisation")?,
                since: r.u64("member since")?,
                removed: read_height(r, "removed in")?,
            },
            8 => Self::ValidatorSet {
                set: r.array("validators")?,
                from: r.u64("first height")?,
                before: r.array("validators before")?,
                operators: r.array("operators")?,
            },
            9 => Self::Proposal {
                change: r.array("change")?,
                proposer: OrgId::new(r.field("proposer")?),
                proposed: r.u64("proposed in")?,
                expires: r.u64("expires in")?,
                approvals: r.array("approvals")?,
                enacted: read_height(r, "enacted in")?,
            },
            n => return Err(WireError::Unknown { what: "kind of content", got: n.into() }),
        })
    }
}

impl Credential {
    /// Writes the canonical form.
    pub fn write(&self, w: &mut Writer) {
        w.field(self.role.to_field());
        w.field(self.organisation.to_field());
        w.field(self.leaf);
        w.u64(self.issued);
        // Zero: not retired. The genesis retires nothing.
        w.u64(self.retired.unwrap_or(0));
    }

    /// Reads the canonical form.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            role: RoleCode::new(r.field("role")?),
            organisation: OrgId::new(r.field("organisation")?),
            leaf: r.field("leaf")?,
            issued: r.u64("issued in")?,
            retired: Some(r.u64("retired in")?).filter(|height| *height != 0),
        })
    }
}

/// A height that is `None` if it is 0: nothing of the kind happens in the genesis.
fn write_height(w: &mut Writer, height: Option<u64>) {
    w.u64(height.unwrap_or(0));
}

fn read_height(r: &mut Reader<'_>, what: &'static str) -> Result<Option<u64>, WireError> {
    r.u64(what).map(|height| (height != 0).then_some(height))
}

impl EntryProof {
    /// Checks that the state after the block with this hash has the entry with this content, or has
    /// it not.
    ///
    /// # Errors
    /// [`EntryNotShown`] saying what does not fit.
    pub fn verify(&self, block: BlockHash) -> Result<(), EntryNotShown> {
        let got = self.header.hash();
        if got != block {
            return Err(EntryNotShown::OtherBlock { expected: block, got });
        }
        // The header names the chain, the app hash covers it: one state, one ledger.
        if self.commitments.app_hash() != self.header.app_hash || self.commitments.chain != self.header.chain
        {
            return Err(EntryNotShown::OtherState(self.header.height));
        }
        if self.content.is_some_and(|content| !content.is_about(&self.entry)) {
            return Err(EntryNotShown::OtherContent);
        }
        let value = self.content.map(|content| content.value());
        Ok(self.path.verify(&self.commitments.entries.0, &self.entry.key(), value.as_ref())?)
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        self.entry.write(&mut w);
        w.u8(self.content.is_some().into());
        if let Some(content) = &self.content {
            content.write(&mut w);
        }
        self.header.write(&mut w);
        self.commitments.write(&mut w);
        self.path.write(&mut w);
        w.finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let entry = Entry::read(&mut r)?;
        let content = match r.u8("content")? {
            0 => None,
            1 => Some(Content::read(&mut r)?),
            n => return Err(WireError::Unknown { what: "content", got: n.into() }),
        };
        let header = Header::read(&mut r)?;
        let commitments = Commitments::read(&mut r)?;
        let path = MapProof::read(&mut r)?;
        r.finish()?;
        Ok(Self { entry, content, header, commitments, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_called_by_words_and_other_words_are_refused() {
        let (id, txid) = (OrgId::from_reference("Organization/x"), TxId([4; 32]));
        let all = [
            Entry::Nullifier([1; 32]),
            Entry::Transaction(txid),
            Entry::VerifyingKey(Statement::Role, KeyDigest([2; 32])),
            Entry::Bundle(7),
            Entry::Context([3; 32]),
            Entry::Credential(9),
            Entry::Organisation(id),
            Entry::ValidatorSet,
            Entry::Proposal(txid),
        ];
        for (entry, kind) in all.into_iter().zip(Entry::KINDS) {
            let (own, name) = entry.words();
            assert_eq!((own, Entry::from_words(own, &name)), (kind, Ok(entry)));
        }
        assert_eq!(Entry::from_words("organisation", "Organization/x"), Ok(Entry::Organisation(id)));
        let bad = [
            ("nullifier", "12"),
            ("key", "role"),
            ("key", "rule.00"),
            ("bundle", "+1"),
            ("bundle", ""),
            ("credential", "4294967296"),
            ("validators", "then"),
        ];
        for (kind, name) in bad {
            assert!(matches!(Entry::from_words(kind, name), Err(EntryNameError::Name(_))), "{kind} {name}");
        }
        assert_eq!(Entry::from_words("nullifiers", "0"), Err(EntryNameError::Kind));
    }
}
