//! Holders: clinicians with a secret and a credential, and how credentials are issued.

use crate::client::Client;
use crate::encoding::{field_from_text, malformed, secret_from_text, text};
use crate::home::{Home, HomeError};
use crate::ledger::{AccessError, submit_and_ask};
use crate::organisation::{Organisation, OrganisationError};
use crate::role::Role;
use amanat_domain::consent::{OrgId, RoleCode};
use amanat_domain::identity::{HolderSecret, RoleCredential};
use amanat_domain::policy::Recipient;
use amanat_domain::secret::Secret;
use amanat_domain::time::{Period, Timestamp};
use amanat_domain::tx::Action;
use rand::CryptoRng;
use serde::{Deserialize, Serialize};

const HOLDERS: &str = "holders.json";

/// The types of resources that name a clinician.
pub const PRACTITIONERS: [&str; 2] = ["Practitioner", "PractitionerRole"];

/// A clinician with a secret and a credential.
///
/// ```
/// use amanat_client::{Holder, Organisation, devnet, machine_clock, role};
/// let mut rng = rand::rng();
/// let employer = Organisation::new("Organization/city", "City Hospital", &mut rng);
/// let licence = devnet::licence(machine_clock());
/// let holder = Holder::new("Practitioner/amina", &role::PHYSICIAN, &employer, licence, &mut rng);
/// assert!(holder.credential.organisation == employer.id());
/// ```
pub struct Holder {
    /// The reference by which consents name the clinician, or another name.
    pub name: String,
    /// The credential.
    pub credential: RoleCredential,
    secret: HolderSecret,
}

#[derive(Serialize, Deserialize)]
struct HolderFile {
    name: String,
    secret: String,
    role: String,
    organisation: String,
    licence: [u64; 2],
    salt: String,
}

impl Holder {
    /// A new clinician of an organisation, with a credential that is yet to be issued.
    #[must_use]
    pub fn new(
        name: &str,
        role: &Role,
        organisation: &Organisation,
        licence: Period,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let secret = HolderSecret::random(rng);
        let credential = RoleCredential {
            holder: secret.key(),
            role: role.code(),
            organisation: organisation.id(),
            licence,
            salt: Secret::random(rng),
        };
        Self { name: name.to_owned(), credential, secret }
    }

    /// The secret.
    #[must_use]
    pub const fn secret(&self) -> &HolderSecret {
        &self.secret
    }

    /// The secret again, for a plan: a plan takes it by value and drops it with the proof.
    #[must_use]
    pub fn handed_on(&self) -> HolderSecret {
        HolderSecret::from_secret(Secret::new(self.secret.secret().expose()))
    }

    /// Every holder of a home directory.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn load_all(home: &Home) -> Result<Vec<Self>, HomeError> {
        let files: Vec<HolderFile> = home.read(HOLDERS)?.unwrap_or_default();
        files.into_iter().map(HolderFile::load).collect()
    }

    /// Writes every holder of a home directory.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn save_all(home: &Home, all: &[Self]) -> Result<(), HomeError> {
        home.write(HOLDERS, &all.iter().map(HolderFile::new).collect::<Vec<_>>())
    }

    /// The holder of this name, or of this id alone (`dr-saima` for `Practitioner/dr-saima`).
    ///
    /// # Errors
    /// [`NoHolder`] with the names that there are.
    pub fn find(mut all: Vec<Self>, name: &str) -> Result<Self, NoHolder> {
        let id = |h: &Self| {
            h.name.split_once('/').is_some_and(|(of, id)| PRACTITIONERS.contains(&of) && id == name)
        };
        let at = all.iter().position(|h| h.name == name).or_else(|| all.iter().position(id));
        match at {
            Some(at) => Ok(all.swap_remove(at)),
            None => {
                let there = all.iter().map(|h| h.name.as_str()).collect::<Vec<_>>().join(", ");
                Err(NoHolder { name: name.to_owned(), there })
            }
        }
    }

    /// The clinician as the recipient of data.
    #[must_use]
    pub const fn recipient(&self) -> Recipient {
        let RoleCredential { organisation, role, holder, .. } = self.credential;
        Recipient { organisation, role, holder }
    }

    /// What the organisation publishes to issue the credential.
    #[must_use]
    pub fn issuance(&self) -> Action {
        Action::IssueRole { role: self.credential.role, inner: self.credential.inner() }
    }
}

