//! Every kernel of the backends beside arkworks', on one thread, in one process, in turn.
//!
//! A [`Recipe`] makes a [`Kernel`]: the same work for arkworks and for each backend. [`measure`]
//! runs them in turn, each round beginning with another one, and divides round by round: what slows
//! the machine for a while slows all of them. The same recipes are behind `cargo bench -p
//! amanat-benches --bench kernels`.

mod pairings;
mod sums;
mod tables;
mod transforms;
mod verification;

use crate::report::Outcome;
use crate::table::words;
use amanat_accel::{Backend, Fr, G1Affine, G2Affine};
use amanat_domain::field;
use amanat_profile::Stopped;
use amanat_profile::Watcher;
use amanat_profile::clock::process_seconds;
use amanat_profile::draw::words::seconds;
use amanat_profile::stats::{Stat, ratios};
use amanat_profile::threads::pool;
use ark_bn254::{G1Projective, G2Projective};
use ark_ec::PrimeGroup;
use ark_ec::scalar_mul::BatchMulPreprocessing;
use rand_chacha::ChaCha20Rng;
use serde::Serialize;
use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Does the work once and says how many seconds of processor time it took, without what is not to
/// be measured.
pub type Timed<'a> = Box<dyn FnMut() -> Outcome<f64> + Send + 'a>;

/// One piece of work for all.
pub struct Kernel<'a> {
    /// Things done in it: proofs, pairs, or one.
    pub per: u32,
    /// By arkworks.
    pub arkworks: Timed<'a>,
    /// By our backends.
    pub ours: Vec<(&'static str, Timed<'a>)>,
    /// What one must know to read it.
    pub note: Cow<'static, str>,
}

type Make<'a> = Box<dyn Fn() -> Outcome<Kernel<'a>> + 'a>;

/// A kernel that has not been made yet: inputs may be large.
pub struct Recipe<'a> {
    /// What it is.
    pub name: &'static str,
    /// Its size, in words.
    pub size: String,
    /// How many times as fast as arkworks the vector backend is promised to be.
    pub promised: Option<f64>,
    make: Make<'a>,
}

/// What recipes draw on.
pub struct KernelInputs {
    /// The backends to measure.
    pub backends: Vec<&'static dyn Backend>,
    /// log2 of the largest input.
    pub largest: u32,
    /// Where keys are kept.
    pub dir: PathBuf,
    g1: OnceLock<Vec<G1Affine>>,
    g2: OnceLock<Vec<G2Affine>>,
    proofs: OnceLock<verification::Proofs>,
}

/// The families of kernels, by name.
pub const FAMILIES: [&str; 5] = ["msm", "tables", "ntt", "pairing", "verify"];

impl KernelInputs {
    /// With nothing in it yet.
    #[must_use]
    pub fn new(backends: Vec<&'static dyn Backend>, largest: u32, dir: PathBuf) -> Self {
        Self { backends, largest, dir, g1: OnceLock::new(), g2: OnceLock::new(), proofs: OnceLock::new() }
    }

    /// The recipes of some families; of all if `families` is empty.
    ///
    /// # Errors
    /// If a family does not exist.
    pub fn recipes(&self, families: &[String]) -> Outcome<Vec<Recipe<'_>>> {
        if let Some(unknown) = families.iter().find(|f| !FAMILIES.contains(&f.as_str())) {
            return Err(format!("no kernels are called {unknown}; there are: {}", FAMILIES.join(", ")).into());
        }
        let wanted = |family: &str| families.is_empty() || families.iter().any(|f| f == family);
        let mut out = Vec::new();
        if wanted("msm") {
            out.extend(sums::recipes(self));
        }
        if wanted("tables") {
            out.extend(tables::recipes(self));
        }
        if wanted("ntt") {
            out.extend(transforms::recipes(self));
        }
        if wanted("pairing") {
            out.extend(pairings::recipes(self));
        }
        if wanted("verify") {
            out.extend(verification::recipes(self));
        }
        Ok(out)
    }

    fn proofs(&self) -> Outcome<&verification::Proofs> {
        if let Some(proofs) = self.proofs.get() {
            return Ok(proofs);
        }
        let proofs = verification::Proofs::new(&self.dir)?;
        Ok(self.proofs.get_or_init(|| proofs))
    }

    /// Random points of G1.
    fn g1(&self, n: usize) -> &[G1Affine] {
        &self.g1.get_or_init(|| points(G1Projective::generator(), 1 << self.largest.min(18), 1))[..n]
    }

    /// Random points of G2.
    fn g2(&self, n: usize) -> &[G2Affine] {
        &self.g2.get_or_init(|| points(G2Projective::generator(), 1 << self.largest.min(18), 2))[..n]
    }
}

fn points<G: PrimeGroup<ScalarField = Fr> + ark_ec::ScalarMul>(
    generator: G,
    n: usize,
    seed: u64,
) -> Vec<G::MulBase> {
    BatchMulPreprocessing::new(generator, n).batch_mul(&scalars(n, seed))
}

/// Random scalars.
fn scalars(n: usize, seed: u64) -> Vec<Fr> {
    let mut rng = rng(seed);
    (0..n).map(|_| field::random(&mut rng)).collect()
}

fn rng(seed: u64) -> ChaCha20Rng {
    crate::report::world::rng(seed)
}

/// Seconds of processor time of one call.
fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let begun = process_seconds();
    std::hint::black_box(work());
    process_seconds() - begun
}

impl<'a> Recipe<'a> {
    fn new(name: &'static str, size: impl Into<String>, make: impl Fn() -> Outcome<Kernel<'a>> + 'a) -> Self {
        Self { name, size: size.into(), promised: None, make: Box::new(make) }
    }

