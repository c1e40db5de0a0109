//! Members, validators and open proposals as JSON.

use super::Hex32;
use crate::schema::{Components, Either, Schema, described};
use amanat_domain::consent::OrgId;
use amanat_domain::governance::{Capabilities, Change, RoleGrant};
use amanat_domain::quorum::ValidatorKey;
use amanat_domain::statement::Statement;
use amanat_domain::tx::TxId;
use amanat_ledger::{AllRoles, Member, Proposal, State, Validators};
use amanat_params::VerifyingKey;
use serde::{Deserialize, Serialize};
use std::ops::Bound;

described! { "Governance":
    /// The governing organisations, the validators, and the open proposals.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct GovernanceView {
        /// The block after which this is so.
        pub height: u64,
        /// Its epoch.
        pub epoch: u64,
        /// How many organisations govern.
        pub governors: u64,
        /// How many of them must approve a change.
        pub quorum: u64,
        /// The members, current and former.
        pub organisations: Vec<OrganisationView>,
        /// The validators that agree on blocks; null if one operator keeps the ledger alone.
        pub validators: Option<ValidatorsView>,
        /// What can be approved; empty on a page that begins `after` an organisation.
        pub proposals: Vec<ProposalView>,
        /// If organisations are left: the organisation to go on `after`.
        pub next: Option<Hex32>,
    }
}

described! { "Organisation":
    /// An organisation.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct OrganisationView {
        /// Its id.
        pub id: Hex32,
        /// Its reference, which gives the id.
        pub reference: String,
        /// Name for people.
        pub name: String,
        /// Ed25519 public key it signs with.
        pub key: Hex32,
        /// What it may do.
        pub capabilities: CapabilitiesView,
        /// Block that took it in; 0: the genesis.
        pub since: u64,
        /// Block that removed it.
        pub removed: Option<u64>,
    }
}

described! { "Capabilities":
    /// What an organisation may do.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct CapabilitiesView {
        /// Enrol subjects.
        pub enrol: bool,
        /// Anchor records.
        pub anchor: bool,
        /// Decide with others that govern.
        pub govern: bool,
        /// Issue credentials.
        pub issue_roles: RolesView,
    }
}

/// Which roles: `"all"` or a list of role codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RolesView {
    /// The word `all`.
    All(AllRoles),
    /// These.
    These(Vec<Hex32>),
}

described! { "Validators":
    /// The validators from the next block on.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct ValidatorsView {
        /// The validators of the next block.
        pub now: ValidatorSetView,
        /// The later validators, if a change was decided.
        pub next: Option<ValidatorSetView>,
    }
}

described! { "ValidatorSet":
    /// Some validators.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct ValidatorSetView {
        /// A height they agree on: the next block's, or their first.
        pub height: u64,
        /// How many must sign.
        pub quorum: u64,
        /// They, in the order of their keys.
        pub validators: Vec<ValidatorView>,
    }
}

described! { "Validator":
    /// A validator.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    pub struct ValidatorView {
        /// Its key.
        pub key: Hex32,
        /// Id of the organisation that runs it.
        pub organisation: Hex32,
    }
}

described! { "Proposal":
    /// A proposal.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct ProposalView {
        /// Id of the transaction that proposed it.
        pub id: Hex32,
        /// Id of the organisation that did.
        pub proposer: Hex32,
        /// Block that holds it.
        pub proposed: u64,
        /// First epoch in which it can no longer be approved.
        pub expires: u64,
        /// Ids of the organisations that approved it.
        pub approvals: Vec<Hex32>,
        /// How many of them count now.
        pub counted: u64,
        /// What is proposed.
        pub change: ChangeView,
    }
}

described! { "Change":
    /// What is proposed.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    #[allow(missing_docs)] // as in `amanat_domain::governance::Change`
    pub enum ChangeView {
        InstallKey {
            statement: Statement,
            digest: Hex32,
            activate_at: u64,
        },
        SunsetKey {
            statement: Statement,
            digest: Hex32,
            from: u64,
        },
        AddOrganisation {
            reference: String,
            name: String,
            key: Hex32,
            capabilities: CapabilitiesView,
        },
        RemoveOrganisation {
            organisation: Hex32,
        },
        SetCapabilities {
            organisation: Hex32,
            capabilities: CapabilitiesView,
        },
        SetKey {
            organisation: Hex32,
            key: Hex32,
        },
        AddValidator {
            organisation: Hex32,
            key: Hex32,
        },
        RemoveValidator {
            key: Hex32,
        },
        /// A key that this program cannot read.
        Unreadable {},
    }
}

impl Schema for RolesView {
    fn schema(all: &mut Components) -> serde_json::Value {
        Either::<AllRoles, Vec<Hex32>>::schema(all)
    }
}

