//! The command line.

pub(crate) mod bench;
pub(crate) mod governance;
pub(crate) mod import;
pub(crate) mod tls;

use amanat_domain::fhir::Zones;
use bench::BenchArgs;
use clap::{Args, Parser, Subcommand, ValueEnum};
use governance::GovernanceCommand;
use import::ImportArgs;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Zero-knowledge privacy and access proofs for healthcare.
#[derive(Parser)]
#[command(name = "amanat", version, long_version = long_version(), about)]
#[command(max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Args, Clone)]
pub(crate) struct Global {
    /// Where actors' files, keys and the ledger are kept.
    #[arg(long, global = true, env = "AMANAT_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Print one JSON document instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress bars.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Compute with this engine (gpu, avx512ifma, portable) [env: AMANAT_ENGINE=]; the fastest of this machine without it. The GPU needs
    /// its plugin: libamanat_gpu.so beside the program, or where AMANAT_GPU_PLUGIN says (`off`: none). For `node` also what makes the
    /// blocks: solo, bft.
    #[arg(long, global = true, value_name = "NAME")]
    pub engine: Option<String>,
}

/// What `--version` adds to `-V`. It names what there is and chooses nothing: the command line has not been read yet.
fn long_version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let names: Vec<&str> = amanat_accel::all().iter().map(|engine| engine.name()).collect();
        let (version, names, gpu) =
            (env!("CARGO_PKG_VERSION"), names.join(", "), amanat_accel::gpu::presence());
        format!("{version}\nengines of this machine, fastest first: {names}\nGPU: {gpu}")
    })
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The main job from end to end: FHIR in, enrolment, consent, anchoring, proofs, validation, and what everybody saw.
    Demo(DemoArgs),
    /// Set up a development ledger, its organisations and their keys in the home directory.
    Init(InitArgs),
    /// Run a validator node with its HTTP interface.
    Node(NodeArgs),
    /// Ask a node whether it is ready to take transactions: exit code 0, or 1 and why not. For supervisors and containers.
    Probe {
        /// The node's address.
        #[arg(default_value = "http://127.0.0.1:7420")]
        node: String,
        /// Seconds to wait for its answer.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
        seconds: u64,
        #[command(flatten)]
        tls: tls::ClientTlsArgs,
    },
    /// Found, run and look at a ledger of several validators.
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// Read FHIR R4 and report what was understood; with --anchor, enrol the patients and anchor the records.
    Import(ImportArgs),
    /// List what the custodian keeps: records and patients.
    #[command(subcommand)]
    Vault(VaultCommand),
    /// Make, list, check and export proving and verifying keys (kept in the home directory, or where AMANAT_KEYS says).
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Propose and approve changes of members, validators and keys; list them; freeze a key.
    #[command(subcommand)]
    Governance(GovernanceCommand),
    /// Compile, grant and revoke consents.
    #[command(subcommand)]
    Consent(ConsentCommand),
    /// Prove an access (or one part of it) and submit it; or prove any circom circuit from snarkjs' files.
    Prove(Box<ProveArgs>),
    /// Verify a transaction file, or snarkjs files, without a ledger.
    Verify(VerifyArgs),
    /// Look into a ledger; snapshots of it, and pruning.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Measure: every promised figure; what a proof costs part by part (profile, compare, page); the engines' kernels.
    Bench(BenchArgs),
    /// Write a folder of made-up FHIR bundles.
    Generate(GenerateArgs),
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Args)]
pub(crate) struct DemoArgs {
    /// A folder of FHIR R4 files (.json, .ndjson); without it, a small generated one.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Most patients to enrol.
    #[arg(long, default_value_t = 12)]
    pub patients: usize,
    /// Most records to anchor for each patient.
    #[arg(long, default_value_t = 24)]
    pub records: usize,
    /// Keep the ledger and the actors' files in the home directory instead of a temporary one.
    #[arg(long)]
    pub keep: bool,
}

#[derive(Args)]
pub(crate) struct InitArgs {
    /// Length of an epoch in seconds.
    #[arg(long, default_value_t = 30, conflicts_with = "node")]
    pub epoch_seconds: u64,
    /// Name of the chain.
    #[arg(long, default_value = "amanat-dev", conflicts_with = "node")]
    pub chain: String,
    /// With --node: install keys and clinicians on the ledger that `cluster init` founded.
    #[command(flatten)]
    pub at: LedgerAt,
}

