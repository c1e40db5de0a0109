//! The genesis: what a ledger is, fixed for its lifetime and hashed into its identity.

mod windows;

pub use windows::Windows;

use amanat_domain::bundle::Registry;
use amanat_domain::consent::{OrgId, RoleCode};
use amanat_domain::floors::Floors;
use amanat_domain::governance::{Capabilities, MAX_TEXT, RoleGrant, signature_key};
use amanat_domain::quorum::{ValidatorKey, ValidatorSet, ValidatorSetError};
use amanat_domain::statement::Statement;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::ChainId;
use amanat_domain::wire::{Reader, WireError, Writer};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Most bytes of a genesis file.
pub const MAX_GENESIS_BYTES: usize = 4 * 1024 * 1024;

/// The genesis file as it is written: JSON, unknown fields refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisSpec {
    /// Name of the chain: 1 to 64 of `a-z 0-9 . -`.
    pub chain: String,
    /// What is tolerated.
    pub profile: Profile,
    /// Unix time of the beginning of epoch 0.
    pub time: i64,
    /// Length of an epoch in seconds.
    pub epoch_seconds: u32,
    /// For how many epochs after it was superseded a bundle is accepted, per statement.
    #[serde(default)]
    pub windows: Windows,
    /// The least a proof must hide within, per registry; the profile's where absent.
    #[serde(default)]
    pub floors: Option<Floors>,
    /// Limits of a block.
    #[serde(default)]
    pub limits: Limits,
    /// Organisations and their capabilities.
    pub organisations: Vec<OrganisationSpec>,
    /// The validators, which agree on blocks; none if one operator keeps the ledger alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validators: Vec<ValidatorSpec>,
}

/// What is tolerated on a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Keys of origin `insecure-dev` are accepted.
    Dev,
    /// Only keys from a ceremony are.
    Production,
}

impl Profile {
    /// The floors of a genesis that sets none: 2 in dev, 20 in production.
    #[must_use]
    pub fn floors(self) -> Floors {
        Floors::all(match self {
            Self::Dev => 2,
            Self::Production => 20,
        })
    }
}

/// Limits of a block. A block that exceeds them is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Most transactions.
    pub transactions: u32,
    /// Most bytes of all transactions together.
    pub bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { transactions: 1024, bytes: 2 * 1024 * 1024 }
    }
}

/// An organisation as the genesis file names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganisationSpec {
    /// Reference or business identifier, as records and consents name it.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Ed25519 public key, 64 hex digits.
    pub key: String,
    /// What it may do.
    #[serde(default)]
    pub capabilities: CapabilitiesSpec,
}

/// A validator as the genesis file names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorSpec {
    /// Id of the organisation that runs it.
    pub organisation: String,
    /// Ed25519 public key it votes with, 64 hex digits: of the machine, never the organisation's
    /// own.
    pub key: String,
}

/// What an organisation may do, as the genesis file says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CapabilitiesSpec {
    /// Enrol subjects.
    pub enrol: bool,
    /// Anchor records.
    pub anchor: bool,
    /// Decide with others that govern: members, validators, keys; freeze keys.
    pub govern: bool,
    /// Issue (and retire its own) credentials.
    pub issue_roles: RolesSpec,
}

/// Which roles: `"all"` or a list of codings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RolesSpec {
    /// The word `all`.
    All(AllRoles),
    /// These.
    These(Vec<CodingSpec>),
}

impl Default for RolesSpec {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

/// The word `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AllRoles {
    /// Every role.
    All,
}

/// A role's code in its system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodingSpec {
    /// Canonical URI of the code system.
    pub system: String,
    /// The code.
    pub code: String,
}

/// A member of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its reference, as written in the genesis.
    pub reference: String,
    /// Name for people.
    pub name: String,
    /// Its key.
    pub key: ed25519_dalek::VerifyingKey,
    /// What it may do.
    pub capabilities: Capabilities,
}

