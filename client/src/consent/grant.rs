//! Grants and revocations, by proof.

use super::whose::whose;
use super::{CompileError, ConsentError, HeldConsent, Whose, compile, one_in, patient_named};
use crate::client::Client;
use crate::home::HomeError;
use crate::ledger::AccessError;
use crate::prove::{ProofError, Proved, Receipt};
use crate::vault::VaultError;
use crate::wallet::Wallet;
use amanat_domain::bundle::Registry;
use amanat_domain::consent::{ConsentTerms, GrantedConsent, UseLimit, grant_nullifier};
use amanat_domain::entry::Entry;
use amanat_domain::fhir::Zones;
use amanat_domain::fhir::identity::Source;
use amanat_domain::field;
use amanat_domain::mirror::Mirror;
use amanat_domain::statement::Statement;
use amanat_domain::time::Timestamp;
use amanat_prover::plan::{GrantPlan, RevokePlan};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

/// The audience of what a wallet does for itself.
const OWN: &str = "wallet";

/// A consent to be granted.
#[derive(Clone)]
pub struct GrantRequest {
    /// The file with the FHIR Consent.
    pub file: PathBuf,
    /// Which Consent of the file, if it has several: the number of its entry, its id, or its place.
    pub entry: Option<String>,
    /// The patient, as the vault knows the name; `None`: the patient whom the Consent names.
    pub patient: Option<String>,
    /// Most uses.
    pub uses: Option<NonZeroU32>,
    /// The zone of dates without one.
    pub zone: Option<Zones>,
    /// Where the ids of the file belong.
    pub source: Option<Source>,
    /// Grants it although the Consent names another patient, or a patient who is not known.
    pub even_so: bool,
}

impl GrantRequest {
    /// The only Consent of a file, by the patient whom it names, for any number of uses.
    #[must_use]
    pub fn of(file: &Path) -> Self {
        let file = file.to_path_buf();
        Self { file, entry: None, patient: None, uses: None, zone: None, source: None, even_so: false }
    }
}

/// A consent that was granted.
#[derive(Clone)]
pub struct Granted {
    /// Its number in the home directory.
    pub number: u32,
    /// When it begins to permit, if that is to come.
    pub not_before: Option<Timestamp>,
    /// If it was granted [even so](GrantRequest::even_so): the patient whom the Consent names, and
    /// the patient who granted it.
    pub for_another: Option<(String, String)>,
    /// The receipt.
    pub receipt: Receipt,
}

/// Why a consent is not granted.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// There is no such Consent, or its patient cannot be told.
    #[error(transparent)]
    Consent(#[from] ConsentError),
    /// The Consent does not compile.
    #[error("{} is refused", file.display())]
    Refused {
        /// The file.
        file: PathBuf,
        /// What stands in the way.
        source: CompileError,
    },
    /// It is a consent of another patient.
    #[error(
        "{}: Consent.patient: this is a consent of {of}, not of {patient}: nobody grants for another (--even-so does)",
        file.display()
    )]
    OfAnother {
        /// The file.
        file: PathBuf,
        /// The patient whom it names.
        of: String,
        /// The patient who was to grant it.
        patient: String,
    },
    /// It names a patient whom the vault does not know.
    #[error(
        "{}: Consent.patient: a consent of {of}: `amanat import --anchor` enrols patients, `amanat vault patients` lists them, \
         --patient says which of them is meant",
        file.display()
    )]
    OfUnknown {
        /// The file.
        file: PathBuf,
        /// How it names the patient.
        of: String,
    },
    /// It would permit nothing any more.
    #[error(
        "{}: the consent is over since {since}: it would grant nothing{}",
        file.display(),
        if *depends_on_zone { " (--zone +HH:MM reads its dates as days of that zone)" } else { "" }
    )]
    Over {
        /// The file.
        file: PathBuf,
        /// Since when.
        since: Timestamp,
        /// Whether a zone for its dates might change that.
        depends_on_zone: bool,
    },
    /// The patient has no wallet.
    #[error("no wallet for {0}: `amanat import --anchor` makes them")]
    NoWallet(String),
    /// The vault is no use, or does not know the patient.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The home directory is no use.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// It is not proved, or not on the ledger.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The ledger refuses it, and it could not be taken out of the wallet.
    #[error(
        "consent {number} is not granted, but the wallet still lists it: mend the home directory and run the same command again, \
         which grants this consent. The ledger says: {refusal}"
    )]
    NotForgotten {
        /// Its number in the home directory.
        number: u32,
        /// What the ledger said.
        refusal: Box<ProofError>,
        /// Why it could not be taken out.
        source: HomeError,
    },
}

