//! The actors: organisations, patients, clinicians, and what each keeps. See [`crate::home`] for where.

use crate::consent::terms::StoredTerms;
use crate::home::Home;
use amanat_domain::consent::{GrantedConsent, HolderKey, OrgId, RoleCode, UseLimit};
use amanat_domain::fhir::Zones;
use amanat_domain::fhir::consent::Compiled;
use amanat_domain::field::{self, Fr};
use amanat_domain::identity::{HolderSecret, PatientWallet, RoleCredential};
use amanat_domain::secret::Secret;
use amanat_domain::time::{Period, Timestamp};
use amanat_domain::tx::{Action, ChainId, SignedTx, Transaction};
use anyhow::{Context, Result, bail};
use ed25519_dalek::{Signer, SigningKey};
use rand::CryptoRng;
use serde::{Deserialize, Serialize};

/// An organisation with its signing key.
pub(crate) struct Organisation {
    pub reference: String,
    pub name: String,
    pub key: SigningKey,
}

/// A patient's wallet.
pub(crate) struct Patient {
    /// The patient's name in the custodian's vault: see [`amanat_domain::fhir::identity`].
    pub reference: String,
    pub wallet: PatientWallet,
}

/// A clinician: secret and credential.
pub(crate) struct Holder {
    pub name: String,
    pub secret: HolderSecret,
    pub credential: RoleCredential,
}

/// A consent in a patient's wallet, handed to those who may use it.
#[derive(Clone)]
pub(crate) struct HeldConsent {
    pub number: u32,
    pub patient: String,
    pub source: String,
    pub consent: GrantedConsent,
    pub used: u64,
    pub revoked: bool,
}

impl Organisation {
    pub(crate) fn new(reference: &str, name: &str, rng: &mut impl CryptoRng) -> Self {
        let mut seed = zeroize::Zeroizing::new([0u8; 32]);
        rng.fill_bytes(seed.as_mut());
        Self { reference: reference.to_owned(), name: name.to_owned(), key: SigningKey::from_bytes(&seed) }
    }

    pub(crate) fn id(&self) -> OrgId {
        OrgId::from_reference(&self.reference)
    }

    /// Signs an action.
    pub(crate) fn sign(&self, chain: ChainId, action: Action, rng: &mut impl CryptoRng) -> Transaction {
        let mut nonce = [0u8; 16];
        rng.fill_bytes(&mut nonce);
        let mut tx = SignedTx { chain, organisation: self.id(), nonce, action, signature: [0; 64] };
        tx.signature = self.key.sign(&tx.signing_bytes()).to_bytes();
        Transaction::Signed(Box::new(tx))
    }
}

// ---- files ----

const ORGANISATIONS: &str = "organisations.json";
const WALLETS: &str = "wallets.json";
const HOLDERS: &str = "holders.json";
const CONSENTS: &str = "consents.json";

#[derive(Serialize, Deserialize)]
struct OrganisationFile {
    reference: String,
    name: String,
    seed: String,
}

