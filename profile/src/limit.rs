//! The physical limit of the arithmetic: how fast a proof would be if the multiplying ports were
//! never idle and nothing but multiplications were done.
//!
//! On AVX-512 IFMA a multiplication in Fq or Fr is 101 `vpmadd52` instructions and a squaring 81,
//! for eight lanes at once; a core starts two a cycle. Elsewhere it is 36 64-bit multiplications
//! (30 for a squaring), one a cycle. The frequency is measured. An addition of affine points with a
//! shared inversion is five multiplications and a squaring, in G2 (Karatsuba) 17 multiplications.
//!
//! The number of additions is that of the method: 127-bit halves by the endomorphism, signed digits
//! of `c` bits with the best `c`, one addition for each digit and one for each bucket (its first
//! point is free, the two of the reduction are not). Precomputed multiples of the bases would need
//! fewer; transposing, carrying, sorting and memory are not in the model at all, so no
//! implementation reaches 100 %.

use crate::job::Job;
use amanat_accel::{Fr, Phase};
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, One, PrimeField};

/// Cycles of one core.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Model {
    /// In one line.
    pub name: &'static str,
    /// For a multiplication.
    pub product: f64,
    /// For a squaring.
    pub square: f64,
}

/// Two `vpmadd52` a cycle, eight lanes each.
const IFMA: Model =
    Model { name: "two 8-lane IFMA multiply-adds a cycle", product: 101.0 / 16.0, square: 81.0 / 16.0 };

/// One 64-bit multiplication a cycle.
const SCALAR: Model = Model { name: "one 64-bit multiplication a cycle", product: 36.0, square: 30.0 };

impl Model {
    /// Of this processor: the best it could do, whatever the backend.
    #[must_use]
    pub fn here() -> Self {
        if features().iter().any(|f| f == "avx512ifma") { IFMA } else { SCALAR }
    }

    fn add_g1(&self) -> f64 {
        self.product.mul_add(5.0, self.square)
    }

    fn add_g2(&self) -> f64 {
        self.product * 17.0
    }
}

/// Features of this processor that a backend may use.
#[must_use]
pub fn features() -> Vec<String> {
    let mut out: Vec<&str> = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        macro_rules! note {
            ($($name:tt),*) => { $(if std::arch::is_x86_feature_detected!($name) { out.push($name); })* };
        }
        note!(
            "bmi2",
            "adx",
            "avx2",
            "avx512f",
            "avx512dq",
            "avx512bw",
            "avx512vl",
            "avx512ifma",
            "avx512vbmi2"
        );
    }
    out.into_iter().map(str::to_owned).collect()
}

/// What a job has to do, in multiplications and additions.
#[derive(Debug, Clone, PartialEq)]
pub struct Floor {
    domain: f64,
    products: f64,
    a: Additions,
    b: Additions,
    l: Additions,
    h: Additions,
}

/// The lengths of the scalars of a sum, in bits; zeros and bases at infinity left out.
#[derive(Debug, Clone, PartialEq)]
struct Additions {
    /// `counts[i]`: scalars of `i` bits.
    counts: Vec<u64>,
}

/// Bits of the longer half of a scalar after the endomorphism.
const HALF: usize = 127;

impl Additions {
    fn of<'a>(scalars: impl Iterator<Item = &'a Fr>) -> Self {
        let mut counts = vec![0; 255];
        scalars.for_each(|s| counts[bits(s)] += 1);
        counts[0] = 0;
        Self { counts }
    }

    fn full(n: usize) -> Self {
        let mut counts = vec![0; 255];
        counts[254] = n as u64;
        Self { counts }
    }

    fn and(&self, other: &Self) -> Self {
        Self { counts: self.counts.iter().zip(&other.counts).map(|(a, b)| a + b).collect() }
    }

    /// The fewest additions over all widths of a digit.
    fn least(&self) -> f64 {
        let longest = self.counts.iter().rposition(|n| *n > 0).unwrap_or(0).min(HALF);
        let with = |c: usize| {
            let digits = |bits: usize| if bits > HALF { 2 * HALF.div_ceil(c) } else { bits.div_ceil(c) };
            let entries: f64 =
                self.counts.iter().enumerate().map(|(b, n)| (digits(b) as f64) * *n as f64).sum();
            let buckets = longest.div_ceil(c) as f64 * f64::from(1u32 << (c - 1));
            entries + buckets.min(entries)
        };
        (2..=20).map(with).fold(f64::INFINITY, f64::min)
    }
}

