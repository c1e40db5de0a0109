//! The seam, and which engine stands behind it.

use crate::{Fr, G1Affine, G1Projective, G2Affine, G2Projective, Pairings, Portable, Proving, gpu};
use std::sync::OnceLock;

/// The environment variable that names the engine to use.
pub const ENGINE_VARIABLE: &str = "AMANAT_ENGINE";

/// The heavy arithmetic. Every implementation returns the same mathematical values; they differ in time only.
///
/// All methods are total on valid group and field elements, including infinity and empty slices.
pub trait Engine: Proving + Pairings + Send + Sync {
    /// Short lower-case name, as reported and as accepted by [`by_name`].
    fn name(&self) -> &'static str;

    /// `sum scalars[i] * bases[i]` in G1.
    ///
    /// # Panics
    /// Where the two slices differ in length.
    fn msm_g1(&self, bases: &[G1Affine], scalars: &[Fr]) -> G1Projective;

    /// `sum scalars[i] * bases[i]` in G2.
    ///
    /// # Panics
    /// Where the two slices differ in length.
    fn msm_g2(&self, bases: &[G2Affine], scalars: &[Fr]) -> G2Projective;

    /// Coefficients to values on the subgroup of order `values.len()`, natural order both ways.
    ///
    /// # Panics
    /// Where the length is not a power of two of at most 2^28. The same holds for the three other transforms.
    fn ntt(&self, values: &mut Vec<Fr>);

    /// Values on the subgroup to coefficients.
    fn intt(&self, values: &mut Vec<Fr>);

    /// Coefficients to values on the coset `g * subgroup`, `g` the field's multiplicative generator (5).
    fn coset_ntt(&self, values: &mut Vec<Fr>);

    /// Values on the coset to coefficients.
    fn coset_intt(&self, values: &mut Vec<Fr>);
}

/// Why no engine was chosen as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    /// No version of this program has an engine of that name.
    #[error("no engine is called `{name}`; there are: {}", KNOWN.map(|known| known.0).join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
    },
    /// The engine exists, but not in this build or not on this machine.
    #[error("the engine `{name}` needs {needs}; here there are: {}{}", names(), gpu_words(name))]
    Unavailable {
        /// The name asked for.
        name: &'static str,
        /// What it runs on.
        needs: &'static str,
    },
    /// The program has been computing with another engine already.
    #[error("the engine `{name}` was asked for after `{chosen}` had been chosen")]
    Late {
        /// The name asked for.
        name: String,
        /// What is in use, or was asked for before.
        chosen: String,
    },
}

/// The names of all engines of any build, with what they need.
const KNOWN: [(&str, &str); 4] = [
    ("gpu", "a GPU and its plugin"),
    ("avx512ifma", "a processor with AVX-512 F, DQ, BW, VL, IFMA and VBMI2"),
    ("portable", "nothing special"),
    ("emulated", "a build with the feature `emulated`, for tests"),
];

/// Every engine this build and this machine can run, the fastest first, the emulated one (for tests) last.
///
/// The GPU's is there where an operator has put a plugin in its place and it finds a device; it is first then, and leaves to the
/// processor what the processor does sooner.
#[must_use]
pub fn all() -> &'static [&'static dyn Engine] {
    static ALL: OnceLock<Vec<&'static dyn Engine>> = OnceLock::new();
    ALL.get_or_init(|| {
        #[cfg(any(test, feature = "emulated"))]
        let emulated = crate::emulated::ifma::Lanes::detect().map(|engine| engine as &dyn Engine);
        #[cfg(not(any(test, feature = "emulated")))]
        let emulated = None;
        let gpu = gpu::presence().gpu().map(|gpu| gpu as &dyn Engine);
        gpu.into_iter().chain(lanes()).chain([&Portable as &dyn Engine]).chain(emulated).collect()
    })
}

/// The lanes, where this machine has the instructions.
fn lanes() -> Option<&'static dyn Engine> {
    #[cfg(target_arch = "x86_64")]
    let lanes = crate::avx512::ifma::Lanes::detect().map(|engine| engine as &dyn Engine);
    #[cfg(not(target_arch = "x86_64"))]
    let lanes = None;
    lanes
}

/// The fastest engine that needs nothing but the processor: what stands in for a GPU, and what it is held against.
#[must_use]
pub fn processor() -> &'static dyn Engine {
    lanes().unwrap_or(&Portable)
}

/// The engine of this name, or none where this build or machine has no such engine.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Engine> {
    all().iter().copied().find(|engine| engine.name() == name)
}

