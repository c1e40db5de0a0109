//! Numbers in words a person reads.

/// What ends the noun after a number: `1 thread`, `2 threads`.
#[must_use]
pub fn plural<N: PartialEq + From<u8>>(n: N) -> &'static str {
    if n == N::from(1) { "" } else { "s" }
}

/// Seconds in words.
#[must_use]
pub fn seconds(s: f64) -> String {
    match s {
        s if s >= 100.0 => format!("{s:.0} s"),
        s if s >= 1.0 => format!("{} s", three(s)),
        s if s >= 1e-3 => format!("{} ms", three(s * 1e3)),
        s => format!("{} \u{b5}s", three(s * 1e6)),
    }
}

/// Seconds of a mark on an axis: no more digits than it needs.
#[must_use]
pub fn round(s: f64) -> String {
    let (unit, scale) = match s {
        s if s >= 0.9999 => ("s", 1.0),
        s if s >= 0.9999e-3 => ("ms", 1e3),
        _ => ("\u{b5}s", 1e6),
    };
    format!("{} {unit}", (s * scale * 1e3).round() / 1e3)
}

/// An amount of money in a named currency. All pages say it of a million proofs.
#[must_use]
pub fn priced(amount: f64, currency: &str) -> String {
    format!("{} {currency}", money(amount))
}

/// A small amount with two significant digits.
#[must_use]
pub fn money(amount: f64) -> String {
    if amount <= 0.0 || !amount.is_finite() {
        return "0".to_owned();
    }
    let decimals = (1.0 - amount.log10().floor()).clamp(2.0, 12.0) as usize;
    format!("{amount:.decimals$}")
}

/// Three significant digits.
#[must_use]
pub fn three(x: f64) -> String {
    match x.abs() {
        a if a >= 100.0 => format!("{x:.0}"),
        a if a >= 10.0 => format!("{x:.1}"),
        _ => format!("{x:.2}"),
    }
}

/// Bytes in words.
#[must_use]
pub fn bytes(n: u64) -> String {
    format!("{} MB", three(n as f64 / 1e6))
}

/// A factor: `7.41×`.
#[must_use]
pub fn times(x: f64) -> String {
    format!("{}\u{d7}", three(x))
}

/// A share in percent.
#[must_use]
pub fn percent(x: f64) -> String {
    if x < 0.095 { format!("{:.1} %", x * 100.0) } else { format!("{:.0} %", x * 100.0) }
}

/// A size by the power of two.
#[must_use]
pub fn power(domain: u64) -> String {
    let log = domain.max(1).ilog2();
    let digits = [
        '\u{2070}', '\u{b9}', '\u{b2}', '\u{b3}', '\u{2074}', '\u{2075}', '\u{2076}', '\u{2077}', '\u{2078}',
        '\u{2079}',
    ];
    let raised = log.to_string().bytes().map(|d| digits[usize::from(d - b'0')]).collect::<String>();
    format!("2{raised}")
}

/// A subject's name with its power raised.
#[must_use]
pub fn pretty(name: &str) -> String {
    match name.split_once("2^").and_then(|(before, log)| Some((before, log.parse::<u32>().ok()?))) {
        Some((before, log)) if log < 64 => format!("{before}{}", power(1 << log)),
        _ => name.to_owned(),
    }
}

/// A count with its thousands set apart.
#[must_use]
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(c);
    }
    out
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
    fn small_amounts_keep_two_significant_digits() {
        assert_eq!([0.000_002_06, 0.012_34, 3.5, 0.0].map(money), ["0.0000021", "0.012", "3.50", "0"]);
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
}
