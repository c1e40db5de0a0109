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
    /// Make an organisation's own signature key in the home directory, and print the public half: what a genesis and `governance propose
    /// add-organisation --key` name. One that is there is only printed.
    Key {
        /// Reference of the organisation.
        reference: String,
        /// Name for people; the reference without it.
        #[arg(long)]
        name: Option<String>,
    },
    /// Propose a change. It counts as the proposer's approval; who governs alone makes it at once.
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
        /// Sign. Without it what the proposal says is printed, from its transaction, and nothing is signed.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        by: SignedBy,
    },
    /// Stop a key at once, alone: any organisation that governs or runs a validator may. It cannot be undone.
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
    /// Reference of the organisation that signs, from the home directory; without it, the last one there that governs.
    #[arg(long, global = true, value_name = "REFERENCE")]
    pub by: Option<String>,
    /// A node's address; without it, the ledger in the home directory.
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
    /// Take in an organisation.
    AddOrganisation {
        /// Its reference, as records and consents name it.
        reference: String,
        /// Name for people; the reference without it.
        #[arg(long)]
        name: Option<String>,
        /// Its Ed25519 public key, 64 hexadecimal digits; without it a key pair is made and kept in the home directory.
        #[arg(long, value_name = "HEX")]
        key: Option<String>,
        #[command(flatten)]
        may: CapabilityArgs,
    },
    /// Let an organisation go.
    RemoveOrganisation {
        /// Its reference.
        reference: String,
    },
    /// Set what an organisation may do, in place of what it may now.
    SetCapabilities {
        /// Its reference.
        reference: String,
        #[command(flatten)]
        may: CapabilityArgs,
    },
    /// Give an organisation another key, where the old one is lost or stolen.
    SetKey {
        /// Its reference.
        reference: String,
        /// Ed25519 public key, 64 hexadecimal digits.
        key: String,
    },
    /// Take in a validator.
    AddValidator {
        /// Reference of the organisation that runs it.
        reference: String,
        /// What it votes with: Ed25519 public key, 64 hexadecimal digits.
        key: String,
    },
    /// Let a validator go.
    RemoveValidator {
        /// Its key, 64 hexadecimal digits.
        key: String,
    },
    /// Install the store's key of a statement, with a positive and a negative vector.
    InstallKey {
        /// The statement.
        statement: String,
        /// First block that accepts proofs under it; the next without it.
        #[arg(long, default_value_t = 0, value_name = "HEIGHT")]
        activate_at: u64,
    },
    /// Accept no proof under a key from a block on.
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
    /// Decide with others that govern.
    #[arg(long)]
    pub govern: bool,
    /// Issue credentials: `all`, or `SYSTEM|CODE`, more than once for more roles.
    #[arg(long, value_name = "ROLE")]
    pub issue_roles: Vec<String>,
}
