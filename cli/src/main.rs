//! `amanat`: the one binary.

mod args;
mod commands;
mod consent_view;
mod demo;
mod exit;
mod hints;
mod report;
mod session;
mod ui;

use amanat_accel::gpu::{Presence, listen, presence};
use amanat_accel::{BACKEND_VARIABLE, choose, force, former_variable_notice};
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
            ExitCode::from(exit::code(&error))
        }
    }
}

/// Everything computes with one backend. If the command line or the environment asks for one that
/// cannot be had, say so before any work.
fn choose_backend(cli: &Cli, ui: Ui) -> anyhow::Result<()> {
    let (new, old) = (cli.global.backend.as_deref(), cli.global.engine.as_deref());
    let (new, old) = match &cli.command {
        // There the words say which backends to measure.
        Command::Bench(args) if matches!(args.command, Some(BenchCommand::Profile(_))) => (None, None),
        // There it named what makes the blocks.
        Command::Node(_) => (new, old.filter(|name| ConsensusName::named(name).is_none())),
        _ => (new, old),
    };
    match (new, old) {
        (Some(name), _) => force(name).context("cannot use --backend"),
        (None, Some(name)) => force(name).context("cannot use --engine"),
        (None, None) => choose().with_context(|| format!("cannot use {BACKEND_VARIABLE}")),
    }?;
    if let Some(name) = old {
        ui.warn(&former_flag_notice(new, name));
    }
    Ok(())
}

/// What is said of `--engine`, the former name of `--backend`, which wins where both are given.
fn former_flag_notice(backend: Option<&str>, engine: &str) -> String {
    match backend {
        None => format!("--engine {engine} is now --backend {engine}: the next version no longer takes it"),
        Some(backend) => format!(
            "--engine {engine} is ignored, because --backend {backend} is given: leave --engine out, the next \
             version no longer takes it"
        ),
    }
}

/// What happens to the GPU goes to a node's log, and to a person who runs anything else. Nobody
/// listened before.
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
    choose_backend(cli, ui)?;
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
        Command::Import(args) => commands::import::run(args, global, ui),
        Command::Vault(command) => commands::vault::run(command, global, ui),
        Command::Keys(command) => commands::keys::run(command, global, ui),
        Command::Governance(command) => commands::governance::run(command, global, ui),
        Command::Clinician(command) => commands::clinician::run(command, global, ui),
        Command::Consent(command) => commands::consent::run(command, global, ui),
        Command::Prove(args) => commands::prove::run(args, global, ui),
        Command::Verify(args) => commands::verify::run(args, global, ui),
        Command::Ledger(command) => commands::ledger::run(command, global, ui),
        Command::Bench(args) => commands::bench::run(args, global, ui),
        Command::Generate(args) => commands::generate::run(args, ui),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notice_of_the_former_flag_says_whether_it_is_followed() {
        let alone = former_flag_notice(None, "portable");
        assert!(alone.starts_with("--engine portable is now --backend portable"), "{alone}");
        let beside = former_flag_notice(Some("gpu"), "portable");
        assert!(beside.starts_with("--engine portable is ignored"), "{beside}");
        assert!(beside.contains("--backend gpu"), "{beside}");
    }
}
