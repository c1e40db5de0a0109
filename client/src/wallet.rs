//! Wallets: the secrets of patients.

use crate::encoding::{secret_from_text, text};
use crate::home::{Home, HomeError};
use amanat_domain::identity::PatientWallet;
use amanat_domain::secret::Secret;
use rand::CryptoRng;
use serde::{Deserialize, Serialize};

const WALLETS: &str = "wallets.json";

/// The wallet of a patient.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_client::{Home, Wallet};
/// # let dir = tempfile::tempdir()?;
/// let home = Home::open(Some(dir.path()))?;
/// Wallet::save_all(&home, &[Wallet::new("Patient/1".to_owned(), &mut rand::rng())])?;
/// assert_eq!(Wallet::load_all(&home)?[0].patient, "Patient/1");
/// # Ok(()) }
/// ```
pub struct Wallet {
    /// The name of the patient in the custodian's vault: see [`amanat_domain::fhir::identity`].
    pub patient: String,
    secrets: PatientWallet,
}

#[derive(Serialize, Deserialize)]
struct WalletFile {
    patient: String,
    s: String,
    u: String,
}

impl Wallet {
    /// A new wallet.
    #[must_use]
    pub fn new(patient: String, rng: &mut impl CryptoRng) -> Self {
        Self { patient, secrets: PatientWallet::random(rng) }
    }

    /// Its secrets.
    #[must_use]
    pub const fn secrets(&self) -> &PatientWallet {
        &self.secrets
    }

    /// Its secrets again, for a plan: a plan takes them by value and drops them with the proof.
    #[must_use]
    pub fn handed_on(&self) -> PatientWallet {
        PatientWallet::from_secrets(
            Secret::new(self.secrets.wallet_secret().expose()),
            Secret::new(self.secrets.uniqueness_key().expose()),
        )
    }

    /// Every wallet of a home directory.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn load_all(home: &Home) -> Result<Vec<Self>, HomeError> {
        let files: Vec<WalletFile> = home.read(WALLETS)?.unwrap_or_default();
        let load = |f: WalletFile| {
            let secrets =
                PatientWallet::from_secrets(secret_from_text("s", &f.s)?, secret_from_text("u", &f.u)?);
            Ok(Self { patient: f.patient, secrets })
        };
        files.into_iter().map(load).collect()
    }

    /// Writes every wallet of a home directory.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn save_all(home: &Home, all: &[Self]) -> Result<(), HomeError> {
        let file = |wallet: &Self| WalletFile {
            patient: wallet.patient.clone(),
            s: text(wallet.secrets.wallet_secret().expose()),
            u: text(wallet.secrets.uniqueness_key().expose()),
        };
        home.write(WALLETS, &all.iter().map(file).collect::<Vec<_>>())
    }
}
