//! `amanat ledger`.

use super::{LedgerAt, LedgerFile};
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum LedgerCommand {
    /// Print height, epoch, registries and keys.
    Inspect {
        #[command(flatten)]
        at: LedgerAt,
    },
    /// Print a block.
    Block {
        /// The height of the block.
        height: u64,
        #[command(flatten)]
        at: LedgerAt,
    },
    /// Wait until what was submitted can be proved about.
    ///
    /// A proof speaks of the registries as the newest bundle has them, and a bundle is sealed when
    /// an epoch begins. This waits until the bundle of the next epoch is sealed; it returns at once
    /// if nothing was submitted since the last.
    Wait {
        /// Give up after this many seconds [default: four epochs].
        #[arg(long, value_name = "N")]
        seconds: Option<u64>,
        #[command(flatten)]
        at: LedgerAt,
    },
    /// Advance a development ledger by one epoch.
    ///
    /// For a ledger whose epochs are advanced by hand: `amanat init --epochs-by-hand`, or a node
    /// with --epochs-by-hand.
    NextEpoch {
        #[command(flatten)]
        at: LedgerAt,
    },
    /// Print whether an entry is on the ledger, with the proof.
    Entry {
        /// nullifier, transaction, key, bundle, context, credential,
        /// organisation, validators or proposal.
        kind: String,
        /// The name of the entry.
        ///
        /// 64 hexadecimal digits, role.DIGEST, a number, a reference, or the word now.
        name: String,
        /// Write the proof here, for `verify entry`.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        at: LedgerAt,
    },
    /// Print a receipt with its inclusion proof.
    Receipt {
        /// The transaction's id.
        txid: String,
        /// Write the inclusion proof here, for `verify receipt`.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        at: LedgerAt,
    },
    /// Write a snapshot, from which a node can begin.
    ///
    /// All a node needs to begin from the last block, without the transactions of the blocks
    /// before.
    Snapshot {
        /// Where to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Sign it as this organisation of the home directory.
        ///
        /// On a ledger without validators, nothing else vouches for the snapshot.
        #[arg(long, value_name = "REFERENCE", conflicts_with = "node")]
        by: Option<String>,
        #[command(flatten)]
        of: LedgerFile,
        /// With --node: of a running node, which goes on meanwhile.
        #[command(flatten)]
        at: LedgerAt,
    },
    /// Make a ledger file from a snapshot, checked against the genesis.
    Restore {
        /// The snapshot.
        file: PathBuf,
        /// The genesis file: which ledger it must be.
        ///
        /// It also names the validators to trust.
        #[arg(long, value_name = "FILE")]
        genesis: PathBuf,
        /// The ledger file to make.
        #[arg(long, value_name = "FILE")]
        ledger: PathBuf,
        /// Refuse a snapshot of an earlier block than this.
        #[arg(long, value_name = "HEIGHT")]
        at_least: Option<u64>,
        /// Refuse a snapshot that this Ed25519 key did not sign.
        ///
        /// 64 hexadecimal digits.
        #[arg(long, value_name = "KEY")]
        signed_by: Option<String>,
    },
    /// Remove the transactions of old blocks.
    ///
    /// Headers, certificates and receipts stay.
    Prune {
        /// Keep the transactions of this many last blocks.
        #[arg(long, value_name = "BLOCKS")]
        keep: u64,
        #[command(flatten)]
        of: LedgerFile,
    },
}
