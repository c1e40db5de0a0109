//! Where and when something was measured: what every table, page and file of figures says first.

use amanat_domain::time::Timestamp;
use serde::Serialize;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where, when and how.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Processor model; the architecture if the system does not tell.
    pub cpu: String,
    /// Hardware threads this process may use.
    pub threads: usize,
    /// Operating system and architecture.
    pub system: String,
    /// Arithmetic backend.
    #[serde(rename = "engine")]
    pub backend: &'static str,
    /// The GPU, or why there is none.
    pub gpu: String,
    /// Load average of the last minute before the run; `None` if the system does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<f64>,
    /// Time of the run, UTC.
    pub time: String,
    /// How to do it again.
    pub command: String,
}

impl Machine {
    /// This one, now.
    #[must_use]
    pub fn here(command: &str) -> Self {
        let cpu = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
        let load = std::fs::read_to_string("/proc/loadavg").ok();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let time = i64::try_from(now).ok().and_then(Timestamp::from_unix);
        Self {
            cpu: cpu.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            backend: amanat_accel::default_backend().name(),
            gpu: amanat_accel::gpu::presence().to_string(),
            load: load.and_then(|text| text.split(' ').next()?.parse().ok()),
            time: time.map_or_else(String::new, |t| t.to_string()),
            command: command.to_owned(),
        }
    }
}
