//! What pages and comments say: no word of the list in `docs/style.md`, no file that does not
//! exist, and no comment wider than the page says.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Pages that are checked, files and folders; `domain/src` has a page that is the documentation of
/// a module. The list itself is in `docs/style.md`, which is not among them.
const PAGES: [&str; 7] = [
    "README.md",
    "ARCHITECTURE.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "docs/book/src",
    "docs/adr",
    "domain/src",
];

/// Most columns of a line that is a comment: `docs/style.md`.
const COMMENT_COLUMNS: usize = 100;

/// The list: phrases with what to write instead, and longer phrases in which they are right. All in
/// lower case.
struct List {
    phrases: Vec<(String, String)>,
    allowed: Vec<String>,
}

impl List {
    /// Reads the block fenced as `words` of a page.
    fn read(page: &str) -> Self {
        let (_, rest) = page.split_once("```words\n").expect("the page has a block of words");
        let (block, _) = rest.split_once("```").expect("the block of words ends");
        let mut list = Self { phrases: Vec::new(), allowed: Vec::new() };
        for line in block.lines() {
            if let Some(phrase) = line.strip_prefix("! ") {
                list.allowed.push(phrase.to_owned());
            } else {
                let (phrase, instead) = line.split_once(": ").expect("a line is `phrase: instead`");
                list.phrases.push((phrase.to_owned(), instead.to_owned()));
            }
        }
        list
    }

    /// Every phrase of the list in a text, as `line: phrase`, with what to write instead.
    fn offences(&self, text: &[(usize, String)]) -> Vec<(usize, String)> {
        paragraphs(text).flat_map(|paragraph| self.in_paragraph(paragraph)).collect()
    }

    fn in_paragraph(&self, lines: &[(usize, String)]) -> Vec<(usize, String)> {
        let mut joined = String::new();
        let mut starts = Vec::new();
        for (number, line) in lines {
            starts.push((joined.len(), *number));
            joined.push_str(line.trim());
            joined.push(' ');
        }
        let joined = without_code(&joined.to_ascii_lowercase());
        let allowed: Vec<_> = self.allowed.iter().flat_map(|phrase| places(&joined, phrase)).collect();
        let mut found = Vec::new();
        for (phrase, instead) in &self.phrases {
            for place in places(&joined, phrase) {
                if !allowed.iter().any(|range| range.contains(&place.start)) {
                    let mut before = starts.iter().filter(|(start, _)| *start <= place.start);
                    let number = before.next_back().map_or(0, |(_, number)| *number);
                    found.push((number, format!("\"{phrase}\": rather {instead}")));
                }
            }
        }
        found
    }
}

/// Runs of lines without an empty line between them.
fn paragraphs(lines: &[(usize, String)]) -> impl Iterator<Item = &[(usize, String)]> {
    lines.split(|(_, line)| line.trim().is_empty()).filter(|paragraph| !paragraph.is_empty())
}

/// The text with what is between backticks blanked out, at the same length.
fn without_code(text: &str) -> String {
    let mut inside = false;
    let blanked = text.chars().map(|c| {
        inside ^= c == '`';
        if inside && c.is_ascii() { '`' } else { c }
    });
    blanked.collect()
}

/// Where a phrase is in a text as whole words.
fn places(text: &str, phrase: &str) -> Vec<Range<usize>> {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let all = text.match_indices(phrase).map(|(start, _)| start..start + phrase.len());
    all.filter(|place| {
        !is_word(text[..place.start].chars().next_back()) && !is_word(text[place.end..].chars().next())
    })
    .collect()
}

/// The comments of a Rust source, line by line; an empty line where there is code between them.
fn comments(source: &str) -> Vec<(usize, String)> {
    let comment = |line: &str| match line.trim_start().strip_prefix("//") {
        Some(rest) => rest.trim_start_matches(['/', '!']).to_owned(),
        None => line.split_once(" // ").map_or_else(String::new, |(_, rest)| rest.to_owned()),
    };
    without_blocks(source.lines().map(comment))
}

/// Numbers the lines from 1, and blanks out fenced blocks.
fn without_blocks(lines: impl Iterator<Item = String>) -> Vec<(usize, String)> {
    let mut fenced = false;
    let mut numbered = Vec::new();
    for (i, line) in lines.enumerate() {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        numbered.push((i + 1, if fenced || fence { String::new() } else { line }));
    }
    numbered
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is a member of the workspace")
}

/// Files under a path with this ending, without hidden folders and what cargo builds.
fn files(path: PathBuf, ending: &str, into: &mut Vec<PathBuf>) {
    if path.is_file() {
        into.extend(path.extension().is_some_and(|found| found == ending).then_some(path));
        return;
    }
    let entries = fs::read_dir(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name != "target" && !name.starts_with('.') {
            files(path, ending, into);
        }
    }
}

