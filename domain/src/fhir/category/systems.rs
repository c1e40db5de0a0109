//! Which code system a `system` names: by all its spellings, not by one.
//!
//! The table is data (`systems.tsv`), with a source for each line. Real data writes one system in
//! many ways: with `http` or `https`, a slash at the end, a `|version`, as an OID with and without
//! `urn:oid:`, under the URI of an older version of FHIR, under that of a national edition. A
//! spelling that is not understood must not make a diagnosis less sensitive.

use std::sync::LazyLock;

/// What is known of a code system. All editions of one classification are one: their sensitive
/// blocks are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    /// ICD-10, every edition.
    Icd10,
    /// ICD-9 and ICD-9-CM.
    Icd9,
    /// ICD-11 MMS.
    Icd11,
    /// ICPC, first and second edition.
    Icpc,
    /// SNOMED CT, every edition.
    Snomed,
    /// LOINC.
    Loinc,
    /// ATC.
    Atc,
    /// v3-Confidentiality.
    Confidentiality,
    /// v3-ActCode.
    ActCode,
    /// v3-ActReason.
    ActReason,
    /// v3-ObservationValue.
    ObservationValue,
    /// It tells diagnoses, and no list of its sensitive codes is here.
    Unlisted,
    /// Its codes say that there is no code: data-absent-reason, NullFlavor.
    Absent,
    /// It tells no diagnosis: units, vaccines, administration.
    Plain,
}

/// The longest spelling that is normalised; no line of the table is longer.
const LONGEST: usize = 192;

impl System {
    /// The system that this URI, OID or name means; `None` if the table has no line for it.
    pub(crate) fn of(uri: &str) -> Option<Self> {
        let table = &*TABLE;
        // Most data spells as the table does, and costs one search without a copy.
        if let Some(system) = find(&table.written, uri) {
            return Some(system);
        }
        let mut buffer = [0; LONGEST];
        let spelling = normalised(uri, &mut buffer)?;
        if let Some(system) = find(&table.whole, spelling) {
            return Some(system);
        }
        let prefix =
            |lines: &[Line]| lines.iter().find(|(p, _)| spelling.starts_with(p.as_str())).map(|(_, s)| *s);
        let part = || table.parts.iter().find(|(p, _)| spelling.contains(p.as_str())).map(|(_, s)| *s);
        prefix(&table.prefixes).or_else(part).or_else(|| prefix(&table.plain_prefixes))
    }

    /// Whether its codes are classified by a list of sensitive ones.
    pub(crate) const fn is_classification(self) -> bool {
        match self {
            Self::Icd10 | Self::Icd9 | Self::Icd11 | Self::Icpc | Self::Snomed | Self::Loinc | Self::Atc => {
                true
            }
            Self::Confidentiality
            | Self::ActCode
            | Self::ActReason
            | Self::ObservationValue
            | Self::Unlisted
            | Self::Absent
            | Self::Plain => false,
        }
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "icd-10" => Self::Icd10,
            "icd-9" => Self::Icd9,
            "icd-11" => Self::Icd11,
            "icpc" => Self::Icpc,
            "snomed" => Self::Snomed,
            "loinc" => Self::Loinc,
            "atc" => Self::Atc,
            "confidentiality" => Self::Confidentiality,
            "act-code" => Self::ActCode,
            "act-reason" => Self::ActReason,
            "observation-value" => Self::ObservationValue,
            "unlisted" => Self::Unlisted,
            "absent" => Self::Absent,
            "plain" => Self::Plain,
            _ => return None,
        })
    }
}

type Line = (String, System);

/// The table, sorted for look-up.
struct Table {
    /// As written, by length and bytes.
    written: Vec<Line>,
    /// Normalised, by length and bytes.
    whole: Vec<Line>,
    /// Longest first.
    prefixes: Vec<Line>,
    /// Longest first.
    parts: Vec<Line>,
    /// Longest first; asked last, for they cover whole authorities.
    plain_prefixes: Vec<Line>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table {
        written: Vec::new(),
        whole: Vec::new(),
        prefixes: Vec::new(),
        parts: Vec::new(),
        plain_prefixes: Vec::new(),
    };
    for (system, spelling, _) in lines() {
        let stem = spelling.trim_matches('*');
        let mut buffer = [0; LONGEST];
        let Some(key) = normalised_stem(stem, &mut buffer) else { continue };
        let key = key.to_owned();
        match (spelling.starts_with('*'), spelling.ends_with('*')) {
            (true, _) => table.parts.push((key, system)),
            (false, true) if system == System::Plain => table.plain_prefixes.push((key, system)),
            (false, true) => table.prefixes.push((key, system)),
            (false, false) => {
                table.written.push((spelling.to_owned(), system));
                table.whole.push((key, system));
            }
        }
    }
    for sorted in [&mut table.written, &mut table.whole] {
        sorted.sort_unstable_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    }
    for longest_first in [&mut table.prefixes, &mut table.parts, &mut table.plain_prefixes] {
        longest_first.sort_by_key(|(key, _)| core::cmp::Reverse(key.len()));
    }
    table
});

/// The lines of the table: system, spelling, source.
fn lines() -> impl Iterator<Item = (System, &'static str, &'static str)> {
    let text = include_str!("systems.tsv");
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).filter_map(|line| {
        let mut cells = line.split('\t');
        let (system, spelling, source) = (cells.next()?, cells.next()?, cells.next()?);
        Some((System::named(system)?, spelling, source))
    })
}

