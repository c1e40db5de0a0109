//! Malachite's [`Context`](engine::Context): which of our types are its heights, values, votes and
//! validators.

use crate::secret::Ed25519;
use crate::types::{Address, BlockId, Height, Part, Proposal, PublicKey, Vote};
use amanat_domain::quorum::{ValidatorKey, ValidatorSet};
use arc_malachitebft_app_channel::app::types::core as engine;
use engine::{LinearTimeouts, NilOrVal, Round, SignedExtension, VoteType};
use std::sync::Arc;

/// The engine's view of this ledger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ctx;

/// A validator; each has one vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    address: Address,
    key: PublicKey,
}

/// The validators, in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Members(Arc<Vec<Member>>);

impl Members {
    pub(crate) fn new(set: &ValidatorSet) -> Self {
        let member = |key: &ValidatorKey| Member { address: Address(*key), key: PublicKey(*key) };
        Self(Arc::new(set.keys().iter().map(member).collect()))
    }

    /// The proposer: validators take turns, by height and round alone, so that all agree on it.
    pub(crate) fn proposer(&self, height: Height, round: Round) -> &Member {
        let n = self.0.len() as u64;
        let turn = (height.0 % n + u64::from(round.as_u32().unwrap_or(0)) % n) % n;
        &self.0[turn as usize]
    }
}

impl Member {
    pub(crate) const fn address(&self) -> Address {
        self.address
    }
}

impl engine::Proposal<Ctx> for Proposal {
    fn height(&self) -> Height {
        self.height
    }
    fn round(&self) -> Round {
        self.round
    }
    fn value(&self) -> &BlockId {
        &self.value
    }
    fn take_value(self) -> BlockId {
        self.value
    }
    fn pol_round(&self) -> Round {
        self.pol_round
    }
    fn validator_address(&self) -> &Address {
        &self.proposer
    }
}

impl engine::Vote<Ctx> for Vote {
    fn height(&self) -> Height {
        self.height
    }
    fn round(&self) -> Round {
        self.round
    }
    fn value(&self) -> &NilOrVal<BlockId> {
        &self.value
    }
    fn take_value(self) -> NilOrVal<BlockId> {
        self.value
    }
    fn vote_type(&self) -> VoteType {
        self.kind
    }
    fn validator_address(&self) -> &Address {
        &self.voter
    }
    // There are no vote extensions: the policy of every height disables them.
    fn extension(&self) -> Option<&SignedExtension<Ctx>> {
        None
    }
    fn take_extension(&mut self) -> Option<SignedExtension<Ctx>> {
        None
    }
    fn extend(self, _: SignedExtension<Ctx>) -> Self {
        self
    }
}

impl engine::ProposalPart<Ctx> for Part {
    fn is_first(&self) -> bool {
        matches!(self, Self::Init(_))
    }
    // The end of a stream is a separate message.
    fn is_last(&self) -> bool {
        false
    }
}

impl engine::Validator<Ctx> for Member {
    fn address(&self) -> &Address {
        &self.address
    }
    fn public_key(&self) -> &PublicKey {
        &self.key
    }
    fn voting_power(&self) -> u64 {
        1
    }
}

impl engine::ValidatorSet<Ctx> for Members {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn total_voting_power(&self) -> u64 {
        self.0.len() as u64
    }
    fn get_by_address(&self, address: &Address) -> Option<&Member> {
        let at = self.0.binary_search_by_key(address, Member::address).ok()?;
        self.0.get(at)
    }
    fn get_by_index(&self, index: usize) -> Option<&Member> {
        self.0.get(index)
    }
}

impl engine::Context for Ctx {
    type Address = Address;
    type Height = Height;
    type ProposalPart = Part;
    type Proposal = Proposal;
    type Validator = Member;
    type ValidatorSet = Members;
    type Timeouts = LinearTimeouts;
    type Value = BlockId;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = Ed25519;

    fn select_proposer<'a>(&self, members: &'a Members, height: Height, round: Round) -> &'a Member {
        members.proposer(height, round)
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        value: BlockId,
        pol_round: Round,
        proposer: Address,
    ) -> Proposal {
        Proposal { height, round, value, pol_round, proposer }
    }

    fn new_prevote(&self, height: Height, round: Round, value: NilOrVal<BlockId>, voter: Address) -> Vote {
        Vote { kind: VoteType::Prevote, height, round, value, voter }
    }

    fn new_precommit(&self, height: Height, round: Round, value: NilOrVal<BlockId>, voter: Address) -> Vote {
        Vote { kind: VoteType::Precommit, height, round, value, voter }
    }
}
