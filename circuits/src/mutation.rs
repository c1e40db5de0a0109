//! The mutation run: for each row, would a cheating prover get through without it?
//!
//! A row is *caught* where there is a negative vector (an assignment with its public inputs) that
//! violates that row and no other: the system without the row accepts it. The vector is made as a
//! cheating prover would make it: wrong values in place of honest ones at the row's own wires,
//! honest work from there on, and whatever public inputs come out. For rows that assert something,
//! it is the honest work of a prover in a world where that is not so.
//!
//! A row that no vector catches is a *survivor*. Either the cheats are too dull, or the row adds
//! nothing to the others.

use crate::cs::{Cs, RowKind, RowLabel, Shape};
use crate::r1cs::{R1cs, evaluate};
use crate::statements::built;
use crate::with_relation;
use crate::world::sample::Sample;
use crate::world::{Case, rules};
use amanat_domain::field::{Fr, pow2, random};
use amanat_domain::statement::Statement;
use ark_ff::{AdditiveGroup, Field, One};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;

/// A row that no negative vector catches.
#[derive(Debug, Clone)]
pub struct Survivor {
    /// The row.
    pub row: usize,
    /// Where it comes from.
    pub label: RowLabel,
    /// Why nothing catches it, if that is known.
    pub reason: Option<&'static str>,
}

/// What a run found.
#[derive(Debug, Clone)]
pub struct Report {
    /// Which statement.
    pub statement: Statement,
    /// Its rows.
    pub rows: usize,
    /// Rows tried.
    pub tried: usize,
    /// Rows caught.
    pub caught: usize,
    /// The others.
    pub survivors: Vec<Survivor>,
}

impl Report {
    /// Caught out of tried, in percent.
    #[must_use]
    pub fn percent(&self) -> f64 {
        100.0 * self.caught as f64 / self.tried.max(1) as f64
    }
}

/// Tries every row of a statement, or about `sample` of them: evenly spread, and all rows that
/// assert or bind. `progress` is called with the number of rows done, from several threads.
#[must_use]
pub fn score(
    statement: Statement,
    sample: Option<usize>,
    seed: u64,
    progress: &(dyn Fn(usize) + Sync),
) -> Report {
    score_rows(statement, &sampled(&built(statement).1.labels, sample), seed, progress)
}

/// Tries these rows of a statement.
#[must_use]
pub fn score_rows(
    statement: Statement,
    rows: &[usize],
    seed: u64,
    progress: &(dyn Fn(usize) + Sync),
) -> Report {
    with_relation!(statement, |Witness| Run::<Witness>::new(seed).score(rows, progress))
}

/// Rows that a list holds, or that a run tries.
#[must_use]
pub fn sampled(labels: &[RowLabel], sample: Option<usize>) -> Vec<usize> {
    let step = sample.map_or(1, |n| (labels.len() / n.max(1)).max(1));
    (0..labels.len())
        .filter(|i| i % step == step / 2 || matches!(labels[*i].kind, RowKind::Assert | RowKind::Bind(_)))
        .collect()
}

/// A world's case with its honest assignment.
struct Base<R> {
    case: Case<R>,
    honest: Vec<Fr>,
}

struct Run<R> {
    r1cs: &'static R1cs,
    shape: &'static Shape,
    bases: Vec<Base<R>>,
    seed: u64,
    /// Variables that a row holds to 0 or 1, in ascending order.
    booleans: Vec<u32>,
    /// Rows that an assignment made by a walk may violate without a fault: all but products and
    /// booleans.
    checks: Vec<usize>,
    /// Assertions that a negative of the clause tests violates alone.
    asserted: Vec<usize>,
}

/// Wrong values by variable.
type Faults = Vec<(u32, Fr)>;

impl<R: Sample> Run<R> {
    fn new(seed: u64) -> Self {
        let (r1cs, shape) = built(R::STATEMENT);
        let bases = rules::decisive(seed)
            .par_iter()
            .map(|world| {
                let case = R::case(world);
                let honest = case.witness.assign(&case.public);
                Base { case, honest }
            })
            .collect();
        let checks = (0..r1cs.rows.len())
            .filter(|i| !matches!(shape.labels[*i].kind, RowKind::Product(_) | RowKind::Boolean(_)))
            .collect();
        let negatives = R::negatives(seed);
        let asserted = negatives
            .par_iter()
            .filter_map(|n| {
                let mut cs = Cs::cheating(&n.case.public.to_field_elements(), Vec::new());
                n.case.witness.constrain(&mut cs);
                sole_violated(r1cs, &cs.into_assignment())
            })
            .collect();
        let kinds = shape.labels.iter().map(|l| &l.kind);
        let booleans =
            kinds.filter_map(|k| if let RowKind::Boolean(v) = k { Some(*v) } else { None }).collect();
        Self { r1cs, shape, bases, seed, booleans, checks, asserted }
    }