impl Organisation {
    /// SHA-256 over domain tag and canonical bytes.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut w = Writer::new();
        self.write(&mut w);
        Sha256::new().chain_update(b"amanat/organisation/v1").chain_update(w.finish()).finalize().into()
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.bytes(self.reference.as_bytes());
        w.bytes(self.name.as_bytes());
        w.fixed(self.key.as_bytes());
        self.capabilities.write(w);
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut text = |what| {
            let text = core::str::from_utf8(r.bytes(MAX_TEXT, what)?);
            text.map(str::to_owned).map_err(|_| WireError::Invalid("text: not UTF-8"))
        };
        let (reference, name) = (text("reference")?, text("name")?);
        let key = signature_key(&r.array("key")?)?;
        // A genesis names as many roles as its file holds.
        let capabilities = Capabilities::read(r, MAX_GENESIS_BYTES)?;
        Ok(Self { reference, name, key, capabilities })
    }
}

impl Validators {
    /// Whether the organisation runs one of them.
    #[must_use]
    pub fn run_by(&self, organisation: OrgId) -> bool {
        self.operators.values().any(|operator| *operator == organisation)
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        self.set.write(w);
        self.operators.values().for_each(|operator| w.field(operator.to_field()));
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let set = ValidatorSet::read(r)?;
        let operator = |key: &ValidatorKey| Ok((*key, OrgId::new(r.field("operator")?)));
        let operators = set.keys().iter().map(operator).collect::<Result<_, WireError>>()?;
        Ok(Self { set, operators })
    }
}

/// A checked genesis and the identity it gives its chain.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_ledger::Genesis;
/// let genesis = Genesis::read("genesis.json".as_ref())?;
/// println!("chain {}", genesis.chain_id());
/// for organisation in genesis.organisations().values() {
///     println!("{} ({})", organisation.name, organisation.reference);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Genesis {
    spec: GenesisSpec,
    start: Timestamp,
    floors: Floors,
    organisations: BTreeMap<OrgId, Organisation>,
    validators: Option<Validators>,
    chain: ChainId,
}

/// The validators, which agree on blocks, and the organisations that run them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validators {
    /// Their keys.
    pub set: ValidatorSet,
    /// The organisation of each.
    pub operators: BTreeMap<ValidatorKey, OrgId>,
}

