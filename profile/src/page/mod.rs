//! A profile as a page: one file, no scripts, plots in SVG; light or dark as the reader likes, on a
//! desktop or a phone.

mod parts;
mod plots;
mod tables;

use crate::draw::html::{document, few_rounds, legend, notice, section, tiles};
use crate::draw::svg::escape;
use crate::draw::words::{bytes, percent, plural, pretty, priced, seconds, three, times};
use crate::file::{Profile, Subject};
use plots::one_thread;
use tables::tables;

/// The page.
#[must_use]
pub fn page(profile: &Profile) -> String {
    let provers = names(profile);
    let mut series: Vec<&Subject> = profile.subjects.iter().filter(|s| s.series.is_some()).collect();
    series.sort_by_key(|s| s.domain);
    let statements: Vec<&Subject> = profile.subjects.iter().filter(|s| s.series.is_none()).collect();
    let main = hero(&series).or_else(|| statements.iter().copied().max_by_key(|s| s.rows));
    let mut body = header(profile);
    if let Some(main) = main {
        body.push_str(&cards(profile, main));
    }
    body.push_str("<div class=\"plots\">\n");
    for (subjects, what) in [(&series, "Merkle paths"), (&statements, "our statements")] {
        if !subjects.is_empty() {
            let why = "Processor time of one proof on one thread. Within each group the slowest prover spans the width; the last figure is how much longer it takes than our fastest.";
            let plot = format!("{}{}", families(), plots::stacks(subjects));
            body.push_str(&section(&format!("Where the time goes: {what}"), why, &plot));
            let why = "The same proofs with their witness, each of our backends filling the width: what to make faster next.";
            let plot = format!("{}{}", families(), plots::shares(subjects));
            body.push_str(&section(&format!("Parts of a proof: {what}"), why, &plot));
        }
        body.push_str(&if what == "Merkle paths" {
            sizes(&series, &provers)
        } else {
            threads(main, &provers)
        });
    }
    if let Some((main, plot)) = main.and_then(|main| Some((main, plots::limits(main, &provers)?))) {
        let why = format!(
            "{}, one thread. 100 % is {}: nothing but multiplications, always busy.",
            pretty(&main.name),
            profile.settings.limit.model
        );
        let ours = main.provers.iter().filter(|p| !p.peer);
        let legend = legend(ours.map(|p| (plots::colour(&provers, &p.name), p.name.clone())));
        body.push_str(&section("Share of the physical limit", &why, &format!("{legend}{plot}")));
    }
    let by_memory = if series.is_empty() { &statements } else { &series };
    if let Some(plot) = plots::memory(by_memory, &provers) {
        let why = "Resident memory of a process that makes one proof: with key and witness loaded (strong), and at most while it proves (light).";
        body.push_str(&section("Memory", why, &plot));
    }
    body.push_str("</div>\n");
    body.push_str(&tables(profile));
    body.push_str(&footer(profile));
    document("Cost of a proof", "", &body)
}

/// All provers: ours first, each in the order of the file.
fn names(profile: &Profile) -> Vec<&str> {
    let mut out: Vec<&str> = Vec::new();
    for peer in [false, true] {
        for prover in profile.subjects.iter().flat_map(|s| &s.provers).filter(|p| p.peer == peer) {
            if !out.contains(&prover.name.as_str()) {
                out.push(&prover.name);
            }
        }
    }
    out
}

/// The size that everyone quotes, 2^16, or the next best.
fn hero<'a>(series: &[&'a Subject]) -> Option<&'a Subject> {
    series.iter().copied().find(|s| s.domain == 1 << 16).or_else(|| series.last().copied())
}

fn sizes(series: &[&Subject], provers: &[&str]) -> String {
    if series.len() < 2 {
        return String::new();
    }
    let why = "One thread, processor time; both axes logarithmic, so a straight line is a power law.";
    section("Time against size", why, &plots::sizes(series, provers))
}

fn threads(main: Option<&Subject>, provers: &[&str]) -> String {
    let Some((main, plot)) = main.and_then(|main| Some((main, plots::scaling(main, provers)?))) else {
        return String::new();
    };
    let why = format!(
        "{}, by the clock on the wall. The dashed line is the gain if every part were shared evenly.",
        pretty(&main.name)
    );
    section("Gain by threads", &why, &plot)
}

