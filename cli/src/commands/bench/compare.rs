//! `amanat bench compare`.

use crate::args::bench::CompareArgs;
use crate::ui::{self, Ui};
use amanat_profile::compare::{Basis, Change, Comparison, Tolerance, Verdict, compare};
use amanat_profile::file::Profile;
use amanat_profile::peers::Arkworks;
use anyhow::{Result, bail};
use serde_json::json;
use std::time::Duration;

pub(super) fn run(args: &CompareArgs, ui: Ui) -> Result<()> {
    let (old, new) = (Profile::read(&args.old)?, Profile::read(&args.new)?);
    let basis = if args.relative { Basis::Peer(Arkworks::NAME) } else { Basis::Seconds };
    let tolerance = Tolerance { share: args.share / 100.0, sigmas: args.sigmas };
    let comparison = compare(&old, &new, basis, tolerance);
    if comparison.changes.is_empty() {
        bail!("the two files have no figure in common: compare files of the same subjects and backends");
    }
    show(&comparison, args, ui);
    ui.document(&document(&comparison));
    let slower: Vec<&str> = comparison.regressions().map(|c| c.what.as_str()).collect();
    if args.fail && !slower.is_empty() {
        bail!("slower than before: {}", slower.join("; "));
    }
    Ok(())
}

fn show(comparison: &Comparison, args: &CompareArgs, ui: Ui) {
    for warning in &comparison.warnings {
        ui.say(format!("note: {warning}"));
    }
    let figure = |x: f64| {
        if args.relative { format!("{x:.4}") } else { ui::seconds(Duration::from_secs_f64(x.max(0.0))) }
    };
    let shown: Vec<&Change> =
        comparison.changes.iter().filter(|c| args.all || c.verdict != Verdict::Same).collect();
    if !shown.is_empty() {
        let mut rows = vec![["figure", "old", "new", "new/old", "verdict"].map(str::to_owned).to_vec()];
        rows.extend(shown.iter().map(|c| {
            let factor = format!("{:.3}", c.factor());
            vec![c.what.clone(), figure(c.old.median), figure(c.new.median), factor, word(c).to_owned()]
        }));
        ui.table(&rows);
    }
    let count = |verdict| comparison.changes.iter().filter(|c| c.verdict == verdict).count();
    ui.say(format!(
        "{} slower, {} faster, {} within the noise",
        count(Verdict::Slower),
        count(Verdict::Faster),
        count(Verdict::Same)
    ));
    for name in &comparison.unmatched {
        ui.say(format!("not compared: {name}"));
    }
}

const fn word(change: &Change) -> &'static str {
    match change.verdict {
        Verdict::Slower if change.whole => "SLOWER",
        Verdict::Slower => "slower",
        Verdict::Faster => "faster",
        Verdict::Same => "same",
    }
}

fn document(comparison: &Comparison) -> serde_json::Value {
    let changes: Vec<_> = comparison
        .changes
        .iter()
        .map(|c| {
            json!({
                "what": c.what,
                "whole": c.whole,
                "old": c.old,
                "new": c.new,
                "factor": c.factor(),
                "verdict": word(c).to_lowercase(),
            })
        })
        .collect();
    json!({ "changes": changes, "unmatched": comparison.unmatched, "warnings": comparison.warnings })
}