#[derive(Args)]
pub(crate) struct NodeArgs {
    /// Address to listen on; the configuration's without it, or 127.0.0.1:7420.
    #[arg(long)]
    pub listen: Option<std::net::SocketAddr>,
    /// A configuration file (TOML); the ledger in the home directory without it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the configuration and start nothing: the one of --config with every default written out, or the defaults. `--engine bft`
    /// prints them for one of several validators.
    #[arg(long)]
    pub print_config: bool,
    #[command(flatten)]
    pub tls: tls::NodeTlsArgs,
}

#[derive(Subcommand)]
pub(crate) enum ClusterCommand {
    /// Found a ledger of several validators: genesis, a folder for each validator with its key and configuration, and a home directory
    /// with the keys of all organisations. For development and for trying out: everybody's secrets are made in one place.
    Init(ClusterInitArgs),
    /// Run all validators of such a folder on this machine, each in a process of its own, until Ctrl-C.
    Run {
        /// The folder.
        #[arg(default_value = "cluster")]
        dir: PathBuf,
    },
    /// Make the key of one validator in a file that only its owner can read, and print the public half: what a genesis, the others' peers
    /// and `governance propose add-validator` name.
    Key {
        /// Where to write the private key; it must not be there yet.
        #[arg(long, value_name = "FILE", default_value = "validator.key")]
        out: PathBuf,
    },
    /// Check a genesis that was put together by hand, and print what it says with the chain id, which all compare before they start.
    Check {
        /// The genesis file.
        #[arg(default_value = "genesis.json")]
        genesis: PathBuf,
    },
    /// Say how the validators of such a folder are. Those whose configuration names a certificate are asked over TLS.
    Status {
        /// The folder.
        #[arg(default_value = "cluster")]
        dir: PathBuf,
        #[command(flatten)]
        tls: tls::ClientTlsArgs,
    },
}

#[derive(Args)]
pub(crate) struct ClusterInitArgs {
    /// Where to write; it must not be there yet.
    #[arg(default_value = "cluster")]
    pub dir: PathBuf,
    /// Number of validators. Four go on while one is down, seven while two are.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=32))]
    pub validators: u16,
    /// Length of an epoch in seconds.
    #[arg(long, default_value_t = 30)]
    pub epoch_seconds: u64,
    /// Name of the chain.
    #[arg(long, default_value = "amanat-cluster")]
    pub chain: String,
    /// Ports of the first validator's HTTP interface; the next has the next. Consensus is 100 above, transactions 200.
    #[arg(long, default_value_t = 7420)]
    pub port: u16,
    /// Addresses of the validators' machines, in order; this machine for all without it.
    #[arg(long, value_delimiter = ',', value_name = "IP,IP,..")]
    pub hosts: Vec<std::net::IpAddr>,
}

#[derive(Args, Clone, Default)]
pub(crate) struct LedgerAt {
    /// A node's address (http://HOST:PORT, https://HOST:PORT); without it, the ledger in the home directory.
    #[arg(long, value_name = "URL")]
    pub node: Option<String>,
    #[command(flatten)]
    pub tls: tls::ClientTlsArgs,
}

#[derive(Args, Clone)]
pub(crate) struct LedgerFile {
    /// The ledger file; without it, the one in the home directory. No node may have it open.
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum VaultCommand {
    /// List the records: whose they are, what they are filed under, whether the ledger has them.
    List {
        /// Those of one patient.
        #[arg(long, value_name = "REFERENCE")]
        patient: Option<String>,
    },
    /// List the patients.
    Patients,
}

#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Make insecure development keys for all statements (or those named).
    InsecureDev {
        /// Statements.
        statements: Vec<String>,
    },
    /// List the keys in the store.
    List,
    /// Check a verifying key file.
    Lint {
        /// The file.
        file: PathBuf,
    },
    /// Export a verifying key as snarkjs' verification_key.json.
    Export {
        /// The statement.
        statement: String,
        /// Where to write; standard output without it.
        #[arg(long, short)]
        out: Option<PathBuf>,
    },
    /// Install the keys of the store on a ledger, each with a positive and a negative vector; where several organisations govern,
    /// propose them.
    Install {
        /// Approve them too, with the keys of all organisations that the home directory has (development).
        #[arg(long)]
        approve: bool,
        #[command(flatten)]
        at: LedgerAt,
    },
}