/// The engine to use: the one [`force`] named, or the environment's ([`ENGINE_VARIABLE`]), or the fastest. Decided at the
/// first call, by whichever function makes it, and the same ever after.
///
/// A program that lets its users set the variable calls this at its start and shows the error: [`best`] is silent about it.
///
/// # Errors
/// [`ChooseError`] where what was asked for cannot be had.
pub fn choose() -> Result<&'static dyn Engine, ChooseError> {
    CHOSEN
        .get_or_init(|| match std::env::var_os(ENGINE_VARIABLE) {
            Some(name) if !name.is_empty() => named(&name.to_string_lossy()),
            _ => Ok(fastest()),
        })
        .clone()
}

/// Makes every later [`choose`] and [`best`] answer this engine, whatever the environment says.
///
/// # Errors
/// [`ChooseError`]: no such engine here, or another one was chosen before. Nothing is changed then.
pub fn force(name: &str) -> Result<&'static dyn Engine, ChooseError> {
    let engine = named(name)?;
    let late = |chosen: String| ChooseError::Late { name: name.to_owned(), chosen };
    match CHOSEN.get_or_init(|| Ok(engine)) {
        Ok(chosen) if chosen.name() == engine.name() => Ok(engine),
        Ok(chosen) => Err(late(chosen.name().to_owned())),
        Err(ChooseError::Unknown { name }) => Err(late(name.clone())),
        Err(ChooseError::Unavailable { name, .. }) => Err(late((*name).to_owned())),
        Err(ChooseError::Late { chosen, .. }) => Err(late(chosen.clone())),
    }
}

/// The engine [`choose`] answers, or, where that is an error, the fastest one. Never panics, never prints.
#[must_use]
pub fn best() -> &'static dyn Engine {
    choose().unwrap_or_else(|_| fastest())
}

static CHOSEN: OnceLock<Result<&'static dyn Engine, ChooseError>> = OnceLock::new();

fn fastest() -> &'static dyn Engine {
    all().first().copied().unwrap_or(&Portable)
}

fn named(name: &str) -> Result<&'static dyn Engine, ChooseError> {
    let missing = || match KNOWN.iter().find(|known| known.0 == name) {
        Some((name, needs)) => ChooseError::Unavailable { name, needs },
        None => ChooseError::Unknown { name: name.to_owned() },
    };
    by_name(name).ok_or_else(missing)
}

/// Why there is no GPU, where that is the question.
fn gpu_words(name: &str) -> String {
    if name == "gpu" { format!("; GPU: {}", gpu::presence()) } else { String::new() }
}

fn names() -> String {
    all().iter().map(|engine| engine.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_engine_has_a_known_name_and_portable_is_always_there() {
        for engine in all() {
            assert!(KNOWN.iter().any(|known| known.0 == engine.name()), "{}", engine.name());
            assert_eq!(named(engine.name()).map(|found| found.name()), Ok(engine.name()));
        }
        assert!(by_name("portable").is_some());
        assert_ne!(fastest().name(), "emulated");
        assert!(["avx512ifma", "portable"].contains(&processor().name()), "the processor alone");
    }

    #[test]
    fn an_engine_that_is_missed_says_of_the_gpu_why_it_is() {
        if by_name("gpu").is_none() {
            let error = named("gpu").map(|engine| engine.name()).expect_err("not here").to_string();
            assert!(error.ends_with(&format!("GPU: {}", gpu::presence())), "{error}");
        }
    }

    #[test]
    fn a_name_nobody_knows_is_refused_with_the_names_there_are() {
        for name in ["", "Portable", "tpu"] {
            let error = named(name).map(|engine| engine.name()).expect_err("no such engine");
            assert_eq!(error, ChooseError::Unknown { name: name.to_owned() });
            assert!(error.to_string().contains("gpu, avx512ifma, portable"), "{error}");
        }
    }

    #[test]
    fn a_known_engine_that_cannot_run_here_says_what_it_needs() {
        for (name, needs) in KNOWN {
            if by_name(name).is_none() {
                let error = named(name).map(|engine| engine.name()).expect_err("not here");
                assert!(error.to_string().contains(needs), "{error}");
            }
        }
    }

    #[test]
    fn the_choice_is_made_once() {
        let chosen = choose().map(|engine| engine.name());
        assert_eq!(chosen, choose().map(|engine| engine.name()));
        let best = best().name();
        assert_eq!(force(best).map(|engine| engine.name()).is_ok(), chosen == Ok(best));
        for engine in all().iter().filter(|engine| engine.name() != best) {
            assert!(matches!(force(engine.name()), Err(ChooseError::Late { .. })), "{}", engine.name());
        }
    }
}
