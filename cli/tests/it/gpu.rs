//! The GPU as a user meets it: what is said if there is none, if its plugin is refused, and if it
//! computes wrongly. The plugin is the mock of `amanat-accel`, or no plugin at all.

use amanat_accel::BACKEND_VARIABLE;
use amanat_accel::gpu::PLUGIN_VARIABLE;
use amanat_accel::gpu::mock::SCRIPT_VARIABLE;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The least that computes on every backend.
const PROFILE: [&str; 9] =
    ["bench", "profile", "10", "--rounds", "1", "--threads", "1", "--no-memory", "--no-peers"];

/// The mock as a shared object. `cargo test --workspace` has built it; what tests this package
/// alone builds it here.
fn mock() -> &'static Path {
    static MOCK: OnceLock<PathBuf> = OnceLock::new();
    MOCK.get_or_init(|| {
        let program = Path::new(env!("CARGO_BIN_EXE_amanat"));
        let path = program.parent().expect("a folder").join("examples/libgpu_mock.so");
        if !path.exists() {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--quiet", "--workspace", "--example", "gpu_mock"]);
            cargo.args(["--features", "amanat-accel/mock-gpu"]);
            if path.components().any(|part| part.as_os_str() == "release") {
                cargo.arg("--release");
            }
            assert!(cargo.status().expect("cargo runs").success(), "the mock plugin is built");
        }
        assert!(
            path.exists(),
            "{} is missing: cargo build --workspace --example gpu_mock --features amanat-accel/mock-gpu",
            path.display()
        );
        path
    })
}

fn amanat(home: &Path, plugin: &str, script: &str, args: &[&str]) -> Output {
    crate::home::command(home, args)
        .env(PLUGIN_VARIABLE, plugin)
        .env(SCRIPT_VARIABLE, script)
        .env_remove(BACKEND_VARIABLE)
        .output()
        .expect("the binary runs")
}

/// Standard output and error of what succeeded.
fn ok(home: &Path, plugin: &str, script: &str, args: &[&str]) -> (String, String) {
    let out = amanat(home, plugin, script, args);
    let words = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{plugin} {script} {args:?}: {words}");
    (String::from_utf8(out.stdout).expect("UTF-8"), words)
}

#[test]
fn without_a_plugin_the_processor_computes_and_that_is_said_where_one_asks() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let home = dir.path();
    let (version, quiet) = ok(home, "", "", &["--version"]);
    assert!(version.contains("GPU: none: no plugin"), "{version}");
    assert_eq!(quiet, "", "nothing is missing, nothing is said");
    let (version, _) = ok(home, "off", "", &["--version"]);
    assert!(version.contains("GPU: switched off by AMANAT_GPU_PLUGIN"), "{version}");
    let out = amanat(home, "off", "", &["--backend", "gpu", "ledger", "inspect"]);
    let words = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{words}");
    assert!(words.contains("needs a GPU and its plugin") && words.contains("switched off"), "{words}");
}

#[test]
fn a_plugin_that_cannot_be_used_is_refused_once_in_words_and_the_work_is_done() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let home = dir.path();
    let text = home.join("text.so");
    std::fs::write(&text, "not a library").expect("a file");
    let (text, mock) = (text.display().to_string(), mock().display().to_string());
    for (plugin, script, why) in [
        ("/no/such/plugin.so", "", "/no/such/plugin.so cannot be loaded"),
        (&text, "", "cannot be loaded"),
        (&mock, "abi=7", "has version 7 of the plugin interface, this program needs version 1"),
        (&mock, "none", "finds no GPU on this machine"),
        (&mock, "fail=open", "mock 0 cannot be opened: open: the script says so"),
    ] {
        let (_, words) = ok(home, plugin, script, &PROFILE);
        let said: Vec<&str> = words.lines().filter(|line| line.contains("GPU")).collect();
        assert_eq!(said.len(), 1, "{plugin} {script}: {words}");
        assert!(said[0].starts_with("warning: the GPU is not used: ") && said[0].contains(why), "{words}");
        let (version, _) = ok(home, plugin, script, &["--version"]);
        assert!(version.contains("GPU: not used: ") && version.contains(why), "{version}");
    }
}

#[test]
fn a_plugin_in_its_place_makes_gpu_a_backend_that_bench_names_and_measures() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let home = dir.path();
    let mock = mock().display().to_string();
    let (version, _) = ok(home, &mock, "", &["--version"]);
    assert!(version.contains("fastest first: gpu, "), "{version}");
    assert!(version.contains("GPU: mock 0, 8 GiB, compute 9.0, plugin a mock"), "{version}");
    let profile = [&PROFILE[..], &["--backend", "gpu"]].concat();
    let (words, _) = ok(home, &mock, "", &profile);
    assert!(words.contains("gpu") && words.contains("GPU: mock 0") && words.contains("ready"), "{words}");
    // A device that fails its test is quarantined, an alarm is raised, and the same is measured on
    // the processor.
    let (words, errors) = ok(home, &mock, "wrong=ntt", &profile);
    assert!(
        words.contains("quarantined, it computed wrongly (the known-answer test, a transform)"),
        "{words}"
    );
    let alarms: Vec<&str> = errors.lines().filter(|line| line.contains("the GPU computed wrongly")).collect();
    assert_eq!(alarms.len(), 1, "{errors}");
    let (words, errors) = ok(home, &mock, "lost=30", &profile);
    assert!(
        words.contains("lost (") && errors.contains("the processor makes all proofs from now on"),
        "{words} {errors}"
    );
}
