//! What validators sign. Each message carries a tag and the chain, so that no signature means
//! anything elsewhere.

use crate::context::Ctx;
use crate::secret::{ValidatorSecret, verified};
use crate::types::{BlockId, Init, Proposal, PublicKey, Signature, Vote, write_round};
use amanat_domain::quorum::{ValidatorKey, VoteKind, vote_bytes};
use amanat_domain::tx::ChainId;
use amanat_domain::wire::Writer;
use arc_malachitebft_app_channel::app::types::core as engine;
use arc_malachitebft_signing::{self as engine_signing, Error, VerificationResult};
use async_trait::async_trait;
use engine::{NilOrVal, SignedMessage, ValidatorProof, VoteExtensionScope, VoteType};

impl ValidatorSecret {
    pub(crate) fn sign_body(&self, chain: ChainId, init: &Init) -> Signature {
        self.sign(&body_bytes(chain, init))
    }
}

/// Whether a proposer signed this announcement of a block's body.
pub(crate) fn body_signed(chain: ChainId, init: &Init) -> bool {
    verified(init.proposer.0, &body_bytes(chain, init), &init.signature)
}

/// A vote is for a round: one without says nothing that could be signed.
fn signed_vote(chain: ChainId, vote: &Vote) -> Option<Vec<u8>> {
    let kind = match vote.kind {
        VoteType::Prevote => VoteKind::Prevote,
        VoteType::Precommit => VoteKind::Precommit,
    };
    let block = match vote.value {
        NilOrVal::Nil => None,
        NilOrVal::Val(BlockId(hash)) => Some(hash.0),
    };
    Some(vote_bytes(chain, kind, vote.height.0, vote.round.as_u32()?, block))
}

fn signed_proposal(chain: ChainId, proposal: &Proposal) -> Option<Vec<u8>> {
    let mut w = Writer::new();
    w.fixed(b"amanat/proposal/v1");
    w.fixed(&chain.0);
    w.u64(proposal.height.0);
    w.u32(proposal.round.as_u32()?);
    write_round(&mut w, proposal.pol_round);
    w.fixed(&proposal.value.0.0);
    w.fixed(&proposal.proposer.0.0);
    Some(w.finish())
}

fn body_bytes(chain: ChainId, init: &Init) -> Vec<u8> {
    let mut w = Writer::new();
    w.fixed(b"amanat/proposed-body/v1");
    w.fixed(&chain.0);
    init.write_unsigned(&mut w);
    w.finish()
}

/// Checks signatures for one chain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignatureVerifier {
    pub(crate) chain: ChainId,
}

/// Signs for one chain.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) chain: ChainId,
    pub(crate) secret: ValidatorSecret,
}

fn verification(
    message: Option<Vec<u8>>,
    signature: &Signature,
    key: &PublicKey,
) -> Result<VerificationResult, Error> {
    let valid = message.is_some_and(|message| verified(key.0, &message, signature));
    Ok(VerificationResult::from_bool(valid))
}

#[async_trait]
impl engine_signing::Verifier<Ctx> for SignatureVerifier {
    async fn verify_signed_vote(
        &self,
        vote: &Vote,
        signature: &Signature,
        key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        verification(signed_vote(self.chain, vote), signature, key)
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &Proposal,
        signature: &Signature,
        key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        verification(signed_proposal(self.chain, proposal), signature, key)
    }

    async fn verify_signed_vote_extension(
        &self,
        _: &VoteExtensionScope<Ctx>,
        (): &(),
        _: &Signature,
        _: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        // There are no vote extensions, so none is valid.
        Ok(VerificationResult::Invalid)
    }

    async fn verify_validator_proof(&self, proof: &ValidatorProof<Ctx>) -> Result<VerificationResult, Error> {
        match proof.decoded_public_key() {
            Ok(key) => verification(Some(proof.preimage()), &proof.signature, &key),
            Err(_) => Ok(VerificationResult::Invalid),
        }
    }
}

impl Signer {
    fn signed<M>(&self, message: M, bytes: Option<Vec<u8>>) -> Result<SignedMessage<Ctx, M>, Error> {
        let bytes = bytes.ok_or_else(Error::new)?;
        Ok(SignedMessage::new(message, self.secret.sign(&bytes)))
    }

    /// That this validator is behind a network peer.
    pub(crate) fn validator_proof(&self, peer: Vec<u8>) -> ValidatorProof<Ctx> {
        let ValidatorKey(key) = self.secret.key();
        let signature = self.secret.sign(&ValidatorProof::<Ctx>::signing_bytes(&key, &peer));
        ValidatorProof::new(key.to_vec(), peer, signature)
    }
}

#[async_trait]
impl engine_signing::Signer<Ctx> for Signer {
    async fn sign_vote(&self, vote: Vote) -> Result<SignedMessage<Ctx, Vote>, Error> {
        let bytes = signed_vote(self.chain, &vote);
        self.signed(vote, bytes)
    }

    async fn sign_proposal(&self, proposal: Proposal) -> Result<SignedMessage<Ctx, Proposal>, Error> {
        let bytes = signed_proposal(self.chain, &proposal);
        self.signed(proposal, bytes)
    }

    async fn sign_vote_extension(
        &self,
        _: VoteExtensionScope<Ctx>,
        (): (),
    ) -> Result<SignedMessage<Ctx, ()>, Error> {
        // The policy of every height disables them.
        Err(Error::new())
    }

    async fn sign_validator_proof(&self, key: Vec<u8>, peer: Vec<u8>) -> Result<ValidatorProof<Ctx>, Error> {
        if key != self.secret.key().0 {
            return Err(Error::new());
        }
        Ok(self.validator_proof(peer))
    }
}