    fn score(&self, rows: &[usize], progress: &(dyn Fn(usize) + Sync)) -> Report {
        let done = core::sync::atomic::AtomicUsize::new(0);
        let survivors: Vec<Survivor> = rows
            .par_iter()
            .filter_map(|row| {
                let caught = self.catches(*row);
                progress(1 + done.fetch_add(1, core::sync::atomic::Ordering::Relaxed));
                (!caught).then(|| {
                    let label = self.shape.labels[*row].clone();
                    Survivor { row: *row, reason: self.reason(*row), label }
                })
            })
            .collect();
        let tried = rows.len();
        let caught = tried - survivors.len();
        Report { statement: R::STATEMENT, rows: self.r1cs.rows.len(), tried, caught, survivors }
    }

    /// Whether some negative vector violates this row alone.
    fn catches(&self, row: usize) -> bool {
        let mut rng = ChaCha20Rng::seed_from_u64(self.seed ^ (row as u64) << 20);
        match self.shape.labels[row].kind {
            RowKind::Assert => self.asserted.contains(&row),
            RowKind::Bind(slot) => self.bases.iter().any(|base| {
                let mut assignment = base.honest.clone();
                assignment[1 + slot] += random(&mut rng);
                sole_violated(self.r1cs, &assignment) == Some(row)
            }),
            _ => {
                // Where a wrong value must happen to fit a range, only trying helps: one value in
                // six fits.
                let mut tries = self.bases.iter().zip(core::iter::repeat(0)).chain([(&self.bases[0], 60)]);
                tries.any(|(base, more)| {
                    let cheats = self.cheats(row, &base.honest, more, &mut rng);
                    cheats.into_iter().any(|faults| self.violates_alone(row, base, faults))
                })
            }
        }
    }

    /// Ways to violate a row alone, from an honest assignment.
    fn cheats(&self, row: usize, honest: &[Fr], more: usize, rng: &mut ChaCha20Rng) -> Vec<Faults> {
        let at = |v: u32| honest[v as usize];
        let one = Fr::one();
        match self.shape.labels[row].kind {
            RowKind::Product(v) => {
                if let Some(first) = self.child_after(row) {
                    // A shortcut of a path's selection: move the pair's children so that what is
                    // selected stays.
                    let (low, high) =
                        if v == first + 4 { (first, first + 1) } else { (first + 2, first + 3) };
                    return vec![vec![
                        (v, at(v) + one),
                        (low, at(low) - one),
                        (high, at(high) + Fr::from(7u64)),
                    ]];
                }
                let mut faults = vec![vec![(v, at(v) + one)], vec![(v, at(v) - one)], vec![(v, Fr::ZERO)]];
                faults.extend((0..more).map(|_| vec![(v, random(rng))]));
                faults
            }
            RowKind::Boolean(v) => {
                if let Some(faults) = self.crooked_digit(row, v, honest) {
                    return vec![faults];
                }
                let b = at(v);
                let mut faults = vec![];
                // Another bit of the word takes the difference, so that their sum stays.
                for (other, weight) in [
                    (v + 1, Fr::from(2u64)),
                    (v.wrapping_sub(1), pow2(1).inverse().unwrap_or(Fr::ZERO)),
                    (v + 2, pow2(2)),
                    (v.wrapping_sub(2), pow2(2).inverse().unwrap_or(Fr::ZERO)),
                ] {
                    let is_bit = self.is_boolean(other);
                    if is_bit {
                        let flipped = one - at(other);
                        faults.push(vec![(other, flipped), (v, b - (flipped - at(other)) * weight)]);
                    }
                }
                faults.push(vec![(v, Fr::from(2u64))]);
                faults.push(vec![(v, -one)]);
                faults.extend((0..more.min(4)).map(|_| vec![(v, random(rng))]));
                faults
            }
            RowKind::Sum(first, width) => [0, width / 2, width - 1]
                .into_iter()
                .map(|i| vec![(first + i, one - at(first + i))])
                .collect(),
            RowKind::ZeroTest(v) => vec![vec![(v, one - at(v))]],
            RowKind::Child(first) => (first..first + 4).map(|child| vec![(child, at(child) + one)]).collect(),
            RowKind::Bind(_) | RowKind::Assert => Vec::new(),
        }
    }

