//! The command line.

pub(crate) mod bench;
pub(crate) mod clinician;
pub(crate) mod cluster;
pub(crate) mod governance;
#[cfg(test)]
mod help;
pub(crate) mod import;
pub(crate) mod ledger;
pub(crate) mod prove;
pub(crate) mod tls;
pub(crate) mod verify;

use amanat_domain::fhir::Zones;
use bench::BenchArgs;
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand};
use clinician::ClinicianCommand;
use cluster::ClusterCommand;
use governance::GovernanceCommand;
use import::ImportArgs;
use ledger::LedgerCommand;
use prove::ProveArgs;
use std::path::PathBuf;
use std::sync::OnceLock;
use verify::VerifyArgs;

/// Zero-knowledge privacy and access proofs for healthcare.
#[derive(Parser)]
#[command(name = "amanat", version, long_version = long_version(), disable_version_flag = true)]
#[command(max_term_width = 100, arg_required_else_help = true)]
// Our own is not in the list: with it the list would not fit one screen.
#[command(disable_help_subcommand = true)]
#[command(help_template = "{about-with-newline}{usage-heading} {usage}\n\n{all-args}{after-help}")]
#[command(after_long_help = FIRST_STEPS)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: Global,
    /// Print the version; --version also prints the backends of this machine.
    #[arg(short = 'V', long, action = ArgAction::Version, hide_short_help = true)]
    version: Option<bool>,
    #[command(subcommand)]
    pub command: Command,
}

/// Ends the long help of `amanat` itself.
const FIRST_STEPS: &str = "\
First steps, each explained in docs/book/src/tutorial.md:
  amanat init                              a development ledger, hospitals, clinicians
  amanat generate data                     made-up patients; or use a FHIR R4 folder of your own
  amanat import --anchor data              enrol the patients, anchor their records
  amanat ledger wait                       until the next epoch has sealed them
  amanat consent grant ..                  a patient's consent, granted by proof
  amanat prove access .. --out access.tx   a clinician's access
  amanat verify access.tx                  the proof, checked by anybody";

/// What every command takes. The short help of a command has its own options only, the long help
/// these too.
#[derive(Args, Clone)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Where actors' files, keys and the ledger are kept.
    #[arg(long, global = true, env = "AMANAT_HOME", value_name = "DIR", hide_short_help = true)]
    pub home: Option<PathBuf>,
    /// Print one JSON document instead of text.
    #[arg(long, global = true, hide_short_help = true)]
    pub json: bool,
    /// Show no progress bars.
    #[arg(long, short, global = true, hide_short_help = true)]
    pub quiet: bool,
    /// Compute with this backend: gpu, avx512ifma, portable [env: AMANAT_BACKEND=] [default: the
    /// fastest of this machine].
    ///
    /// The GPU needs its plugin: libamanat_gpu.so beside the program, or the file that
    /// AMANAT_GPU_PLUGIN names (`off`: no plugin).
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub backend: Option<String>,
    /// The name of --backend, and of --consensus of `node`, in the last version.
    #[arg(long, global = true, value_name = "NAME", hide = true)]
    pub engine: Option<String>,
}

impl Cli {
    /// The long help of the command with these words.
    pub(crate) fn long_help(words: &[String]) -> Option<String> {
        let mut command = Self::command();
        command.build();
        let mut at = &mut command;
        for word in words {
            at = at.find_subcommand_mut(word)?;
        }
        Some(at.render_long_help().to_string())
    }
}

