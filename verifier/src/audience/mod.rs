//! What an audience checks beyond the proof.
//!
//! A valid proof says that *some* statement holds: about the request whose hash it carries, against
//! the bundle it names, on the ledger and for the audience it names. Whether that is the audience's
//! own question, and whether the ledger stands by it, the proof cannot say. Each method here makes
//! all of these checks for one statement, and its result is the one way to the values: an audience
//! cannot read what it was told and forget a check.
//!
//! | check | why |
//! |---|---|
//! | statement | a role proof is no consent proof |
//! | chain, audience, nonce | a proof made for another ledger, another audience or an earlier request is a replay |
//! | policy | the sealed hash opens to the request the audience made, or the policy in the clear is the one it asked for |
//! | epoch | a role, a consent or a status holds at the bundle's time: an old bundle says nothing of today |
//! | ledger | the bundle is the ledger's, or the transaction is committed ([`LedgerEvidence`]) |
//! | openings, token | what was handed over beside the proof is what the proof committed to |
//!
//! A proof of consent or access uses the consent up: only the ledger counts uses, so both ask for a
//! [`CommittedTx`].
//!
//! A nonce is used once: an audience that draws the same one twice accepts the same proof twice.
//!
//! ```no_run
//! # use amanat_domain::{record::Leaf, statement::record::RecordRequest, tx::ProofTx};
//! # use amanat_params::VerifyingKey;
//! # use amanat_verifier::audience::{Asked, CommittedTx, Openings};
//! # use amanat_verifier::light::{LightClient, ReceiptEvidence};
//! # use amanat_verifier::{AcceptedKeys, verify_proof};
//! # fn insurer(
//! #     (tx, receipt, sent): (ProofTx, ReceiptEvidence, &[u8]),
//! #     (asked, key, client): (Asked<RecordRequest>, VerifyingKey, &mut LightClient),
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let mut accepted = AcceptedKeys::new();
//! accepted.accept(&key)?;
//! let verified = verify_proof(&accepted, tx)?;
//! let committed = CommittedTx::certified(client, &receipt)?;
//! let disclosed = verified.disclosure(&asked, &committed.into(), &Openings::from_bytes(sent)?)?;
//! let unit = disclosed.get().value(Leaf::Unit);
//! # let _ = unit;
//! # Ok(())
//! # }
//! ```

mod ledger;
mod openings;

pub use ledger::{CommittedTx, LedgerEvidence, SealedBundle};
pub use openings::{Disclosed, MAX_OPENINGS_BYTES, Openings, OpeningsReject};

use crate::Verified;
use amanat_domain::field::Fr;
use amanat_domain::policy::{
    AccessPolicy, ConsentRequest, MalformedPolicy, RecordRequest, RolePolicy, ValueRange,
};
use amanat_domain::record::access_token;
use amanat_domain::secret::Secret;
use amanat_domain::statement::Statement;
use amanat_domain::time::Period;
use amanat_domain::tx::{ChainId, PolicyField, ProofTx, TxId};

/// What an audience asked, as it keeps it until the proof comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<P> {
    /// The ledger.
    pub chain: ChainId,
    /// The 32 bytes that name the audience.
    pub audience: [u8; 32],
    /// The nonce of this request: drawn by the audience, used once.
    pub nonce: [u8; 32],
    /// The oldest epoch whose bundle the audience accepts.
    pub oldest_epoch: u64,
    /// The request or policy.
    pub policy: P,
}

