//! `amanat governance`.

use super::LedgerAt;
use super::tls::ClientTlsArgs;
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum GovernanceCommand {
    /// List members, validators and open proposals.
    List {
        #[command(flatten)]
        at: LedgerAt,
    },
    /// Make an organisation's own key, and print its public half.
    ///
    /// The key pair is kept in the home directory; a key that is there is only printed. A genesis
    /// and `governance propose add-organisation --key` name the public half.
    Key {
        /// Reference of the organisation.
        reference: String,
        /// Name for people [default: the reference].
        #[arg(long)]
        name: Option<String>,
    },
    /// Propose a change.
    ///
    /// It counts as the proposer's approval; an organisation that governs alone makes it at once.
    Propose {
        #[command(flatten)]
        by: SignedBy,
        #[command(subcommand)]
        change: ChangeCommand,
    },
    /// Approve a proposal, after reading what it says.
    Approve {
        /// The proposal's id, as `governance list` prints it.
        proposal: String,
        /// Sign; without it, print what the proposal says.
        ///
        /// The words come from the proposal's own transaction. Without --yes nothing is signed.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        by: SignedBy,
    },
    /// Stop a key at once, alone. It cannot be undone.
    ///
    /// Any organisation that governs or runs a validator may.
    Freeze {
        /// The statement.
        statement: String,
        /// The key's digest.
        digest: String,
        #[command(flatten)]
        by: SignedBy,
    },
}

#[derive(Args)]
pub(crate) struct SignedBy {
    /// The signing organisation [default: the home's last governing organisation].
    ///
    /// Its reference; the home directory must have its key.
    #[arg(long, global = true, value_name = "REF")]
    pub by: Option<String>,
    /// A node's address [default: the home's ledger].
    #[arg(long, global = true, value_name = "URL")]
    pub node: Option<String>,
    #[command(flatten)]
    pub tls: ClientTlsArgs,
}

impl SignedBy {
    pub(crate) fn at(&self) -> LedgerAt {
        LedgerAt { node: self.node.clone(), tls: self.tls.clone() }
    }
}

#[derive(Subcommand)]
pub(crate) enum ChangeCommand {
    /// Add an organisation.
    AddOrganisation {
        /// Its reference, as records and consents name it.
        reference: String,
        /// Name for people [default: the reference].
        #[arg(long)]
        name: Option<String>,
        /// Its Ed25519 public key, 64 hexadecimal digits [default: a new one].
        ///
        /// Without it a key pair is made and kept in the home directory.
        #[arg(long, value_name = "HEX")]
        key: Option<String>,
        #[command(flatten)]
        may: CapabilityArgs,
    },
    /// Remove an organisation.
    RemoveOrganisation {
        /// Its reference.
        reference: String,
    },
    /// Set what an organisation may do.
    ///
    /// The new capabilities replace those that it has.
    SetCapabilities {
        /// Its reference.
        reference: String,
        #[command(flatten)]
        may: CapabilityArgs,
    },
    /// Give an organisation another key.
    ///
    /// For an organisation whose key is lost or stolen.
    SetKey {
        /// Its reference.
        reference: String,
        /// Ed25519 public key, 64 hexadecimal digits.
        key: String,
    },
    /// Add a validator.
    AddValidator {
        /// Reference of the organisation that runs it.
        reference: String,
        /// Ed25519 public key that it votes with, 64 hexadecimal digits.
        key: String,
    },
    /// Remove a validator.
    RemoveValidator {
        /// Its key, 64 hexadecimal digits.
        key: String,
    },
    /// Install the store's key of a statement.
    ///
    /// With a positive and a negative vector.
    InstallKey {
        /// The statement.
        statement: String,
        /// First block that accepts proofs under it [default: the next].
        #[arg(long, default_value_t = 0, value_name = "HEIGHT", hide_default_value = true)]
        activate_at: u64,
    },
    /// Refuse proofs under a key from a block on.
    SunsetKey {
        /// The statement.
        statement: String,
        /// The key's digest.
        digest: String,
        /// First block that refuses proofs under it.
        #[arg(long, value_name = "HEIGHT")]
        from: u64,
    },
}

/// What an organisation may do; nothing without any of these.
#[derive(Args)]
pub(crate) struct CapabilityArgs {
    /// Enrol subjects.
    #[arg(long)]
    pub enrol: bool,
    /// Anchor records.
    #[arg(long)]
    pub anchor: bool,
    /// Govern: propose and approve changes.
    #[arg(long)]
    pub govern: bool,
    /// Issue credentials: `all` or a role as SYSTEM|CODE; repeatable.
    #[arg(long, value_name = "ROLE")]
    pub issue_roles: Vec<String>,
}
