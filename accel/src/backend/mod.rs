//! The arithmetic's interface, its implementations, and which one is used.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx512;
#[cfg(any(test, feature = "emulated"))]
// The same sources over other lanes, on purpose.
#[allow(unsafe_code, clippy::duplicate_mod)]
mod emulated;
#[allow(unsafe_code)]
pub mod gpu;
mod portable;

pub use portable::Portable;

use crate::{Fr, G1Affine, G1Projective, G2Affine, G2Projective, Pairings, Proving};
use std::sync::OnceLock;

/// The environment variable that names the backend to use.
pub const BACKEND_VARIABLE: &str = "AMANAT_BACKEND";

/// Its former name. Read if the new one is not set; [`former_variable_notice`] says so.
pub const FORMER_VARIABLE: &str = "AMANAT_ENGINE";

/// The heavy arithmetic. Every implementation returns the same mathematical values; they differ in
/// time only.
///
/// All methods are total on valid group and field elements, including infinity and empty slices.
///
/// ```
/// use amanat_accel::{Backend, Fr, G1Affine, default_backend};
/// use ark_ec::AffineRepr;
/// let g = G1Affine::generator();
/// let sum = default_backend().msm_g1(&[g, g], &[Fr::from(2u64), Fr::from(3u64)]);
/// assert_eq!(sum, g * Fr::from(5u64));
/// ```
pub trait Backend: Proving + Pairings + Send + Sync {
    /// Short lower-case name, as reported and as accepted by [`by_name`].
    fn name(&self) -> &'static str;

    /// `sum scalars[i] * bases[i]` in G1.
    ///
    /// # Panics
    /// If the two slices differ in length.
    fn msm_g1(&self, bases: &[G1Affine], scalars: &[Fr]) -> G1Projective;

    /// `sum scalars[i] * bases[i]` in G2.
    ///
    /// # Panics
    /// If the two slices differ in length.
    fn msm_g2(&self, bases: &[G2Affine], scalars: &[Fr]) -> G2Projective;

    /// Coefficients to values on the subgroup of order `values.len()`, natural order both ways.
    ///
    /// # Panics
    /// If the length is not a power of two of at most 2^28. The same holds for the three other
    /// transforms.
    fn ntt(&self, values: &mut Vec<Fr>);

    /// Values on the subgroup to coefficients.
    fn intt(&self, values: &mut Vec<Fr>);

    /// Coefficients to values on the coset `g * subgroup`, `g` the field's multiplicative generator
    /// (5).
    fn coset_ntt(&self, values: &mut Vec<Fr>);

    /// Values on the coset to coefficients.
    fn coset_intt(&self, values: &mut Vec<Fr>);
}

/// Why no backend was chosen as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    /// No version of this program has a backend of that name.
    #[error("no backend is called `{name}`; there are: {}", KNOWN.map(|known| known.0).join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
    },
    /// The backend exists, but not in this build or not on this machine.
    #[error("the backend `{name}` needs {needs}; this machine has: {}{}", names(), gpu_words(name))]
    Unavailable {
        /// The name asked for.
        name: &'static str,
        /// What it runs on.
        needs: &'static str,
    },
    /// The program has been computing with another backend already.
    #[error(
        "the backend `{name}` was requested after `{chosen}` had been chosen: choose before the first computation"
    )]
    Late {
        /// The name asked for.
        name: String,
        /// What is in use, or was asked for before.
        chosen: String,
    },
}

/// The names of all backends of any build, with what they need.
const KNOWN: [(&str, &str); 4] = [
    ("gpu", "a GPU and its plugin"),
    ("avx512ifma", "a processor with AVX-512 F, DQ, BW, VL, IFMA and VBMI2"),
    ("portable", "nothing special"),
    ("emulated", "a build with the feature `emulated`, for tests"),
];

/// Every backend this build and this machine can run, the fastest first, the emulated one (for
/// tests) last.
///
/// The GPU's is there where an operator has put a plugin in its place and it finds a device; it is
/// first then, and leaves to the processor what the processor does sooner.
#[must_use]
pub fn all() -> &'static [&'static dyn Backend] {
    static ALL: OnceLock<Vec<&'static dyn Backend>> = OnceLock::new();
    ALL.get_or_init(|| {
        #[cfg(any(test, feature = "emulated"))]
        let emulated = emulated::ifma::Lanes::detect().map(|backend| backend as &dyn Backend);
        #[cfg(not(any(test, feature = "emulated")))]
        let emulated = None;
        let gpu = gpu::presence().gpu().map(|gpu| gpu as &dyn Backend);
        gpu.into_iter().chain(lanes()).chain([&Portable as &dyn Backend]).chain(emulated).collect()
    })
}

/// The lanes, if this machine has the instructions.
fn lanes() -> Option<&'static dyn Backend> {
    #[cfg(target_arch = "x86_64")]
    let lanes = avx512::ifma::Lanes::detect().map(|backend| backend as &dyn Backend);
    #[cfg(not(target_arch = "x86_64"))]
    let lanes = None;
    lanes
}

/// The fastest backend that needs nothing but the processor: what a GPU falls back on and is
/// compared with.
#[must_use]
pub fn processor() -> &'static dyn Backend {
    lanes().unwrap_or(&Portable)
}

