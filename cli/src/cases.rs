//! What a folder of FHIR holds, gathered by patient: the input of the demo and of `import --anchor`.

use crate::import::{self, Options, Summary};
use crate::ui::Ui;
use amanat_domain::fhir::{Facts, Resource, type_name};
use amanat_domain::record::{RecordFields, ResourceType};
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One patient's data. Clinical: no `Debug`.
pub(crate) struct Case {
    /// `Patient/<id>`.
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
    /// References of practitioners.
    pub practitioners: Vec<String>,
    pub summary: Summary,
}

/// How much to keep: memory is bounded by these, whatever the folder holds.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub patients: usize,
    pub records: usize,
}

/// Reads the files until enough patients are complete.
///
/// Patients come before their data in a Bundle; in a bulk export they come in a file of their own. So the files are read
/// once for the patients and once for what belongs to them.
pub(crate) fn gather(files: &[PathBuf], bounds: Bounds, ui: Ui) -> Result<Cases> {
    let mut found = Cases::default();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut last_needed = 0;
    let options = Options { keep_problems: 0, ..Options::default() };
    // First: who the patients are.
    let mut order: Vec<PathBuf> = Vec::new();
    import::read(files, options, ui, |path, resource| {
        if order.last().map(PathBuf::as_path) != Some(path) {
            order.push(path.to_path_buf());
        }
        if resource.resource_type == ResourceType::Patient
            && found.cases.len() < bounds.patients
            && let Some(reference) = resource.reference()
        {
            names.insert(reference.clone(), found.cases.len());
            if let Some(url) = &resource.full_url {
                names.insert(url.clone(), found.cases.len());
            }
            found.cases.push(Case { patient: reference, records: Vec::new(), consents: Vec::new() });
            last_needed = order.len();
        }
        Ok(found.cases.len() < bounds.patients || order.len() <= last_needed)
    })?;
    // Second: what belongs to them.
    found.summary = import::read(files, Options::default(), ui, |_, resource| {
        take(&mut found.cases, &names, &mut found.organisations, &mut found.practitioners, resource, bounds);
        Ok(found.cases.iter().any(|c| c.records.len() < bounds.records))
    })?;
    Ok(found)
}

fn take(
    cases: &mut [Case],
    names: &BTreeMap<String, usize>,
    organisations: &mut Vec<String>,
    practitioners: &mut Vec<String>,
    resource: Resource,
    bounds: Bounds,
) {
    /// Enough to name the demo's organisations and clinicians.
    const MOST_NAMES: usize = 64;
    let reference = resource.reference();
    match (&resource.facts, &reference) {
        (Facts::Organisation(_), Some(r)) if organisations.len() < MOST_NAMES => {
            organisations.push(r.clone())
        }
        (Facts::Practitioner(_), Some(r)) if practitioners.len() < MOST_NAMES => {
            practitioners.push(r.clone())
        }
        _ => {}
    }
    let own = (resource.resource_type == ResourceType::Patient).then_some(reference.as_ref()).flatten();
    let subject = own.or(resource.subject.as_ref().and_then(|s| s.literal.as_ref()));
    let Some(case) = subject.and_then(|s| names.get(s)).and_then(|i| cases.get_mut(*i)) else { return };
    if resource.resource_type == ResourceType::Consent {
        if case.consents.len() < 4
            && let Ok(json) = String::from_utf8(resource.canonical)
        {
            case.consents.push(json);
        }
        return;
    }
    let label = reference.unwrap_or_else(|| type_name(resource.resource_type).to_owned());
    for fields in resource.records {
        if case.records.len() < bounds.records {
            case.records.push((label.clone(), fields));
        }
    }
}
