//! The archives of published example data, read in memory: `*.tar.zst` in the folder that
//! `AMANAT_EXAMPLE_DATA` names, else in `../shared/data` beside the workspace.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Calls `each` with name and content of every file of an archive; false, and a word on stderr, if
/// it is not there.
pub(crate) fn read(name: &str, mut each: impl FnMut(&str, &mut dyn Read)) -> bool {
    let folder = std::env::var_os("AMANAT_EXAMPLE_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        std::path::PathBuf::from,
    );
    let path = folder.join(format!("{name}.tar.zst"));
    let Ok(file) = File::open(&path) else {
        eprintln!("SKIPPED: the example data {name}.tar.zst is not beside the workspace");
        return false;
    };
    let mut frame = ruzstd::decoding::FrameDecoder::new();
    let stream = ruzstd::decoding::StreamingDecoder::new_with_decoder(BufReader::new(file), &mut frame)
        .expect("a zstd stream");
    let mut tar = tar::Archive::new(stream);
    for entry in tar.entries().expect("a tar archive") {
        let mut entry = entry.expect("a tar entry");
        if entry.header().entry_type().is_file() {
            let name = entry.path().expect("a path").to_string_lossy().into_owned();
            each(&name, &mut entry);
        }
    }
    true
}

/// All files of an archive whose names end so.
pub(crate) fn files(name: &str, ending: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    let there = read(name, |file, content| {
        if file.ends_with(ending) {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).expect("a whole file");
            files.push((file.to_owned(), bytes));
        }
    });
    there.then_some(files)
}