/// Bits of a number or of its negative, whichever has fewer.
fn bits(x: &Fr) -> usize {
    x.into_bigint().num_bits().min((-*x).into_bigint().num_bits()) as usize
}

impl Floor {
    /// Of a job.
    #[must_use]
    pub fn of(job: &Job) -> Self {
        let m = &job.matrices;
        let unit = |x: &Fr| x.is_one() || (-*x).is_one();
        let forms = [Some(&m.a), Some(&m.b), m.c.as_ref()];
        let products = forms.into_iter().flatten().flat_map(|m| m.terms()).filter(|(_, x)| !unit(x)).count()
            + m.domain_size;
        let finite = |bases: &[amanat_accel::G1Affine], from: usize| {
            let scalars = job.assignment[from..].iter().zip(bases);
            Additions::of(scalars.filter(|(_, base)| !base.is_zero()).map(|(s, _)| s))
        };
        let private = job.assignment.len() - job.queries.l.len();
        Self {
            domain: m.domain_size as f64,
            products: products as f64,
            a: finite(&job.queries.a, 0),
            b: finite(&job.queries.b_g1, 0),
            l: finite(&job.queries.l, private),
            h: Additions::full(job.queries.h.len()),
        }
    }

    /// Seconds of one core that a phase takes at least; `None` if it multiplies nothing.
    #[must_use]
    pub fn seconds(&self, phase: Phase, model: &Model, hertz: f64) -> Option<f64> {
        let n = self.domain;
        let cycles = match phase {
            Phase::Rows => self.products * model.product,
            // n/2 butterflies a level; the n - 1 butterflies whose root is one multiply nothing.
            Phase::InverseA
            | Phase::CosetA
            | Phase::InverseB
            | Phase::CosetB
            | Phase::InverseC
            | Phase::CosetC
            | Phase::InverseH => (n / 2.0).mul_add(n.log2(), 1.0 - n) * model.product,
            Phase::Recode => return None,
            Phase::SumA => self.a.least() * model.add_g1(),
            Phase::SumB2 => self.b.least() * model.add_g2(),
            // One set of buckets; B's scalars are multiplied by r and have all their bits.
            Phase::SumC => {
                let b = Additions::full(self.b.counts.iter().sum::<u64>() as usize);
                self.l.and(&self.h).and(&b).least() * model.add_g1()
            }
            Phase::SumL => self.l.least() * model.add_g1(),
            Phase::SumH => self.h.least() * model.add_g1(),
            Phase::SumB1 => self.b.least() * model.add_g1(),
        };
        Some(cycles / hertz)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_sum_needs_the_additions_that_were_counted_in_the_prototype() {
        // 2^16 points: 1.35 million, with digits of 13 bits.
        let additions = Additions::full(1 << 16).least();
        assert!((1.3e6..1.4e6).contains(&additions), "{additions}");
        assert_eq!((IFMA.add_g1() * 16.0).round(), 586.0);
    }

    #[test]
    fn small_and_negative_scalars_need_fewer() {
        assert_eq!([0u64, 1, 5, 255].map(|n| bits(&Fr::from(n))), [0, 1, 3, 8]);
        assert_eq!(bits(&-Fr::from(1u64)), 1);
        let ones = vec![Fr::from(1u64); 1000];
        // One entry each; at most two buckets' worth besides.
        assert!((1000.0..1003.0).contains(&Additions::of(ones.iter()).least()));
        let zeros = vec![Fr::from(0u64); 1000];
        assert_eq!(Additions::of(zeros.iter()).least(), 0.0);
    }
}
