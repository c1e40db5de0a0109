//! FHIR as it really comes, and as a hostile sender writes it.

use super::input::Input;
use amanat_domain::fhir::consent::{Organisations, compile};
use amanat_domain::fhir::generate::Generator;
use amanat_domain::fhir::identity::Source;
use amanat_domain::fhir::json::Json;
use amanat_domain::fhir::survey::{Survey, Tally, Verdict};
use amanat_domain::fhir::{Item, Layout, Limits, Reader, Resource, Zones, canonical};
use std::io::{self, BufRead, Read};
use std::sync::OnceLock;

/// Bundles of our own, a patient's and the organisations', one document and line by line.
fn files() -> &'static [Vec<u8>] {
    static FILES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    FILES.get_or_init(|| {
        let generator = Generator::new(3);
        let patient = generator.patient(5);
        let bundle: serde_json::Value = serde_json::from_str(&patient).expect("our own");
        let entries = bundle["entry"].as_array().into_iter().flatten();
        let resources: Vec<String> = entries.map(|entry| entry["resource"].to_string()).collect();
        let consent = resources.iter().find(|text| text.contains("\"Consent\"")).expect("each has one");
        [resources.join("\n"), consent.clone(), patient, generator.organisations()]
            .map(String::into_bytes)
            .into()
    })
}

/// A file of FHIR: read to its end whatever it holds, the same in any pieces, with a canonical form
/// that is one.
pub fn fhir(data: &[u8]) {
    let mut input = Input::new(data);
    let layout = [Layout::Auto, Layout::Document, Layout::Lines][input.below(3)];
    let limits = match input.byte() % 4 {
        0 => Limits { resource_bytes: 1 << 10, resource_values: 100 },
        _ => Limits::default(),
    };
    let piece = 1 + usize::from(input.byte());
    let valid = &files()[input.below(files().len())];
    let file = input.file(valid);
    let whole = read(file.as_slice(), layout, limits);
    let pieces = read(Pieces { left: &file, piece }, layout, limits);
    assert!(whole == pieces, "pieces of {piece} bytes change what is read");
    strict(&file);
    for line in file.split(|byte| *byte == b'\n').take(64) {
        strict(line);
        if let Ok((resource, _)) = Resource::parse(line) {
            let again = resource.json().expect("a canonical form is JSON");
            let form = again.as_object().map(canonical::resource).expect("a resource is an object");
            assert!(form == resource.canonical, "the canonical form of the canonical form");
        }
    }
}

/// What one reading gave: canonical forms and problems in order.
fn read(input: impl BufRead, layout: Layout, limits: Limits) -> Vec<Result<Vec<u8>, String>> {
    let mut survey = Survey::joining().same_patient_by("urn:id");
    survey.begin_file(Source::folder("fuzz"));
    let (mut resources, mut noted) = (Vec::new(), Vec::new());
    for item in Reader::new(input, "file", layout, limits) {
        noted.push(match item {
            Item::Resource(place, resource) => {
                survey.note(place, &resource);
                let mut form = format!("{place} {}: ", resource.records.len()).into_bytes();
                form.extend_from_slice(&resource.canonical);
                resources.push(*resource);
                Ok(form)
            }
            Item::Deletion(place, deletion) => {
                survey.note_deletion(place, &deletion);
                Err(format!("{place}: a deletion"))
            }
            Item::Unread(place, unread) => {
                survey.note_unread(place, &unread);
                continue;
            }
            Item::Problem(problem) => Err(problem.to_string()),
        });
    }
    let register = survey.finish();
    let Tally { records, duplicates, retracted, refused } = register.tally();
    assert_eq!(records + duplicates + retracted + refused, resources.len() as u64, "each is counted once");
    for (n, resource) in resources.iter().enumerate() {
        let named = register.name(n, 0, resource).is_some();
        match register.verdict(n) {
            Verdict::About(person) => assert!(named && register.people().len() > person as usize),
            Verdict::AboutNobody | Verdict::Retracted(_) | Verdict::Duplicate => assert!(named),
            Verdict::Refused => {}
        }
    }
    noted
}

/// JSON that our reader takes is JSON to serde_json, and means the same after one more round;
/// consents compile or are refused.
fn strict(text: &[u8]) {
    let Ok(json) = Json::parse(text) else { return };
    let theirs = serde_json::from_slice::<serde::de::IgnoredAny>(text);
    assert!(theirs.is_ok(), "serde_json refuses it");
    let form = canonical::value(&json);
    let again = Json::parse(&form).expect("a canonical form is JSON");
    assert!(again == json, "a canonical form means the same");
    assert!(canonical::value(&again) == form, "and is its own");
    if let Ok(compiled) = compile(&json, &Organisations, Zones::ANY) {
        assert!(!compiled.explain().is_empty());
    }
}

/// A file that comes a few bytes at a time.
struct Pieces<'a> {
    left: &'a [u8],
    piece: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.len().min(out.len());
        out[..n].copy_from_slice(&self.left[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(&self.left[..self.piece.min(self.left.len())])
    }

    fn consume(&mut self, n: usize) {
        self.left = &self.left[n..];
    }
}