impl GovernanceView {
    /// Of a state.
    #[must_use]
    pub fn new(state: &State) -> Self {
        Self::page(state, None, usize::MAX)
    }

    /// A page of `limit` organisations after the given one, or the first page, which also has the
    /// proposals.
    #[must_use]
    pub fn page(state: &State, after: Option<OrgId>, limit: usize) -> Self {
        let (height, epoch) = (state.tip().height, state.tip().epoch);
        let governors = state.governors();
        let proposals = state.open_proposals(epoch).filter(|_| after.is_none());
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut members = state.members().range((begin, Bound::Unbounded));
        let organisations: Vec<OrganisationView> =
            members.by_ref().take(limit).map(|(id, m)| OrganisationView::new(id, m)).collect();
        let next = members.next().and_then(|_| organisations.last().map(|last| last.id));
        let validators = state.validators().map(|sets| ValidatorsView {
            now: ValidatorSetView::new(height + 1, sets.at(height + 1)),
            next: (sets.from > height + 1).then(|| ValidatorSetView::new(sets.from, &sets.latest)),
        });
        Self {
            height,
            epoch,
            governors: governors.len() as u64,
            quorum: state.quorum() as u64,
            organisations,
            validators,
            proposals: proposals
                .map(|(id, p)| ProposalView::new(id, p, p.counted(&governors) as u64))
                .collect(),
            next,
        }
    }

    /// The organisation with this id.
    #[must_use]
    pub fn organisation(&self, id: &Hex32) -> Option<&OrganisationView> {
        self.organisations.iter().find(|o| o.id == *id)
    }
}

impl OrganisationView {
    fn new(id: &OrgId, member: &Member) -> Self {
        let o = &member.organisation;
        Self {
            id: Hex32(id.to_bytes()),
            reference: o.reference.clone(),
            name: o.name.clone(),
            key: Hex32(o.key.to_bytes()),
            capabilities: (&o.capabilities).into(),
            since: member.since,
            removed: member.removed,
        }
    }
}

impl From<&Capabilities> for CapabilitiesView {
    fn from(c: &Capabilities) -> Self {
        let issue_roles = match &c.roles {
            RoleGrant::All => RolesView::All(AllRoles::All),
            RoleGrant::These(roles) => {
                RolesView::These(roles.iter().map(|role| Hex32(role.to_bytes())).collect())
            }
        };
        Self { enrol: c.enrol, anchor: c.anchor, govern: c.govern, issue_roles }
    }
}

impl ValidatorSetView {
    fn new(height: u64, validators: &Validators) -> Self {
        let view = |(key, operator): (&ValidatorKey, &OrgId)| ValidatorView {
            key: Hex32(key.0),
            organisation: Hex32(operator.to_bytes()),
        };
        Self {
            height,
            quorum: validators.set.quorum() as u64,
            validators: validators.operators.iter().map(view).collect(),
        }
    }
}

impl ProposalView {
    fn new(id: &TxId, proposal: &Proposal, counted: u64) -> Self {
        Self {
            id: Hex32(id.0),
            proposer: Hex32(proposal.proposer.to_bytes()),
            proposed: proposal.proposed,
            expires: proposal.expires,
            approvals: proposal.approvals.iter().map(|o| Hex32(o.to_bytes())).collect(),
            counted,
            change: (&proposal.change).into(),
        }
    }
}

impl From<&Change> for ChangeView {
    fn from(change: &Change) -> Self {
        let id = |id: &OrgId| Hex32(id.to_bytes());
        match change {
            Change::InstallKey { key, activate_at, .. } => {
                VerifyingKey::from_bytes(key).map_or(Self::Unreadable {}, |key| Self::InstallKey {
                    statement: key.header().statement,
                    digest: Hex32(key.digest()),
                    activate_at: *activate_at,
                })
            }
            Change::SunsetKey { statement, key, from } => {
                Self::SunsetKey { statement: *statement, digest: Hex32(key.0), from: *from }
            }
            Change::AddOrganisation { reference, name, key, capabilities } => Self::AddOrganisation {
                reference: reference.clone(),
                name: name.clone(),
                key: Hex32(*key),
                capabilities: capabilities.into(),
            },
            Change::RemoveOrganisation(organisation) => {
                Self::RemoveOrganisation { organisation: id(organisation) }
            }
            Change::SetCapabilities { organisation, capabilities } => {
                Self::SetCapabilities { organisation: id(organisation), capabilities: capabilities.into() }
            }
            Change::SetKey { organisation, key } => {
                Self::SetKey { organisation: id(organisation), key: Hex32(*key) }
            }
            Change::AddValidator { organisation, key } => {
                Self::AddValidator { organisation: id(organisation), key: Hex32(key.0) }
            }
            Change::RemoveValidator(key) => Self::RemoveValidator { key: Hex32(key.0) },
        }
    }
}