fn header(profile: &Profile) -> String {
    let m = &profile.machine;
    let load = m.load.map_or_else(String::new, |load| format!(" · load {load} before the run"));
    let busy = m.load.is_some_and(|load| load > 0.5 * f64::from(m.threads));
    let mut notices = Vec::new();
    if busy {
        notices.push("Others used this machine at the same time. Processor time and ratios can be relied on; the wall clock, and so the gain by threads, cannot.".to_owned());
    }
    notices.extend(few_rounds(profile.settings.rounds));
    format!(
        "<header>\n<h1>What a proof costs</h1>\n<p>{} · {} GHz measured · {}{load}</p>\n<p>{} · {}, medians</p>\n{}</header>\n",
        escape(&m.cpu),
        three(m.clock_ghz),
        escape(&counted(m.threads, &m.system, "thread")),
        escape(&m.time),
        counted(profile.settings.rounds, "", "round"),
        notice(&notices)
    )
}

/// `linux x86_64 · 2 threads`, `1 round`.
fn counted(n: u32, before: &str, what: &str) -> String {
    let dot = if before.is_empty() { "" } else { " · " };
    format!("{before}{dot}{n} {what}{}", plural(n))
}

fn cards(profile: &Profile, subject: &Subject) -> String {
    let ours = subject.provers.iter().filter(|p| !p.peer);
    let Some((prover, time)) =
        ours.filter_map(|p| Some((p, one_thread(p)?))).min_by(|a, b| a.1.total_cmp(&b.1))
    else {
        return String::new();
    };
    let mut cards = vec![(
        seconds(time),
        format!("for one proof of {} on one thread, by {}", pretty(&subject.name), prover.name),
    )];
    for peer in subject.provers.iter().filter(|p| p.peer) {
        if let Some(theirs) = one_thread(peer) {
            cards.push((times(theirs / time), format!("as fast as {}, one thread each", peer.name)));
        }
    }
    let most = prover.runs.iter().max_by_key(|r| r.threads).filter(|r| r.threads > 1);
    if let (Some(one), Some(most)) = (prover.with(1), most) {
        let gain = one.whole.wall.median / most.whole.wall.median;
        cards.push((times(gain), format!("gained by {} threads, on the wall clock", most.threads)));
    }
    if let Some(memory) = prover.memory {
        cards.push((bytes(memory.peak), "of memory at most".to_owned()));
    }
    if let Some(run) = prover.with(1) {
        let price = profile.settings.price_per_core_hour;
        let currency = &profile.settings.currency;
        cards.push((
            priced(run.per_million(price), currency),
            format!("per million proofs, at {price} {currency} per core-hour"),
        ));
        if let Some(joules) = run.joules {
            cards.push((format!("{} J", three(joules.median)), "of energy for a proof".to_owned()));
        }
        let limits: Option<f64> = run.phases.iter().filter_map(|p| p.limit).reduce(|a, b| a + b);
        if let Some(limit) = limits {
            cards.push((
                percent(limit / run.whole.cpu.median),
                "of what the arithmetic ports could do".to_owned(),
            ));
        }
    }
    tiles(&cards)
}

fn families() -> String {
    legend(parts::LEGEND.iter().map(|(colour, words)| (*colour, (*words).to_owned())))
}

