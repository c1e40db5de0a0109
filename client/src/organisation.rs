//! Organisations with their signing keys, and which of them acts.

use crate::client::Client;
use crate::encoding::bytes_from_text;
use crate::home::{Home, HomeError};
use crate::ledger::AccessError;
use amanat_api::view::{GovernanceView, Hex32, OrganisationView};
use amanat_domain::consent::OrgId;
use amanat_domain::tx::{Action, ChainId, SignedTx, Transaction};
use ed25519_dalek::{Signer, SigningKey};
use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use zeroize::Zeroizing;

const ORGANISATIONS: &str = "organisations.json";

/// An organisation with its signing key.
///
/// ```
/// use amanat_client::Organisation;
/// use amanat_domain::tx::{Action, ChainId};
/// let mut rng = rand::rng();
/// let hospital = Organisation::new("Organization/city", "City Hospital", &mut rng);
/// let tx = hospital.sign(ChainId([7; 32]), Action::Enrol(Vec::new()), &mut rng);
/// assert!(!tx.to_bytes().is_empty());
/// ```
pub struct Organisation {
    /// Its relative reference, as consents name it.
    pub reference: String,
    /// Its name, for people.
    pub name: String,
    key: SigningKey,
}

#[derive(Serialize, Deserialize)]
struct OrganisationFile {
    reference: String,
    name: String,
    seed: String,
}

impl Organisation {
    /// A new organisation with a new key.
    #[must_use]
    pub fn new(reference: &str, name: &str, rng: &mut impl CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0u8; 32]);
        rng.fill_bytes(seed.as_mut());
        Self { reference: reference.to_owned(), name: name.to_owned(), key: SigningKey::from_bytes(&seed) }
    }

    /// Its id: the digest of the reference.
    #[must_use]
    pub fn id(&self) -> OrgId {
        OrgId::from_reference(&self.reference)
    }

    /// The public half of its key.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// The key, for signatures beside transactions: a snapshot, say.
    #[must_use]
    pub const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Signs an action.
    #[must_use]
    pub fn sign(&self, chain: ChainId, action: Action, rng: &mut impl CryptoRng) -> Transaction {
        let mut nonce = [0u8; 16];
        rng.fill_bytes(&mut nonce);
        let mut tx = SignedTx { chain, organisation: self.id(), nonce, action, signature: [0; 64] };
        tx.signature = self.key.sign(&tx.signing_bytes()).to_bytes();
        Transaction::Signed(Box::new(tx))
    }

    /// Every organisation of a home directory.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn load_all(home: &Home) -> Result<Vec<Self>, HomeError> {
        let files: Vec<OrganisationFile> = home.read(ORGANISATIONS)?.unwrap_or_default();
        let load = |f: OrganisationFile| {
            let seed = Zeroizing::new(bytes_from_text("seed", &f.seed)?);
            Ok(Self { reference: f.reference, name: f.name, key: SigningKey::from_bytes(&seed) })
        };
        files.into_iter().map(load).collect()
    }

    /// Writes every organisation of a home directory.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn save_all(home: &Home, all: &[Self]) -> Result<(), HomeError> {
        let file = |o: &Self| OrganisationFile {
            reference: o.reference.clone(),
            name: o.name.clone(),
            seed: hex::encode(o.key.to_bytes()),
        };
        home.write(ORGANISATIONS, &all.iter().map(file).collect::<Vec<_>>())
    }

    /// The organisation of this reference, id (`city` for `Organization/city`) or name.
    ///
    /// # Errors
    /// [`OrganisationError::Unknown`], [`OrganisationError::Several`].
    pub fn find(all: Vec<Self>, named: &str) -> Result<Self, OrganisationError> {
        let there = list(&all);
        let known = |o: &Self| {
            o.reference == named
                || o.reference.strip_prefix("Organization/") == Some(named)
                || o.name.eq_ignore_ascii_case(named)
        };
        let named = named.to_owned();
        // A reference decides: two may have one name.
        if let Some(exact) = all.iter().position(|o| o.reference == named) {
            return all.into_iter().nth(exact).ok_or(OrganisationError::Unknown { named, there });
        }
        let mut found = all.into_iter().filter(known);
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(OrganisationError::Unknown { named, there }),
            (Some(_), Some(_)) => Err(OrganisationError::Several { named, there }),
        }
    }
}