/// The backend of this name, or `None` if this build or machine has no such backend.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Backend> {
    all().iter().copied().find(|backend| backend.name() == name)
}

/// The backend to use: the one [`force`] named, or the environment's ([`BACKEND_VARIABLE`]), or the
/// fastest. Decided at the first call, by whichever function makes it, and the same ever after.
///
/// A program that lets its users set the variable calls this at its start and shows the error:
/// [`default_backend`] is silent about it.
///
/// # Errors
/// [`ChooseError`] if the backend asked for cannot be had.
pub fn choose() -> Result<&'static dyn Backend, ChooseError> {
    CHOSEN
        .get_or_init(|| match named_by_environment() {
            Some((_, name)) => named(&name),
            None => Ok(fastest()),
        })
        .clone()
}

/// For users whose environment still names the backend by [`FORMER_VARIABLE`]: a notice to show.
/// `None` for all others.
#[must_use]
pub fn former_variable_notice() -> Option<String> {
    let (variable, name) = named_by_environment()?;
    (variable == FORMER_VARIABLE).then(|| {
        format!("{FORMER_VARIABLE} is now called {BACKEND_VARIABLE}: set {BACKEND_VARIABLE}={name} instead")
    })
}

/// The variable that names a backend, and the name. An empty variable counts as not set.
fn named_by_environment() -> Option<(&'static str, String)> {
    [BACKEND_VARIABLE, FORMER_VARIABLE].into_iter().find_map(|variable| {
        let name = std::env::var_os(variable).filter(|name| !name.is_empty())?;
        Some((variable, name.to_string_lossy().into_owned()))
    })
}

/// Makes every later [`choose`] and [`default_backend`] answer this backend, whatever the
/// environment says.
///
/// # Errors
/// [`ChooseError`]: no such backend here, or another one was chosen before. Nothing is changed
/// then.
pub fn force(name: &str) -> Result<&'static dyn Backend, ChooseError> {
    let backend = named(name)?;
    let late = |chosen: String| ChooseError::Late { name: name.to_owned(), chosen };
    match CHOSEN.get_or_init(|| Ok(backend)) {
        Ok(chosen) if chosen.name() == backend.name() => Ok(backend),
        Ok(chosen) => Err(late(chosen.name().to_owned())),
        Err(ChooseError::Unknown { name }) => Err(late(name.clone())),
        Err(ChooseError::Unavailable { name, .. }) => Err(late((*name).to_owned())),
        Err(ChooseError::Late { chosen, .. }) => Err(late(chosen.clone())),
    }
}

/// The backend [`choose`] answers, or, if that is an error, the fastest one. Never panics, never
/// prints.
#[must_use]
pub fn default_backend() -> &'static dyn Backend {
    choose().unwrap_or_else(|_| fastest())
}

static CHOSEN: OnceLock<Result<&'static dyn Backend, ChooseError>> = OnceLock::new();

fn fastest() -> &'static dyn Backend {
    all().first().copied().unwrap_or(&Portable)
}

fn named(name: &str) -> Result<&'static dyn Backend, ChooseError> {
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
    all().iter().map(|backend| backend.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backend_has_a_known_name_and_portable_is_always_there() {
        for backend in all() {
            assert!(KNOWN.iter().any(|known| known.0 == backend.name()), "{}", backend.name());
            assert_eq!(named(backend.name()).map(|found| found.name()), Ok(backend.name()));
        }
        assert!(by_name("portable").is_some());
        assert_ne!(fastest().name(), "emulated");
        assert!(["avx512ifma", "portable"].contains(&processor().name()), "the processor alone");
    }

    #[test]
    fn an_backend_that_is_missed_says_of_the_gpu_why_it_is() {
        if by_name("gpu").is_none() {
            let error = named("gpu").map(|backend| backend.name()).expect_err("not here").to_string();
            assert!(error.ends_with(&format!("GPU: {}", gpu::presence())), "{error}");
        }
    }

    #[test]
    fn a_name_nobody_knows_is_refused_with_the_names_there_are() {
        for name in ["", "Portable", "tpu"] {
            let error = named(name).map(|backend| backend.name()).expect_err("no such backend");
            assert_eq!(error, ChooseError::Unknown { name: name.to_owned() });
            assert!(error.to_string().contains("gpu, avx512ifma, portable"), "{error}");
        }
    }

    #[test]
    fn a_known_backend_that_cannot_run_here_says_what_it_needs() {
        for (name, needs) in KNOWN {
            if by_name(name).is_none() {
                let error = named(name).map(|backend| backend.name()).expect_err("not here");
                assert!(error.to_string().contains(needs), "{error}");
            }
        }
    }

    #[test]
    fn the_choice_is_made_once() {
        let chosen = choose().map(|backend| backend.name());
        assert_eq!(chosen, choose().map(|backend| backend.name()));
        let default = default_backend().name();
        assert_eq!(force(default).map(|backend| backend.name()).is_ok(), chosen == Ok(default));
        for backend in all().iter().filter(|backend| backend.name() != default) {
            assert!(matches!(force(backend.name()), Err(ChooseError::Late { .. })), "{}", backend.name());
        }
    }
}
