//! Which codes tell something sensitive: a safety net for unlabelled data, not a substitute for a
//! labelling service.
//!
//! A code is read as it is really written: `F32.1`, `F321`, `b20.-`, `F32.1 G` (with the German
//! mark of certainty), `A54.4†`, several in one (`B22.0+ F02.4*`), a range (`A50-A64`), `DB20` (the
//! Danish SKS).

use super::systems::System;
use crate::consent::Categories;

const SUBSTANCE: Categories = Categories::SUD.union(Categories::ETH);

/// Sensitive codes: code, bits.
type Codes = &'static [(&'static str, Categories)];
/// Sensitive blocks: first and last code, bits. A code belongs to a block if its beginning lies
/// within.
type Blocks = &'static [(&'static str, &'static str, Categories)];

/// SNOMED CT, International Edition.
const SNOMED: Codes = &[
    // HIV infection, AIDS, HIV positive, asymptomatic HIV infection.
    ("86406008", Categories::HIV),
    ("62479008", Categories::HIV),
    ("165816005", Categories::HIV),
    ("91947003", Categories::HIV),
    // Alcohol dependence, alcoholism, opioid abuse, drug dependence, drug misuse, drug overdose.
    ("66590003", SUBSTANCE),
    ("7200002", SUBSTANCE),
    ("5602001", SUBSTANCE),
    ("6525002", SUBSTANCE),
    ("361055000", SUBSTANCE),
    ("55680006", SUBSTANCE),
    // Unhealthy alcohol drinking behaviour, drug rehabilitation and detoxification, drug
    // detoxification.
    ("10939881000119105", SUBSTANCE),
    ("56876005", SUBSTANCE),
    ("61480009", SUBSTANCE),
    // Drug addiction counselling, drug addiction therapy, screening for drug abuse.
    ("60112009", SUBSTANCE),
    ("266707007", SUBSTANCE),
    ("713106006", SUBSTANCE),
    // Depression, major depression, single episode, schizophrenia, bipolar, psychosis,
    // post-traumatic stress.
    ("35489007", Categories::PSY),
    ("370143000", Categories::PSY),
    ("36923009", Categories::PSY),
    ("58214004", Categories::PSY),
    ("13746004", Categories::PSY),
    ("69322001", Categories::PSY),
    ("47505003", Categories::PSY),
    // Severe anxiety (panic), initial psychiatric interview, suicide risk assessment.
    ("80583007", Categories::PSY),
    ("79094001", Categories::PSY),
    ("225337009", Categories::PSY),
    // Miscarriage, ectopic pregnancy, normal pregnancy.
    ("19169002", Categories::SEX),
    ("79586000", Categories::SEX),
    ("72892002", Categories::SEX),
    // Induced termination of pregnancy, pregnancy termination care, counselling for termination of
    // pregnancy.
    ("714812005", Categories::SEX),
    ("386394001", Categories::SEX),
    ("10383002", Categories::SEX),
    // Insertion of an intrauterine contraceptive device, of a subcutaneous contraceptive.
    ("65200003", Categories::SEX),
    ("169553002", Categories::SEX),
    // Syphilis, gonorrhoea, sexually transmitted infection.
    ("76272004", Categories::STD),
    ("15628003", Categories::STD),
    ("8098009", Categories::STD),
    // Tests for infection with gonorrhoea, chlamydia, syphilis.
    ("165829005", Categories::STD),
    ("310861008", Categories::STD),
    ("269828009", Categories::STD),
    // Victim of intimate partner abuse, screening for domestic abuse.
    ("706893006", Categories::SDV),
    ("866148006", Categories::SDV),
    // Sickle cell disease.
    ("417357006", Categories::GDIS),
];