#[test]
fn pages_and_comments_use_no_word_of_the_list() {
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let list = List::read(&read(&root().join("docs/style.md")));
    assert!(!list.phrases.is_empty(), "docs/style.md lists no word");

    let (mut pages, mut sources) = (Vec::new(), Vec::new());
    PAGES.iter().for_each(|page| files(root().join(page), "md", &mut pages));
    files(root().to_owned(), "rs", &mut sources);
    let pages = pages.iter().map(|path| (path, without_blocks(read(path).lines().map(str::to_owned))));
    let sources = sources.iter().map(|path| (path, comments(&read(path))));

    let mut wrong = Vec::new();
    for (path, text) in pages.chain(sources) {
        let path = path.strip_prefix(root()).expect("a file of the project").display();
        wrong.extend(list.offences(&text).iter().map(|(line, what)| format!("{path}:{line}: {what}")));
    }
    assert!(wrong.is_empty(), "{} places, see docs/style.md:\n{}", wrong.len(), wrong.join("\n"));
}

/// Targets of the links of a page that are files: neither addresses nor places of the same page.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = targets.filter(|target| !target.contains(':') && !target.starts_with('#'));
    files.filter_map(|target| target.split('#').next())
}

/// Paths in backticks: names with a folder and an ending, without a placeholder.
fn named_files(page: &str) -> impl Iterator<Item = &str> {
    let quoted = page.split('`').skip(1).step_by(2);
    quoted
        .filter(|name| name.contains('/') && !name.contains([' ', '<', '{', '*', ':']) && name.contains('.'))
}

#[test]
fn pages_link_and_the_map_names_files_that_exist() {
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut pages = Vec::new();
    ["CHANGELOG.md", "docs/style.md"].iter().chain(&PAGES).for_each(|page| {
        files(root().join(page), "md", &mut pages);
    });
    let mut missing = Vec::new();
    for path in pages {
        let (page, folder) = (read(&path), path.parent().expect("a page is in a folder"));
        let lost = links(&page).filter(|target| !folder.join(target).exists());
        missing.extend(lost.map(|target| format!("{}: {target}", path.display())));
    }
    let map = read(&root().join("ARCHITECTURE.md"));
    let lost = named_files(&map).filter(|name| !root().join(name).exists());
    missing.extend(lost.map(|name| format!("ARCHITECTURE.md: {name}")));
    assert!(missing.is_empty(), "files that pages name and that do not exist:\n{}", missing.join("\n"));
}

/// Lines of a source that are a comment and too wide, by number. A table, an address, a code block
/// and a line that is one command may be wider: a break would change or hide them.
fn wide_comments(source: &str) -> Vec<usize> {
    let mut fenced = false;
    let mut wide = Vec::new();
    for (i, line) in source.lines().enumerate() {
        let Some(comment) = line.trim_start().strip_prefix("//") else {
            fenced = false;
            continue;
        };
        let text = comment.trim_start_matches(['/', '!']).trim();
        let fence = text.starts_with("```");
        fenced ^= fence;
        let command =
            text.strip_prefix('`').is_some_and(|rest| !rest.trim_end_matches(['`', '.']).contains('`'));
        let may_be_wide = fenced || fence || command || text.starts_with('|') || text.contains("://");
        if !may_be_wide && line.chars().count() > COMMENT_COLUMNS {
            wide.push(i + 1);
        }
    }
    wide
}

#[test]
fn comments_wrap_at_the_column_of_the_style_page() {
    let mut sources = Vec::new();
    files(root().to_owned(), "rs", &mut sources);
    let mut wrong = Vec::new();
    for path in sources {
        let source = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let path = path.strip_prefix(root()).expect("a file of the project").display().to_string();
        wrong.extend(wide_comments(&source).iter().map(|line| format!("{path}:{line}")));
    }
    assert!(wrong.is_empty(), "comments wider than {COMMENT_COLUMNS} columns:\n{}", wrong.join("\n"));
}

#[test]
fn only_text_must_wrap() {
    let long = "word ".repeat(25);
    let table = format!("| {long} |");
    let source = format!(
        "//! {long}\n/// {table}\n// see https://example.org/{}\n/// ```\n/// {long}\n/// ```\n\
         /// `cargo run -- {long}`.\n    // {long}\nlet x = \"{long}\";\n/// `a` and `b`, {long}\n",
        "x".repeat(90)
    );
    assert_eq!(wide_comments(&source), [1, 8, 10]);
}

#[test]
fn a_phrase_is_found_across_lines_and_not_in_code() {
    let list = List::read("```words\nred fox: fox\nblue: azure\n! blue moon\n```");
    let source = "/// A swift red\n/// fox.\nlet x = 1; // Blue\n/// A blue moon, `blue`, bluer.\n/// ```\n\
                  /// blue\n/// ```\nlet blue = \"blue\";\n";
    let found = list.offences(&comments(source));
    assert_eq!(found, [(1, "\"red fox\": rather fox".into()), (3, "\"blue\": rather azure".into())]);
}