/// What `--version` adds to `-V`. It names what there is and chooses nothing: the command line has
/// not been read yet.
fn long_version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let names: Vec<&str> = amanat_accel::all().iter().map(|backend| backend.name()).collect();
        let (version, names, gpu) =
            (env!("CARGO_PKG_VERSION"), names.join(", "), amanat_accel::gpu::presence());
        format!("{version}\nbackends of this machine, fastest first: {names}\nGPU: {gpu}")
    })
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show everything once, end to end, on made-up data.
    ///
    /// FHIR in, enrolment, consent, anchoring, proofs, validation, what must be refused, and what
    /// each party saw.
    Demo(DemoArgs),
    /// Set up a development ledger, organisations and clinicians.
    ///
    /// All of it is written to the home directory: the ledger, the organisations' keys, the
    /// clinicians' credentials. Without --organisations they are two hospitals, a regulator and
    /// four clinicians, which fit the data of `amanat generate`.
    Init(InitArgs),
    /// Run a validator node with its HTTP interface.
    Node(NodeArgs),
    /// Ask a node whether it takes transactions: exit code 0, or 1.
    ///
    /// With exit code 1 the reason is printed. For supervisors and containers.
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
    /// Make, run and inspect a ledger of several validators.
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// List the clinicians of the home directory, and add more.
    #[command(subcommand)]
    Clinician(ClinicianCommand),
    /// Read FHIR R4; with --anchor, enrol patients and anchor records.
    Import(ImportArgs),
    /// List what the custodian keeps: records and patients.
    #[command(subcommand)]
    Vault(VaultCommand),
    /// Make, list, check, export and install keys.
    ///
    /// They are kept in the home directory, or in the folder that AMANAT_KEYS names.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Change members, validators and keys by proposal and approval.
    #[command(subcommand)]
    Governance(GovernanceCommand),
    /// Compile, grant and revoke consents.
    #[command(subcommand)]
    Consent(ConsentCommand),
    /// Prove an access, or one part of it, and submit the proof.
    ///
    /// With --zkey and --wtns: prove any circom circuit from snarkjs' files instead.
    Prove(Box<ProveArgs>),
    /// Verify a transaction file, or snarkjs files, without a ledger.
    Verify(VerifyArgs),
    /// Look into a ledger, wait for it, snapshot and prune it.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Measure what a proof costs on this machine.
    Bench(BenchArgs),
    /// Write a folder of made-up FHIR bundles.
    Generate(GenerateArgs),
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the long help of a command.
    #[command(hide = true)]
    Help {
        /// The command: `amanat help consent grant`.
        words: Vec<String>,
    },
}

#[derive(Args)]
pub(crate) struct DemoArgs {
    /// A folder of FHIR R4 files (.json, .ndjson); without it, a small generated one.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Enrol at most this many patients.
    #[arg(long, default_value_t = 12)]
    pub patients: usize,
    /// Anchor at most this many records of each patient.
    #[arg(long, default_value_t = 24)]
    pub records: usize,
    /// Keep the ledger and the actors' files in the home directory instead of a temporary one.
    #[arg(long)]
    pub keep: bool,
}

#[derive(Args)]
pub(crate) struct InitArgs {
    /// Length of an epoch in seconds.
    #[arg(long, default_value_t = 30, conflicts_with = "node", value_name = "N")]
    pub epoch_seconds: u64,
    /// Advance epochs with `amanat ledger next-epoch`, not by the clock.
    ///
    /// For tests: what happens in which epoch then depends on the commands alone.
    #[arg(long, conflicts_with = "node")]
    pub epochs_by_hand: bool,
    /// Name of the chain.
    #[arg(long, default_value = "amanat-dev", conflicts_with = "node", value_name = "NAME")]
    pub chain: String,
    /// Your own organisations and clinicians, from a TOML file.
    ///
    /// One TOML table `organisation` for each organisation and `clinician` for each clinician;
    /// docs/book/src/tutorial.md has an example.
    #[arg(long, value_name = "FILE", conflicts_with = "node")]
    pub organisations: Option<PathBuf>,
    /// With --node: install keys and clinicians on the ledger that `cluster init` founded.
    #[command(flatten)]
    pub at: LedgerAt,
}

#[derive(Args)]
pub(crate) struct NodeArgs {
    /// Address to listen on [default: the configuration's, or 127.0.0.1:7420].
    #[arg(long, value_name = "IP:PORT")]
    pub listen: Option<std::net::SocketAddr>,
    /// A configuration file (TOML) [default: the home directory's ledger].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Refuse a configuration of another consensus [default: the configuration's].
    ///
    /// `solo`: one validator alone. `bft`: several validators that agree on each block.
    #[arg(long, value_name = "NAME", value_parser = ["solo", "bft"])]
    pub consensus: Option<String>,
    /// Print the configuration and start nothing.
    ///
    /// The configuration of --config with every default in it, or the defaults. `--consensus bft`
    /// prints them for one of several validators.
    #[arg(long)]
    pub print_config: bool,
    /// Advance epochs with `amanat ledger next-epoch --node URL`, not by the clock.
    ///
    /// For a development ledger of one validator, on an address of this machine alone.
    #[arg(long, hide_short_help = true)]
    pub epochs_by_hand: bool,
    #[command(flatten)]
    pub tls: tls::NodeTlsArgs,
}

#[derive(Args, Clone, Default)]
pub(crate) struct LedgerAt {
    /// A node's address [default: the home's ledger].
    ///
    /// http://HOST:PORT, or https://HOST:PORT for a node with TLS. Without --node, the ledger in
    /// the home directory is opened, which no node may have open.
    #[arg(long, value_name = "URL")]
    pub node: Option<String>,
    #[command(flatten)]
    pub tls: tls::ClientTlsArgs,
}