/// Why a verified proof is no answer to what its audience asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AudienceReject {
    /// A proof of another statement.
    #[error("the proof is of statement `{got}`, expected `{expected}`")]
    Statement {
        /// Asked for.
        expected: Statement,
        /// Found.
        got: Statement,
    },
    /// A proof for another ledger.
    #[error("the proof is for chain {got}, expected chain {expected}")]
    Chain {
        /// The audience's ledger.
        expected: ChainId,
        /// The proof's.
        got: ChainId,
    },
    /// A proof for another audience.
    #[error("the proof is for the audience {}, this one is {}", hex::encode(got), hex::encode(expected))]
    Audience {
        /// This audience.
        expected: [u8; 32],
        /// The proof's.
        got: [u8; 32],
    },
    /// A proof for another request.
    #[error("the proof answers the request {}, expected {}", hex::encode(got), hex::encode(expected))]
    Nonce {
        /// The nonce of the request.
        expected: [u8; 32],
        /// The proof's.
        got: [u8; 32],
    },
    /// The audience's own request asks for nothing.
    #[error("the request itself is malformed: {0}")]
    Malformed(#[from] MalformedPolicy),
    /// The audience's own request asks nothing of the record: any anchored record answers it, or
    /// any with a number, whatever the number counts.
    #[error(
        "the request itself is malformed: it asks for no fact, no period, no custodian and no leaf; a range of values \
         is no fact without a unit"
    )]
    AsksNothing,
    /// No value lies in the range of the audience's own request.
    #[error("the request itself is malformed: no value is at least {least} and at most {greatest}")]
    EmptyRange {
        /// The least value word.
        least: u64,
        /// The greatest value word.
        greatest: u64,
    },
    /// The proof is about another request or policy.
    #[error("the proof is about another request: its policy is not the one asked for")]
    Policy,
    /// The bundle is older than the audience accepts.
    #[error("the proof is against the bundle of epoch {got}, the oldest accepted is {oldest}")]
    Epoch {
        /// The oldest accepted.
        oldest: u64,
        /// The proof's.
        got: u64,
    },
    /// The evidence is of another ledger.
    #[error("the evidence is of chain {got}, the proof of chain {expected}")]
    OtherLedger {
        /// The proof's.
        expected: ChainId,
        /// The evidence's.
        got: ChainId,
    },
    /// The bundle is not the one the ledger sealed for the epoch.
    #[error("the proof's bundle of epoch {epoch} is not the one that the evidence shows")]
    Bundle {
        /// The proof's epoch.
        epoch: u64,
    },
    /// The receipt is of another transaction.
    #[error("the receipt is of transaction {got}, the proof is transaction {expected}")]
    Receipt {
        /// The proof's.
        expected: TxId,
        /// The receipt's.
        got: TxId,
    },
    /// What was handed over is not what was asked for and proved.
    #[error(transparent)]
    Openings(#[from] OpeningsReject),
    /// The access is to another record.
    #[error("the access token is not that of this record")]
    Token,
}

/// S1: a consent permits what was asked, at the time of the bundle. Whose, and which, stays hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permitted {
    epoch: u64,
    use_nullifier: Fr,
}

impl Permitted {
    /// Epoch of the bundle.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The nullifier of this use of the consent, spent on the ledger.
    #[must_use]
    pub const fn use_nullifier(&self) -> Fr {
        self.use_nullifier
    }
}

/// S2: a holder of a qualifying credential, licensed at the time of the bundle. Who stays hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Qualified {
    epoch: u64,
    pseudonym: Fr,
}

impl Qualified {
    /// Epoch of the bundle.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The holder's pseudonym of this shift.
    #[must_use]
    pub const fn pseudonym(&self) -> Fr {
        self.pseudonym
    }
}

/// An access to the custodian's record, permitted, qualified and committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accessed {
    epoch: u64,
    use_nullifier: Fr,
    pseudonym: Fr,
}

impl Accessed {
    /// Epoch of the bundle.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The nullifier of this use of the consent, spent on the ledger.
    #[must_use]
    pub const fn use_nullifier(&self) -> Fr {
        self.use_nullifier
    }

    /// The holder's pseudonym of this shift.
    #[must_use]
    pub const fn pseudonym(&self) -> Fr {
        self.pseudonym
    }
}

