//! What a person sees: progress, tables, words. Text goes to standard output, progress to standard
//! error.
//!
//! No work ends because nobody reads: what cannot be written is lost, and [`lost`] tells it at the
//! end.

use amanat_client::{Event, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::RefCell;
use std::fmt::Arguments;
use std::io::{Error, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;
use std::time::Duration;

/// Why the first thing that could not be written to standard output was not.
static LOST: OnceLock<Error> = OnceLock::new();

/// Why standard output is incomplete, unless its reader has gone.
pub(crate) fn lost() -> Option<&'static Error> {
    LOST.get().filter(|error| error.kind() != ErrorKind::BrokenPipe)
}

fn out(words: Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_fmt(words).and_then(|()| out.flush()) {
        // The first counts.
        let _ = LOST.set(error);
    }
}

fn err(words: Arguments<'_>) {
    // There is nowhere else to say that it fails.
    let _ = std::io::stderr().lock().write_fmt(words);
}

/// How to speak.
#[derive(Clone, Copy)]
pub(crate) struct Ui {
    pub json: bool,
    quiet: bool,
}

impl Ui {
    pub(crate) const fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// A line of text; nothing in JSON mode.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        if !self.json {
            out(format_args!("{}\n", text.as_ref()));
        }
    }

    /// An error with its causes, in words, on standard error.
    pub(crate) fn fail(&self, error: &anyhow::Error) {
        if self.json {
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            err(format_args!("{}\n", serde_json::json!({ "error": causes })));
        } else {
            err(format_args!("error: {error}\n"));
            for cause in error.chain().skip(1) {
                err(format_args!("  because: {cause}\n"));
            }
        }
    }

    /// What to do about the error just told, on standard error; nothing in JSON mode.
    pub(crate) fn hint(&self, words: &str) {
        if !self.json {
            err(format_args!("  try: {words}\n"));
        }
    }

    /// Something to know beside the result, on standard error.
    pub(crate) fn warn(&self, words: &str) {
        if self.json {
            err(format_args!("{}\n", serde_json::json!({ "warning": words })));
        } else {
            err(format_args!("warning: {words}\n"));
        }
    }

    /// A heading.
    pub(crate) fn head(&self, text: &str) {
        self.say(format!("\n{text}"));
        self.say("-".repeat(text.chars().count()));
    }

    /// The one JSON document.
    pub(crate) fn document(&self, value: &serde_json::Value) {
        if self.json {
            out(format_args!("{value:#}\n"));
        }
    }

    /// Text as it is, also in JSON mode (completions, files asked for on standard output).
    pub(crate) fn raw(&self, text: &str) {
        out(format_args!("{text}"));
    }

    /// A bar with an estimate on a terminal; nothing elsewhere.
    pub(crate) fn bar(&self, length: u64, what: &str) -> ProgressBar {
        let target = if self.quiet || !std::io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(length), target);
        let style =
            ProgressStyle::with_template("{msg:<34} [{bar:28}] {percent:>3}%  {elapsed} (left {eta})")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("=> "));
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// A line that says what is being done, on a terminal.
    pub(crate) fn spinner(&self) -> ProgressBar {
        let bar = self.bar(0, "");
        bar.set_style(
            ProgressStyle::with_template("{spinner} {elapsed} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        bar
    }

    /// A table: the first row is the heading; columns after the first are set right where they hold
    /// numbers.
    pub(crate) fn table(&self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width =
            |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|s| s.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (i, row) in rows.iter().enumerate() {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(c, (cell, w))| {
                    let number = c > 0 && cell.starts_with(|x: char| x.is_ascii_digit() || x == '-');
                    if number { format!("{cell:>w$}") } else { format!("{cell:<w$}") }
                })
                .collect();
            self.say(format!("  {}", cells.join("  ").trim_end()));
            if i == 0 {
                let rule: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
                self.say(format!("  {}", rule.join("  ")));
            }
        }
    }
}

/// The progress of the client library: one bar at a time.
pub(crate) struct Bars {
    ui: Ui,
    bar: RefCell<Option<ProgressBar>>,
}

impl Bars {
    pub(crate) const fn new(ui: Ui) -> Self {
        Self { ui, bar: RefCell::new(None) }
    }

    fn with(&self, show: impl FnOnce(&ProgressBar)) {
        if let Some(bar) = self.bar.borrow().as_ref() {
            show(bar);
        }
    }
}

impl Progress for Bars {
    fn begin(&self, work: &str, total: u64) {
        self.end();
        self.bar.replace(Some(self.ui.bar(total, work)));
    }

    fn doing(&self, what: &str) {
        self.with(|bar| bar.set_message(what.to_owned()));
    }

    fn at(&self, done: u64) {
        self.with(|bar| bar.set_position(done));
    }

    fn end(&self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn event(&self, event: &Event) {
        match event {
            Event::Resumed { transactions } => self.ui.say(format!(
                "finished what an earlier import had begun: {}",
                count(*transactions, "transaction")
            )),
            Event::ProvingAgain => {
                self.ui.warn("the bundle grew too old while this was proved; proving again about the newest");
            }
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.end();
    }
}

/// A count with its noun: `1 patient`, `2 patients`, `3 batches`, `4 entries`.
pub(crate) fn count(n: impl TryInto<u64>, noun: &str) -> String {
    let n = n.try_into().unwrap_or(u64::MAX);
    if n == 1 {
        return format!("1 {noun}");
    }
    let hisses = ["s", "x", "ch", "sh"].iter().any(|end| noun.ends_with(end));
    let before_y = noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    match before_y {
        Some(stem) => format!("{n} {stem}ies"),
        None if hisses => format!("{n} {noun}es"),
        None => format!("{n} {noun}s"),
    }
}

/// Bytes in words.
pub(crate) fn bytes(n: u64) -> String {
    match n {
        0..1024 => format!("{n} B"),
        1024..1_048_576 => format!("{:.1} KiB", n as f64 / 1024.0),
        _ => format!("{:.1} MiB", n as f64 / 1_048_576.0),
    }
}

/// A duration in words.
pub(crate) fn seconds(d: Duration) -> String {
    let s = d.as_secs_f64();
    if s < 0.001 {
        format!("{:.0} us", s * 1e6)
    } else if s < 1.0 {
        format!("{:.1} ms", s * 1e3)
    } else {
        format!("{s:.1} s")
    }
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn one_is_singular_and_all_else_plural() {
        assert_eq!(count(1u64, "patient"), "1 patient");
        assert_eq!(count(0usize, "patient"), "0 patients");
        assert_eq!(count(2u32, "batch"), "2 batches");
        assert_eq!(count(3u64, "entry"), "3 entries");
        assert_eq!(count(4u64, "key"), "4 keys");
        assert_eq!(count(1i32, "address"), "1 address");
        assert_eq!(count(5i32, "address"), "5 addresses");
    }
}