/// LOINC.
const LOINC: Codes = &[
    // HIV 1 and 2 antibody and antigen tests; HIV 1 RNA.
    ("75622-1", Categories::HIV),
    ("56888-1", Categories::HIV),
    ("7918-6", Categories::HIV),
    ("29893-5", Categories::HIV),
    ("20447-9", Categories::HIV),
    ("25836-8", Categories::HIV),
    // HIV status.
    ("55277-8", Categories::HIV),
    // Sexual orientation.
    ("76690-7", Categories::SEX),
    // Drinks per day.
    ("74013-4", SUBSTANCE),
    // PHQ-9 and GAD-7 panels and scores.
    ("44249-1", Categories::PSY),
    ("44261-6", Categories::PSY),
    ("69737-5", Categories::PSY),
    ("70274-6", Categories::PSY),
    // BRCA1 analysis.
    ("21636-6", Categories::GDIS),
];

/// ICD-10: blocks of WHO's edition, and what national editions add to it.
const ICD10: Blocks = &[
    // Infections with a predominantly sexual mode of transmission.
    ("A50", "A64", Categories::STD),
    // HIV disease; HIV-2 as the cause (ICD-10-CM); laboratory evidence; asymptomatic; exposure,
    // screening, counselling.
    ("B20", "B24", Categories::HIV),
    ("B9735", "B9735", Categories::HIV),
    ("O987", "O987", Categories::HIV),
    ("R75", "R75", Categories::HIV),
    ("Z114", "Z114", Categories::HIV),
    ("Z206", "Z206", Categories::HIV),
    ("Z21", "Z21", Categories::HIV),
    ("Z717", "Z717", Categories::HIV),
    // Stages of HIV (ICD-10-GM, chapter XXII).
    ("U60", "U61", Categories::HIV),
    // Sickle-cell disorders.
    ("D57", "D57", Categories::GDIS),
    // Organic mental disorders, dementia; substances but tobacco (F17); all other mental disorders.
    ("F00", "F09", Categories::PSY),
    ("F10", "F16", SUBSTANCE),
    ("F18", "F19", SUBSTANCE),
    ("F20", "F99", Categories::PSY),
    // Pregnancy with abortive outcome; pregnancy confirmed, supervised.
    ("O00", "O08", Categories::SEX),
    ("Z33", "Z34", Categories::SEX),
    // Maltreatment: its effects, suspected (ICD-10-CM), by whom.
    ("T74", "T74", Categories::SDV),
    ("T76", "T76", Categories::SDV),
    ("Y06", "Y07", Categories::SDV),
];

/// ICD-9-CM.
const ICD9: Blocks = &[
    // HIV disease, HIV-2, non-specific evidence, asymptomatic.
    ("042", "044", Categories::HIV),
    ("07953", "07953", Categories::HIV),
    ("79571", "79571", Categories::HIV),
    ("V08", "V08", Categories::HIV),
    // Syphilis and other venereal diseases.
    ("090", "099", Categories::STD),
    // Sickle-cell disease.
    ("2826", "2826", Categories::GDIS),
    // Mental disorders; within them alcohol, drugs, not tobacco (305.1).
    ("290", "302", Categories::PSY),
    ("303", "3050", SUBSTANCE),
    ("3052", "3059", SUBSTANCE),
    ("306", "319", Categories::PSY),
    // Pregnancy with abortive outcome; normal and high-risk pregnancy.
    ("630", "639", Categories::SEX),
    ("V22", "V23", Categories::SEX),
    // Maltreatment of children and adults; by whom.
    ("9955", "9955", Categories::SDV),
    ("9958", "9958", Categories::SDV),
    ("E967", "E967", Categories::SDV),
];