/// No holder has the name.
#[derive(Debug, thiserror::Error)]
#[error("no clinician {name}; there are: {there} (`amanat clinician add` adds more)")]
pub struct NoHolder {
    /// The name asked for.
    pub name: String,
    /// The names that there are.
    pub there: String,
}

/// Why a credential was not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The home directory is no use.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The organisation is not there.
    #[error(transparent)]
    Organisation(#[from] OrganisationError),
    /// The name is taken.
    #[error("{0} is there already: `amanat clinician list` prints them")]
    Known(String),
    /// The home directory has no key of the organisation that employs the clinician.
    #[error("every clinician has an organisation")]
    NoIssuer,
    /// The ledger did not take the credential.
    #[error("no credential for {name}")]
    Ledger {
        /// Of this clinician.
        name: String,
        /// What the ledger said.
        source: Box<AccessError>,
    },
}

impl IssueError {
    /// What the ledger said, if the ledger is the reason.
    #[must_use]
    pub fn ledger(&self) -> Option<&AccessError> {
        match self {
            Self::Ledger { source, .. } => Some(source),
            Self::Organisation(error) => error.ledger(),
            _ => None,
        }
    }
}

/// A clinician to be taken in.
#[derive(Debug, Clone)]
pub struct IssueRoleRequest {
    /// The reference by which consents name the clinician.
    pub reference: String,
    /// Reference, id or name of the organisation that issues the credential.
    pub organisation: String,
    /// The role.
    pub role: Role,
    /// The licence.
    pub licence: Period,
}

impl Client {
    /// Makes a clinician, keeps the secret, and has the organisation issue the credential.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue_role(&self, request: &IssueRoleRequest) -> Result<Holder, IssueError> {
        if self.holders()?.iter().any(|h| h.name == request.reference) {
            return Err(IssueError::Known(request.reference.clone()));
        }
        let employer = self.organisation(&request.organisation)?;
        let IssueRoleRequest { reference, role, licence, .. } = request;
        let holder = Holder::new(reference, role, &employer, *licence, &mut rand::rng());
        self.issue_all(vec![holder]).map(|mut issued| issued.swap_remove(0))
    }

    /// Keeps new clinicians in the home directory and has their organisations issue the
    /// credentials.
    ///
    /// # Errors
    /// [`IssueError`]. A clinician whose credential the ledger refused is not kept, nor are the
    /// clinicians after. A clinician whose credential the ledger may have is kept, also if it says
    /// that an equal credential is active.
    pub fn issue_all(&self, new: Vec<Holder>) -> Result<Vec<Holder>, IssueError> {
        let organisations = self.organisations()?;
        let issuer =
            |holder: &Holder| organisations.iter().find(|o| o.id() == holder.credential.organisation);
        let issuers: Vec<&Organisation> =
            new.iter().map(|holder| issuer(holder).ok_or(IssueError::NoIssuer)).collect::<Result<_, _>>()?;
        let mut all = self.holders()?;
        let old = all.len();
        all.extend(new);
        // Secrets are on disk before the ledger hears of them.
        Holder::save_all(self.home(), &all)?;
        for (n, issuer) in issuers.into_iter().enumerate() {
            let tx = issuer.sign(self.chain(), all[old + n].issuance(), &mut rand::rng());
            let Err(source) = submit_and_ask(self.ledger(), &tx) else { continue };
            let name = all[old + n].name.clone();
            // The clinicians after were not submitted. The ledger may have this credential unless
            // it refused it; nobody submits these bytes again.
            all.truncate(old + n + usize::from(!source.is_refused()));
            Holder::save_all(self.home(), &all)?;
            return Err(IssueError::Ledger { name, source: Box::new(source) });
        }
        Ok(all.split_off(old))
    }
}