impl GrantError {
    /// Why there is no proof, or not on the ledger, if that is the reason.
    #[must_use]
    pub fn proof(&self) -> Option<&ProofError> {
        match self {
            Self::Proof(error) => Some(error),
            Self::NotForgotten { refusal, .. } => Some(refusal),
            _ => None,
        }
    }
}

/// Why a consent is not revoked, or the wallet does not show that it is.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// It is not proved, or not on the ledger.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The ledger has the revocation, and the wallet could not note it.
    #[error("{}", unnoted(*number, answer))]
    Unnoted {
        /// Its number in the home directory.
        number: u32,
        /// The receipt, or the refusal because it was revoked before.
        answer: Box<Result<Receipt, ProofError>>,
        /// Why the wallet could not note it.
        source: HomeError,
    },
}

impl RevokeError {
    /// Why there is no proof, or not on the ledger, if that is the reason.
    #[must_use]
    pub fn proof(&self) -> Option<&ProofError> {
        match self {
            Self::Proof(error) => Some(error),
            Self::Unnoted { answer, .. } => answer.as_ref().as_ref().err(),
        }
    }
}

fn unnoted(number: u32, answer: &Result<Receipt, ProofError>) -> String {
    const NEXT: &str = "but the wallet could not note it: mend the home directory, wait for the next epoch \
                        (amanat ledger wait) and run the same command again, which notes it";
    match answer {
        Ok(receipt) => format!("consent {number} is revoked in block {}, {NEXT}", receipt.height()),
        Err(refusal) => format!("consent {number} was revoked before, {NEXT}. The ledger says: {refusal}"),
    }
}

/// A consent and the patient who grants it.
struct Resolved {
    patient: String,
    terms: ConsentTerms,
    json: String,
    not_before: Option<Timestamp>,
    for_another: Option<(String, String)>,
}

impl Client {
    /// Grants a patient's consent by proof. Its secrets are in the wallet before the ledger has its
    /// leaf, so that a consent that is granted can be revoked. If an earlier call kept the same
    /// consent after a failure, and the ledger does not have it, that consent is granted.
    ///
    /// # Errors
    /// [`GrantError`].
    pub fn grant(&mut self, request: &GrantRequest) -> Result<Granted, GrantError> {
        let Resolved { patient, terms, json, not_before, for_another } = self.resolve_grant(request)?;
        let wallets = self.wallets()?;
        let wallet = wallets.iter().find(|w| w.patient == patient);
        let wallet = wallet.ok_or_else(|| GrantError::NoWallet(patient.clone()))?;
        let limit = request.uses.map_or(UseLimit::UNLIMITED, UseLimit::at_most);
        let mut all = self.consents()?;
        if let Some(kept) = self.kept_before(&all, wallet, &terms, limit).map_err(ProofError::from)? {
            let (number, proved) = (kept.number, self.prove_grant(wallet, kept.consent.clone())?);
            // The ledger may have an earlier transaction of it: it stays in the wallet.
            let receipt = self.submit(proved)?;
            return Ok(Granted { number, not_before, for_another, receipt });
        }
        let subject = wallet.secrets().subject().commitment();
        let consent = GrantedConsent::new(terms, subject, limit, &mut rand::rng());
        let proved = self.prove_grant(wallet, consent.clone())?;
        let number = all.iter().map(|c| c.number + 1).max().unwrap_or(0);
        all.push(HeldConsent {
            number,
            patient,
            source: json,
            consent,
            used: 0,
            reserved: None,
            revoked: false,
        });
        HeldConsent::save_all(self.home(), &all)?;
        match self.submit(proved) {
            Ok(receipt) => Ok(Granted { number, not_before, for_another, receipt }),
            Err(error) => Err(self.not_granted(number, error)),
        }
    }

