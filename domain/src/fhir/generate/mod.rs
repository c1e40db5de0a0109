//! Data of our own: small transaction Bundles of a few hospitals in Pakistan, an insurer, their
//! staff and patients.
//!
//! Nobody in them exists. National-id-like numbers begin with `00000`, which no province has, in a
//! system of our own; organisations are called Example; every resource carries the HL7 marker for
//! test data (HTEST). The same seed gives the same bytes. What comes out passes
//! [`Reader`](super::Reader), and its consents compile with
//! [`Organisations`](crate::fhir::consent::Organisations).

mod clinical;
mod consent;

use serde_json::{Value, json};

/// System of the made-up national ids.
pub const SYNTHETIC_CNIC: &str = "urn:amanat:synthetic:cnic";
/// System of the made-up licence numbers.
pub const SYNTHETIC_LICENCE: &str = "urn:amanat:synthetic:licence";
/// Code system of the roles.
pub const ROLE_SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/practitioner-role";

/// Hospitals: id, name, city.
const HOSPITALS: &[(&str, &str, &str)] = &[
    ("hospital-lahore", "Example Teaching Hospital", "Lahore"),
    ("hospital-karachi", "Example General Hospital", "Karachi"),
    ("hospital-peshawar", "Example Medical Centre", "Peshawar"),
];
const INSURER: &str = "insurer";
const INSTITUTE: &str = "institute";

/// Staff of every hospital: role code, display.
const STAFF: &[(&str, &str)] = &[("doctor", "Doctor"), ("nurse", "Nurse"), ("pharmacist", "Pharmacist")];

const GIVEN: &[(&str, &str)] = &[
    ("Ayesha", "female"),
    ("Bilal", "male"),
    ("Chand", "male"),
    ("Dania", "female"),
    ("Ehsan", "male"),
    ("Fiza", "female"),
    ("Gulzar", "male"),
    ("Hina", "female"),
    ("Imran", "male"),
    ("Javeria", "female"),
    ("Kamran", "male"),
    ("Lubna", "female"),
    ("Mehwish", "female"),
    ("Nadeem", "male"),
    ("Omar", "male"),
    ("Parveen", "female"),
];
const FAMILY: &[&str] = &["Testwala", "Namoona", "Misali", "Farzi", "Example", "Sampleuddin"];

/// Makes Bundles from a seed.
#[derive(Debug, Clone, Copy)]
pub struct Generator {
    seed: u64,
}

impl Generator {
    /// A generator; the same seed gives the same bytes.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// One Bundle: three hospitals, an insurer, a research institute, their practitioners and
    /// roles. Import it first.
    #[must_use]
    pub fn organisations(&self) -> String {
        let mut rng = SplitMix(self.seed);
        let mut out = Bundle::default();
        for (id, name, city) in HOSPITALS {
            out.push(organisation(id, &format!("{name} {city}"), "prov", city));
            for (n, role) in STAFF.iter().enumerate() {
                staff(&mut out, &mut rng, id, n, *role);
            }
        }
        out.push(organisation(INSURER, "Example Health Insurance", "ins", "Islamabad"));
        out.push(organisation(INSTITUTE, "Example Institute of Research", "edu", "Islamabad"));
        staff(&mut out, &mut rng, INSTITUTE, 0, ("researcher", "Researcher"));
        out.finish()
    }

    /// The Bundle of patient `n`: the patient, coverage, device, encounter, findings, treatment,
    /// claim, and a consent. The kind of consent goes by `n`, so any eight patients in a row have
    /// all kinds.
    #[must_use]
    pub fn patient(&self, n: u32) -> String {
        let mut rng = SplitMix(self.seed ^ (u64::from(n) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut out = Bundle::default();
        let id = format!("patient-{:08x}-{n}", self.seed & 0xffff_ffff);
        clinical::push(&mut out, &mut rng, &id);
        out.push(consent::resource(&mut rng, &id, n));
        out.finish()
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): three lines, and nothing secret depends on it.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both included.
    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[(self.next() % from.len() as u64) as usize]
    }

    /// A decimal with one digit after the point, between two numbers of tenths.
    fn tenths(&mut self, low: u64, high: u64) -> Value {
        json!(self.between(low, high) as f64 / 10.0)
    }
}

#[derive(Default)]
struct Bundle(Vec<Value>);

impl Bundle {
    fn push(&mut self, mut resource: Value) {
        let word = |key: &str| resource[key].as_str().unwrap_or_default().to_owned();
        let reference = format!("{}/{}", word("resourceType"), word("id"));
        let test = json!({"system": super::ACT_REASON, "code": "HTEST"});
        match resource["meta"]["security"].as_array_mut() {
            Some(labels) => labels.push(test),
            None => resource["meta"]["security"] = json!([test]),
        }
        self.0.push(json!({
            "fullUrl": format!("https://fhir.example.org/{reference}"),
            "resource": resource,
            "request": {"method": "PUT", "url": reference},
        }));
    }

    /// `resourceType` and `type` before the entries, which serde_json's sorted map would put first:
    /// readers that stream need to know what they read.
    fn finish(self) -> String {
        let entries: Vec<String> = self.0.iter().map(Value::to_string).collect();
        let entries = entries.join(",\n");
        format!("{{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[\n{entries}\n]}}\n")
    }
}

fn organisation(id: &str, name: &str, kind: &str, city: &str) -> Value {
    json!({
        "resourceType": "Organization", "id": id, "active": true, "name": name,
        "identifier": [{"system": "urn:amanat:synthetic:organisation", "value": id}],
        "type": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/organization-type", "code": kind}]}],
        "address": [{"city": city, "country": "PK"}],
    })
}

fn person(rng: &mut SplitMix) -> (Value, &'static str) {
    let (given, gender) = *rng.pick(GIVEN);
    (json!([{"given": [given], "family": rng.pick(FAMILY)}]), gender)
}

fn staff(out: &mut Bundle, rng: &mut SplitMix, organisation: &str, n: usize, (code, display): (&str, &str)) {
    let id = format!("{code}-{organisation}-{n}");
    let (name, gender) = person(rng);
    let licence =
        json!([{"system": SYNTHETIC_LICENCE, "value": format!("SYN-{:05}-P", rng.between(0, 99_999))}]);
    let from = rng.between(2015, 2024);
    let until = rng.between(2027, 2030);
    let period = json!({"start": format!("{from}-01-01T00:00:00+05:00"), "end": format!("{until}-12-31T23:59:59+05:00")});
    out.push(json!({
        "resourceType": "Practitioner", "id": id, "active": true, "name": name, "gender": gender, "identifier": licence,
        "qualification": [{
            "identifier": licence, "period": period,
            "code": {"coding": [{"system": ROLE_SYSTEM, "code": code, "display": display}]},
        }],
    }));
    out.push(json!({
        "resourceType": "PractitionerRole", "id": format!("role-{id}"), "active": true, "period": period,
        "practitioner": {"reference": format!("Practitioner/{id}")},
        "organization": {"reference": format!("Organization/{organisation}")},
        "code": [{"coding": [{"system": ROLE_SYSTEM, "code": code, "display": display}]}],
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_other_ones() {
        let (a, b) = (Generator::new(1), Generator::new(2));
        assert_eq!(a.patient(3), Generator::new(1).patient(3));
        assert_eq!(a.organisations(), Generator::new(1).organisations());
        assert_ne!(a.patient(3), a.patient(4));
        assert_ne!(a.patient(3), b.patient(3));
    }
}