impl HolderFile {
    fn new(h: &Holder) -> Self {
        let licence = &h.credential.licence;
        Self {
            name: h.name.clone(),
            secret: text(h.secret.secret().expose()),
            role: text(h.credential.role.to_field()),
            organisation: text(h.credential.organisation.to_field()),
            licence: [licence.from().seconds(), licence.until().seconds()],
            salt: text(h.credential.salt.expose()),
        }
    }

    fn load(self) -> Result<Holder, HomeError> {
        let secret = HolderSecret::from_secret(secret_from_text("secret", &self.secret)?);
        let [from, until] = self.licence.map(Timestamp::new);
        let (Some(from), Some(until)) = (from, until) else {
            return Err(malformed("licence", "not a time"));
        };
        let licence =
            Period::new(from, until).ok_or_else(|| malformed("licence", "ends before it begins"))?;
        let credential = RoleCredential {
            holder: secret.key(),
            role: RoleCode::new(field_from_text("role", &self.role)?),
            organisation: OrgId::new(field_from_text("organisation", &self.organisation)?),
            licence,
            salt: secret_from_text("salt", &self.salt)?,
        };
        Ok(Holder { name: self.name, credential, secret })
    }
}

#[cfg(test)]
mod tests {
    use super::{IssueError, IssueRoleRequest};
    use crate::client::Client;
    use crate::devnet::{DevLedger, HOSPITALS, genesis, licence, organisations};
    use crate::home::Home;
    use crate::role;
    use crate::testing::{Failing, Fails};
    use amanat_api::problem::Kind;
    use amanat_domain::time::Timestamp;
    use std::sync::Arc;

    fn client(dir: &std::path::Path, fails: Fails) -> Client {
        let home = Home::open(Some(dir)).expect("a home");
        let organisations = organisations(HOSPITALS, &mut rand::rng());
        let start = Timestamp::from_unix(1_700_000_000).expect("a time");
        let genesis = genesis("test", start, 60, &organisations).expect("a genesis");
        home.initialise(&organisations, &genesis).expect("written");
        let ledger = DevLedger::open(&home.ledger_path(), genesis).expect("a ledger");
        let failing = Failing { inner: ledger.access(), fails, submitted: Arc::default() };
        Client::over(home, Arc::new(failing), ledger.clock()).expect("a client")
    }

    fn issue(client: &Client) -> Result<super::Holder, IssueError> {
        client.issue_role(&IssueRoleRequest {
            reference: "Practitioner/a".to_owned(),
            organisation: HOSPITALS[0].to_owned(),
            role: role::PHYSICIAN,
            licence: licence(client.now()),
        })
    }

    fn kept(client: &Client) -> usize {
        client.holders().expect("holders").len()
    }

    #[test]
    fn a_secret_is_kept_unless_its_credential_is_refused_for_good() {
        // A node that gave up waiting, and a node that is ended: both had the transaction.
        for kind in [Kind::Request, Kind::Fault, Kind::Busy] {
            let dir = tempfile::tempdir().expect("a folder");
            let silent = client(dir.path(), Fails::Unsure { kind, receipts: false });
            assert!(matches!(issue(&silent), Err(IssueError::Ledger { .. })), "{kind:?}");
            assert_eq!(kept(&silent), 1, "{kind:?}");
            let dir = tempfile::tempdir().expect("a folder");
            let heard = client(dir.path(), Fails::Unsure { kind, receipts: true });
            assert!(issue(&heard).is_ok(), "the receipt is there: {kind:?}");
            assert_eq!(kept(&heard), 1, "{kind:?}");
        }
        let dir = tempfile::tempdir().expect("a folder");
        let refusing = client(dir.path(), Fails::Refuses(0));
        assert!(matches!(issue(&refusing), Err(IssueError::Ledger { .. })));
        assert_eq!(kept(&refusing), 0, "on no ledger");
    }
}