#[derive(Args, Clone)]
pub(crate) struct LedgerFile {
    /// The ledger file, which no node may have open [default: the home's].
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum VaultCommand {
    /// List the records.
    ///
    /// With patient, resource, categories and whether the ledger has each.
    List {
        /// Only the records of one patient.
        #[arg(long, value_name = "REFERENCE")]
        patient: Option<String>,
    },
    /// List the patients.
    Patients,
}

#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Make insecure development keys for all statements, or for the statements named.
    InsecureDev {
        /// Statements [default: all].
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
        /// Where to write [default: standard output].
        #[arg(long, short)]
        out: Option<PathBuf>,
    },
    /// Install the store's keys on a ledger, or propose them.
    ///
    /// Each key comes with a proof that must verify and one that must not. If several organisations
    /// govern, the keys are proposed.
    Install {
        /// Approve the proposals too (development).
        ///
        /// Signed by every organisation whose key the home directory has.
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
        /// Zone of dates without one (Z, +05:00, -03:30) [default: the reading that widens nothing,
        /// whichever zone is meant].
        #[arg(long, value_name = "ZONE", value_parser = zone, allow_hyphen_values = true)]
        zone: Option<Zones>,
    },
    /// List which consents permit which clinicians treatment now.
    ///
    /// It checks the clinicians of the home directory (`amanat clinician list`) with the request of
    /// `amanat prove access` without further options. It grants nothing.
    Permits {
        /// Files or folders of FHIR R4 (.json, .ndjson).
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Grant a patient's consent by proof.
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
    /// A FHIR Consent, or a Bundle or NDJSON with Consents.
    pub file: PathBuf,
    /// The patient [default: the consent's patient].
    ///
    /// As `amanat vault patients` lists them: a whole name, or Patient/1 where only one is meant.
    #[arg(long, value_name = "REF")]
    pub patient: Option<String>,
    /// Which Consent of several in the file: the number of its entry, its id, or its place.
    #[arg(long, value_name = "WHICH")]
    pub entry: Option<String>,
    /// At most this many uses.
    #[arg(long, value_name = "N")]
    pub uses: Option<std::num::NonZeroU32>,
    /// Zone of dates without one (Z, +05:00, -03:30).
    #[arg(long, value_name = "ZONE", value_parser = zone, allow_hyphen_values = true)]
    pub zone: Option<Zones>,
    /// Origin of the ids in the file, as with `import`: a server's base URL, or a name.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Grant even if the Consent names another patient, or a patient who is not known.
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

#[derive(Args)]
pub(crate) struct GenerateArgs {
    /// The folder to write.
    pub out: PathBuf,
    /// Number of patients.
    #[arg(long, default_value_t = 12)]
    pub patients: usize,
    /// Seed of the random data: the same seed makes the same patients.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_is_a_word_too() {
        let help =
            |words: &[&str]| Cli::long_help(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert!(
            help(&["consent", "grant"]).is_some_and(|text| text.contains("amanat consent grant [OPTIONS]"))
        );
        assert!(help(&[]).is_some_and(|text| text.contains("First steps")));
        assert_eq!(help(&["consent", "grunt"]), None);
    }

    #[test]
    fn a_backend_can_be_named_before_and_after_the_command_and_by_its_old_flag() {
        let parse = |words: &[&str]| Cli::try_parse_from(words).expect("a command line");
        let engine = |words: &[&str]| parse(words).global.engine;
        assert_eq!(engine(&["amanat", "--engine", "portable", "demo"]).as_deref(), Some("portable"));
        assert_eq!(engine(&["amanat", "demo", "--engine", "portable"]).as_deref(), Some("portable"));
        assert_eq!(engine(&["amanat", "demo"]), None);
        let backend = |words: &[&str]| parse(words).global.backend;
        assert_eq!(backend(&["amanat", "--backend", "portable", "demo"]).as_deref(), Some("portable"));
        assert_eq!(backend(&["amanat", "demo", "--backend", "portable"]).as_deref(), Some("portable"));
        // `bench profile` takes the same word more than once: which backends to measure.
        let cli = parse(&["amanat", "bench", "profile", "--backend", "portable", "--backend", "avx512ifma"]);
        let Command::Bench(BenchArgs { command: Some(bench::BenchCommand::Profile(profile)), .. }) =
            cli.command
        else {
            panic!("a profile")
        };
        assert_eq!(profile.backend, ["portable", "avx512ifma"]);
    }
}
