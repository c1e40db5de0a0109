//! `amanat`: the one binary.

mod actors;
mod args;
mod cases;
mod commands;
mod consent;
mod custodian;
mod demo;
mod desk;
mod generated;
mod hints;
mod home;
mod import;
mod keyring;
mod members;
mod policies;
mod report;
mod roles;
mod session;
mod town;
mod ui;
mod vault;
mod vectors;
mod wallets;

use amanat_accel::gpu::{Presence, listen, presence};
use amanat_accel::{BACKEND_VARIABLE, ChooseError, choose, force, former_variable_notice};
use amanat_node::config::ConsensusName;
use anyhow::Context;
use args::bench::BenchCommand;
use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use std::process::ExitCode;
use ui::Ui;

fn main() -> ExitCode {
    // `amanat bench` measures peak memory in child processes of this program.
    match amanat_profile::answer_if_asked(&[]) {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => {
            Ui::new(false, true).fail(&anyhow::anyhow!(error));
            return ExitCode::FAILURE;
        }
    }
    let cli = Cli::parse();
    let ui = Ui::new(cli.global.json, cli.global.quiet);
    let done = run(&cli, ui).and_then(|()| match ui::lost() {
        None => Ok(()),
        Some(why) => {
            Err(anyhow::anyhow!("done, but not all of it could be written to standard output: {why}"))
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ui.fail(&error);
            if let Some(hint) = hints::hint(&error) {
                ui.hint(hint);
            }
            ExitCode::from(code(&error))
        }
    }
}

/// 1: a fault. 2: the command line (clap's), or an engine that is not here. 3: the policy says no. 4: the ledger says no. 5: the proof does not verify. 6: some of an
/// import was not understood.
fn code(error: &anyhow::Error) -> u8 {
    if error.is::<ChooseError>() {
        2
    } else if error.is::<amanat_circuits::Denied>() {
        3
    } else if matches!(
        error.downcast_ref::<amanat_client::ledger::AccessError>(),
        Some(amanat_client::ledger::AccessError::Refused(_))
    ) || error.is::<amanat_ledger::SubmitError>()
    {
        4
    } else if error.is::<commands::verify::NotValid>()
        || matches!(error.downcast_ref(), Some(amanat_prover::zkey::ZkeyProveError::NotReleased))
    {
        5
    } else if error.is::<report::SomeNotUnderstood>() {
        6
    } else {
        1
    }
}

/// Everything computes with one engine. If the command line or the environment asks for one that cannot be had, say so before
/// any work.
fn choose_engine(cli: &Cli) -> anyhow::Result<()> {
    let named = match &cli.command {
        // There the word says which engines to measure.
        Command::Bench(args) if matches!(args.command, Some(BenchCommand::Profile(_))) => None,
        // There it may say what makes the blocks.
        Command::Node(_) => cli.global.engine.as_deref().filter(|name| ConsensusName::named(name).is_none()),
        _ => cli.global.engine.as_deref(),
    };
    match named {
        Some(name) => force(name).context("--engine cannot be followed"),
        None => choose().with_context(|| format!("{BACKEND_VARIABLE} cannot be followed")),
    }?;
    Ok(())
}

/// What happens to the GPU goes to a node's log, and to a person who runs anything else. Nobody listened before.
fn hear_the_gpu(node: bool, ui: Ui) {
    if node {
        return amanat_node::log::hear_the_gpu();
    }
    let heard = listen(move |event| ui.warn(&event.words));
    debug_assert!(heard.is_ok(), "once, at the start");
}

fn run(cli: &Cli, ui: Ui) -> anyhow::Result<()> {
    let global = &cli.global;
    hear_the_gpu(matches!(cli.command, Command::Node(_)), ui);
    choose_engine(cli)?;
    if let Some(notice) = former_variable_notice() {
        ui.warn(&notice);
    }
    if let Presence::Refused { why } = presence()
        && !matches!(cli.command, Command::Node(_))
    {
        ui.warn(&format!("the GPU is not used: {why}"));
    }
    match &cli.command {
        Command::Demo(args) => demo::run(args, global, ui),
        Command::Init(args) => commands::init::run(args, global, ui),
        Command::Node(args) => commands::node::run(args, global, ui),
        Command::Probe { node, seconds, tls } => commands::node::probe(node, *seconds, tls, ui),
        Command::Cluster(command) => commands::cluster::run(command, global, ui),
        Command::Import(args) if args.anchor => commands::anchor::run(args, global, ui),
        Command::Import(args) => import::run(args, ui),
        Command::Vault(command) => commands::vault::run(command, global, ui),
        Command::Keys(command) => commands::keys::run(command, global, ui),
        Command::Governance(command) => commands::governance::run(command, global, ui),
        Command::Clinician(command) => commands::clinician::run(command, global, ui),
        Command::Consent(command) => commands::consent::run(command, global, ui),
        Command::Prove(args) => commands::prove::run(args, global, ui),
        Command::Verify(args) => commands::verify::run(args, global, ui),
        Command::Ledger(command) => commands::ledger::run(command, global, ui),
        Command::Bench(args) => commands::bench::run(args, global, ui),
        Command::Generate(args) => {
            generated::write_folder(&args.out, args.seed, args.patients)?;
            ui.say(format!("{} in {}", ui::count(args.patients, "patient"), args.out.display()));
            Ok(())
        }
        Command::Help { words } => {
            let help = Cli::long_help(words);
            ui.raw(&help.with_context(|| {
                format!("there is no command `{}`: amanat -h lists them", words.join(" "))
            })?);
            Ok(())
        }
        Command::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "amanat", &mut out);
            ui.raw(&String::from_utf8_lossy(&out));
            Ok(())
        }
    }
}
