//! Handing secrets on within one process: plans take them by value, and drop them when the proof is made.

use amanat_domain::identity::{HolderSecret, PatientWallet};
use amanat_domain::secret::Secret;

/// The same wallet again.
pub(crate) fn copy(wallet: &PatientWallet) -> PatientWallet {
    PatientWallet::from_secrets(
        Secret::new(wallet.wallet_secret().expose()),
        Secret::new(wallet.uniqueness_key().expose()),
    )
}

/// The same holder again.
pub(crate) fn copy_holder(holder: &HolderSecret) -> HolderSecret {
    HolderSecret::from_secret(Secret::new(holder.secret().expose()))
}