#[derive(Subcommand)]
pub(crate) enum ConsentCommand {
    /// Compile FHIR Consents and print their rules, or why they cannot be represented.
    Compile {
        /// FHIR files: a Consent, a Bundle with Consents in it, or NDJSON.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Read dates without a zone as days of this one (Z, +05:00, -03:30); without it, so that nothing is widened wherever they
        /// were meant.
        #[arg(long, value_name = "ZONE", value_parser = zone, allow_hyphen_values = true)]
        zone: Option<Zones>,
    },
    /// Grant a patient's consent.
    Grant(Box<GrantArgs>),
    /// Revoke a consent that was granted.
    Revoke {
        /// The consent's number, as printed by `consent list`.
        consent: u32,
        #[command(flatten)]
        at: LedgerAt,
    },
    /// List the consents in the wallets.
    List,
}

#[derive(Args)]
pub(crate) struct GrantArgs {
    /// The patient, as `amanat vault patients` lists them: a whole name, or Patient/1 where only one is meant.
    #[arg(long)]
    pub patient: String,
    /// FHIR file: a Consent, or a Bundle or NDJSON with Consents in it.
    pub file: PathBuf,
    /// Of several Consents in the file: the entry's number, the id, or the place.
    #[arg(long, value_name = "WHICH")]
    pub entry: Option<String>,
    /// At most this many uses.
    #[arg(long)]
    pub uses: Option<std::num::NonZeroU32>,
    /// Read dates without a zone as days of this one (Z, +05:00, -03:30).
    #[arg(long, value_name = "ZONE", value_parser = zone, allow_hyphen_values = true)]
    pub zone: Option<Zones>,
    /// Whose ids the file's are, as with `import`: a server's base URL, or a name.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Grant it although the Consent names another patient, or nobody who is known.
    #[arg(long)]
    pub even_so: bool,
    #[command(flatten)]
    pub at: LedgerAt,
}

