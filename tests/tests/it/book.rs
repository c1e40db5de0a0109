//! Tables in the book that the code can produce are compared with the code. This command writes
//! them again: `AMANAT_REMAKE=1 cargo test -p amanat-tests --test it book`.

use amanat_circuits::circuit;
use amanat_domain::fhir::extract::modifiers;
use amanat_domain::poseidon::Tag;
use amanat_domain::record::Leaf;
use amanat_domain::statement::Statement;
use amanat_tests::{costs, declarations};
use std::fs;
use std::path::Path;

/// Compares what is between `<!-- begin: name -->` and `<!-- end: name -->` on a page of the
/// book.
fn holds(page: &str, name: &str, table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/book/src").join(page);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (begin, end) = (format!("<!-- begin: {name} -->\n"), format!("<!-- end: {name} -->"));
    let (head, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{page} lacks {begin}"));
    let (old, tail) = rest.split_once(&end).unwrap_or_else(|| panic!("{page} lacks {end}"));
    if std::env::var_os("AMANAT_REMAKE").is_some() {
        fs::write(&path, format!("{head}{begin}{table}{end}{tail}")).expect("the book can be written");
        return;
    }
    assert_eq!(old, table, "{page}: the table `{name}` is out of date; remake it, see the top of this file");
}

#[test]
fn the_cost_table_is_what_the_circuits_cost() {
    holds("costs.md", "costs", &costs::tables());
}

#[test]
fn the_tables_of_statements_are_what_is_declared() {
    holds("public.md", "slots", &declarations::slots());
    holds("public.md", "rules", &declarations::rules());
}

#[test]
fn the_page_of_each_statement_has_the_declared_title_and_is_in_the_summary() {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/book/src");
    let summary = fs::read_to_string(book.join("SUMMARY.md")).expect("the summary");
    for statement in Statement::ALL {
        let title = statement.spec().title;
        let page = fs::read_to_string(book.join(format!("{statement}.md"))).unwrap_or_default();
        assert_eq!(
            page.lines().next(),
            Some(format!("# {title}").as_str()),
            "{statement}.md: its first line"
        );
        assert!(summary.contains(&format!("- [{title}]({statement}.md)")), "SUMMARY.md lacks {statement}.md");
    }
}

#[test]
fn access_fits_two_to_the_fifteen() {
    assert!(circuit(Statement::Access).qap_rows() <= 1 << 15);
}

#[test]
fn the_table_of_tags_is_the_enum() {
    let mut table = String::from("| tag | number |\n|---|--:|\n");
    let mut tags: Vec<Tag> = Tag::ALL.to_vec();
    tags.sort_by_key(|tag| *tag as u32);
    for tag in tags {
        table.push_str(&format!("| `{tag:?}` | {} |\n", tag as u32));
    }
    holds("notation.md", "tags", &table);
}

#[test]
fn the_tables_of_modifiers_are_what_is_read() {
    holds("modifiers.md", "modifiers", &modifiers::table());
    holds("modifiers.md", "modifiers of any type", &modifiers::table_of_anywhere());
}

#[test]
fn the_record_page_names_every_leaf() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/book/src/records.md");
    let page = fs::read_to_string(path).expect("the page on records");
    for leaf in Leaf::ALL {
        let row = format!("| {} | {} |", leaf as u8, leaf.name());
        assert!(page.contains(&row), "records.md lacks a row that begins `{row}`");
    }
}

#[test]
fn the_readme_has_the_same_numbers_of_constraints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(path).expect("README.md");
    let mut listed = 0;
    for statement in Statement::ALL {
        let rows = circuit(statement).rows.len();
        let number = format!("{} {:03}", rows / 1000, rows % 1000);
        let page = format!("(docs/book/src/{statement}.md)");
        // The README introduces the project; `costs.md` has all statements.
        if let Some(row) = readme.lines().find(|line| line.starts_with('|') && line.contains(&page)) {
            let right = row.ends_with(&format!("| {number} |"));
            assert!(right, "README.md, {statement}: {number} constraints, not: {row}");
            listed += 1;
        }
    }
    assert!(listed >= 6, "README.md lists {listed} statements with their constraints");
}
