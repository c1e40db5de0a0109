//! A client for one command: the home directory and the ledger that the command line names.

use crate::args::{Global, LedgerAt};
use crate::ui::{Bars, Ui};
use amanat_client::{Client, Home, Place};
use anyhow::{Context, Result, bail};

/// Opens the home directory and the ledger in it, or a node.
pub(crate) fn open(global: &Global, at: &LedgerAt, ui: Ui) -> Result<Client> {
    let home = Home::open(global.home.as_deref())?;
    let tls = at.tls.files();
    let place = match &at.node {
        Some(url) => Place::Node { url: url.clone(), tls },
        None if !tls.is_empty() => {
            bail!(
                "--ca, --certificate and --certificate-key are for a node: name it with --node https://HOST:PORT"
            )
        }
        None => Place::Home,
    };
    Ok(Client::open(home, &place)?.with_progress(Bars::new(ui)))
}

/// A length of epochs, as a genesis takes it.
pub(crate) fn epoch(seconds: u64) -> Result<u32> {
    u32::try_from(seconds).context("--epoch-seconds: at most 4294967295")
}