fn find(lines: &[Line], spelling: &str) -> Option<System> {
    let at = lines
        .binary_search_by(|(key, _)| key.len().cmp(&spelling.len()).then_with(|| key.as_str().cmp(spelling)));
    at.ok().map(|at| lines[at].1)
}

/// The spelling without what does not tell systems apart: white space around it, `|version`,
/// `#fragment`, letter case, scheme, `www.`, `urn:oid:`, slashes at the end. `None` if it is longer
/// than any we know, or nothing is left.
fn normalised<'b>(uri: &str, buffer: &'b mut [u8; LONGEST]) -> Option<&'b str> {
    let uri = uri.split(['|', '#']).next().unwrap_or_default();
    let stem = normalised_stem(uri, buffer)?;
    let stem = stem.trim_end_matches(|c: char| c == '/' || c.is_whitespace());
    (!stem.is_empty()).then_some(stem)
}

/// As [`normalised`], with the end as it is: what a prefix needs.
fn normalised_stem<'b>(uri: &str, buffer: &'b mut [u8; LONGEST]) -> Option<&'b str> {
    let uri = uri.trim();
    let lower = buffer.get_mut(..uri.len())?;
    lower.copy_from_slice(uri.as_bytes());
    lower.make_ascii_lowercase();
    let mut stem = core::str::from_utf8(lower).ok()?;
    // Again and again, so that the result has nothing more to lose.
    loop {
        let before = stem.len();
        for start in ["http:", "https:", "//", "www.", "urn:oid:", "oid:"] {
            stem = stem.strip_prefix(start).unwrap_or(stem).trim_start();
        }
        if stem.len() == before {
            return Some(stem);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows() -> Vec<&'static str> {
        include_str!("systems.tsv").lines().filter(|l| !l.is_empty() && !l.starts_with('#')).collect()
    }

    /// A spelling that the line covers.
    fn example(spelling: &str) -> String {
        match (spelling.strip_prefix('*'), spelling.strip_suffix('*')) {
            (Some(part), _) => format!("http://unlisted.example/{}-x", part.trim_matches('*')),
            (None, Some(prefix)) => format!("{prefix}1"),
            (None, None) => spelling.to_owned(),
        }
    }

    #[test]
    fn every_line_names_a_system_a_spelling_and_a_source() {
        assert_eq!(lines().count(), rows().len(), "a line is not three cells, or names no system");
        for (_, spelling, source) in lines() {
            assert!(spelling.len() < LONGEST - 64 && source.len() > 3, "{spelling}");
        }
    }

    #[test]
    fn no_spelling_is_there_twice() {
        let mut keys: Vec<_> = TABLE.whole.iter().map(|(key, _)| key).collect();
        keys.dedup();
        assert_eq!(keys.len(), TABLE.whole.len());
    }

    #[test]
    fn every_line_is_found_in_every_spelling() {
        for (system, spelling, _) in lines() {
            let uri = example(spelling);
            let found = |spelled: String| assert_eq!(System::of(&spelled), Some(system), "{spelled}");
            found(uri.clone());
            found(format!("{uri}|2024-09"));
            found(format!("{uri}/"));
            found(format!("{uri}//|1.0"));
            found(format!(" \t{uri}\n"));
            found(uri.to_ascii_uppercase());
            found(uri.to_ascii_lowercase());
            if let Some((_, rest)) = uri.split_once("://") {
                for scheme in ["http", "https", "HTTP", "Https"] {
                    found(format!("{scheme}://{rest}"));
                    found(format!("{scheme}://www.{}", rest.trim_start_matches("www.")));
                }
            }
            if uri.starts_with(|c: char| c.is_ascii_digit()) {
                for start in ["urn:oid:", "URN:OID:", "urn:OID:", "oid:"] {
                    found(format!("{start}{uri}"));
                }
            }
        }
    }

    #[test]
    fn a_whole_spelling_comes_before_a_prefix_and_a_part() {
        assert_eq!(System::of("http://hl7.org/fhir/sid/icd-10-pcs"), Some(System::Plain));
        assert_eq!(System::of("http://hl7.org/fhir/sid/icd-10-vn"), Some(System::Icd10));
        assert_eq!(System::of("http://hl7.org/fhir/sid/icd10"), Some(System::Icd10));
        assert_eq!(System::of("http://hl7.org/fhir/sid/us-ssn"), Some(System::Plain));
        assert_eq!(System::of("http://unlisted.example/icd-10-pcs"), Some(System::Plain));
        assert_eq!(System::of("http://terminology.hl7.org/CodeSystem/ICD10CM"), Some(System::Icd10));
        assert_eq!(System::of("2.16.840.1.113883.6.31"), None, "an OID that only begins alike");
        let edition = "http://snomed.info/sct/900000000000207008/version/20240901";
        assert_eq!(System::of(edition), Some(System::Snomed));
        assert_eq!(System::of("http://hospital.example/codes"), None);
        assert_eq!(System::of(""), None);
        assert_eq!(System::of(" / "), None);
        assert_eq!(System::of(&"x".repeat(10_000)), None);
    }

    proptest! {
        #[test]
        fn to_normalise_twice_changes_nothing(
            start in "(http:|https:|//|www\\.|urn:oid:|oid:| ){0,6}",
            rest in "\\PC{0,80}",
        ) {
            let (mut one, mut two) = ([0; LONGEST], [0; LONGEST]);
            if let Some(once) = normalised(&format!("{start}{rest}"), &mut one) {
                prop_assert_eq!(normalised(once, &mut two), Some(once));
            }
        }

        #[test]
        fn any_text_is_some_system_or_none(text in any::<String>()) {
            let _ = System::of(&text);
        }
    }
}
