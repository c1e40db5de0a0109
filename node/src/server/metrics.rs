//! What the node counts, in Prometheus' text format.

use super::Shared;
use super::tls::Handshakes;
use amanat_accel::gpu::{Presence, presence};
use amanat_api::problem::{Kind, Problem};
use amanat_domain::bundle::Registry;
use amanat_ledger::{Chain, PHASE_SECONDS, Phase};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

#[derive(Default)]
pub(super) struct Metrics {
    committed: AtomicU64,
    repeated: AtomicU64,
    refused: Mutex<BTreeMap<(Kind, String), u64>>,
    answers: Mutex<BTreeMap<u16, u64>>,
    seconds: Mutex<Histogram>,
    pub(super) handshakes: Handshakes,
}

#[derive(Default)]
struct Histogram {
    buckets: [u64; BUCKETS.len()],
    sum: f64,
    count: u64,
}

impl Metrics {
    pub(super) fn taken(&self, repeated: bool) {
        let counter = if repeated { &self.repeated } else { &self.committed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self, problem: &Problem) {
        // Codes are fixed words of ours: few, and no text of a sender.
        *lock(&self.refused).entry((problem.kind, problem.code.to_string())).or_default() += 1;
    }

    pub(super) fn answered(&self, status: u16) {
        *lock(&self.answers).entry(status).or_default() += 1;
    }

    pub(super) fn committed_in(&self, time: Duration) {
        let (seconds, mut h) = (time.as_secs_f64(), lock(&self.seconds));
        h.sum += seconds;
        h.count += 1;
        for (bucket, bound) in h.buckets.iter_mut().zip(BUCKETS) {
            *bucket += u64::from(seconds <= bound);
        }
    }

    pub(super) fn text(&self, shared: &Shared) -> String {
        let status = shared.chain().status();
        let mut out = String::with_capacity(4096);
        let mut one = |name: &str, kind: &str, help: &str, samples: &[(String, f64)]| {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "# HELP amanat_{name} {help}\n# TYPE amanat_{name} {kind}");
            for (labels, value) in samples {
                let _ = writeln!(out, "amanat_{name}{labels} {value}");
            }
        };
        let plain = |value: u64| vec![(String::new(), value as f64)];
        one("height", "gauge", "Height of the last block.", &plain(status.tip.height));
        one("epoch", "gauge", "Epoch of the newest bundle.", &plain(status.bundle_epoch));
        one("mempool_transactions", "gauge", "Transactions waiting for a block.", &plain(status.pool as u64));
        one("transactions", "gauge", "Transactions on the ledger.", &plain(status.transactions));
        one("nullifiers", "gauge", "Nullifiers spent.", &plain(status.nullifiers));
        one("active_credentials", "gauge", "Active credentials.", &plain(status.active_credentials));
        let leaves = |(r, (_, n)): (Registry, (_, u64))| (format!("{{registry=\"{}\"}}", r.name()), n as f64);
        let leaves: Vec<_> = status.registries.into_iter().map(leaves).collect();
        one("registry_leaves", "gauge", "Leaves of a registry.", &leaves);
        for sample in shared.consensus.samples() {
            one(sample.name, sample.kind, sample.help, &plain(sample.value));
        }
        let backend = format!("{{name=\"{}\"}}", amanat_accel::default_backend().name());
        one("engine_info", "gauge", "1 for the backend that verifies.", &[(backend, 1.0)]);
        gpu(&mut one, presence());
        let ready = u64::from(shared.ready().is_ok());
        one("ready", "gauge", "1 where transactions are taken.", &plain(ready));
        let count =
            |what: &str, n: &AtomicU64| (format!("{{outcome=\"{what}\"}}"), n.load(Ordering::Relaxed) as f64);
        let submitted = [count("committed", &self.committed), count("repeated", &self.repeated)];
        one("submissions_total", "counter", "Submissions answered with a receipt.", &submitted);
        let refused: Vec<_> = lock(&self.refused)
            .iter()
            .map(|((kind, code), n)| {
                let kind = format!("{kind:?}").to_lowercase();
                (format!("{{kind=\"{kind}\",code=\"{code}\"}}"), *n as f64)
            })
            .collect();
        one("refused_total", "counter", "Submissions refused, by reason.", &refused);
        let answers: Vec<_> = lock(&self.answers)
            .iter()
            .map(|(status, n)| (format!("{{status=\"{status}\"}}"), *n as f64))
            .collect();
        one("http_answers_total", "counter", "HTTP answers, by status.", &answers);
        if shared.config.tls.is_some() {
            let handshakes = self.handshakes.samples();
            one("tls_handshakes_total", "counter", "Handshakes of TLS, by how they ended.", &handshakes);
        }
        self.histogram(&mut out);
        phases(&mut out, shared.chain());
        out.push_str(&shared.consensus.metrics());
        out
    }

    fn histogram(&self, out: &mut String) {
        let h = lock(&self.seconds);
        let name = "amanat_commit_seconds";
        let _ = writeln!(
            out,
            "# HELP {name} From a batch taken up to its blocks on disk.\n# TYPE {name} histogram"
        );
        for (n, bound) in h.buckets.iter().zip(BUCKETS) {
            let _ = writeln!(out, "{name}_bucket{{le=\"{bound}\"}} {n}");
        }
        let _ = writeln!(
            out,
            "{name}_bucket{{le=\"+Inf\"}} {0}\n{name}_sum {1}\n{name}_count {0}",
            h.count, h.sum
        );
    }
}

