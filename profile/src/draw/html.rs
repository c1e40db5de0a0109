//! Pieces of HTML that all pages share: the document, sections, tiles, tables, legends, notices.

use super::colour::Colour;
use super::svg::escape;
use core::fmt::Write;

const STYLE: &str = include_str!("style.css");

/// A whole page: `style` is added to the common style sheet, `body` is HTML.
#[must_use]
pub fn document(title: &str, style: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n<style>\n{STYLE}{style}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// A warning about figures of fewer than three rounds; `None` if there are three or more.
#[must_use]
pub fn few_rounds(rounds: u32) -> Option<String> {
    match rounds {
        0 | 1 => Some(
            "One round only: nothing was repeated, so ± says nothing. A first impression, not to be quoted."
                .to_owned(),
        ),
        2 => Some("Two rounds only: ± says little. A first impression, not to be quoted.".to_owned()),
        _ => None,
    }
}

/// Warnings above all figures, one paragraph each.
#[must_use]
pub fn notice(all: &[String]) -> String {
    all.iter().map(|words| format!("<p class=\"notice\">{}</p>\n", escape(words))).collect()
}

/// Tiles of a figure and its words. Every row of the grid is full.
#[must_use]
pub fn tiles(cards: &[(String, String)]) -> String {
    let n = cards.len();
    let [(wide, big_wide), (middle, big_middle), (_, big_narrow)] = columns(n);
    let mut first = String::new();
    for (big, class) in [(big_wide, " big-wide"), (big_middle, " big-middle"), (big_narrow, " big-narrow")] {
        first.push_str(if big { class } else { "" });
    }
    let cards: String = cards
        .iter()
        .enumerate()
        .map(|(i, (figure, words))| {
            let class = if i == 0 { first.as_str() } else { "" };
            let (figure, words) = (escape(figure), escape(words));
            format!("<div class=\"card{class}\"><b>{figure}</b><span>{words}</span></div>\n")
        })
        .collect();
    format!("<div class=\"cards\" style=\"--wide:{wide};--middle:{middle}\">\n{cards}</div>\n")
}

/// Columns on a desktop, a tablet and a phone, and whether the first tile spans two of them to fill
/// the last row.
fn columns(n: usize) -> [(usize, bool); 3] {
    let fit = |most: usize| {
        let full = |c: &usize| n.is_multiple_of(*c) || (n + 1).is_multiple_of(*c);
        let c = (2..=most).rev().filter(|c| *c <= n.max(2)).find(full).unwrap_or(2);
        (c, !n.is_multiple_of(c))
    };
    [fit(6), fit(4), fit(2)]
}

/// A titled section; `why` says how to read it, `inner` is HTML.
#[must_use]
pub fn section(title: &str, why: &str, inner: &str) -> String {
    format!(
        "<section>\n<h2>{}</h2>\n<p class=\"why\">{}</p>\n{inner}</section>\n",
        escape(title),
        escape(why)
    )
}

/// The colours of a plot and their meanings.
#[must_use]
pub fn legend(entries: impl Iterator<Item = (Colour, String)>) -> String {
    let entries: String = entries
        .map(|(colour, words)| format!("<li><i class=\"{}\"></i>{}</li>", colour.class(), escape(&words)))
        .collect();
    format!("<ul class=\"legend\">{entries}</ul>\n")
}

/// The unit of money on all pages.
#[must_use]
pub fn per_million(currency: &str) -> String {
    format!("{currency} per million proofs")
}

/// Appends a row of a table; the columns in `left` are aligned to the left.
pub fn row(out: &mut String, cells: &[String], left: &[usize]) {
    out.push_str("<tr>");
    for (i, cell) in cells.iter().enumerate() {
        let class = if left.contains(&i) { " class=\"l\"" } else { "" };
        write!(out, "<td{class}>{}</td>", escape(cell)).expect("strings take all");
    }
    out.push_str("</tr>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tile_is_alone_in_a_row_with_room_for_others() {
        for n in 1..=12 {
            for (columns, big) in columns(n) {
                assert!(
                    n == 1 || (n + usize::from(big)).is_multiple_of(columns),
                    "{n} tiles in {columns} columns"
                );
            }
        }
    }
}
