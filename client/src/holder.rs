//! Holders: clinicians with a secret and a credential, and how credentials are issued.

use crate::client::Client;
use crate::encoding::{field_from_text, malformed, secret_from_text, text};
use crate::home::{Home, HomeError};
use crate::ledger::{AccessError, submit_and_ask};
use crate::organisation::{Organisation, OrganisationError};
use crate::role::Role;
use amanat_domain::bundle::Registry;
use amanat_domain::consent::{OrgId, RoleCode};
use amanat_domain::identity::{HolderSecret, RoleCredential};
use amanat_domain::mirror::Mirror;
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

    /// Whether the bundle of a mirror has the credential.
    fn is_in(&self, mirror: &Mirror) -> bool {
        mirror.path(Registry::Roles, self.credential.leaf().to_field()).is_some()
    }

    /// Whether another is the same clinician in the same role of the same organisation.
    fn is_as(&self, other: &Self) -> bool {
        let of = |holder: &Self| (holder.credential.organisation, holder.credential.role);
        self.name == other.name && of(self) == of(other)
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
    /// The name is taken: its credential is issued, or is for another role or organisation.
    #[error("{0} exists already: `amanat clinician list` prints them")]
    Known(String),
    /// The home directory has no key of the organisation that employs the clinician.
    #[error("the clinician's organisation is not in this home directory: add it first")]
    NoIssuer,
    /// The ledger did not take the credential.
    #[error("no credential for {name}")]
    Ledger {
        /// Of this clinician.
        name: String,
        /// What the ledger said.
        source: Box<AccessError>,
    },
    /// The ledger did not take the credential, and the clinicians without one could not be removed
    /// from the home directory.
    #[error(
        "no credential for {name}, and the home directory still lists clinicians without one: mend it and run the same command \
         again, which issues their credentials. The ledger says: {answer}"
    )]
    NotRemoved {
        /// Of this clinician.
        name: String,
        /// What the ledger said.
        answer: Box<AccessError>,
        /// Why nothing was removed.
        source: HomeError,
    },
}