    /// A consent of the same patient, terms and limit that is in the wallet, and not on the ledger.
    /// Only of such a consent, which the newest bundle lacks, a node is asked for the nullifier.
    pub(super) fn kept_before<'c>(
        &self,
        all: &'c [HeldConsent],
        wallet: &Wallet,
        terms: &ConsentTerms,
        limit: UseLimit,
    ) -> Result<Option<&'c HeldConsent>, AccessError> {
        let is_alike = |held: &&HeldConsent| {
            let fresh = !held.revoked && held.uses() == 0;
            let consent = &held.consent;
            fresh && held.patient == wallet.patient && consent.limit() == limit && consent.terms() == terms
        };
        let mut alike = all.iter().filter(is_alike).peekable();
        if alike.peek().is_none() {
            return Ok(None);
        }
        let mirror = self.ledger().mirror()?;
        for held in alike {
            if mirror.path(Registry::Consents, held.consent.leaf().to_field()).is_some() {
                continue;
            }
            let (nonce, secret) = (held.consent.nonce().expose(), wallet.secrets().wallet_secret().expose());
            let nullifier = field::to_bytes(&grant_nullifier(nonce, secret));
            if self.ledger().entry(Entry::Nullifier(nullifier))?.content.is_none() {
                return Ok(Some(held));
            }
        }
        Ok(None)
    }

    /// Why a consent that the wallet has was not granted, after it was deleted if it can be.
    pub(super) fn not_granted(&self, number: u32, error: ProofError) -> GrantError {
        match self.forget_if_refused(number, &error) {
            Ok(()) => error.into(),
            Err(source) => GrantError::NotForgotten { number, refusal: Box::new(error), source },
        }
    }

    /// Deletes a consent that the ledger refused for good. After any other failure the ledger may
    /// have its leaf, and without the nonce and the salt nobody could revoke it.
    pub(super) fn forget_if_refused(&self, number: u32, error: &ProofError) -> Result<(), HomeError> {
        if !error.ledger().is_some_and(AccessError::is_final) {
            return Ok(());
        }
        let mut all = self.consents()?;
        all.retain(|c| c.number != number);
        HeldConsent::save_all(self.home(), &all)
    }

    fn prove_grant(&mut self, wallet: &Wallet, consent: GrantedConsent) -> Result<Proved, ProofError> {
        self.load_keys(&[Statement::Grant])?;
        let target = self.target(Statement::Grant, OWN)?;
        let mirror = self.ledger().mirror()?;
        let plan = GrantPlan::grant(&target, &mirror, wallet.handed_on(), consent, &mut rand::rng())?;
        self.carry_out(plan, None)
    }

    /// Finds and compiles the Consent, tells whose it is, and asks whether it may be granted.
    fn resolve_grant(&self, request: &GrantRequest) -> Result<Resolved, GrantError> {
        let file = &request.file;
        let found = one_in(file, request.entry.as_deref())?;
        let vault = self.vault()?;
        let zones = request.zone.unwrap_or(Zones::ANY);
        let compiled = compile(&found.json, &self.holders()?, &[], zones)
            .map_err(|source| GrantError::Refused { file: file.clone(), source })?;
        let named = request.patient.as_deref().map(|patient| vault.patient(patient)).transpose()?;
        let (patient, is_own) = match (named, request.even_so) {
            (Some(name), true) => (name, false),
            (named, _) => {
                let source = request.source.as_ref();
                let of = whose(&vault, file, &found, compiled.patient(), source, named.as_deref())?;
                (own_patient(file, named, of)?, true)
            }
        };
        let now = self.now();
        if let Some(since) = compiled.over_since(now) {
            let depends_on_zone = request.zone.is_none() && compiled.depends_on_zone();
            return Err(GrantError::Over { file: file.clone(), since, depends_on_zone });
        }
        let not_before = compiled.not_before(now);
        let for_another = (!is_own).then(|| (patient_named(compiled.patient()), patient.clone()));
        // Whose the consent is was asked above, or the operator answers for it.
        let terms = compiled.into_terms_even_so();
        Ok(Resolved { patient, terms, json: found.json, not_before, for_another })
    }

    /// Revokes a consent by proof.
    ///
    /// # Errors
    /// [`RevokeError`]. If the ledger says that the consent was revoked before, and the newest
    /// bundle shows that, the wallet notes it.
    pub fn revoke(&mut self, number: u32) -> Result<Receipt, RevokeError> {
        let proved = self.prove_revocation(number)?;
        let answer = self.submit(proved);
        self.note_revocation(number, answer)
    }

    fn prove_revocation(&mut self, number: u32) -> Result<Proved, ProofError> {
        let all = self.consents()?;
        let held = all.iter().find(|c| c.number == number).ok_or(ProofError::NoConsent(number))?;
        let wallets = self.wallets()?;
        let wallet = wallets.iter().find(|w| w.patient == held.patient);
        let wallet = wallet.ok_or_else(|| ProofError::NoWallet(held.patient.clone()))?;
        self.load_keys(&[Statement::Revoke])?;
        let target = self.target(Statement::Revoke, OWN)?;
        let mirror = self.ledger().mirror()?;
        let plan =
            RevokePlan::revoke(&target, &mirror, wallet.handed_on(), held.consent.clone(), &mut rand::rng())?;
        self.carry_out(plan, None)
    }

    /// Notes in the wallet what the ledger answered to a revocation. The answer is the one to tell,
    /// also if the wallet cannot be written.
    pub(super) fn note_revocation(
        &self,
        number: u32,
        answer: Result<Receipt, ProofError>,
    ) -> Result<Receipt, RevokeError> {
        let noted = match &answer {
            Ok(_) => self.change_consent(number, |held| held.revoked = true),
            Err(error) if says_revoked(error) => self.note_if_shown(number),
            Err(_) => Ok(()),
        };
        match noted {
            Ok(()) => Ok(answer?),
            Err(source) => Err(RevokeError::Unnoted { number, answer: Box::new(answer), source }),
        }
    }

    /// Notes that a consent was revoked before if the newest bundle shows that. A mirror that does
    /// not come is not the error to tell.
    fn note_if_shown(&self, number: u32) -> Result<(), HomeError> {
        let Ok(mirror) = self.ledger().mirror() else { return Ok(()) };
        let all = self.consents()?;
        let held = all.iter().find(|c| c.number == number);
        if held.is_none_or(|held| !shows_revocation(&mirror, &held.consent)) {
            return Ok(());
        }
        self.change_consent(number, |held| held.revoked = true)
    }
}

