//! A home directory, thrown away with the test, and the binary that works in it.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The binary with a home and keys in its environment. Development keys are kept between runs,
/// because making them takes a while.
pub(crate) fn command(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_amanat"));
    command
        .args(args)
        .current_dir(home)
        .env("AMANAT_HOME", home)
        .env("AMANAT_KEYS", keys())
        .env("AMANAT_LOG", "warn")
        .stdin(Stdio::null());
    command
}

/// Where development keys are: those of the environment, or a folder of the build.
pub(crate) fn keys() -> PathBuf {
    let own = || Path::new(env!("CARGO_TARGET_TMPDIR")).join("insecure-dev-keys");
    std::env::var_os("AMANAT_KEYS").map_or_else(own, PathBuf::from)
}

/// Standard error as text.
pub(crate) fn errors(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// A home directory.
pub(crate) struct Home(pub(crate) tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    /// With a development ledger whose epochs are advanced by hand.
    pub(crate) fn with_ledger() -> Self {
        let home = Self::new();
        home.ok(&["init", "--epochs-by-hand"]);
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        command(self.0.path(), args)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the binary runs")
    }

    /// Runs and must succeed; returns standard output.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        text(self.command(args), args)
    }

    /// Runs and must fail with this exit code; returns standard error.
    pub(crate) fn fails(&self, code: i32, args: &[&str]) -> String {
        let out = self.run(args);
        let words = errors(&out);
        assert_eq!(out.status.code(), Some(code), "{args:?}: {words}");
        words
    }

    /// Runs in JSON mode and must succeed; returns the document.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[&["--json"], args].concat())).expect("one JSON document")
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.json(&["ledger", "inspect"])["epoch"].as_u64().expect("an epoch")
    }

    /// Begins the next epoch, whose bundle seals what was submitted.
    pub(crate) fn next_epoch(&self) {
        self.ok(&["ledger", "next-epoch"]);
    }
}

/// Standard output of a command that must succeed.
pub(crate) fn text(mut command: Command, args: &[&str]) -> String {
    let out = command.output().expect("the binary runs");
    assert!(out.status.success(), "{args:?}: {}", errors(&out));
    String::from_utf8(out.stdout).expect("UTF-8")
}
