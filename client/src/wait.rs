//! How far a ledger is on its way to the next bundle.

use crate::client::Client;
use crate::ledger::AccessError;
use std::time::Duration;

/// Where the ledger is between two bundles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealing {
    /// Epoch of the newest bundle.
    pub epoch: u64,
    /// Whether something was submitted that this bundle does not have.
    pub pending: bool,
    /// Until the next epoch begins, by the clock of the client.
    pub left: Duration,
    /// Length of an epoch.
    pub epoch_length: Duration,
}

impl Client {
    /// Whether the newest bundle has everything that was submitted, and when the next epoch begins.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn sealing(&self) -> Result<Sealing, AccessError> {
        let status = self.ledger().status()?;
        let none = || AccessError::Untrustworthy { what: "bundle", why: "a ledger has one".to_owned() };
        let newest = self.ledger().bundle(None)?.ok_or_else(none)?.bundle;
        let pending = status.registries.iter().any(|now| {
            let then = newest.registry(now.name);
            now.count != then.count || now.root.0 != then.root.to_bytes()
        });
        let genesis = self.ledger().genesis();
        let epoch_seconds = u64::from(genesis.spec().epoch_seconds);
        let begins =
            genesis.start().seconds().saturating_add((newest.epoch + 1).saturating_mul(epoch_seconds));
        let left = Duration::from_secs(begins.saturating_sub(self.now().seconds()));
        Ok(Sealing { epoch: newest.epoch, pending, left, epoch_length: Duration::from_secs(epoch_seconds) })
    }
}