/// Whether the ledger says that the consent was revoked before. Nothing but its word: a node that
/// wants the consent to live says the same.
fn says_revoked(error: &ProofError) -> bool {
    let problem = error.ledger().and_then(AccessError::problem);
    problem.is_some_and(|problem| problem.code == "already_revoked")
}

/// Whether the bundle of a mirror has the revocation of a consent.
fn shows_revocation(mirror: &Mirror, consent: &GrantedConsent) -> bool {
    mirror.absence(consent.revocation_id()).is_none()
}

/// The patient who may grant the consent: whom it names, and if a patient was named, no other.
fn own_patient(file: &Path, named: Option<String>, of: Whose) -> Result<String, GrantError> {
    let file = file.to_path_buf();
    match (named, of) {
        (None, Whose::Of(own)) => Ok(own),
        (Some(patient), Whose::Of(own)) if own == patient => Ok(patient),
        (Some(patient), Whose::Of(of) | Whose::Unknown(of)) => {
            Err(GrantError::OfAnother { file, of, patient })
        }
        (None, Whose::Unknown(of)) => Err(GrantError::OfUnknown { file, of }),
    }
}

#[cfg(test)]
mod tests {
    use super::shows_revocation;
    use crate::consent::{compile, template};
    use crate::wallet::Wallet;
    use amanat_domain::consent::{GrantedConsent, UseLimit};
    use amanat_domain::fhir::Zones;
    use amanat_domain::fhir::consent::Compiled;
    use amanat_domain::mirror::{Leaves, Mirror};
    use amanat_domain::time::Timestamp;
    use amanat_domain::tree::IndexedTree;

    /// A mirror of a ledger on which these consents, and nothing else, were revoked.
    fn mirror(revoked: &[&GrantedConsent]) -> Mirror {
        let mut tree = IndexedTree::new();
        for consent in revoked {
            tree.insert(consent.revocation_id()).expect("room");
        }
        let indexed = tree.leaves().to_vec();
        let leaves = Leaves::read(|_| Ok::<_, ()>(Vec::new()), |_| Ok(indexed.clone())).expect("leaves");
        let bundle = leaves.bundle(1, Timestamp::MIN).expect("a bundle");
        Mirror::new(bundle, leaves).expect("a mirror")
    }

    #[test]
    fn a_revocation_is_shown_by_a_mirror_that_has_it_and_by_no_other() {
        let mut rng = rand::rng();
        let subject = Wallet::new("Patient/1".to_owned(), &mut rng).secrets().subject().commitment();
        let source = template("Patient/1", "Organization/a", "TREAT", "2099-12-31");
        let [one, other] = [0; 2].map(|_| {
            let terms = compile(&source, &[], &[], Zones::ANY).map(Compiled::into_terms_even_so);
            GrantedConsent::new(terms.expect("a consent"), subject, UseLimit::UNLIMITED, &mut rng)
        });
        assert!(!shows_revocation(&mirror(&[]), &one), "a node that says so shows nothing");
        assert!(!shows_revocation(&mirror(&[&other]), &one), "of another consent");
        assert!(shows_revocation(&mirror(&[&one]), &one));
        assert!(shows_revocation(&mirror(&[&other, &one]), &one));
    }
}
