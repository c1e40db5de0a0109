//! What the app hash covers.

use crate::block::AppHash;
use crate::bundle::PerRegistry;
use crate::ids::ChainId;
use crate::map::MapRoot;
use crate::tree::Root;
use crate::wire::{Reader, WireError, Writer};
use sha2::{Digest, Sha256};

/// The whole state in a few hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitments {
    /// The ledger; covers windows, floors and what it began with.
    pub chain: ChainId,
    /// Root and number of leaves of each registry.
    pub registries: PerRegistry<(Root, u64)>,
    /// Number of active credentials.
    pub active: u64,
    /// Root and number of the [entries](crate::entry::Entry).
    pub entries: (MapRoot, u64),
}

impl Commitments {
    /// SHA-256 over domain tag and canonical bytes.
    #[must_use]
    pub fn app_hash(&self) -> AppHash {
        let mut w = Writer::new();
        self.write(&mut w);
        AppHash(Sha256::new().chain_update(b"amanat/app/v2").chain_update(w.finish()).finalize().into())
    }

    /// Writes the canonical form.
    pub fn write(&self, w: &mut Writer) {
        w.fixed(&self.chain.0);
        for (_, (root, len)) in self.registries.iter() {
            w.field(root.to_field());
            w.u64(*len);
        }
        w.u64(self.active);
        w.fixed(&self.entries.0);
        w.u64(self.entries.1);
    }

    /// Reads the canonical form.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let chain = ChainId(r.array("chain")?);
        let registries = PerRegistry::try_from_fn(|_| {
            Ok::<_, WireError>((Root::new(r.field("root")?), r.u64("leaves")?))
        })?;
        Ok(Self {
            chain,
            registries,
            active: r.u64("active credentials")?,
            entries: (r.array("root of the entries")?, r.u64("entries")?),
        })
    }
}
