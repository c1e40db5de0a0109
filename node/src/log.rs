//! The log of a node, on standard error.

use crate::config::{Config, LogFormat};
use amanat_accel::gpu::{Presence, Severity, listen, presence};
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// The environment variable that takes precedence over the configuration's filter.
const VARIABLE: &str = "AMANAT_LOG";

/// Starts the log as the configuration says. A program that has set up tracing before keeps its own
/// log.
pub(crate) fn start(config: &Config) {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(&config.log));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A line that cannot be written, on a full disk for example, is lost: reporting that on the
    // same stream would panic.
    let log = log.with_ansi(std::io::stderr().is_terminal()).log_internal_errors(false);
    let _ = match config.log_format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    for notice in &config.notices {
        tracing::warn!("{notice}");
    }
    if let Presence::Refused { why } = presence() {
        tracing::warn!("the GPU is not used: {why}");
    }
}

/// Writes what happens to the GPU to the log. Call it once, at the start of the process.
pub fn hear_the_gpu() {
    let heard = listen(|event| match event.severity {
        Severity::Alarm => tracing::error!(alarm = true, "{}", event.words),
        Severity::Warning => tracing::warn!("{}", event.words),
        Severity::Note => tracing::info!("{}", event.words),
    });
    debug_assert!(heard.is_ok(), "called once");
}
