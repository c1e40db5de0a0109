//! What organisations decide together: proposals, approvals, keys frozen in an emergency.

use crate::client::Client;
use crate::home::{Home, HomeError};
use crate::keys::{KeysError, VectorError, installation};
use crate::ledger::AccessError;
use crate::organisation::{Organisation, OrganisationError};
use amanat_api::view::{CapabilitiesView, ChangeView, GovernanceView, Hex32, RolesView};
use amanat_domain::consent::OrgId;
use amanat_domain::governance::{Capabilities, Change};
use amanat_domain::quorum::ValidatorKey;
use amanat_domain::receipt::Effect;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{Action, KeyDigest, Transaction, TxId};

/// A change as an operator asks for it: members by their references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeRequest {
    /// Takes in an organisation.
    AddOrganisation {
        /// Its relative reference.
        reference: String,
        /// Its name; `None`: the reference.
        name: Option<String>,
        /// Its public key; `None`: the key in the home directory, made if it is not there.
        key: Option<[u8; 32]>,
        /// What it may do.
        may: Capabilities,
    },
    /// Removes an organisation.
    RemoveOrganisation {
        /// Its reference.
        reference: String,
    },
    /// Changes what an organisation may do.
    SetCapabilities {
        /// Its reference.
        reference: String,
        /// What it may do from then on.
        may: Capabilities,
    },
    /// Gives an organisation another key.
    SetKey {
        /// Its reference.
        reference: String,
        /// The new public key.
        key: [u8; 32],
    },
    /// Takes in a validator.
    AddValidator {
        /// The organisation that runs it.
        reference: String,
        /// Its public key.
        key: ValidatorKey,
    },
    /// Removes a validator.
    RemoveValidator {
        /// Its public key.
        key: ValidatorKey,
    },
    /// Installs the store's key of a statement.
    InstallKey {
        /// The statement.
        statement: Statement,
        /// First block that accepts proofs under it; 0: the next.
        activate_at: u64,
    },
    /// Ends a key.
    SunsetKey {
        /// The statement.
        statement: Statement,
        /// The key.
        key: KeyDigest,
        /// First block that refuses proofs under it.
        from: u64,
    },
}

/// How far a proposal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The proposal.
    pub proposal: TxId,
    /// How many organisations approve it.
    pub approvals: u32,
    /// How many are needed.
    pub needed: u32,
    /// First epoch in which it is not open any more; `None` in the answer to an approval.
    pub expires: Option<u64>,
    /// First block for which the change holds, if it is decided.
    pub holds_from: Option<u64>,
}