#[derive(Serialize, Deserialize)]
struct WalletFile {
    patient: String,
    s: String,
    u: String,
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

#[derive(Serialize, Deserialize)]
struct ConsentFile {
    number: u32,
    patient: String,
    source: String,
    /// As granted; absent in files of older versions, which compiled the source again.
    #[serde(default)]
    terms: Option<StoredTerms>,
    limit: u32,
    nonce: String,
    salt: String,
    used: u64,
    revoked: bool,
}

fn hex32(what: &str, text: &str) -> Result<[u8; 32]> {
    let mut bytes = [0u8; 32];
    hex::decode_to_slice(text, &mut bytes).with_context(|| format!("{what}: not 32 bytes in hexadecimal"))?;
    Ok(bytes)
}

pub(crate) fn field(what: &str, text: &str) -> Result<Fr> {
    field::from_bytes(&hex32(what, text)?).with_context(|| what.to_owned())
}

pub(crate) fn secret(what: &str, text: &str) -> Result<Secret> {
    field(what, text).map(Secret::new)
}

pub(crate) fn text(x: Fr) -> String {
    hex::encode(field::to_bytes(&x))
}

pub(crate) fn load_organisations(home: &Home) -> Result<Vec<Organisation>> {
    let files: Vec<OrganisationFile> = home.read(ORGANISATIONS)?.unwrap_or_default();
    let load = |f: OrganisationFile| {
        let seed = zeroize::Zeroizing::new(hex32("seed", &f.seed)?);
        Ok(Organisation { reference: f.reference, name: f.name, key: SigningKey::from_bytes(&seed) })
    };
    files.into_iter().map(load).collect()
}

pub(crate) fn save_organisations(home: &Home, all: &[Organisation]) -> Result<()> {
    let files: Vec<OrganisationFile> = all
        .iter()
        .map(|o| OrganisationFile {
            reference: o.reference.clone(),
            name: o.name.clone(),
            seed: hex::encode(o.key.to_bytes()),
        })
        .collect();
    home.write(ORGANISATIONS, &files)
}

pub(crate) fn load_patients(home: &Home) -> Result<Vec<Patient>> {
    let files: Vec<WalletFile> = home.read(WALLETS)?.unwrap_or_default();
    let load = |f: WalletFile| {
        let wallet = PatientWallet::from_secrets(secret("s", &f.s)?, secret("u", &f.u)?);
        Ok(Patient { reference: f.patient, wallet })
    };
    files.into_iter().map(load).collect()
}

pub(crate) fn save_patients(home: &Home, all: &[Patient]) -> Result<()> {
    let files: Vec<WalletFile> = all
        .iter()
        .map(|p| WalletFile {
            patient: p.reference.clone(),
            s: text(p.wallet.wallet_secret().expose()),
            u: text(p.wallet.uniqueness_key().expose()),
        })
        .collect();
    home.write(WALLETS, &files)
}

pub(crate) fn load_holders(home: &Home) -> Result<Vec<Holder>> {
    let files: Vec<HolderFile> = home.read(HOLDERS)?.unwrap_or_default();
    let load = |f: HolderFile| {
        let holder = HolderSecret::from_secret(secret("secret", &f.secret)?);
        let [from, until] = f.licence.map(Timestamp::new);
        let (Some(from), Some(until)) = (from, until) else { bail!("licence: not a time") };
        let credential = RoleCredential {
            holder: holder.key(),
            role: RoleCode::new(field("role", &f.role)?),
            organisation: OrgId::new(field("organisation", &f.organisation)?),
            licence: Period::new(from, until).context("licence: ends before it begins")?,
            salt: secret("salt", &f.salt)?,
        };
        Ok(Holder { name: f.name, secret: holder, credential })
    };
    files.into_iter().map(load).collect()
}

pub(crate) fn save_holders(home: &Home, all: &[Holder]) -> Result<()> {
    let files: Vec<HolderFile> = all
        .iter()
        .map(|h| HolderFile {
            name: h.name.clone(),
            secret: text(h.secret.secret().expose()),
            role: text(h.credential.role.to_field()),
            organisation: text(h.credential.organisation.to_field()),
            licence: [h.credential.licence.from().seconds(), h.credential.licence.until().seconds()],
            salt: text(h.credential.salt.expose()),
        })
        .collect();
    home.write(HOLDERS, &files)
}

pub(crate) fn load_consents(home: &Home) -> Result<Vec<HeldConsent>> {
    let files: Vec<ConsentFile> = home.read(CONSENTS)?.unwrap_or_default();
    let patients = load_patients(home)?;
    let holders = load_holders(home)?;
    let load = |f: ConsentFile| {
        let terms = match f.terms {
            Some(terms) => terms.read(),
            // Whose it is was asked when it was granted.
            None => crate::consent::compile(&f.source, &directory(&holders), Zones::ANY)
                .map(Compiled::into_terms_even_so),
        };
        let terms = terms.with_context(|| format!("consent {}", f.number))?;
        let patient = patients
            .iter()
            .find(|p| p.reference == f.patient)
            .with_context(|| format!("consent {}: no wallet for {}", f.number, f.patient))?;
        let consent = GrantedConsent::from_parts(
            terms,
            patient.wallet.subject().commitment(),
            UseLimit::from_u32(f.limit),
            secret("nonce", &f.nonce)?,
            secret("salt", &f.salt)?,
        )
        .with_context(|| format!("consent {}: its nonce gives no revocation id", f.number))?;
        let ConsentFile { number, patient, source, used, revoked, .. } = f;
        Ok(HeldConsent { number, patient, source, consent, used, revoked })
    };
    files.into_iter().map(load).collect()
}

pub(crate) fn save_consents(home: &Home, all: &[HeldConsent]) -> Result<()> {
    let files: Vec<ConsentFile> = all
        .iter()
        .map(|c| ConsentFile {
            number: c.number,
            patient: c.patient.clone(),
            source: c.source.clone(),
            terms: Some(StoredTerms::from(c.consent.terms())),
            limit: c.consent.limit().to_u32(),
            nonce: text(c.consent.nonce().expose()),
            salt: text(c.consent.salt().expose()),
            used: c.used,
            revoked: c.revoked,
        })
        .collect();
    home.write(CONSENTS, &files)
}

/// Practitioners by reference, for the consent compiler.
pub(crate) fn directory(holders: &[Holder]) -> std::collections::BTreeMap<String, HolderKey> {
    holders.iter().map(|h| (h.name.clone(), h.credential.holder)).collect()
}