    fn promised(mut self, times: f64) -> Self {
        self.promised = Some(times);
        self
    }

    /// Makes it.
    ///
    /// # Errors
    /// If keys or proofs cannot be made.
    pub fn make(&self) -> Outcome<Kernel<'a>> {
        (self.make)()
    }
}

/// A kernel on one backend.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What it is.
    pub kernel: &'static str,
    /// Its size.
    pub size: String,
    /// By which backend.
    #[serde(rename = "engine")]
    pub backend: &'static str,
    /// Seconds of processor time for one of the things done in it.
    pub seconds: Stat,
    /// The same by arkworks.
    pub arkworks: Stat,
    /// How many times as fast as arkworks, from the rounds one by one.
    pub times: Stat,
    /// How many times is promised of the vector backend.
    pub promised: Option<f64>,
    /// Whether it is.
    pub kept: Option<bool>,
    /// What one must know to read it.
    pub note: Cow<'static, str>,
}

/// Measures recipes one after another.
///
/// # Errors
/// [`Stopped`]; a kernel's.
pub fn measure(recipes: &[Recipe<'_>], rounds: usize, watcher: &dyn Watcher) -> Outcome<Vec<Row>> {
    let one = pool(1)?;
    let mut rows = Vec::new();
    for (i, recipe) in recipes.iter().enumerate() {
        watcher.at(i as u64, recipes.len() as u64, &format!("{}, {}", recipe.name, recipe.size));
        let mut kernel = recipe.make()?;
        let samples = one.install(|| in_turn(&mut kernel, rounds, watcher))?;
        let per = |values: &[f64]| values.iter().map(|s| s / f64::from(kernel.per)).collect::<Vec<_>>();
        let arkworks = Stat::of(&per(&samples[0])).ok_or("a round")?;
        for ((backend, _), own) in kernel.ours.iter().zip(&samples[1..]) {
            let times = ratios(&samples[0], own).ok_or("a round")?;
            let promised = recipe.promised.filter(|_| *backend == "avx512ifma");
            rows.push(Row {
                kernel: recipe.name,
                size: recipe.size.clone(),
                backend,
                seconds: Stat::of(&per(own)).ok_or("a round")?,
                arkworks,
                times,
                promised,
                kept: promised.map(|p| times.median >= p),
                note: kernel.note.clone(),
            });
        }
    }
    Ok(rows)
}

/// Seconds of arkworks and of each backend, round by round. Short work is repeated within a round.
fn in_turn(kernel: &mut Kernel<'_>, rounds: usize, watcher: &dyn Watcher) -> Outcome<Vec<Vec<f64>>> {
    /// Seconds below which one call says little.
    const SHORT: f64 = 0.02;
    let mut works: Vec<&mut Timed<'_>> = vec![&mut kernel.arkworks];
    works.extend(kernel.ours.iter_mut().map(|(_, work)| work));
    // The first call fills caches and is not counted; it says how often to repeat.
    let repeat: Vec<u32> = works
        .iter_mut()
        .map(|work| {
            work()?;
            Ok((SHORT / work()?.max(1e-7)).ceil().clamp(1.0, 10_000.0) as u32)
        })
        .collect::<Outcome<_>>()?;
    let mut samples = vec![Vec::with_capacity(rounds); works.len()];
    for round in 0..rounds {
        let n = works.len();
        for i in (0..n).map(|i| (i + round) % n) {
            if watcher.stopped() {
                return Err(Stopped.into());
            }
            let mut sum = 0.0;
            for _ in 0..repeat[i] {
                sum += works[i]()?;
            }
            samples[i].push(sum / f64::from(repeat[i]));
        }
    }
    Ok(samples)
}

/// As a table in Markdown.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut lines = vec![words([
        "kernel",
        "size",
        "backend",
        "time",
        "arkworks 0.6",
        "times as fast",
        "+-",
        "promised",
        "note",
    ])];
    lines.extend(rows.iter().map(|row| {
        let verdict = |kept| if kept { "kept" } else { "NOT KEPT" };
        let promised = row.promised.zip(row.kept).map(|(p, kept)| format!(">= {p} {}", verdict(kept)));
        vec![
            row.kernel.to_owned(),
            row.size.clone(),
            row.backend.to_owned(),
            seconds(row.seconds.median),
            seconds(row.arkworks.median),
            format!("{:.2}", row.times.median),
            format!("{:.2}", row.times.mad),
            promised.unwrap_or_default(),
            row.note.clone().into_owned(),
        ]
    }));
    crate::table::table(&lines, &[3, 4, 5, 6])
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Silent;

    impl Watcher for Silent {
        fn at(&self, _: u64, _: u64, _: &str) {}
        fn stopped(&self) -> bool {
            false
        }
    }

    #[test]
    fn small_kernels_run_on_every_backend_and_agree_with_arkworks() -> Outcome<()> {
        // Each recipe compares its results with arkworks' when it is made.
        let inputs = KernelInputs::new(amanat_accel::all().to_vec(), 10, PathBuf::new());
        let families = ["msm", "tables", "ntt", "pairing"].map(str::to_owned);
        let mut recipes = inputs.recipes(&families)?;
        recipes.retain(|r| !r.size.contains("2^12"));
        assert!(recipes.len() > 8);
        let rows = measure(&recipes, 1, &Silent)?;
        assert_eq!(rows.len(), recipes.len() * amanat_accel::all().len());
        assert!(rows.iter().all(|row| row.times.median > 0.0 && row.seconds.median > 0.0));
        let table = table(&rows);
        assert_eq!(table.lines().count(), rows.len() + 2);
        assert!(inputs.recipes(&["nothing".to_owned()]).is_err());
        Ok(())
    }
}
