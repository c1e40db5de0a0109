//! Tables in Markdown with aligned columns: they read well on a terminal too.

/// A table; the first row is its head. The columns in `right` are aligned to the right.
#[must_use]
pub fn table(rows: &[Vec<String>], right: &[usize]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|row| row.get(c)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|c| width(c).unwrap_or(0)).collect();
    let mut out = String::new();
    for (n, row) in rows.iter().enumerate() {
        for (c, w) in widths.iter().enumerate() {
            let cell = row.get(c).map_or("", String::as_str);
            out.push_str(&if right.contains(&c) {
                format!("| {cell:>w$} ")
            } else {
                format!("| {cell:<w$} ")
            });
        }
        out.push_str("|\n");
        if n == 0 {
            for (c, w) in widths.iter().enumerate() {
                let end = if right.contains(&c) { ":" } else { "-" };
                out.push_str(&format!("|{}{end}", "-".repeat(w + 1)));
            }
            out.push_str("|\n");
        }
    }
    out
}

/// A row of words.
#[must_use]
pub fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_numbers_are_aligned_to_the_right() {
        let shown = table(&[words(["figure", "value"]), words(["a proof, µs", "7"])], &[1]);
        let expected = "\
| figure      | value |
|-------------|------:|
| a proof, µs |     7 |
";
        assert_eq!(shown, expected);
    }
}
