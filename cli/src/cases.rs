//! What a folder of FHIR holds, gathered by patient, as much of it as the demo shows.

use crate::import::{self, Files, Options};
use crate::report::{Report, person_of};
use crate::ui::Ui;
use amanat_domain::fhir::survey::Register;
use amanat_domain::fhir::{Facts, Resource};
use amanat_domain::record::{RecordFields, ResourceType};
use anyhow::Result;
use std::collections::BTreeMap;
use std::time::Instant;

/// One patient's data. Clinical: no `Debug`.
pub(crate) struct Case {
    /// The patient's name.
    pub patient: String,
    /// Label and content of each record.
    pub records: Vec<(String, RecordFields)>,
    /// Canonical JSON of each FHIR Consent.
    pub consents: Vec<String>,
}

/// What was gathered.
#[derive(Default)]
pub(crate) struct Cases {
    pub cases: Vec<Case>,
    /// References of organisations, in the order in which they were read.
    pub organisations: Vec<String>,
    /// Records that were left out, for there were more than the bounds.
    pub left_out: u64,
}

/// How much to keep: memory is bounded by these, whatever the folder holds.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub patients: usize,
    pub records: usize,
}

/// Reads the files and keeps the first patients with their first records.
pub(crate) fn gather(files: &Files, bounds: Bounds, ui: Ui) -> Result<Cases> {
    let started = Instant::now();
    let mut report = Report::silent();
    let surveyed = import::survey(files, &Options::default(), Some(Vec::new()), &mut report, ui)?;
    report.finish(&surveyed, started, ui)?;
    let register = &surveyed.register;
    let mut found = Cases::default();
    let mut kept: BTreeMap<u32, usize> = BTreeMap::new();
    surveyed.replay(ui, "gathering", |number, file, _, resource| {
        take(&mut found, &mut kept, register, bounds, (number, file), resource);
        Ok(true)
    })?;
    Ok(found)
}

fn take(
    found: &mut Cases,
    kept: &mut BTreeMap<u32, usize>,
    register: &Register,
    bounds: Bounds,
    (number, file): (usize, usize),
    resource: Resource,
) {
    /// Enough to name the demo's organisations.
    const MOST_NAMES: usize = 64;
    if let (Facts::Organisation(_), Some(reference)) = (&resource.facts, resource.reference())
        && found.organisations.len() < MOST_NAMES
    {
        found.organisations.push(reference);
    }
    let Some(person) = person_of(register.verdict(number)) else { return };
    let next = found.cases.len();
    let at = match kept.get(&person) {
        Some(at) => *at,
        None if next < bounds.patients => {
            let patient = register.people()[person as usize].names[0].0.to_string();
            found.cases.push(Case { patient, records: Vec::new(), consents: Vec::new() });
            kept.insert(person, next);
            next
        }
        None => return,
    };
    let case = &mut found.cases[at];
    let name = register.name(number, file, &resource);
    if resource.resource_type == ResourceType::Consent {
        if case.consents.len() < 4
            && let Ok(json) = String::from_utf8(resource.canonical)
        {
            case.consents.push(json);
        }
        return;
    }
    let label = name.map(|name| name.to_string()).unwrap_or_default();
    for fields in resource.at_least(register.floor(number)).records {
        if case.records.len() < bounds.records {
            case.records.push((label.clone(), fields));
        } else {
            found.left_out += 1;
        }
    }
}
