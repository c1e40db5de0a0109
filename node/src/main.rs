//! `amanat-node`: the program of a validator. It serves, is asked whether it serves, and makes its
//! key; it proves nothing.

mod args;

use amanat_accel::{choose, force, former_variable_notice};
use amanat_node::launch::{self, Launch, LaunchError, Place};
use amanat_node::{VERSION, log, probe};
use args::{Cli, Command, Serve};
use clap::Parser;
use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            fail(&*error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), Box<dyn Error>> {
    match cli.command {
        None if cli.version => {
            say(VERSION);
            Ok(())
        }
        None => serve(cli.serve),
        Some(Command::Probe { node, seconds, tls }) => {
            let patience = std::time::Duration::from_secs(seconds);
            probe::ready(&node, patience, &tls.files())
                .map_err(|error| format!("{node} is not ready: {error}"))?;
            say(format!("{node} is ready"));
            Ok(())
        }
        #[cfg(feature = "bft")]
        Some(Command::Key { out }) => {
            let key = amanat_node::validator_key::create(&out)?;
            say(format!(
                "the private key is in {}, for its owner alone; the public half:\n{key}",
                out.display()
            ));
            Ok(())
        }
    }
}

fn serve(serve: Serve) -> Result<(), Box<dyn Error>> {
    if serve.print_config {
        let config = launch::configuration(serve.config.as_deref(), serve.consensus(), serve.listen)?;
        say(config.to_toml().trim_end());
        return Ok(());
    }
    log::hear_the_gpu();
    // Before any work: a backend that was asked for and is not here would be missed only under
    // load.
    match &serve.backend {
        Some(name) => force(name),
        None => choose(),
    }?;
    if let Some(notice) = former_variable_notice() {
        warn(&notice);
    }
    let consensus = serve.consensus();
    let place = match (serve.config, serve.home) {
        (Some(file), _) => Place::File(file),
        (None, Some(home)) => Place::Home(home),
        (None, None) => return Err("name the ledger: --config FILE, or --home DIR".into()),
    };
    let launch =
        Launch { place, consensus, listen: serve.listen, tls: None, epochs_by_hand: serve.epochs_by_hand };
    launch::run(&launch, |started| say(started.to_string())).map_err(|error: LaunchError| error.into())
}

/// A line on standard output. If nobody reads it, the node serves all the same.
fn say(line: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", line.as_ref()).and_then(|()| out.flush());
}

/// A warning on standard error. If nobody reads it, the node serves all the same.
fn warn(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "warning: {text}");
}

/// An error with its causes, on standard error.
fn fail(error: &dyn Error) {
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "error: {error}");
    let mut cause = error.source();
    while let Some(why) = cause {
        let _ = writeln!(err, "  because: {why}");
        cause = why.source();
    }
}
