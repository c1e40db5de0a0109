//! The commands, one file for each noun.

pub(crate) mod bench;
pub(crate) mod clinician;
pub(crate) mod cluster;
mod compile;
pub(crate) mod consent;
pub(crate) mod generate;
pub(crate) mod governance;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod node;
mod permits;
mod proof_files;
pub(crate) mod prove;
mod restore;
pub(crate) mod snapshot;
pub(crate) mod vault;
pub(crate) mod verify;
mod wait;
pub(crate) mod zkey;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Most lines of a command: it parses, calls, prints.
    const MOST: usize = 150;

    fn files(dir: &Path, all: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { files(&path, all) } else { all.push(path) }
        }
    }

    #[test]
    fn a_command_parses_calls_and_prints_and_is_no_longer_than_that_takes() {
        let mut all = Vec::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands"), &mut all);
        assert!(all.len() > 20, "the commands are there: {}", all.len());
        let lines = |path: &PathBuf| fs::read_to_string(path).expect("text").lines().count();
        let long: Vec<_> = all.iter().filter(|path| lines(path) > MOST).collect();
        assert!(long.is_empty(), "more than {MOST} lines: {long:?}");
    }
}