/// ICD-11 MMS.
const ICD11: Blocks = &[
    // Predominantly sexually transmitted infections; HIV disease.
    ("1A60", "1A9Z", Categories::STD),
    ("1C60", "1C62", Categories::HIV),
    // Sickle-cell disorders.
    ("3A51", "3A51", Categories::GDIS),
    // Mental disorders; within them substances, but nicotine (6C4A).
    ("6A00", "6B9Z", Categories::PSY),
    ("6C00", "6C3Z", Categories::PSY),
    ("6C40", "6C49", SUBSTANCE),
    ("6C4B", "6C4Z", SUBSTANCE),
    ("6C50", "6E8Z", Categories::PSY),
    // Abortive outcome of pregnancy.
    ("JA00", "JA0Z", Categories::SEX),
];

/// ICPC, both editions.
const ICPC: Blocks = &[
    // HIV infection, AIDS; fear of it.
    ("B90", "B90", Categories::HIV),
    ("B25", "B25", Categories::HIV),
    // Alcohol, medicines, drugs; all other psychological problems, but tobacco (P17).
    ("P15", "P16", SUBSTANCE),
    ("P18", "P19", SUBSTANCE),
    ("P01", "P14", Categories::PSY),
    ("P20", "P99", Categories::PSY),
    // Syphilis, gonorrhoea, and what else is transmitted sexually; fear of it.
    ("X70", "X73", Categories::STD),
    ("X90", "X92", Categories::STD),
    ("X23", "X23", Categories::STD),
    ("Y70", "Y72", Categories::STD),
    ("Y76", "Y76", Categories::STD),
    ("Y25", "Y25", Categories::STD),
    // Pregnancy: question of, unwanted, abortion, complicated.
    ("W01", "W03", Categories::SEX),
    ("W78", "W84", Categories::SEX),
    // Assault, harmful event.
    ("Z25", "Z25", Categories::SDV),
];

/// ATC, of the index of the WHO Collaborating Centre for Drug Statistics Methodology: only groups
/// that tell a diagnosis.
const ATC: Blocks = &[
    // Protease, reverse transcriptase and integrase inhibitors; combinations against HIV.
    ("J05AE", "J05AG", Categories::HIV),
    ("J05AJ", "J05AJ", Categories::HIV),
    ("J05AR", "J05AR", Categories::HIV),
    // Antipsychotics, antidepressants.
    ("N05A", "N05A", Categories::PSY),
    ("N06A", "N06A", Categories::PSY),
    // Against dependence on alcohol, on opioids.
    ("N07BB", "N07BC", SUBSTANCE),
];

/// Sensitivities that a code of this system tells.
pub(super) fn sensitivity_of(system: System, code: &str) -> Categories {
    match system {
        System::Snomed => listed(SNOMED, code),
        System::Loinc => listed(LOINC, code),
        System::Icd10 => in_blocks(ICD10, code, Shape::Icd10),
        System::Icd9 => in_blocks(ICD9, code, Shape::Any),
        System::Icd11 => in_blocks(ICD11, code, Shape::Any),
        System::Icpc => in_blocks(ICPC, code, Shape::Any),
        System::Atc => in_blocks(ATC, code, Shape::Any),
        System::Confidentiality
        | System::ActCode
        | System::ActReason
        | System::ObservationValue
        | System::Unlisted
        | System::Absent
        | System::Plain => Categories::NONE,
    }
}

/// Sensitivities of a code whose system is not known: of all systems in which such a code exists.
/// SNOMED CT and LOINC codes look like no others; a local code may look like one of ICD-10, and
/// then is taken for it.
pub(super) fn sensitivity_of_any(code: &str) -> Categories {
    listed(SNOMED, code).union(listed(LOINC, code)).union(in_blocks(ICD10, code, Shape::Icd10))
}

/// Every run of letters, digits and hyphens: an expression of SNOMED CT holds several codes.
fn listed(codes: Codes, code: &str) -> Categories {
    let words = code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let hits = words.flat_map(|word| codes.iter().filter(move |(c, _)| *c == word));
    hits.fold(Categories::NONE, |bits, (_, b)| bits.union(*b))
}

/// What counts as a code among the words of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Any word.
    Any,
    /// A letter, a digit, a letter or digit; before it a D in the Danish SKS.
    Icd10,
}