/// What the ledger's phases have cost, and the number of transactions in them. The metrics keep the
/// names of their first version, in which phases were gates.
fn phases(out: &mut String, chain: &Chain) {
    let phases = Phase::ALL.map(|phase| (phase.name(), chain.phase_metrics(phase)));
    let name = "amanat_gate_seconds";
    let _ = writeln!(
        out,
        "# HELP {name} A batch or block through CheckTx, PrepareProposal, ProcessProposal or Commit.\n# TYPE {name} histogram"
    );
    for (phase, counts) in &phases {
        for (n, bound) in counts.buckets.iter().zip(PHASE_SECONDS) {
            let _ = writeln!(out, "{name}_bucket{{gate=\"{phase}\",le=\"{bound}\"}} {n}");
        }
        let (n, sum) = (counts.passes, counts.seconds);
        let _ = writeln!(
            out,
            "{name}_bucket{{gate=\"{phase}\",le=\"+Inf\"}} {n}\n{name}_sum{{gate=\"{phase}\"}} {sum}\n{name}_count{{gate=\"{phase}\"}} {n}"
        );
    }
    let name = "amanat_gate_transactions_total";
    let _ = writeln!(out, "# HELP {name} Transactions in them.\n# TYPE {name} counter");
    for (phase, counts) in &phases {
        let _ = writeln!(out, "{name}{{gate=\"{phase}\"}} {}", counts.transactions);
    }
}

/// Name, kind, help, and samples with their labels.
type One<'a> = dyn FnMut(&str, &str, &str, &[(String, f64)]) + 'a;

/// The GPU of this process: whether there is one, and what it has done. A node verifies, and uses
/// no GPU for that; the counters belong to any prover in the same process.
fn gpu(one: &mut One<'_>, presence: &Presence) {
    let state = vec![(format!("{{state=\"{}\"}}", presence.label()), 1.0)];
    one(
        "gpu_info",
        "gauge",
        "1 for the state of the GPU: absent, off, refused, ready, lost or quarantined.",
        &state,
    );
    let Some(report) = presence.gpu().map(amanat_accel::gpu::Gpu::report) else { return };
    let plain = |value: u64| vec![(String::new(), value as f64)];
    let by = |who: &str, n: u64| (format!("{{by=\"{who}\"}}"), n as f64);
    let proofs = [by("gpu", report.by_device), by("processor", report.by_processor)];
    one("gpu_proofs_total", "counter", "Proofs of the backend gpu, by who made their sums.", &proofs);
    one("gpu_alarms_total", "counter", "How often the GPU computed wrongly.", &plain(report.alarms));
    one(
        "gpu_made_again_total",
        "counter",
        "Wrong proofs made again on the processor.",
        &plain(report.made_again),
    );
    let failures = report.failures.map(|(kind, n)| (format!("{{kind=\"{}\"}}", kind.label()), n as f64));
    one("gpu_failures_total", "counter", "Failures of the GPU, by kind.", &failures);
    one("gpu_resident_bytes", "gauge", "Bytes of keys and circuits on the GPU.", &plain(report.resident));
    one("gpu_budget_bytes", "gauge", "Bytes that they and proofs may take there.", &plain(report.budget));
    one(
        "gpu_evictions_total",
        "counter",
        "Keys and circuits that gave way to others.",
        &plain(report.evictions),
    );
    if let Some(rows) = report.calibration.and_then(|calibration| calibration.crossover()) {
        one(
            "gpu_crossover_rows",
            "gauge",
            "Rows from which on the GPU is asked, as measured.",
            &plain(rows as u64),
        );
    }
}

/// Counters stay what they are when a holder of the lock panicked.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use amanat_accel::gpu::mock::{Script, gpu as mock};
    use amanat_accel::gpu::{Calibration, LinearCost, Settings};
    use std::sync::Arc;

    fn text(presence: &Presence) -> String {
        let mut out = String::new();
        gpu(
            &mut |name: &str, _: &str, _: &str, samples: &[(String, f64)]| {
                for (labels, value) in samples {
                    out.push_str(&format!("amanat_{name}{labels} {value}\n"));
                }
            },
            presence,
        );
        out
    }

    #[test]
    fn a_gpu_that_is_not_there_has_a_state_and_nothing_else() {
        assert_eq!(text(&Presence::Absent), "amanat_gpu_info{state=\"absent\"} 1\n");
        assert_eq!(text(&Presence::Off), "amanat_gpu_info{state=\"off\"} 1\n");
        let refused = Presence::Refused { why: "no driver".to_owned() };
        assert_eq!(text(&refused), "amanat_gpu_info{state=\"refused\"} 1\n");
    }

    #[test]
    fn a_gpu_that_computes_wrongly_shows_as_quarantined_with_its_alarm() {
        let line = |fixed| LinearCost { fixed, per_row: 0.0 };
        let calibration = Some(Calibration { device: line(1.0), processor: line(2.0) });
        for (script, state, alarms) in [("", "ready", 0), ("wrong=ntt", "quarantined", 1)] {
            let gpu = mock(&Arc::new(Script::parse(script)), Settings { calibration, ..Settings::default() });
            gpu.start();
            let text = text(&Presence::Present(gpu));
            for line in [
                format!("amanat_gpu_info{{state=\"{state}\"}} 1"),
                format!("amanat_gpu_alarms_total {alarms}"),
                "amanat_gpu_proofs_total{by=\"gpu\"} 0".to_owned(),
                "amanat_gpu_failures_total{kind=\"out-of-memory\"} 0".to_owned(),
                "amanat_gpu_resident_bytes 0".to_owned(),
            ] {
                assert!(text.lines().any(|l| l == line), "{line}\n{text}");
            }
            assert_eq!(text.contains("amanat_gpu_crossover_rows 2\n"), state == "ready", "{text}");
        }
    }
}
