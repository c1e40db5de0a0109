//! The figures, as a table and as JSON.

use super::check::Checked;
use super::throughput::Throughput;
use super::times::{Apart, Kernel, ProofRow};
use amanat_accel::gpu::DeviceInfo;
use amanat_profile::Machine;
use serde::Serialize;
use std::fmt::Write;

/// All of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Where and how.
    pub machine: Machine,
    /// The card.
    pub card: String,
    /// Its memory in bytes, the memory's rate, multiprocessors, clock in kHz.
    pub card_figures: [u64; 4],
    /// How the plugin was built.
    pub plugin: String,
    /// What was compared with the processor.
    pub checks: Vec<Checked>,
    /// Sums and transforms.
    pub kernels: Vec<Kernel>,
    /// Whole proofs.
    pub proofs: Vec<ProofRow>,
    /// The least domain for which the device is no slower, as measured at the start.
    pub crossover: Option<usize>,
    /// Access proofs all together.
    pub throughput: Option<Throughput>,
}

impl Report {
    pub(super) fn new(device: DeviceInfo, plugin: &str, command: &str) -> Self {
        let figures = [
            device.total_bytes,
            device.bytes_per_second,
            u64::from(device.multiprocessors),
            u64::from(device.clock_khz),
        ];
        Self {
            machine: Machine::here(command),
            card: device.name,
            card_figures: figures,
            plugin: plugin.to_owned(),
            checks: Vec::new(),
            kernels: Vec::new(),
            proofs: Vec::new(),
            crossover: None,
            throughput: None,
        }
    }

    /// As JSON.
    ///
    /// # Panics
    /// Never: strings and finite numbers are JSON.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings and finite numbers are JSON")
    }

    /// As Markdown. Times in milliseconds.
    #[must_use]
    pub fn table(&self) -> String {
        let m = &self.machine;
        let [memory, rate, processors, clock] = self.card_figures;
        let mut out = format!(
            "{}, {} GiB at {} GB/s, {processors} multiprocessors at {} MHz; plugin {}\n",
            self.card,
            memory >> 30,
            rate / 1_000_000_000,
            clock / 1000,
            self.plugin
        );
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "beside {} | {} threads | {}\n{} | `{}`\n",
            m.cpu, m.threads, m.system, m.time, m.command
        );
        let _ = writeln!(out, "Bit for bit as the processor's:\n");
        for check in &self.checks {
            let _ = writeln!(out, "- {}: {} cases", check.what, check.cases);
        }
        let ms = |seconds: f64| format!("{:.3}", seconds * 1e3);
        let apart = |t: &Apart| format!("{} | {} | {}", ms(t.upload), ms(t.compute), ms(t.download));
        if !self.kernels.is_empty() {
            let _ = writeln!(
                out,
                "\n| kernel | of | upload | compute | download | processor | of the card's memory | of its multiplications |\n|---|---|--:|--:|--:|--:|--:|--:|"
            );
        }
        let percent =
            |share: Option<f64>| share.map_or_else(|| "not known".to_owned(), |p| format!("{p:.1} %"));
        for k in &self.kernels {
            let (memory, products) = (percent(k.bytes_percent), percent(k.multiplications_percent));
            let (times, here) = (apart(&k.device), ms(k.processor));
            let _ = writeln!(out, "| {} | 2^{} | {times} | {here} | {memory} | {products} |", k.what, k.log);
        }
        if !self.proofs.is_empty() {
            let _ = writeln!(
                out,
                "\n| proof | key loaded | MiB | upload | compute | download | whole, verified | processor | promised |\n|---|--:|--:|--:|--:|--:|--:|--:|---|"
            );
        }
        for p in &self.proofs {
            let promised = p.promised.map_or_else(String::new, |most| {
                format!("<= {} {}", ms(most), if p.warm <= most { "kept" } else { "NOT KEPT" })
            });
            let (mib, times) = (p.resident >> 20, apart(&p.device));
            let (load, warm, here) = (ms(p.load), ms(p.warm), ms(p.processor));
            let _ =
                writeln!(out, "| 2^{} | {load} | {mib} | {times} | {warm} | {here} | {promised} |", p.log);
        }
        if let Some(rows) = self.crossover {
            let _ = writeln!(out, "\nThe device is asked from {rows} rows on, as measured at the start.");
        }
        if let Some(t) = &self.throughput {
            let verdict = if t.per_second >= t.promised { "kept" } else { "NOT KEPT" };
            let _ = writeln!(
                out,
                "\n{} access proofs, {} by the device: {:.0} a second (promised: {:.0}, {verdict}); the processor alone {:.0}.",
                t.proofs, t.by_device, t.per_second, t.promised, t.processor_per_second
            );
        }
        out
    }
}