    /// First child of the level whose selection this product is part of.
    fn child_after(&self, row: usize) -> Option<u32> {
        let labels = &self.shape.labels;
        if labels[row].gadget != "merkle path" {
            return None;
        }
        labels[row..].iter().take(3).find_map(|l| match l.kind {
            RowKind::Child(first) => Some(first),
            _ => None,
        })
    }

    /// A digit's bit that is 2, with a child that makes the selection come out all the same.
    fn crooked_digit(&self, row: usize, v: u32, honest: &[Fr]) -> Option<Faults> {
        let labels = &self.shape.labels;
        if labels[row].gadget != "merkle path" {
            return None;
        }
        let first = labels[row..].iter().take(5).find_map(|l| match l.kind {
            RowKind::Child(first) => Some(first),
            _ => None,
        })?;
        let [low, high] = [first - 2, first - 1];
        let bit = |variable: u32| if variable == v { Fr::from(2u64) } else { honest[variable as usize] };
        let (l, h, one) = (bit(low), bit(high), Fr::one());
        let weights = [(one - l) * (one - h), l * (one - h), (one - l) * h, l * h];
        let children: [Fr; 4] = core::array::from_fn(|i| honest[first as usize + i]);
        let digit =
            usize::from(honest[low as usize].is_one()) + 2 * usize::from(honest[high as usize].is_one());
        let node = children[digit];
        let selected: Fr = weights.iter().zip(&children).map(|(w, c)| *w * c).sum();
        // The child at the digit's place still has a weight: it takes up the difference.
        let pick = weights.iter().position(|w| *w != Fr::ZERO)?;
        let moved = children[pick] + (node - selected) * weights[pick].inverse()?;
        Some(vec![(v, Fr::from(2u64)), (first + pick as u32, moved)])
    }

    fn is_boolean(&self, variable: u32) -> bool {
        self.booleans.binary_search(&variable).is_ok()
    }

    /// Walks with these faults; whether the row, and no other, is violated.
    ///
    /// A walk makes every product and bit itself, so apart from the faulty wires' own rows only the
    /// other kinds can be violated: those are evaluated first.
    fn violates_alone(&self, row: usize, base: &Base<R>, faults: Faults) -> bool {
        let faulty: Vec<u32> = faults.iter().map(|(v, _)| *v).collect();
        let mut cs = Cs::cheating(&base.case.public.to_field_elements(), faults);
        base.case.witness.constrain(&mut cs);
        let assignment = cs.into_assignment();
        let violated = |i: usize| !self.r1cs.rows[i].is_satisfied(&assignment);
        if !violated(row) || self.checks.iter().any(|i| *i != row && violated(*i)) {
            return false;
        }
        // The rows that claim a faulty wire.
        let near = row.saturating_sub(300)..(row + 300).min(self.r1cs.rows.len());
        near.into_iter().all(|i| match self.shape.labels[i].kind {
            RowKind::Product(v) | RowKind::Boolean(v) if i != row && faulty.contains(&v) => !violated(i),
            _ => true,
        })
    }
}

/// The row an assignment violates, if it is one.
fn sole_violated(r1cs: &R1cs, assignment: &[Fr]) -> Option<usize> {
    let mut violated = (0..r1cs.rows.len()).filter(|i| {
        let row = &r1cs.rows[*i];
        evaluate(&row.a, assignment) * evaluate(&row.b, assignment) != evaluate(&row.c, assignment)
    });
    let first = violated.next()?;
    violated.next().is_none().then_some(first)
}

impl<R: Sample> Run<R> {
    /// What is known of rows that add nothing to the others.
    fn reason(&self, row: usize) -> Option<&'static str> {
        let kind = &self.shape.labels[row].kind;
        // The first row of a zero test makes a value that is zero be answered with `zero`.
        let is_first = self.shape.labels.get(row + 1).is_some_and(|next| next.kind == *kind);
        (matches!(kind, RowKind::ZeroTest(_)) && is_first).then_some(
            "without it a prover may deny that a value is zero; where this value is not zero the statement asks for more, \
             so that a prover who denies it is refused elsewhere. Kept: the zero test is one gadget everywhere",
        )
    }
}
