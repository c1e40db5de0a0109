//! The tables of a profile's page: all figures, every part, the circuits.

use crate::draw::html::{per_million, row};
use crate::draw::svg::escape;
use crate::draw::words::{bytes, money, percent, power, pretty, seconds, three};
use crate::file::{Profile, Prover, Subject};
use crate::page::parts::part;

/// All tables, folded up.
pub(super) fn tables(profile: &Profile) -> String {
    let mut out = String::from(
        "<details>\n<summary>All figures</summary>\n<div class=\"scroll\">\n<table>\n<tr><th>subject</th><th class=\"l\">prover</th><th>threads</th><th>processor</th><th>±</th><th>wall</th><th>limit reached</th><th>memory</th><th>energy</th>",
    );
    out.push_str(&format!("<th>{}</th></tr>\n", escape(&per_million(&profile.settings.currency))));
    for subject in &profile.subjects {
        for prover in &subject.provers {
            rows(&mut out, profile, subject, prover);
        }
    }
    out.push_str("</table>\n</div>\n</details>\n<details>\n<summary>Every part</summary>\n<div class=\"scroll\">\n<table>\n<tr><th>subject</th><th class=\"l\">prover</th><th>threads</th><th class=\"l\">part</th><th>processor</th><th>±</th><th>wall</th><th>limit</th></tr>\n");
    for subject in &profile.subjects {
        for (prover, run) in
            subject.provers.iter().filter(|p| !p.peer).flat_map(|p| p.runs.iter().map(move |r| (p, r)))
        {
            for phase in &run.phases {
                let cells = [
                    pretty(&subject.name),
                    prover.name.clone(),
                    run.threads.to_string(),
                    part(&phase.phase).0,
                    seconds(phase.times.cpu.median),
                    seconds(phase.times.cpu.mad),
                    seconds(phase.times.wall.median),
                    phase.limit.map_or_else(String::new, seconds),
                ];
                row(&mut out, &cells, &[1, 3]);
            }
        }
    }
    out.push_str("</table>\n</div>\n</details>\n<details>\n<summary>The circuits</summary>\n<div class=\"scroll\">\n<table>\n<tr><th>subject</th><th class=\"l\">what it is</th><th>rows</th><th>domain</th><th>variables</th><th>in A</th><th>in B</th><th>terms a row: A</th><th>B</th><th>C</th></tr>\n");
    for s in &profile.subjects {
        let mut cells = vec![
            pretty(&s.name),
            s.about.clone(),
            s.rows.to_string(),
            power(s.domain),
            s.variables.to_string(),
        ];
        cells.extend(s.used.iter().map(ToString::to_string));
        cells.extend(s.terms.iter().map(|t| three(*t)));
        row(&mut out, &cells, &[1]);
    }
    out.push_str("</table>\n</div>\n</details>\n");
    out
}

fn rows(out: &mut String, profile: &Profile, subject: &Subject, prover: &Prover) {
    for run in &prover.runs {
        let limit: Option<f64> = run.phases.iter().filter_map(|p| p.limit).reduce(|a, b| a + b);
        let cells = [
            pretty(&subject.name),
            prover.name.clone(),
            run.threads.to_string(),
            seconds(run.whole.cpu.median),
            seconds(run.whole.cpu.mad),
            seconds(run.whole.wall.median),
            limit.map_or_else(String::new, |l| percent(l / run.whole.cpu.median)),
            prover.memory.map_or_else(String::new, |m| bytes(m.peak)),
            run.joules.map_or_else(String::new, |j| format!("{} J", three(j.median))),
            money(run.per_million(profile.settings.price_per_core_hour)),
        ];
        row(out, &cells, &[1]);
    }
}
