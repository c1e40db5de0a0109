//! The consents of the story: of the data, and of our template.

use super::story::{CLINICIAN, Story};
use crate::ui;
use amanat_client::GrantRequest;
use amanat_client::consent::{GrantError, Granted, permits, template};
use amanat_domain::fhir::identity::Name;
use amanat_domain::statement::Statement;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::num::NonZeroU32;

/// Consents of the story.
const ALL: usize = 4;
/// At most this many of them are of the data.
const OF_DATA: usize = 2;

impl Story {
    /// Grants consents of the data that permit treatment here; other patients sign one of ours.
    pub(super) fn grant(&mut self) -> Result<()> {
        self.ui.head("5. Consents: compiled from FHIR, granted by proof");
        let holders = self.client.holders()?;
        let found = permits(std::slice::from_ref(&self.data), &holders, self.client.now())?;
        let refused = found.iter().filter(|p| p.compiled.is_err()).count();
        let mut granted_by = BTreeSet::new();
        for permits in found.iter().filter(|p| p.clinicians.iter().any(|name| name == CLINICIAN)) {
            if granted_by.len() == OF_DATA {
                break;
            }
            let entry = Some(permits.place.clone());
            let request = GrantRequest { entry, ..GrantRequest::of(&permits.file) };
            match self.client.grant(&request) {
                Ok(granted) => {
                    granted_by.insert(self.granted(&granted)?);
                }
                // Of a patient whom the demo's bounds leave out.
                Err(GrantError::OfUnknown { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let of_data = granted_by.len();
        let others = self.client.wallets()?.into_iter().map(|w| w.patient);
        let others: Vec<String> = others.filter(|patient| !granted_by.contains(patient)).collect();
        let own = ALL - of_data;
        for (n, patient) in (1..=own).zip(others.iter().rev()) {
            // The last may be used once only.
            self.grant_template(patient, (n == own).then_some(NonZeroU32::MIN))?;
        }
        let epoch = self.ledger.next_epoch()?;
        self.ui.say(format!(
            "{} of the data compiled to flat rules, {refused} refused (what cannot be represented is never \
             widened)\n{} granted by proof: {of_data} of the data that permit treatment at {}, {own} of our template; \
             epoch {epoch} sealed",
            ui::count(found.len() - refused, "consent"),
            self.consents.len(),
            self.organisations[0].reference,
        ));
        Ok(())
    }

    /// A consent of our template, which names the first hospital alone.
    fn grant_template(&mut self, patient: &str, uses: Option<NonZeroU32>) -> Result<()> {
        let name = Name::from_text(patient).context("a patient's name")?;
        let folder = self.client.home().path("consents");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let file = folder.join(format!("own-{}.json", self.consents.len()));
        let hospital = &self.organisations[0].reference;
        std::fs::write(&file, template(name.local(), hospital, "TREAT", "2099-12-31"))
            .with_context(|| format!("cannot write {}", file.display()))?;
        let patient = Some(patient.to_owned());
        // An id that is a URN names somebody in its own Bundle alone: here the patient's word is
        // enough.
        let even_so = name.local().contains(':');
        let request = GrantRequest { patient, uses, even_so, ..GrantRequest::of(&file) };
        let granted = self.client.grant(&request)?;
        self.granted(&granted).map(drop)
    }

    /// Keeps the consent's number; returns the patient.
    fn granted(&mut self, granted: &Granted) -> Result<String> {
        self.consents.push(granted.number);
        self.note(Statement::Grant, &granted.receipt);
        let all = self.client.consents()?;
        let held = all.into_iter().find(|c| c.number == granted.number).context("just granted")?;
        Ok(held.patient)
    }
}