/// Why a genesis is refused.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    /// Not the expected JSON.
    #[error("genesis file: {0}")]
    Json(#[from] serde_json::Error),
    /// The file is too long.
    #[error("genesis file: {got} bytes, at most {most}")]
    TooLong {
        /// Limit.
        most: usize,
        /// Found.
        got: usize,
    },
    /// A value is out of bounds.
    #[error("genesis, {field}: {got}; expected {expected}")]
    Value {
        /// Which.
        field: &'static str,
        /// Found.
        got: String,
        /// The rule.
        expected: &'static str,
    },
    /// Something about one organisation.
    #[error("genesis, organisation {id}: {reason}")]
    Organisation {
        /// Which.
        id: String,
        /// What.
        reason: &'static str,
    },
    /// Something about one validator.
    #[error("genesis, validator {key}: {reason}")]
    Validator {
        /// Which.
        key: String,
        /// What.
        reason: &'static str,
    },
    /// Something about the validators together.
    #[error("genesis, validators: {0}")]
    Validators(#[from] ValidatorSetError),
}

impl Genesis {
    /// Reads a genesis file.
    ///
    /// # Errors
    /// [`GenesisError`] saying which field is wrong.
    pub fn from_json(bytes: &[u8]) -> Result<Self, GenesisError> {
        if bytes.len() > MAX_GENESIS_BYTES {
            return Err(GenesisError::TooLong { most: MAX_GENESIS_BYTES, got: bytes.len() });
        }
        Self::new(serde_json::from_slice(bytes)?)
    }

    /// Checks a specification.
    ///
    /// # Errors
    /// [`GenesisError`] saying which field is wrong.
    pub fn new(spec: GenesisSpec) -> Result<Self, GenesisError> {
        let value = |field, got: &dyn ToString, expected| {
            Err(GenesisError::Value { field, got: got.to_string(), expected })
        };
        let name_ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-';
        if spec.chain.is_empty() || spec.chain.len() > 64 || !spec.chain.chars().all(name_ok) {
            return value("chain", &spec.chain, "1 to 64 characters of a-z, 0-9, '.', '-'");
        }
        let Some(start) = Timestamp::from_unix(spec.time) else {
            return value("time", &spec.time, "Unix seconds between years 1 and 9999");
        };
        if spec.epoch_seconds == 0 {
            return value("epoch_seconds", &0, "at least 1");
        }
        for statement in Statement::ALL {
            if spec.windows.of(statement) == 0 {
                return value("windows", &0, "at least 1 epoch for each statement");
            }
        }
        if spec.limits.transactions == 0 || (spec.limits.bytes as usize) < amanat_domain::tx::MAX_TX_BYTES {
            return value("limits", &spec.limits.bytes, "at least one transaction, and room for the largest");
        }
        let mut organisations = BTreeMap::new();
        let mut keys = BTreeSet::new();
        for o in &spec.organisations {
            let organisation = organisation(o)?;
            if !keys.insert(organisation.key.to_bytes()) {
                return Err(refused(o, "another organisation has this key"));
            }
            if organisations.insert(OrgId::from_reference(&o.id), organisation).is_some() {
                return Err(refused(o, "named twice"));
            }
        }
        if !organisations.values().any(|o| o.capabilities.govern) {
            return value("organisations", &spec.organisations.len(), "at least one that may govern");
        }
        let floors = spec.floors.unwrap_or_else(|| spec.profile.floors());
        // As it is kept in a ledger's file, it must be readable again.
        let got = serde_json::to_vec_pretty(&spec).map_or(usize::MAX, |written| written.len());
        if got > MAX_GENESIS_BYTES {
            return Err(GenesisError::TooLong { most: MAX_GENESIS_BYTES, got });
        }
        let validators = validators(&spec.validators, &organisations, &keys)?;
        let bytes = canonical(&spec, &floors, &organisations, validators.as_ref());
        let chain = ChainId(Sha256::digest(bytes).into());
        Ok(Self { spec, start, floors, organisations, validators, chain })
    }

    /// The specification it was made from.
    #[must_use]
    pub const fn spec(&self) -> &GenesisSpec {
        &self.spec
    }

    /// The file, written again.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(&self.spec).expect("strings, numbers and lists are JSON")
    }

    /// SHA-256 over the canonical form: independent of the file's layout and of the order of
    /// organisations.
    #[must_use]
    pub const fn chain_id(&self) -> ChainId {
        self.chain
    }

    /// What is tolerated.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.spec.profile
    }

    /// Beginning of epoch 0.
    #[must_use]
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// Acceptance windows.
    #[must_use]
    pub const fn windows(&self) -> &Windows {
        &self.spec.windows
    }

    /// Anonymity floors.
    #[must_use]
    pub const fn floors(&self) -> &Floors {
        &self.floors
    }

    /// Limits of a block.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.spec.limits
    }

    /// The first members; [`State::organisations`](crate::State::organisations) are the current
    /// members.
    #[must_use]
    pub const fn organisations(&self) -> &BTreeMap<OrgId, Organisation> {
        &self.organisations
    }

    /// The validators at the beginning; `None` if one operator keeps the ledger alone. Those of a
    /// height: [`State::validators`](crate::State::validators).
    #[must_use]
    pub const fn validators(&self) -> Option<&Validators> {
        self.validators.as_ref()
    }

    /// Number of the epoch a time falls in; none before the beginning.
    #[must_use]
    pub const fn epoch_of(&self, time: Timestamp) -> Option<u64> {
        match time.seconds().checked_sub(self.start.seconds()) {
            Some(elapsed) => Some(elapsed / self.spec.epoch_seconds as u64),
            None => None,
        }
    }
}

fn refused(o: &OrganisationSpec, reason: &'static str) -> GenesisError {
    GenesisError::Organisation { id: o.id.chars().take(MAX_TEXT).collect(), reason }
}