fn in_blocks(blocks: Blocks, text: &str, shape: Shape) -> Categories {
    let mut bits = Categories::NONE;
    let mut first: Option<Word> = None;
    for (word, is_range) in Words::of(text) {
        let Some(word) = word.shaped(shape) else {
            first = None;
            continue;
        };
        let from = first.filter(|_| is_range).unwrap_or(word);
        for (low, high, b) in blocks {
            // `from..=word` and `low..=high` overlap, both ends as far as the block's codes are
            // written.
            if from.head(high.len()) <= high.as_bytes() && word.head(low.len()) >= low.as_bytes() {
                bits = bits.union(*b);
            }
        }
        first = Some(word);
    }
    bits
}

/// A word in upper case without its dots, as far as blocks are written.
#[derive(Clone, Copy)]
struct Word {
    bytes: [u8; 8],
    len: usize,
}

impl Word {
    fn head(&self, len: usize) -> &[u8] {
        &self.bytes[..self.len.min(len)]
    }

    fn shaped(self, shape: Shape) -> Option<Self> {
        if shape == Shape::Any {
            return Some(self);
        }
        let is_icd10 = |bytes: &[u8]| {
            matches!(bytes, [letter, digit, third, ..]
                if letter.is_ascii_uppercase() && digit.is_ascii_digit() && third.is_ascii_alphanumeric())
        };
        let own = self.head(8);
        if is_icd10(own) {
            return Some(self);
        }
        let danish = own.strip_prefix(b"D").filter(|rest| is_icd10(rest))?;
        let mut word = Self { bytes: [0; 8], len: danish.len() };
        word.bytes[..danish.len()].copy_from_slice(danish);
        Some(word)
    }
}

/// The words of a text, each with whether a hyphen alone joins it to the one before.
struct Words<'t> {
    rest: &'t [u8],
    joined: bool,
}

impl<'t> Words<'t> {
    const fn of(text: &'t str) -> Self {
        Self { rest: text.as_bytes(), joined: false }
    }
}

