//! The short help of every command fits one screen.

use super::Cli;
use clap::{Command, CommandFactory};

const LINES: usize = 24;
const COLUMNS: usize = 80;

/// A command, and all below it, each with its words from the first.
fn every(command: &Command, path: &str, into: &mut Vec<(String, Command)>) {
    let path = format!("{path} {}", command.get_name()).trim_start().to_owned();
    into.push((path.clone(), command.clone()));
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        every(below, &path, into);
    }
}

fn all() -> Vec<(String, Command)> {
    let mut root = Cli::command().term_width(COLUMNS);
    root.build();
    let mut commands = Vec::new();
    every(&root, "", &mut commands);
    commands
}

#[test]
fn the_short_help_of_every_command_is_one_screen() {
    let commands = all();
    assert!(commands.len() > 50, "all of them: {}", commands.len());
    let mut long = Vec::new();
    for (path, command) in commands {
        let help = command.term_width(COLUMNS).render_help().to_string();
        // The line of usage is not wrapped; a terminal wraps it.
        let lines: usize = help.lines().map(|line| line.chars().count().max(1).div_ceil(COLUMNS)).sum();
        if lines > LINES {
            long.push(format!("`{path} -h`: {lines} lines\n{help}"));
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn the_long_help_of_every_command_has_the_options_of_all() {
    for (path, command) in all() {
        let help = command.clone().render_long_help().to_string();
        for option in ["--home", "--json", "--quiet", "--backend"] {
            assert!(help.contains(option), "`{path} --help` lacks {option}");
        }
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(!about.is_empty(), "`{path}` says what it does");
    }
}