fn footer(profile: &Profile) -> String {
    let (m, s) = (&profile.machine, &profile.settings);
    let features = if m.features.is_empty() { "none that we use".to_owned() } else { m.features.join(", ") };
    format!(
        "<footer>\n<p>Made by <code>{}</code></p>\n<p>Processor time counts every thread of the process; all provers ran in turn, each round beginning with another one, on the same key and witness. ± is the median distance from the median. Processor features: {}. Energy: {}.</p>\n<p>The limit is a model: {}, {} cycles for a multiplication in the base field, at the measured frequency; bucket additions of a method with endomorphism and signed digits, without precomputed tables.</p>\n</footer>\n",
        escape(&s.command),
        escape(&features),
        escape(&m.energy),
        escape(&s.limit.model),
        three(s.limit.cycles_per_product)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::tests::sample;

    #[test]
    fn the_page_is_well_formed_and_stands_alone() {
        let html = page(&sample());
        // Written so that an XML parser can read it too, but for the elements that HTML leaves
        // open.
        let xml = html
            .replace("<!doctype html>\n", "")
            .replace("initial-scale=1\">", "initial-scale=1\"/>")
            .replace("charset=\"utf-8\">", "charset=\"utf-8\"/>");
        let document = roxmltree::Document::parse(&xml).expect("well-formed");
        let count = |name: &str| document.descendants().filter(|n| n.tag_name().name() == name).count();
        assert_eq!(count("svg"), 6);
        assert_eq!((count("script"), count("link"), count("img"), count("iframe")), (0, 0, 0, 0));
        assert!(!html.contains("url("), "no pictures or fonts from elsewhere");
        let hosts: Vec<_> =
            html.match_indices("http").map(|(i, _)| &html[i..(i + 26).min(html.len())]).collect();
        assert!(hosts.iter().all(|h| h.starts_with("http://www.w3.org/2000/svg")), "{hosts:?}");
    }

    #[test]
    fn words_from_the_file_cannot_become_markup() {
        let mut profile = sample();
        profile.machine.cpu = "<script>alert(1)</script>".into();
        profile.subjects[0].name = "a\" onload=\"x".into();
        profile.subjects[0].provers[0].name = "</text><b>".into();
        let html = page(&profile);
        assert!(!html.contains("<script") && !html.contains("</text><b>") && !html.contains("\" onload=\"x"));
        assert!(html.contains("&lt;script&gt;"));
    }

    #[test]
    fn every_drawing_is_valid_by_itself() {
        let profile = sample();
        let subjects: Vec<&Subject> = profile.subjects.iter().collect();
        let provers = names(&profile);
        assert_eq!(provers, ["portable", "arkworks 0.6"]);
        let drawings = [
            Some(plots::stacks(&subjects)),
            Some(plots::shares(&subjects)),
            Some(plots::sizes(&subjects, &provers)),
            plots::scaling(subjects[0], &provers),
            plots::memory(&subjects, &provers),
            plots::limits(subjects[0], &provers),
        ];
        for drawing in drawings {
            let drawing = drawing.expect("the sample has everything");
            let document = roxmltree::Document::parse(&drawing).expect("well-formed");
            assert!(document.root_element().attribute("aria-label").is_some_and(|label| !label.is_empty()));
            assert!(document.descendants().any(|n| n.tag_name().name() == "text"));
            let bad = |text: &str| text.contains("NaN") || text.contains("inf");
            let values = document
                .descendants()
                .flat_map(|n| n.attributes().map(|a| a.value().to_owned()).collect::<Vec<_>>());
            assert!(values.into_iter().all(|v| !bad(&v)), "{drawing}");
        }
    }

    #[test]
    fn all_gains_are_within_the_drawing_whatever_the_threads_did() {
        let mut profile = sample();
        let prover = &mut profile.subjects[0].provers[0];
        let one = prover.runs[0].clone();
        prover.runs = [(1, 1.0), (2, 1.3), (3, 0.2), (4, 0.3), (8, 0.05), (64, 0.01), (96, 0.02)]
            .map(|(threads, share)| {
                let mut run = one.clone();
                run.threads = threads;
                run.whole.wall.median *= share;
                run
            })
            .into();
        let drawing = plots::scaling(&profile.subjects[0], &names(&profile)).expect("many threads");
        let document = roxmltree::Document::parse(&drawing).expect("well-formed");
        let number =
            |n: &roxmltree::Node<'_, '_>, name| n.attribute(name).and_then(|v| v.parse::<f64>().ok());
        let dots: Vec<(f64, f64)> = document
            .descendants()
            .filter(|n| n.tag_name().name() == "circle")
            .map(|n| (number(&n, "cx").expect("x"), number(&n, "cy").expect("y")))
            .collect();
        assert_eq!(dots.len(), 8, "seven of ours, one of the peer");
        assert!(
            dots.iter().all(|(x, y)| (40.0..=290.0).contains(x) && (26.0..=250.0).contains(y)),
            "{dots:?}"
        );
        let mut ends: Vec<f64> = Vec::new();
        for text in document.descendants().filter(|n| n.tag_name().name() == "text") {
            let (y, words) = (number(&text, "y").expect("y"), text.text().unwrap_or_default());
            if words.parse::<u32>().is_ok() && text.attribute("text-anchor") == Some("middle") {
                ends.push(number(&text, "x").expect("x"));
                assert!((250.0..290.0).contains(&y));
            }
        }
        assert!(
            ends.windows(2).all(|pair| pair[1] - pair[0] >= 7.0),
            "numbers of threads lie apart: {ends:?}"
        );
    }

    #[test]
    fn a_run_that_was_hardly_repeated_says_so() {
        let mut profile = sample();
        assert!(!page(&profile).contains("round only") && !page(&profile).contains("rounds only"));
        profile.settings.rounds = 1;
        let html = page(&profile);
        assert!(html.contains("One round only") && html.contains("1 round, medians"));
        profile.settings.rounds = 2;
        assert!(page(&profile).contains("Two rounds only"));
    }

    #[test]
    fn money_is_of_a_million_proofs_in_a_named_currency() {
        let html = page(&sample());
        assert!(html.contains(" CHF</b><span>per million proofs, at 0.04 CHF per core-hour"));
        assert_eq!(html.matches("<th>CHF per million proofs</th>").count(), 1);
        assert!(!html.contains("a thousand") && !html.contains("a million"));
    }

    #[test]
    fn an_empty_profile_is_a_page_too() {
        let mut profile = sample();
        profile.subjects.clear();
        assert!(page(&profile).contains("What a proof costs"));
        let mut profile = sample();
        profile.subjects.iter_mut().for_each(|s| s.provers.clear());
        assert!(page(&profile).contains("</html>"));
    }
}