fn organisation(o: &OrganisationSpec) -> Result<Organisation, GenesisError> {
    if o.id.is_empty() || o.id.len() > MAX_TEXT || o.name.is_empty() || o.name.len() > MAX_TEXT {
        return Err(refused(o, "id and name have 1 to 256 bytes"));
    }
    if o.id.chars().chain(o.name.chars()).any(char::is_control) {
        return Err(refused(o, "id and name have no control characters"));
    }
    let mut bytes = [0u8; 32];
    hex::decode_to_slice(&o.key, &mut bytes).map_err(|_| refused(o, "the key is not 64 hex digits"))?;
    let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes)
        .map_err(|_| refused(o, "the key is not an Ed25519 public key"))?;
    if key.is_weak() {
        return Err(refused(o, "the key has small order: anyone could sign for it"));
    }
    let c = &o.capabilities;
    let roles = match &c.issue_roles {
        RolesSpec::All(AllRoles::All) => RoleGrant::All,
        RolesSpec::These(list) => {
            if list.iter().any(|x| x.code.is_empty() || x.code.len() > MAX_TEXT || x.system.len() > MAX_TEXT)
            {
                return Err(refused(o, "a role's code has 1 to 256 bytes, its system at most 256"));
            }
            RoleGrant::These(list.iter().map(|x| RoleCode::from_coding(&x.system, &x.code)).collect())
        }
    };
    Ok(Organisation {
        reference: o.id.clone(),
        name: o.name.clone(),
        key,
        capabilities: Capabilities { enrol: c.enrol, anchor: c.anchor, govern: c.govern, roles },
    })
}

fn validators(
    list: &[ValidatorSpec],
    organisations: &BTreeMap<OrgId, Organisation>,
    taken: &BTreeSet<[u8; 32]>,
) -> Result<Option<Validators>, GenesisError> {
    if list.is_empty() {
        return Ok(None);
    }
    let refused = |v: &ValidatorSpec, reason| GenesisError::Validator {
        key: v.key.chars().take(MAX_TEXT).collect(),
        reason,
    };
    let (mut keys, mut operators) = (Vec::with_capacity(list.len()), BTreeMap::new());
    for v in list {
        let mut key = [0; 32];
        hex::decode_to_slice(&v.key, &mut key).map_err(|_| refused(v, "the key is not 64 hex digits"))?;
        if taken.contains(&key) {
            return Err(refused(v, "an organisation signs with this key: a validator needs a separate key"));
        }
        let operator = OrgId::from_reference(&v.organisation);
        if !organisations.contains_key(&operator) {
            return Err(refused(v, "its organisation is not among the organisations"));
        }
        keys.push(ValidatorKey(key));
        operators.insert(ValidatorKey(key), operator);
    }
    Ok(Some(Validators { set: ValidatorSet::new(keys)?, operators }))
}

fn canonical(
    spec: &GenesisSpec,
    floors: &Floors,
    organisations: &BTreeMap<OrgId, Organisation>,
    validators: Option<&Validators>,
) -> Vec<u8> {
    let mut w = Writer::new();
    w.fixed(b"amanat/genesis/v1");
    w.bytes(spec.chain.as_bytes());
    w.u8(match spec.profile {
        Profile::Dev => 0,
        Profile::Production => 1,
    });
    w.fixed(&spec.time.to_le_bytes());
    w.u32(spec.epoch_seconds);
    spec.windows.write_first(&mut w);
    Registry::ALL.iter().for_each(|r| w.u64(floors.of(*r)));
    w.u32(spec.limits.transactions);
    w.u32(spec.limits.bytes);
    w.u32(u32::try_from(organisations.len()).expect("a genesis file holds at most 4 MiB"));
    for (id, o) in organisations {
        w.field(id.to_field());
        o.write(&mut w);
    }
    // Nothing where there are none: the bytes before say where they end.
    if let Some(validators) = validators {
        validators.write(&mut w);
    }
    spec.windows.write_later(&mut w);
    w.finish()
}
