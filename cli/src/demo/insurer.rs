//! The insurer of the story: the audience of the record proof. It makes its request, reads the
//! ledger itself, and believes no word of the prover.

use amanat_client::ledger::{Embedded, LedgerAccess as _};
use amanat_client::prove::AudienceRequest;
use amanat_client::verify::verify_transaction_insecure_dev;
use amanat_domain::audience::Audience;
use amanat_domain::field::{self, Fr};
use amanat_domain::policy::{RecordRequest, ValueRange};
use amanat_domain::record::{Leaf, Micro, value_word};
use amanat_domain::time::Period;
use amanat_params::KeyStore;
use amanat_verifier::audience::{Asked, CommittedTx, Openings};
use anyhow::{Context, Result};
use rand::Rng as _;

/// The name that prover and insurer agreed on.
const NAME: &str = "insurer";

/// What the insurer wants to know of a record before it pays.
pub(super) struct Claim {
    /// Code word.
    pub code: Fr,
    /// Unit word.
    pub unit: Fr,
    /// The least value; `None`: the code is enough.
    pub at_least: Option<Micro>,
}

/// An insurer that waits for the answer to one request.
pub(super) struct Insurer {
    ledger: Embedded,
    asked: Asked<RecordRequest>,
}

impl Insurer {
    /// Makes the request: a record with the code, whose value in the unit is large enough, the
    /// latest, and anchored by now. Unit and status are to be disclosed. The answer is as of the
    /// newest bundle or a later one.
    pub(super) fn asks(ledger: Embedded, claim: &Claim) -> Result<Self> {
        let mut rng = rand::rng();
        let newest = ledger.bundle(None)?.context("the ledger has no bundle")?.bundle.epoch;
        let value = claim.at_least.map(|least| ValueRange { least: value_word(least), greatest: u64::MAX });
        let policy = RecordRequest {
            resource_type: None,
            code: Some(claim.code),
            unit: value.map(|_| claim.unit),
            status: None,
            value,
            period: Period::ALWAYS,
            custodian: None,
            anchored_by: newest,
            latest: true,
            disclosed: 1 << Leaf::Unit as u16 | 1 << Leaf::Status as u16,
            salt: field::random(&mut rng),
        };
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let (chain, audience) = (ledger.genesis().chain_id(), Audience::from_name(NAME).to_bytes());
        Ok(Self { ledger, asked: Asked { chain, audience, nonce, oldest_epoch: newest, policy } })
    }

    /// The request, as the prover gets it.
    pub(super) const fn request(&self) -> &RecordRequest {
        &self.asked.policy
    }

    /// For whom the proof must be.
    pub(super) fn audience(&self) -> AudienceRequest {
        AudienceRequest { name: NAME.to_owned(), nonce: Some(self.asked.nonce) }
    }

    /// Checks what the prover sent, a transaction and openings: the proof is valid, answers the
    /// request, and the insurer's ledger has it. Returns the unit that was disclosed.
    pub(super) fn checks(&self, store: &KeyStore, transaction: &[u8], openings: &[u8]) -> Result<Fr> {
        // The keys of the demo are for development, as its first lines say.
        let valid = verify_transaction_insecure_dev(store, transaction)?;
        let txid = valid.tx.get().id();
        let inclusion = self.ledger.receipt(&txid)?.context("the ledger has no such transaction")?;
        let headers = self.ledger.headers(inclusion.header.height)?;
        let block = headers.first().context("the ledger has no such block")?.hash();
        let committed = CommittedTx::in_block(self.asked.chain, &inclusion, block)?;
        let openings = Openings::from_bytes(openings)?;
        let disclosed = valid.tx.disclosure(&self.asked, &committed.into(), &openings)?;
        let [unit, _] = disclosed.get().value(Leaf::Unit).context("the unit was asked for")?;
        Ok(unit)
    }
}