impl IssueError {
    /// What the ledger said, if the ledger is the reason.
    #[must_use]
    pub fn ledger(&self) -> Option<&AccessError> {
        match self {
            Self::Ledger { source: answer, .. } | Self::NotRemoved { answer, .. } => Some(answer),
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
    /// Makes a clinician, keeps the secret, and has the organisation issue the credential. A
    /// clinician whom an earlier call kept after a failure is issued again, with the credential
    /// that was kept; so is a clinician whose credential was retired.
    ///
    /// # Errors
    /// [`IssueError`]; [`IssueError::Known`] if the newest bundle has the credential.
    pub fn issue_role(&self, request: &IssueRoleRequest) -> Result<Holder, IssueError> {
        let employer = self.organisation(&request.organisation)?;
        let IssueRoleRequest { reference, role, licence, .. } = request;
        let holder = Holder::new(reference, role, &employer, *licence, &mut rand::rng());
        match self.issue(vec![holder])?.swap_remove(0) {
            Issued { holder, before: true } => Err(IssueError::Known(holder.name)),
            Issued { holder, before: false } => Ok(holder),
        }
    }

    /// Keeps new clinicians in the home directory and has their organisations issue the
    /// credentials. For a clinician who is kept already, in the same role of the same organisation,
    /// the kept credential is issued, unless the newest bundle has it: after a failure the same
    /// call goes on where it stopped.
    ///
    /// # Errors
    /// [`IssueError`]. A new clinician whose credential the ledger refused is not kept, nor are the
    /// new clinicians after. A clinician whose credential the ledger may have is kept, also if it
    /// says that an equal credential is active.
    pub fn issue_all(&self, new: Vec<Holder>) -> Result<Vec<Holder>, IssueError> {
        Ok(self.issue(new)?.into_iter().map(|issued| issued.holder).collect())
    }

    fn issue(&self, new: Vec<Holder>) -> Result<Vec<Issued>, IssueError> {
        let organisations = self.organisations()?;
        let mut all = self.holders()?;
        let old = all.len();
        let mut queue = Vec::with_capacity(new.len());
        for holder in new {
            let issuer = organisations.iter().find(|o| o.id() == holder.credential.organisation);
            let issuer = issuer.ok_or(IssueError::NoIssuer)?;
            let at = match all.iter().position(|known| known.name == holder.name) {
                Some(at) if at < old && all[at].is_as(&holder) => at,
                Some(_) => return Err(IssueError::Known(holder.name)),
                None => {
                    all.push(holder);
                    all.len() - 1
                }
            };
            queue.push((at, issuer));
        }
        let known = queue.iter().find(|(at, _)| *at < old).map(|(at, _)| &all[*at]);
        let mirror = known.map(|known| {
            let failed = |source| IssueError::Ledger { name: known.name.clone(), source: Box::new(source) };
            self.ledger().mirror().map_err(failed)
        });
        let mirror = mirror.transpose()?;
        let before: Vec<bool> =
            all.iter().map(|holder| mirror.as_ref().is_some_and(|mirror| holder.is_in(mirror))).collect();
        // Secrets are on disk before the ledger hears of them.
        if all.len() > old {
            Holder::save_all(self.home(), &all)?;
        }
        // How many clinicians the ledger has or may have, or were kept before.
        let mut kept = old;
        for (at, issuer) in &queue {
            let done = if before[*at] { Ok(()) } else { self.issue_credential(issuer, &all[*at]) };
            let Err(source) = done else {
                kept = kept.max(at + 1);
                continue;
            };
            let name = all[*at].name.clone();
            // The clinicians after were not submitted. The ledger may have this credential unless
            // it refused it: nobody submits these bytes again. Who was kept before stays.
            if !source.is_refused() {
                kept = kept.max(at + 1);
            }
            let is_changed = kept < all.len();
            all.truncate(kept);
            let removed = if is_changed { Holder::save_all(self.home(), &all) } else { Ok(()) };
            let answer = Box::new(source);
            return Err(match removed {
                Ok(()) => IssueError::Ledger { name, source: answer },
                Err(source) => IssueError::NotRemoved { name, answer, source },
            });
        }
        let mut all: Vec<Option<Holder>> = all.into_iter().map(Some).collect();
        let issued = |(at, _): (usize, _)| {
            let holder = all[at].take()?;
            Some(Issued { holder, before: before[at] })
        };
        Ok(queue.into_iter().filter_map(issued).collect())
    }

    /// Has an organisation issue a credential. The ledger computes the leaf from the transaction,
    /// so a refusal because the credential is issued already is about this very one. If a node lies
    /// about that, the next bundle lacks the credential, and the same call issues it.
    fn issue_credential(&self, issuer: &Organisation, holder: &Holder) -> Result<(), AccessError> {
        let tx = issuer.sign(self.chain(), holder.issuance(), &mut rand::rng());
        match submit_and_ask(self.ledger(), &tx) {
            Err(error) if error.problem().is_some_and(|problem| problem.code == "already_issued") => Ok(()),
            done => done.map(drop),
        }
    }
}

/// A clinician with an issued credential.
struct Issued {
    holder: Holder,
    /// Whether the newest bundle had it before.
    before: bool,
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
    use super::{HOLDERS, Holder, IssueError, IssueRoleRequest};
    use crate::client::Client;
    use crate::devnet::{DevLedger, HOSPITALS, clinicians, genesis, licence, organisations};
    use crate::home::Home;
    use crate::ledger::{AccessError, LedgerAccess};
    use crate::role;
    use crate::testing::{Failing, Fails, unfinished};
    use amanat_api::problem::Kind;
    use amanat_domain::bundle::Registry;
    use amanat_domain::time::Timestamp;
    use std::path::Path;
    use std::sync::Arc;

    /// A home directory with a ledger of two hospitals and a regulator.
    fn network(dir: &Path) -> DevLedger {
        let home = Home::open(Some(dir)).expect("a home");
        let organisations = organisations(HOSPITALS, &mut rand::rng());
        let start = Timestamp::from_unix(1_700_000_000).expect("a time");
        let genesis = genesis("test", start, 60, &organisations).expect("a genesis");
        home.initialise(&organisations, &genesis).expect("written");
        DevLedger::open(&home.ledger_path(), genesis).expect("a ledger")
    }

    /// A client of this home directory; at most one at a time.
    fn at(ledger: &DevLedger, dir: &Path, fails: Fails) -> Client {
        let home = Home::open(Some(dir)).expect("a home");
        let failing = Failing { inner: ledger.access(), fails, submitted: Arc::default() };
        Client::over(home, Arc::new(failing), ledger.clock()).expect("a client")
    }

    fn client(dir: &Path, fails: Fails) -> Client {
        at(&network(dir), dir, fails)
    }

    fn request(client: &Client) -> IssueRoleRequest {
        IssueRoleRequest {
            reference: "Practitioner/a".to_owned(),
            organisation: HOSPITALS[0].to_owned(),
            role: role::PHYSICIAN,
            licence: licence(client.now()),
        }
    }

    fn issue(client: &Client) -> Result<Holder, IssueError> {
        client.issue_role(&request(client))
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

    /// How many credentials the newest bundle counts, after the epoch has ended.
    fn active(ledger: &DevLedger) -> u64 {
        ledger.next_epoch().expect("sealed");
        let sealed = ledger.access().bundle(None).expect("answers").expect("a bundle");
        sealed.bundle.registry(Registry::Roles).count
    }

    #[test]
    fn a_clinician_kept_after_a_failure_is_issued_by_the_same_call_again() {
        // A transaction that did not arrive, and one that did, of which nothing was heard.
        for fails in [Fails::Before(0), Fails::Unsure { kind: Kind::Busy, receipts: false }] {
            let dir = tempfile::tempdir().expect("a folder");
            let ledger = network(dir.path());
            let secret = |holder: &Holder| holder.secret().secret().expose();
            let silent = at(&ledger, dir.path(), fails);
            assert!(matches!(issue(&silent), Err(IssueError::Ledger { .. })), "{fails:?}");
            let made = secret(&silent.holders().expect("holders")[0]);
            drop(silent);

            let client = at(&ledger, dir.path(), Fails::Never);
            let nurse = IssueRoleRequest { role: role::NURSE, ..request(&client) };
            let other = client.issue_role(&nurse).err();
            assert!(matches!(other, Some(IssueError::Known(_))), "another role: {fails:?}");
            let issued = issue(&client).expect("issued, or issued before");
            assert!(secret(&issued) == made, "the secret that was kept: {fails:?}");
            assert_eq!(kept(&client), 1, "{fails:?}");
            assert_eq!(active(&ledger), 1, "{fails:?}");
            let known = issue(&client).err();
            assert!(matches!(known, Some(IssueError::Known(_))), "the bundle has it: {fails:?}");
        }
    }

    #[test]
    fn clinicians_of_whom_some_were_issued_are_all_issued_by_the_same_call_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let ledger = network(dir.path());
        let all = |client: &Client| {
            let organisations = client.organisations().expect("organisations");
            clinicians(&organisations, client.now(), &mut rand::rng()).expect("three organisations")
        };
        let silent = at(&ledger, dir.path(), Fails::Before(2));
        assert!(matches!(silent.issue_all(all(&silent)), Err(IssueError::Ledger { .. })));
        assert_eq!(kept(&silent), 3, "the last was not submitted");
        drop(silent);
        assert_eq!(active(&ledger), 2);

        let client = at(&ledger, dir.path(), Fails::Never);
        let names = |all: &[Holder]| all.iter().map(|holder| holder.name.clone()).collect::<Vec<_>>();
        let issued = client.issue_all(all(&client)).expect("issued");
        assert_eq!(names(&issued), names(&all(&client)));
        assert_eq!(kept(&client), 4);
        assert_eq!(active(&ledger), 4);
    }

    #[test]
    fn a_refusal_outlasts_a_home_directory_that_cannot_be_written() {
        let dir = tempfile::tempdir().expect("a folder");
        let ledger = network(dir.path());
        let home = Home::open(Some(dir.path())).expect("a home");
        let folder: &'static Path = Box::leak(unfinished(&home, HOLDERS).into_boxed_path());
        let refusing = at(&ledger, dir.path(), Fails::RefusesAndBlocks(folder));
        let error = issue(&refusing).err().expect("refused");
        assert!(matches!(error, IssueError::NotRemoved { .. }), "{error}");
        assert!(error.ledger().is_some_and(AccessError::is_final), "what the ledger said: {error}");
        assert_eq!(kept(&refusing), 1, "it could not be removed");
        drop(refusing);

        std::fs::remove_dir(folder).expect("mended");
        let client = at(&ledger, dir.path(), Fails::Never);
        assert!(issue(&client).is_ok(), "the same call again");
        assert_eq!((kept(&client), active(&ledger)), (1, 1));
    }
}