impl Verified<ProofTx> {
    /// S1, by its audience: a consent permits the request, and this use of it is counted on the
    /// ledger.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn consent(
        &self,
        asked: &Asked<ConsentRequest>,
        committed: &CommittedTx,
    ) -> Result<Verified<Permitted>, AudienceReject> {
        asked.policy.scope.check()?;
        self.answers(Statement::Consent, asked, &PolicyField::Sealed(asked.policy.policy_hash()))?;
        committed.of(self.get())?;
        let tx = self.get();
        Ok(Verified::new(Permitted { epoch: tx.epoch, use_nullifier: tx.nf[0] }))
    }

    /// S2, by its audience: a holder qualifies under the policy.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn role(
        &self,
        asked: &Asked<RolePolicy>,
        ledger: &LedgerEvidence,
    ) -> Result<Verified<Qualified>, AudienceReject> {
        self.answers(Statement::Role, asked, &PolicyField::Role(asked.policy.clone()))?;
        ledger.of(self.get())?;
        let tx = self.get();
        Ok(Verified::new(Qualified { epoch: tx.epoch, pseudonym: tx.nf[0] }))
    }

    /// S3, by its audience: a record satisfies the request, and the openings are those of its
    /// disclosed leaves. The values can be read from the result alone.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn disclosure(
        &self,
        asked: &Asked<RecordRequest>,
        ledger: &LedgerEvidence,
        openings: &Openings,
    ) -> Result<Verified<Disclosed>, AudienceReject> {
        asks_something(&asked.policy)?;
        self.answers(Statement::Record, asked, &PolicyField::Sealed(asked.policy.policy_hash()))?;
        ledger.of(self.get())?;
        let tx = self.get();
        Ok(Verified::new(openings.disclosed(asked.policy.disclosed, tx.out[0], tx.epoch)?))
    }

    /// Access, by the custodian that serves the record: the transaction is committed, under the
    /// policy asked for, and its token is that of the record with this storage key.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn access(
        &self,
        asked: &Asked<AccessPolicy>,
        committed: &CommittedTx,
        storage_key: &Secret,
    ) -> Result<Verified<Accessed>, AudienceReject> {
        asked.policy.scope.check()?;
        self.answers(Statement::Access, asked, &PolicyField::Access(asked.policy.clone()))?;
        committed.of(self.get())?;
        let tx = self.get();
        if access_token(storage_key.expose(), tx.ctx()) != tx.out[0] {
            return Err(AudienceReject::Token);
        }
        let [use_nullifier, pseudonym] = tx.nf;
        Ok(Verified::new(Accessed { epoch: tx.epoch, use_nullifier, pseudonym }))
    }

    /// What all statements share: the proof answers this request of this audience on this ledger,
    /// and is not too old.
    fn answers<P>(
        &self,
        statement: Statement,
        asked: &Asked<P>,
        policy: &PolicyField,
    ) -> Result<(), AudienceReject> {
        let tx = self.get();
        if tx.statement != statement {
            return Err(AudienceReject::Statement { expected: statement, got: tx.statement });
        }
        if tx.chain != asked.chain {
            return Err(AudienceReject::Chain { expected: asked.chain, got: tx.chain });
        }
        if tx.audience != asked.audience {
            return Err(AudienceReject::Audience { expected: asked.audience, got: tx.audience });
        }
        if tx.nonce != asked.nonce {
            return Err(AudienceReject::Nonce { expected: asked.nonce, got: tx.nonce });
        }
        if tx.policy != *policy {
            return Err(AudienceReject::Policy);
        }
        if tx.epoch < asked.oldest_epoch {
            return Err(AudienceReject::Epoch { oldest: asked.oldest_epoch, got: tx.epoch });
        }
        Ok(())
    }
}

/// Whether a request asks something of a record that a record can have. A request that any
/// anchored record answers is a mistake of its audience, as is an empty mask of a scope.
///
/// A range of values is no question by itself: without a unit, 5 may be grams or milligrams, and
/// any number is in the widest range. With a unit, the unit is the question.
fn asks_something(request: &RecordRequest) -> Result<(), AudienceReject> {
    let RecordRequest { resource_type, code, unit, status, value, period, custodian, disclosed, .. } =
        request;
    let words = code.is_some() || unit.is_some() || status.is_some();
    let others = resource_type.is_some() || custodian.is_some() || *period != Period::ALWAYS;
    if let Some(ValueRange { least, greatest }) = *value
        && least > greatest
    {
        return Err(AudienceReject::EmptyRange { least, greatest });
    }
    if words || others || *disclosed != 0 { Ok(()) } else { Err(AudienceReject::AsksNothing) }
}

#[cfg(test)]
mod tests;
