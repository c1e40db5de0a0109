//! Numbers and parts in words a person reads.

use crate::ledger::file::money;
use crate::profile::file::Prover;

/// What a part of a proof is called, and which colour it has.
pub(crate) fn part(label: &str) -> (String, &'static str) {
    let words: (&str, &'static str) = match label {
        "witness" => ("witness", "witness"),
        "rows" => ("matrix rows", "rows"),
        "inverse-a" => ("NTT of A to coefficients", "ntt"),
        "coset-a" => ("NTT of A to the coset", "ntt"),
        "inverse-b" => ("NTT of B to coefficients", "ntt"),
        "coset-b" => ("NTT of B to the coset", "ntt"),
        "inverse-c" => ("NTT of C to coefficients", "ntt"),
        "coset-c" => ("NTT of C to the coset", "ntt"),
        "inverse-h" => ("NTT of the quotient", "ntt"),
        "recode" => ("digits of scalars", "recode"),
        "sum-a" => ("MSM of A", "g1"),
        "sum-b1" => ("MSM of B in G1", "g1"),
        "sum-b2" => ("MSM of B in G2", "g2"),
        "sum-c" => ("MSM of C (L, H, B)", "g1"),
        "sum-l" => ("MSM of L", "g1"),
        "sum-h" => ("MSM of H", "g1"),
        "rest" => ("blinding, encoding", "rest"),
        other => return (other.to_owned(), "rest"),
    };
    (words.0.to_owned(), words.1)
}

/// The colours with their meaning.
pub(crate) const FAMILIES: [(&str, &str); 7] = [
    ("witness", "witness"),
    ("rows", "matrix rows"),
    ("ntt", "NTTs"),
    ("recode", "digits"),
    ("g1", "MSMs in G1"),
    ("g2", "MSM in G2"),
    ("rest", "rest"),
];

/// Seconds in words.
pub(crate) fn seconds(s: f64) -> String {
    match s {
        s if s >= 100.0 => format!("{s:.0} s"),
        s if s >= 1.0 => format!("{} s", three(s)),
        s if s >= 1e-3 => format!("{} ms", three(s * 1e3)),
        s => format!("{} \u{b5}s", three(s * 1e6)),
    }
}

/// Seconds of a mark on an axis: no more digits than it needs.
pub(crate) fn round(s: f64) -> String {
    let (unit, scale) = match s {
        s if s >= 0.9999 => ("s", 1.0),
        s if s >= 0.9999e-3 => ("ms", 1e3),
        _ => ("\u{b5}s", 1e6),
    };
    format!("{} {unit}", (s * scale * 1e3).round() / 1e3)
}

/// An amount of money in a named currency. Both pages say it of a million proofs.
pub(crate) fn priced(amount: f64, currency: &str) -> String {
    format!("{} {currency}", money(amount))
}

/// Three significant digits.
pub(crate) fn three(x: f64) -> String {
    match x.abs() {
        a if a >= 100.0 => format!("{x:.0}"),
        a if a >= 10.0 => format!("{x:.1}"),
        _ => format!("{x:.2}"),
    }
}

/// Bytes in words.
pub(crate) fn bytes(n: u64) -> String {
    format!("{} MB", three(n as f64 / 1e6))
}

/// How often one fits into the other.
pub(crate) fn times(x: f64) -> String {
    format!("{}\u{d7}", three(x))
}

/// A share in percent.
pub(crate) fn percent(x: f64) -> String {
    if x < 0.095 { format!("{:.1} %", x * 100.0) } else { format!("{:.0} %", x * 100.0) }
}

/// A size by the power of two.
pub(crate) fn power(domain: u64) -> String {
    let log = domain.max(1).ilog2();
    let digits = [
        '\u{2070}', '\u{b9}', '\u{b2}', '\u{b3}', '\u{2074}', '\u{2075}', '\u{2076}', '\u{2077}', '\u{2078}',
        '\u{2079}',
    ];
    let raised = log.to_string().bytes().map(|d| digits[usize::from(d - b'0')]).collect::<String>();
    format!("2{raised}")
}

/// A subject's name with its power raised.
pub(crate) fn pretty(name: &str) -> String {
    match name.split_once("2^").and_then(|(before, log)| Some((before, log.parse::<u32>().ok()?))) {
        Some((before, log)) if log < 64 => format!("{before}{}", power(1 << log)),
        _ => name.to_owned(),
    }
}

/// Seconds of one thread's processor time for a proof; of the fewest threads measured where one was not.
pub(crate) fn one_thread(prover: &Prover) -> Option<f64> {
    let run = prover.with(1).or_else(|| prover.runs.iter().min_by_key(|run| run.threads))?;
    Some(run.whole.cpu.median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_they_may_be() {
        assert_eq!(
            [0.000_021_5, 0.2134, 1.234, 12.34, 123.4].map(seconds),
            ["21.5 \u{b5}s", "213 ms", "1.23 s", "12.3 s", "123 s"]
        );
        assert_eq!([0.012, 0.27, 1.0].map(percent), ["1.2 %", "27 %", "100 %"]);
        assert_eq!(
            (bytes(81_200_000), times(7.41), power(65536)),
            ("81.2 MB".into(), "7.41\u{d7}".into(), "2\u{b9}\u{2076}".into())
        );
    }

    #[test]
    fn marks_of_an_axis_have_the_digits_they_need() {
        assert_eq!(
            [0.001, 0.05, 0.15, 1.0, 2e-5, 20.0].map(round),
            ["1 ms", "50 ms", "150 ms", "1 s", "20 \u{b5}s", "20 s"]
        );
    }

    #[test]
    fn powers_in_names_are_raised_and_other_names_left_alone() {
        assert_eq!(pretty("merkle 2^16"), "merkle 2\u{b9}\u{2076}");
        assert_eq!(["access", "2^x", "2^99"].map(pretty), ["access", "2^x", "2^99"]);
    }

    #[test]
    fn every_phase_of_the_engines_has_a_name_and_a_colour() {
        for phase in amanat_accel::Phase::ALL {
            let (name, family) = part(phase.label());
            assert_ne!(name, phase.label().replace("rows", ""), "{name}");
            assert!(family != "rest", "{name}");
            assert!(FAMILIES.iter().any(|(class, _)| *class == family));
        }
    }
}