/// Why no organisation can act.
#[derive(Debug, thiserror::Error)]
pub enum OrganisationError {
    /// The home directory is no use.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The ledger does not say who may act.
    #[error(transparent)]
    Ledger(#[from] AccessError),
    /// There is none.
    #[error("no organisations in {}: `amanat init` makes them", home.display())]
    Empty {
        /// The home directory.
        home: PathBuf,
    },
    /// None may enrol and anchor.
    #[error("no organisation of the home directory may enrol and anchor on this ledger; there are: {there}")]
    NoCustodian {
        /// The organisations.
        there: String,
    },
    /// The one named may not enrol and anchor.
    #[error("{named} may not enrol and anchor on this ledger; these may: {these}")]
    NotCustodian {
        /// The organisation.
        named: String,
        /// The organisations that may.
        these: String,
    },
    /// None has the name.
    #[error("no organisation `{named}` in the home directory; there are: {there}")]
    Unknown {
        /// The name asked for.
        named: String,
        /// The organisations.
        there: String,
    },
    /// Several have the name.
    #[error("several organisations are called `{named}`: name one by its reference; there are: {there}")]
    Several {
        /// The name asked for.
        named: String,
        /// The organisations.
        there: String,
    },
    /// The home directory has no key of the organisation that is to sign.
    #[error("{} has no key of {reference}", home.display())]
    NoKey {
        /// The home directory.
        home: PathBuf,
        /// The organisation.
        reference: String,
    },
    /// The home directory has no key of an organisation that governs.
    #[error("{} has no key of an organisation that governs", home.display())]
    NoGovernor {
        /// The home directory.
        home: PathBuf,
    },
}

impl OrganisationError {
    /// What the ledger said, if the ledger is the reason.
    #[must_use]
    pub const fn ledger(&self) -> Option<&AccessError> {
        match self {
            Self::Ledger(error) => Some(error),
            _ => None,
        }
    }
}

impl Client {
    /// The organisation that enrols and anchors: the one named by its reference, its id or its
    /// name, or the first of the home directory that may do both.
    ///
    /// # Errors
    /// [`OrganisationError`].
    pub fn custodian_organisation(&self, named: Option<&str>) -> Result<Organisation, OrganisationError> {
        let all = self.organisations()?;
        if all.is_empty() {
            return Err(OrganisationError::Empty { home: self.home().root().to_path_buf() });
        }
        choose(all, named, &self.ledger().governance()?)
    }

    /// An organisation of the home directory, by its reference, its id or its name.
    ///
    /// # Errors
    /// [`OrganisationError`].
    pub fn organisation(&self, named: &str) -> Result<Organisation, OrganisationError> {
        Organisation::find(self.organisations()?, named)
    }

    /// The organisation of the home directory that signs: the one of this reference, or the last
    /// that governs.
    ///
    /// # Errors
    /// [`OrganisationError`].
    pub fn signer(
        &self,
        named: Option<&str>,
        governance: &GovernanceView,
    ) -> Result<Organisation, OrganisationError> {
        let all = self.organisations()?;
        let home = || self.home().root().to_path_buf();
        match named {
            Some(reference) => all
                .into_iter()
                .find(|o| o.reference == reference)
                .ok_or_else(|| OrganisationError::NoKey { home: home(), reference: reference.to_owned() }),
            None => all
                .into_iter()
                .rfind(|o| governs(o, governance))
                .ok_or_else(|| OrganisationError::NoGovernor { home: home() }),
        }
    }
}

fn member<'g>(o: &Organisation, governance: &'g GovernanceView) -> Option<&'g OrganisationView> {
    governance.organisation(&Hex32(o.id().to_bytes())).filter(|member| member.removed.is_none())
}

