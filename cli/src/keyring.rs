//! Keys on disk, made on first use with a progress bar; `amanat keys`.

use crate::home::Home;
use crate::ui::Ui;
use amanat_circuits::circuit;
use amanat_domain::statement::Statement;
use amanat_params::{KeyStore, StoreStage};
use amanat_prover::keys::{Keys, StatementKey};
use anyhow::{Context, Result};

/// The store that `AMANAT_KEYS` names, or the one in the home directory.
pub(crate) fn store(home: &Home) -> Result<KeyStore> {
    let dir = match std::env::var_os("AMANAT_KEYS").filter(|d| !d.is_empty()) {
        Some(dir) => dir.into(),
        None => home.path("keys"),
    };
    KeyStore::open(dir).context("cannot open the key store")
}

/// Loads the keys of these statements, makes insecure-dev ones where there are none.
pub(crate) fn load(home: &Home, statements: &[Statement], ui: Ui) -> Result<Keys> {
    let store = store(home)?;
    let bar = ui.bar(100 * statements.len() as u64, "keys");
    let mut keys = Keys::new();
    let mut rng = rand::rng();
    for (done, statement) in (0u64..).zip(statements) {
        let circuit = circuit(*statement);
        let progress = |stage: StoreStage| {
            let (what, percent) = match stage {
                StoreStage::Loading => ("loading key", 50),
                StoreStage::Waiting => ("waiting for another process: key", 0),
                StoreStage::Making(stage) => ("making insecure-dev key", u64::from(stage.percent())),
                StoreStage::Writing => ("writing key", 99),
            };
            bar.set_message(format!("{what} `{statement}`"));
            bar.set_position(100 * done + percent);
        };
        let key = store
            .get_or_make_insecure_dev(*statement, statement.version(), circuit, &mut rng, &progress)
            .with_context(|| format!("no key for `{statement}`"))?;
        keys.insert(StatementKey::new(key)?);
    }
    bar.finish_and_clear();
    Ok(keys)
}