impl Iterator for Words<'_> {
    type Item = (Word, bool);

    fn next(&mut self) -> Option<Self::Item> {
        let mut word = Word { bytes: [0; 8], len: 0 };
        while let Some((&byte, rest)) = self.rest.split_first() {
            if byte.is_ascii_alphanumeric() {
                if word.len < word.bytes.len() {
                    word.bytes[word.len] = byte.to_ascii_uppercase();
                    word.len += 1;
                }
            } else if word.len > 0 && byte != b'.' {
                break;
            } else if word.len == 0 {
                self.joined = byte == b'-' || (self.joined && byte == b' ');
            }
            self.rest = rest;
        }
        (word.len > 0).then(|| (word, core::mem::take(&mut self.joined)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn icd10(code: &str) -> Categories {
        sensitivity_of(System::Icd10, code)
    }

    #[test]
    fn a_code_of_icd_10_is_read_in_every_real_spelling() {
        for code in [
            "B20",
            "b20",
            " B20 ",
            "B20.1",
            "B201",
            "B20.-",
            "B20-",
            "B20+",
            "B20†",
            "B20.1 G",
            "B20.1G",
            "B20!",
            "B2x B20",
            "DB20",
            "B20.1 Z",
            "B20,1",
            "B19-B20",
            "B18 - B21",
            "A00-Z99",
            "J17.2* B20+",
            "(B20)",
            "B.20",
        ] {
            assert!(icd10(code).intersects(Categories::HIV), "{code}");
        }
        assert_eq!(icd10("F32.1 G"), Categories::PSY);
        assert_eq!(icd10("A54.4†"), Categories::STD);
        assert_eq!(icd10("B22.0+ F02.4*"), Categories::HIV.union(Categories::PSY));
        assert_eq!(icd10("A50-A64"), Categories::STD);
        assert_eq!(icd10("O98.7"), Categories::HIV);
        assert_eq!(icd10("DF329"), Categories::PSY);
    }

    #[test]
    fn a_code_beside_a_block_is_not_in_it() {
        for code in [
            "F17", "F17.2", "F2", "F", "", ".", "-", "B19", "B25", "A49-A49", "A65", "O98.6", "O9", "Z71.6",
            "E11.90", "I10", "D56", "DE10", "86406008", "C50.9", "B2", "Bé20", "1B20", "R74", "A00 B30",
        ] {
            assert_eq!(icd10(code), Categories::NONE, "{code}");
        }
    }

    #[test]
    fn the_other_classifications_have_their_blocks() {
        let of = sensitivity_of;
        assert_eq!(of(System::Icd9, "042"), Categories::HIV);
        assert_eq!(of(System::Icd9, "305.1"), Categories::NONE);
        assert_eq!(of(System::Icd9, "305.00"), SUBSTANCE);
        assert_eq!(of(System::Icd9, "303.90"), SUBSTANCE);
        assert_eq!(of(System::Icd9, "296.2"), Categories::PSY);
        assert_eq!(of(System::Icd9, "282.60"), Categories::GDIS);
        assert_eq!(of(System::Icd9, "250.00"), Categories::NONE);
        assert_eq!(of(System::Icd11, "1C62.0"), Categories::HIV);
        assert_eq!(of(System::Icd11, "6C4A.1"), Categories::NONE);
        assert_eq!(of(System::Icd11, "6C40.2&XS25"), SUBSTANCE);
        assert_eq!(of(System::Icd11, "6A70"), Categories::PSY);
        assert_eq!(of(System::Icd11, "5A11"), Categories::NONE);
        assert_eq!(of(System::Icpc, "B90.01"), Categories::HIV);
        assert_eq!(of(System::Icpc, "P17"), Categories::NONE);
        assert_eq!(of(System::Icpc, "P76"), Categories::PSY);
        assert_eq!(of(System::Icpc, "T90"), Categories::NONE);
        assert_eq!(of(System::Atc, "J05AR03"), Categories::HIV);
        assert_eq!(of(System::Atc, "J05AP"), Categories::NONE);
        assert_eq!(of(System::Atc, "N07BA01"), Categories::NONE);
        assert_eq!(of(System::Atc, "n07bc02"), SUBSTANCE);
        assert_eq!(of(System::Snomed, "86406008 |HIV|:246112005=24484000"), Categories::HIV);
        assert_eq!(of(System::Snomed, "864060081"), Categories::NONE);
        assert_eq!(of(System::Loinc, " 75622-1 "), Categories::HIV);
        assert_eq!(of(System::Plain, "B20"), Categories::NONE);
    }

    #[test]
    fn a_block_is_written_in_the_form_in_which_codes_are_compared() {
        for (low, high, bits) in [ICD10, ICD9, ICD11, ICPC, ATC].into_iter().flatten() {
            assert!(low <= high && low.len() == high.len() || (*low, *high) == ("303", "3050"), "{low}");
            assert!(
                low.len() <= 8 && low.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()),
                "{low}"
            );
            assert!(!bits.is_empty() && bits.is_subset(super::super::SENSITIVITIES), "{low}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,40}") {
            for system in [System::Icd10, System::Icd9, System::Icd11, System::Icpc, System::Atc, System::Snomed, System::Loinc] {
                let _ = sensitivity_of(system, &text);
            }
            let _ = sensitivity_of_any(&text);
        }

        /// More around a code never hides it.
        #[test]
        fn a_code_is_found_among_any_marks(before in "[ +(†*!;,]{0,3}", after in "[ .+)†*!;,-]{0,3}") {
            let code = format!("{before}B20{after}");
            prop_assert!(icd10(&code).intersects(Categories::HIV), "{}", code);
        }
    }
}