/// Whether the organisation is a member that governs.
pub(crate) fn governs(o: &Organisation, governance: &GovernanceView) -> bool {
    member(o, governance).is_some_and(|member| member.capabilities.govern)
}

fn choose(
    all: Vec<Organisation>,
    named: Option<&str>,
    governance: &GovernanceView,
) -> Result<Organisation, OrganisationError> {
    let may = |o: &Organisation| {
        member(o, governance).is_some_and(|m| m.capabilities.enrol && m.capabilities.anchor)
    };
    match named {
        None => {
            let there = list(&all);
            all.into_iter().find(may).ok_or(OrganisationError::NoCustodian { there })
        }
        Some(named) => {
            let these = all.iter().filter(|o| may(o)).map(words).collect::<Vec<_>>().join(", ");
            let found = Organisation::find(all, named)?;
            if !may(&found) {
                return Err(OrganisationError::NotCustodian { named: words(&found), these });
            }
            Ok(found)
        }
    }
}

fn list(all: &[Organisation]) -> String {
    all.iter().map(words).collect::<Vec<_>>().join(", ")
}

fn words(o: &Organisation) -> String {
    format!("{} ({})", o.reference, o.name)
}

#[cfg(test)]
mod tests {
    use super::{Organisation, OrganisationError, choose};
    use crate::devnet::{DevLedger, genesis};
    use crate::ledger::LedgerAccess;
    use amanat_domain::time::Timestamp;

    fn all() -> Vec<Organisation> {
        let mut rng = rand::rng();
        [("Organization/a", "Hospital A"), ("Organization/b", "Hospital B"), ("Organization/board", "Board")]
            .map(|(reference, name)| Organisation::new(reference, name, &mut rng))
            .into()
    }

    fn reference(found: Result<Organisation, OrganisationError>) -> String {
        found.map_or_else(|e| e.to_string(), |o| o.reference)
    }

    #[test]
    fn a_custodian_is_named_by_reference_id_or_name_and_must_be_allowed() {
        let organisations = all();
        let start = Timestamp::from_unix(1_700_000_000).expect("a time");
        let genesis = genesis("test", start, 60, &organisations).expect("a genesis");
        let dir = tempfile::tempdir().expect("a folder");
        let ledger = DevLedger::open(&dir.path().join("l"), genesis).expect("a ledger");
        let governance = ledger.access().governance().expect("a view");
        let with = |named| reference(choose(all(), named, &governance));
        assert_eq!(with(None), "Organization/a");
        assert_eq!(with(Some("Organization/b")), "Organization/b");
        assert_eq!(with(Some("b")), "Organization/b");
        assert_eq!(with(Some("hospital b")), "Organization/b");
        let said = with(Some("board"));
        assert!(
            said.contains("may not enrol and anchor") && said.contains("Organization/a (Hospital A)"),
            "{said}"
        );
        let said = with(Some("Organization/c"));
        assert!(said.contains("there are: Organization/a (Hospital A), Organization/b"), "{said}");
        let only = vec![all().pop().expect("the board")];
        assert!(reference(choose(only, None, &governance)).contains("may enrol and anchor"));
    }

    #[test]
    fn two_organisations_of_one_name_are_told_apart_by_their_references() {
        let twice = || {
            let mut all = all();
            all[1].name = "Hospital A".to_owned();
            all
        };
        let said = reference(Organisation::find(twice(), "Hospital A"));
        assert!(said.contains("several organisations are called `Hospital A`"), "{said}");
        assert_eq!(reference(Organisation::find(twice(), "Organization/b")), "Organization/b");
    }
}