/// A zone as an operator writes it.
pub(crate) fn zone(text: &str) -> Result<Zones, String> {
    Zones::parse(text)
        .ok_or_else(|| "a zone is Z or an offset from UTC: +05:00, -03:30 (-12:00 to +14:00)".to_owned())
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(crate) enum ProveWhat {
    /// S1, S2 and S3 about one hidden patient and record.
    Access,
    /// S1: the consent permits.
    Consent,
    /// S2: the credential qualifies.
    Role,
    /// S3: facts of an anchored record.
    Record,
}

#[derive(Args)]
pub(crate) struct ProveArgs {
    /// What to prove.
    #[arg(value_enum, required_unless_present = "zkey", conflicts_with_all = ["zkey", "wtns"])]
    pub what: Option<ProveWhat>,
    /// Prove any circom circuit over BN254 instead: its key, as snarkjs made it.
    #[arg(long, value_name = "FILE", requires = "wtns")]
    pub zkey: Option<PathBuf>,
    /// The circuit's witness, as circom's calculator or snarkjs made it.
    #[arg(long, value_name = "FILE", requires = "zkey")]
    pub wtns: Option<PathBuf>,
    /// With --zkey: where to write the proof; proof.json without it.
    #[arg(long, value_name = "FILE", requires = "zkey", conflicts_with = "snarkjs")]
    pub proof: Option<PathBuf>,
    /// With --zkey: where to write the public inputs; public.json without it.
    #[arg(long, value_name = "FILE", requires = "zkey", conflicts_with = "snarkjs")]
    pub public: Option<PathBuf>,
    /// The clinician's holder file name.
    #[arg(long)]
    pub holder: Option<String>,
    /// The consent's number.
    #[arg(long)]
    pub consent: Option<u32>,
    /// The record's number in the vault.
    #[arg(long)]
    pub record: Option<u32>,
    /// Purpose of use.
    #[arg(long, default_value = "TREAT")]
    pub purpose: String,
    /// Action.
    #[arg(long, default_value = "access")]
    pub action: String,
    /// Categories asked for, comma-separated; those of the record without it.
    #[arg(long, value_delimiter = ',')]
    pub categories: Vec<String>,
    /// For whom.
    #[arg(long, default_value = "")]
    pub audience: String,
    /// S3: the value is at least this.
    #[arg(long, allow_negative_numbers = true)]
    pub at_least: Option<String>,
    /// S3: leaves to disclose, comma-separated.
    #[arg(long, value_delimiter = ',')]
    pub disclose: Vec<String>,
    /// Write the transaction here.
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write snarkjs' verification_key.json, proof.json and public.json into this folder, for `verify --snarkjs`.
    #[arg(long, value_name = "DIR")]
    pub snarkjs: Option<PathBuf>,
    /// Do not submit.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub at: LedgerAt,
}

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct VerifyArgs {
    #[command(subcommand)]
    pub what: Option<VerifyCommand>,
    /// A transaction file, as written by `prove --out`.
    #[arg(required_unless_present = "snarkjs")]
    pub file: Option<PathBuf>,
    /// A folder with snarkjs' verification_key.json, proof.json and public.json, of any circuit over BN254.
    #[arg(long, value_name = "DIR", conflicts_with = "file")]
    pub snarkjs: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum VerifyCommand {
    /// Check that a receipt is on a ledger, with nothing but the ledger's genesis.
    Receipt {
        /// Evidence of a receipt, or the inclusion proof that `ledger receipt --out` wrote.
        file: PathBuf,
        /// The genesis file: whose validators to believe.
        #[arg(long, value_name = "FILE")]
        genesis: PathBuf,
        /// Hash of the block to believe, where the ledger has no validators who sign one.
        #[arg(long, value_name = "HASH")]
        block: Option<String>,
    },
    /// Check what an entry proof says of a ledger's state after a block.
    Entry {
        /// The proof that `ledger entry --out` wrote.
        file: PathBuf,
        /// The genesis file: whose ledger it must be.
        #[arg(long, value_name = "FILE")]
        genesis: PathBuf,
        /// Hash of the block to believe.
        #[arg(long, value_name = "HASH")]
        block: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum LedgerCommand {
    /// Height, epoch, registries, keys.
    Inspect {
        #[command(flatten)]
        at: LedgerAt,
    },
    /// A block.
    Block {
        /// Its height.
        height: u64,
        #[command(flatten)]
        at: LedgerAt,
    },
    /// Whether something is on the ledger, with the proof of it: a nullifier, a key, an organisation ..
    Entry {
        /// Kind: nullifier, transaction, key, bundle, context, credential, organisation, validators, proposal.
        kind: String,
        /// Its name: 64 hexadecimal digits, role.DIGEST, a number, a reference, the word now.
        name: String,
        /// Write the proof here, for `verify entry`.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        at: LedgerAt,
    },
    /// A receipt with its inclusion proof.
    Receipt {
        /// The transaction's id.
        txid: String,
        /// Write the inclusion proof here, for `verify receipt`.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        at: LedgerAt,
    },
    /// Write a snapshot: all a node needs to begin from the last block, without the transactions of the blocks before.
    Snapshot {
        /// Where to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Sign it as this organisation, whose key is in the home directory. Without validators nobody else stands behind it.
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
        /// The genesis file: which ledger it must be, and whose validators to believe.
        #[arg(long, value_name = "FILE")]
        genesis: PathBuf,
        /// The ledger file to make.
        #[arg(long, value_name = "FILE")]
        ledger: PathBuf,
        /// Refuse a snapshot of an earlier block than this.
        #[arg(long, value_name = "HEIGHT")]
        at_least: Option<u64>,
        /// Refuse a snapshot that this Ed25519 key (64 hexadecimal digits) did not sign.
        #[arg(long, value_name = "KEY")]
        signed_by: Option<String>,
    },
    /// Remove the transactions of old blocks. Headers, certificates and receipts stay.
    Prune {
        /// Keep those of this many last blocks.
        #[arg(long, value_name = "BLOCKS")]
        keep: u64,
        #[command(flatten)]
        of: LedgerFile,
    },
}

#[derive(Args)]
pub(crate) struct GenerateArgs {
    /// Where to write.
    pub out: PathBuf,
    /// Patients.
    #[arg(long, default_value_t = 12)]
    pub patients: usize,
    /// Seed.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_engine_can_be_named_before_and_after_the_command() {
        let parse = |words: &[&str]| Cli::try_parse_from(words).expect("a command line");
        let engine = |words: &[&str]| parse(words).global.engine;
        assert_eq!(engine(&["amanat", "--engine", "portable", "demo"]).as_deref(), Some("portable"));
        assert_eq!(engine(&["amanat", "demo", "--engine", "portable"]).as_deref(), Some("portable"));
        assert_eq!(engine(&["amanat", "demo"]), None);
        // `bench profile` and `bench kernels` take the same word more than once: which engines to measure.
        let cli = parse(&["amanat", "bench", "profile", "--engine", "portable", "--engine", "avx512ifma"]);
        let Command::Bench(BenchArgs { command: Some(bench::BenchCommand::Profile(profile)), .. }) =
            cli.command
        else {
            panic!("a profile")
        };
        assert_eq!(profile.engine, ["portable", "avx512ifma"]);
    }
}
