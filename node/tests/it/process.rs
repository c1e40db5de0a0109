//! The program `amanat-node` as a supervisor runs it: its line, its answers, its end.

use crate::support::{PATIENCE, genesis};
use amanat_accel::{BACKEND_VARIABLE, FORMER_VARIABLE};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A process that ends with its test, whatever the test finds.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has usually ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn amanat_node(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_amanat-node"));
    command.args(args).env_remove(BACKEND_VARIABLE).env_remove(FORMER_VARIABLE);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A home with the genesis of a development chain, and no ledger yet.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(home.path().join("genesis.json"), genesis("process").to_json()).expect("written");
    home
}

/// Serves a home whose epochs are advanced by hand, so that the machine's clock does not matter.
fn serve(home: &Path, listen: &str) -> Command {
    let home = home.to_str().expect("a path of text");
    amanat_node(&["--home", home, "--epochs-by-hand", "--listen", listen])
}

#[test]
fn the_program_serves_a_ledger_until_it_is_told_to_stop() {
    let home = home();
    let child = serve(home.path(), "127.0.0.1:0").env(FORMER_VARIABLE, "portable").spawn();
    let mut node = Running(child.expect("it starts"));
    let mut out = BufReader::new(node.0.stdout.take().expect("its output"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    let listens = line.split("listens on ").nth(1).and_then(|rest| rest.split(' ').next());
    let url = listens.unwrap_or_else(|| panic!("no address: {line:?}")).to_owned();
    assert!(line.trim_end().ends_with("backend portable"), "{line}");

    let agent = ureq::Agent::config_builder().proxy(None).timeout_global(Some(PATIENCE)).build().new_agent();
    let health = agent.get(format!("{url}/v1/health")).call().expect("an answer");
    assert_eq!(health.status().as_u16(), 200);
    let Output { status, stdout, stderr } =
        amanat_node(&["probe", &url, "--seconds", "180"]).output().expect("it runs");
    let (said, error) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success() && said.contains("is ready"), "{said}{error}");

    let told = Command::new("kill").arg(node.0.id().to_string()).status().expect("kill runs");
    assert!(told.success());
    assert!(node.0.wait().expect("it ends").success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("text");
    assert_eq!(rest, "", "one line and no more");
    let mut log = String::new();
    node.0.stderr.take().expect("its log").read_to_string(&mut log).expect("text");
    assert!(log.contains(&format!("set {BACKEND_VARIABLE}=portable instead")), "{log}");
    assert!(home.path().join("ledger.redb").exists());
}

#[test]
fn the_program_does_not_say_that_it_listens_where_it_may_not() {
    let home = home();
    let Output { status, stdout, stderr } = serve(home.path(), "0.0.0.0:0").output().expect("it runs");
    assert_eq!(status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&stdout), "");
    let error = String::from_utf8_lossy(&stderr);
    assert!(error.contains("listen on 127.0.0.1 or [::1]"), "{error}");
}
