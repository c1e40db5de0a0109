//! `amanat bench page`.

use super::write;
use crate::ui::Ui;
use amanat_profile::file::Profile;
use anyhow::Result;
use serde_json::json;
use std::path::Path;

pub(super) fn run(file: &Path, html: &Path, ui: Ui) -> Result<()> {
    write(html, &amanat_profile::page(&Profile::read(file)?))?;
    ui.say(format!("{} written", html.display()));
    ui.document(&json!({ "page": html }));
    Ok(())
}
