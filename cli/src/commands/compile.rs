//! `amanat consent compile`.

use crate::consent_view as view;
use crate::ui::{Ui, count};
use amanat_client::consent::{CompileError, Found, compile, consents_in, patient_named};
use amanat_client::{Holder, Home, Organisation, machine_clock};
use amanat_domain::fhir::Zones;
use amanat_domain::fhir::consent::Compiled;
use amanat_domain::time::Timestamp;
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// How many consents were read, and what became of them.
#[derive(Default)]
struct Tally {
    read: usize,
    refused: usize,
    unread: usize,
}

/// Compiles consents for the actors of a home directory, and says what they mean.
struct Compiler {
    holders: Vec<Holder>,
    organisations: Vec<Organisation>,
    zones: Option<Zones>,
    now: Timestamp,
    tally: Tally,
    documents: Vec<Value>,
    ui: Ui,
}

/// Compiles every Consent of the files.
pub(crate) fn run(files: &[PathBuf], zones: Option<Zones>, home: &Home, ui: Ui) -> Result<()> {
    let mut compiler = Compiler {
        holders: Holder::load_all(home)?,
        organisations: Organisation::load_all(home)?,
        zones,
        now: machine_clock(),
        tally: Tally::default(),
        documents: Vec::new(),
        ui,
    };
    for file in files {
        compiler.file(file)?;
    }
    ui.document(&json!(compiler.documents));
    compiler.tally.verdict()
}

impl Compiler {
    fn file(&mut self, file: &Path) -> Result<()> {
        let consents = match consents_in(file) {
            Ok(consents) => consents,
            Err(e) => {
                let why = format!("{:#}", anyhow::Error::new(e));
                self.unread(why.clone(), json!({ "file": file, "unread": why }));
                return Ok(());
            }
        };
        for found in &consents.found {
            self.consent(file, found)?;
        }
        for (place, why) in &consents.unread {
            let words = format!("{}, {place}: not read: {why}", file.display());
            self.unread(words, json!({ "file": file, "place": place, "unread": why }));
        }
        if consents.found.is_empty() && consents.unread.is_empty() {
            let why = format!("no Consent in it: {} of other types", count(consents.others, "resource"));
            self.unread(format!("{}: {why}", file.display()), json!({ "file": file, "unread": why }));
        }
        Ok(())
    }

    fn unread(&mut self, words: String, document: Value) {
        self.tally.unread += 1;
        self.ui.say(words);
        self.documents.push(document);
    }

    fn consent(&mut self, file: &Path, found: &Found) -> Result<()> {
        let Found { place, id, full_url, json, .. } = found;
        self.tally.read += 1;
        let title =
            if place == "file" { file.display().to_string() } else { format!("{}, {place}", file.display()) };
        let zones = self.zones.unwrap_or(Zones::ANY);
        let said = match compile(json, &self.holders, &self.organisations, zones) {
            Ok(compiled) => {
                self.ui.say(self.words(&title, &compiled));
                view::document(&compiled, self.now)
            }
            Err(CompileError::Refused(refusals)) => {
                self.tally.refused += 1;
                let problems = count(refusals.all().len() + refusals.more(), "problem");
                self.ui.say(format!("{title}: refused, {problems}\n{}", indented(&refusals.to_string())));
                view::refusals_document(&refusals)
            }
            Err(error @ CompileError::Json(_)) => return Err(error.into()),
        };
        let place = json!({ "file": file, "place": place, "id": id, "full_url": full_url });
        self.documents.push(merged(place, said));
        Ok(())
    }

    /// What a compiled consent says, its patient, whether it is in force, and how its dates were
    /// read.
    fn words(&self, title: &str, compiled: &Compiled) -> String {
        let rules = count(compiled.terms().rules().len(), "rule");
        let mut words = format!("{title}: {rules} of {}", patient_named(compiled.patient()));
        if let Some(standing) = view::standing(compiled, self.now) {
            words.push_str(&format!("\n  {standing}"));
        }
        words.push('\n');
        words.push_str(&indented(&compiled.explain()));
        if self.zones.is_none() && compiled.depends_on_zone() {
            words.push_str("\n  --zone +HH:MM reads its dates as days of that zone");
        }
        words
    }
}

impl Tally {
    fn verdict(&self) -> Result<()> {
        let (read, unread) = (count(self.read, "consent"), count(self.unread, "document"));
        let refused =
            format!("{} of {read} cannot be represented, and none was widened to fit", self.refused);
        match (self.refused, self.unread) {
            (0, 0) => Ok(()),
            (0, _) => bail!("{unread} not read; {read} compiled"),
            (_, 0) => bail!("{refused}"),
            (..) => bail!("{refused}; {unread} not read"),
        }
    }
}

fn indented(text: &str) -> String {
    text.trim_end().lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// The members of two objects in one.
fn merged(mut one: Value, two: Value) -> Value {
    if let (Some(members), Value::Object(more)) = (one.as_object_mut(), two) {
        members.extend(more);
    }
    one
}
