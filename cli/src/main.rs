//! `amanat`: the one binary.

mod actors;
mod args;
mod cases;
mod commands;
mod consent;
mod demo;
mod desk;
mod generated;
mod home;
mod import;
mod keyring;
mod policies;
mod session;
mod town;
mod ui;
mod vectors;
mod wallets;

use anyhow::Context;
use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use std::process::ExitCode;
use ui::Ui;

fn main() -> ExitCode {
    // `amanat bench` measures peak memory in child processes of this program.
    match amanat_benches::answer_if_asked(&[]) {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => {
            Ui::new(false, true).fail(&anyhow::anyhow!(error));
            return ExitCode::FAILURE;
        }
    }
    let cli = Cli::parse();
    let ui = Ui::new(cli.global.json, cli.global.quiet);
    match run(&cli, ui) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ui.fail(&error);
            ExitCode::from(code(&error))
        }
    }
}

/// 1: a fault. 2: the command line (clap's). 3: the policy says no. 4: the ledger says no. 5: the proof does not verify.
fn code(error: &anyhow::Error) -> u8 {
    if error.is::<amanat_circuits::Denied>() {
        3
    } else if matches!(
        error.downcast_ref::<amanat_service::access::AccessError>(),
        Some(amanat_service::access::AccessError::Refused(_))
    ) || error.is::<amanat_ledger::SubmitError>()
    {
        4
    } else if error.is::<commands::verify::NotValid>()
        || matches!(error.downcast_ref(), Some(amanat_prover::zkey::ZkeyProveError::NotReleased))
    {
        5
    } else {
        1
    }
}

fn run(cli: &Cli, ui: Ui) -> anyhow::Result<()> {
    // Everything computes with one engine. If the environment asks for one that cannot be had, say so before any work.
    amanat_accel::choose().with_context(|| format!("{} cannot be followed", amanat_accel::ENGINE_VARIABLE))?;
    let global = &cli.global;
    match &cli.command {
        Command::Demo(args) => demo::run(args, global, ui),
        Command::Init(args) => commands::node::init(args, global, ui),
        Command::Node(args) => commands::node::run(args, global, ui),
        Command::Import(args) if args.anchor => commands::anchor::run(args, global, ui),
        Command::Import(args) => import::run(args, ui),
        Command::Keys(command) => commands::keys::run(command, global, ui),
        Command::Consent(command) => commands::consent::run(command, global, ui),
        Command::Prove(args) => commands::prove::run(args, global, ui),
        Command::Verify(args) => commands::verify::run(args, global, ui),
        Command::Ledger(command) => commands::ledger::run(command, global, ui),
        Command::Bench(args) => commands::bench::run(args, global, ui),
        Command::Generate(args) => {
            generated::write_folder(&args.out, args.seed, args.patients)?;
            ui.say(format!("{} patients in {}", args.patients, args.out.display()));
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
