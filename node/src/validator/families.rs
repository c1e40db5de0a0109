//! The consensus engine's metrics as a scraper of Prometheus' text format takes them.
//!
//! A validator has two networks, and the engine writes every family once for each, as OpenMetrics:
//! a counter's family lacks the `_total` of its samples, and units have separate lines. A validator
//! that learned and then votes has had two engines, and both are written. Here each family is
//! written once, with the samples of both networks, each as it was last written.

use std::collections::BTreeMap;
use std::fmt::Write as _;

#[derive(Default)]
struct Family<'a> {
    name: &'a str,
    help: &'a str,
    kind: &'a str,
    /// By name and labels.
    samples: Vec<(&'a str, &'a str)>,
}

/// Each family that has samples, once, in the order they came in.
pub(super) fn merged(text: &str) -> String {
    let (mut families, mut places) = (Vec::<Family<'_>>::new(), BTreeMap::new());
    let mut at = None;
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next()) {
            (Some("#"), Some(what @ ("HELP" | "TYPE"))) => {
                let (name, rest) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
                let place = *places.entry(name).or_insert_with(|| {
                    families.push(Family { name, ..Family::default() });
                    families.len() - 1
                });
                let family = &mut families[place];
                *(if what == "HELP" { &mut family.help } else { &mut family.kind }) = rest;
                at = Some(place);
            }
            (Some("#" | ""), _) | (None, _) => {}
            (Some(_), _) => {
                let (Some(place), Some((sample, value))) = (at, line.rsplit_once(' ')) else { continue };
                let all = &mut families[place].samples;
                let n = *samples.entry(sample).or_insert(all.len());
                if n == all.len() { all.push((sample, value)) } else { all[n].1 = value }
            }
        }
    }
    let mut out = String::with_capacity(text.len());
    for Family { name, help, kind, samples } in families.iter().filter(|f| !f.samples.is_empty()) {
        let counts = format!("{name}_total");
        let name =
            if samples.iter().all(|(sample, _)| sample.starts_with(&counts)) { &counts } else { *name };
        let kind = if *kind == "unknown" { "untyped" } else { kind };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (sample, value) in samples {
            let _ = writeln!(out, "{sample} {value}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_of_two_networks_is_written_once() {
        let text = "# HELP dials Attempts.\n# TYPE dials counter\ndials_total{of=\"a\"} 1\n\
                    # HELP rtt_seconds How long.\n# TYPE rtt_seconds gauge\n# UNIT rtt_seconds seconds\nrtt_seconds 0.5\n\
                    # HELP none Nothing.\n# TYPE none counter\n\
                    # HELP dials Attempts.\n# TYPE dials counter\ndials_total{of=\"b\"} 2\n# EOF\n";
        assert_eq!(
            merged(text),
            "# HELP dials_total Attempts.\n# TYPE dials_total counter\ndials_total{of=\"a\"} 1\ndials_total{of=\"b\"} 2\n\
             # HELP rtt_seconds How long.\n# TYPE rtt_seconds gauge\nrtt_seconds 0.5\n"
        );
        let again = format!("{text}{}", text.replace("} 2", "} 3"));
        assert_eq!(merged(&again), merged(text).replace("} 2", "} 3"), "the engine that is there now");
        assert_eq!(merged(""), "");
        assert_eq!(merged("a sample of nobody 1\n"), "");
    }
}