/// Why a change is not proposed or approved.
#[derive(Debug, thiserror::Error)]
pub enum GovernanceError {
    /// The home directory is no use.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// No organisation can sign.
    #[error(transparent)]
    Organisation(#[from] OrganisationError),
    /// The key is not at hand.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The ledger does not answer, or says no.
    #[error(transparent)]
    Ledger(#[from] AccessError),
    /// The organisation is no member.
    #[error("{0} is not a member: `amanat governance list` prints the members")]
    NoMember(String),
    /// There is no such proposal.
    #[error("{0} is not on the ledger: `amanat governance list` prints the open proposals")]
    NotThere(TxId),
    /// The block of the proposal is missing.
    #[error("the proposal's block is missing")]
    NoBlock,
    /// The transaction is no proposal.
    #[error("{0} is not a proposal: `amanat governance list` prints them")]
    NoProposal(TxId),
    /// The ledger's receipt is of another kind of transaction.
    #[error("the ledger's receipt is not that of {0}")]
    OtherReceipt(&'static str),
}

impl From<VectorError> for GovernanceError {
    fn from(error: VectorError) -> Self {
        Self::Keys(error.into())
    }
}

impl GovernanceError {
    /// What the ledger said, if the ledger is the reason.
    #[must_use]
    pub const fn ledger(&self) -> Option<&AccessError> {
        match self {
            Self::Ledger(error) => Some(error),
            Self::Organisation(error) => error.ledger(),
            Self::Keys(error) => error.ledger(),
            _ => None,
        }
    }
}

/// A key of an organisation in a home directory.
pub struct OwnKey {
    /// The organisation.
    pub organisation: Organisation,
    /// Whether it was made now.
    pub is_new: bool,
}

impl Organisation {
    /// The organisation of this reference in a home directory; made with a new key if it is not
    /// there. `name`: `None`: the reference.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn ensure(home: &Home, reference: &str, name: Option<&str>) -> Result<OwnKey, HomeError> {
        let _lock = home.lock()?;
        let mut all = Self::load_all(home)?;
        let there = all.iter().position(|o| o.reference == reference);
        let at = there.unwrap_or(all.len());
        if there.is_none() {
            all.push(Self::new(reference, name.unwrap_or(reference), &mut rand::rng()));
            Self::save_all(home, &all)?;
        }
        Ok(OwnKey { organisation: all.swap_remove(at), is_new: there.is_none() })
    }
}

impl Client {
    /// The change that a request means. A key that is made for a new organisation is on disk before
    /// the ledger hears of it.
    ///
    /// # Errors
    /// [`GovernanceError`].
    pub fn change(&mut self, request: &ChangeRequest) -> Result<Change, GovernanceError> {
        let id = |client: &Self, reference: &str| client.member_id(reference);
        Ok(match request {
            ChangeRequest::AddOrganisation { reference, name, key, may } => {
                let name = name.as_ref().unwrap_or(reference).clone();
                let key = match key {
                    Some(key) => *key,
                    None => self.new_key(reference, &name)?,
                };
                let (reference, capabilities) = (reference.clone(), may.clone());
                Change::AddOrganisation { reference, name, key, capabilities }
            }
            ChangeRequest::RemoveOrganisation { reference } => {
                Change::RemoveOrganisation(id(self, reference)?)
            }
            ChangeRequest::SetCapabilities { reference, may } => {
                Change::SetCapabilities { organisation: id(self, reference)?, capabilities: may.clone() }
            }
            ChangeRequest::SetKey { reference, key } => {
                Change::SetKey { organisation: id(self, reference)?, key: *key }
            }
            ChangeRequest::AddValidator { reference, key } => {
                Change::AddValidator { organisation: id(self, reference)?, key: *key }
            }
            ChangeRequest::RemoveValidator { key } => Change::RemoveValidator(*key),
            ChangeRequest::InstallKey { statement, activate_at } => {
                let keys = self.load_keys(&[*statement])?;
                let key = keys.get(*statement).expect("it was loaded");
                installation(key, keys, *activate_at, &mut rand::rng())?
            }
            ChangeRequest::SunsetKey { statement, key, from } => {
                Change::SunsetKey { statement: *statement, key: *key, from: *from }
            }
        })
    }

    /// Proposes a change, signed by the organisation of this reference or the last that governs.
    ///
    /// # Errors
    /// [`GovernanceError`].
    pub fn propose(&self, by: Option<&str>, change: Change) -> Result<Decision, GovernanceError> {
        let signer = self.signer(by, &self.ledger().governance()?)?;
        let tx = signer.sign(self.chain(), Action::Propose(Box::new(change)), &mut rand::rng());
        match self.ledger().submit(&tx)?.receipt.effect {
            Effect::Proposed { approvals, needed, expires, holds_from } => {
                let (proposal, expires) = (tx.id(), Some(expires));
                Ok(Decision { proposal, approvals, needed, expires, holds_from })
            }
            _ => Err(GovernanceError::OtherReceipt("a proposal")),
        }
    }

    /// Approves a proposal. An approval cannot be taken back: read [what it
    /// says](Self::proposed_change) first.
    ///
    /// # Errors
    /// [`GovernanceError`].
    pub fn approve(&self, by: Option<&str>, proposal: TxId) -> Result<Decision, GovernanceError> {
        let signer = self.signer(by, &self.ledger().governance()?)?;
        let tx = signer.sign(self.chain(), Action::Approve(proposal), &mut rand::rng());
        match self.ledger().submit(&tx)?.receipt.effect {
            Effect::Approved { approvals, needed, holds_from, .. } => {
                Ok(Decision { proposal, approvals, needed, expires: None, holds_from })
            }
            _ => Err(GovernanceError::OtherReceipt("an approval")),
        }
    }

    /// Freezes a key for ever; returns the first block that refuses proofs under it.
    ///
    /// # Errors
    /// [`GovernanceError`].
    pub fn freeze_key(
        &self,
        by: Option<&str>,
        statement: Statement,
        key: KeyDigest,
    ) -> Result<(TxId, u64), GovernanceError> {
        let signer = self.signer(by, &self.ledger().governance()?)?;
        let tx = signer.sign(self.chain(), Action::FreezeKey { statement, key }, &mut rand::rng());
        let height = self.ledger().submit(&tx)?.receipt.height;
        Ok((tx.id(), height + 1))
    }

    /// What a proposal says, from its transaction. The id is the digest of the transaction, so no
    /// node can show another.
    ///
    /// # Errors
    /// [`GovernanceError`].
    pub fn proposed_change(&self, id: &TxId) -> Result<Change, GovernanceError> {
        let proof = self.ledger().receipt(id)?.ok_or(GovernanceError::NotThere(*id))?;
        let block = self.ledger().block(proof.receipt.height)?.ok_or(GovernanceError::NoBlock)?;
        match block.transactions.into_iter().find(|tx| tx.id() == *id) {
            Some(Transaction::Signed(tx)) => match tx.action {
                Action::Propose(change) => Ok(*change),
                _ => Err(GovernanceError::NoProposal(*id)),
            },
            _ => Err(GovernanceError::NoProposal(*id)),
        }
    }

    /// A member by its reference: a slip of the pen is told here, in words.
    fn member_id(&self, reference: &str) -> Result<OrgId, GovernanceError> {
        let id = OrgId::from_reference(reference);
        let view = self.ledger().governance()?;
        let known = view.organisation(&Hex32(id.to_bytes())).filter(|o| o.removed.is_none());
        known.map(|_| id).ok_or_else(|| GovernanceError::NoMember(reference.to_owned()))
    }

    /// The public key of an organisation that is to be taken in.
    fn new_key(&self, reference: &str, name: &str) -> Result<[u8; 32], HomeError> {
        let mut all = self.organisations()?;
        if let Some(there) = all.iter().find(|o| o.reference == reference) {
            return Ok(there.public_key());
        }
        let new = Organisation::new(reference, name, &mut rand::rng());
        let key = new.public_key();
        // The regulator stays the last, the custodian the first.
        all.insert(all.len().saturating_sub(1), new);
        Organisation::save_all(self.home(), &all)?;
        Ok(key)
    }
}

/// The reference of an organisation, or its id if the ledger never knew it.
#[must_use]
pub fn name_of(view: &GovernanceView, id: &Hex32) -> String {
    view.organisation(id).map_or_else(|| hex::encode(id.0), |o| o.reference.clone())
}

/// What an organisation may do, in words. `in_full`: with every role, for a decision about it.
#[must_use]
pub fn describe_capabilities(c: &CapabilitiesView, in_full: bool) -> String {
    let mut words: Vec<String> = [(c.enrol, "enrol"), (c.anchor, "anchor"), (c.govern, "govern")]
        .into_iter()
        .filter(|(can, _)| *can)
        .map(|(_, word)| word.to_owned())
        .collect();
    match &c.issue_roles {
        RolesView::All(_) => words.push("issue all roles".to_owned()),
        RolesView::These(roles) if roles.is_empty() => {}
        RolesView::These(roles) if in_full => {
            let codes: Vec<String> = roles.iter().map(|role| hex::encode(role.0)).collect();
            words.push(format!("issue the roles {}", codes.join(" ")));
        }
        RolesView::These(roles) => {
            words.push(format!("issue {} role{}", roles.len(), if roles.len() == 1 { "" } else { "s" }));
        }
    }
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

/// What a change says, in words.
#[must_use]
pub fn describe_change(change: &ChangeView, view: &GovernanceView) -> String {
    let name = |id: &Hex32| name_of(view, id);
    match change {
        ChangeView::InstallKey { statement, digest, activate_at } => format!(
            "install key {} for `{statement}`, active from block {activate_at} or the next",
            hex::encode(digest.0)
        ),
        ChangeView::SunsetKey { statement, digest, from } => {
            format!("end key {} of `{statement}` from block {from}", hex::encode(digest.0))
        }
        ChangeView::AddOrganisation { reference, name, key, capabilities } => format!(
            "take in {reference} ({name}), key {}; it may: {}",
            hex::encode(key.0),
            describe_capabilities(capabilities, true)
        ),
        ChangeView::RemoveOrganisation { organisation } => format!("let {} go", name(organisation)),
        ChangeView::SetCapabilities { organisation, capabilities } => {
            format!("{} may from then on: {}", name(organisation), describe_capabilities(capabilities, true))
        }
        ChangeView::SetKey { organisation, key } => {
            format!("give {} the key {}", name(organisation), hex::encode(key.0))
        }
        ChangeView::AddValidator { organisation, key } => {
            format!("take in validator {}, run by {}", hex::encode(key.0), name(organisation))
        }
        ChangeView::RemoveValidator { key } => format!("let validator {} go", hex::encode(key.0)),
        ChangeView::Unreadable {} => "install a key that this program cannot read".to_owned(),
    }
}
