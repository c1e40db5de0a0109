//! The Groth16 prover over an [`Engine`].
//!
//! The quotient needs six transforms instead of libsnark's seven: since the inverse coset transform is linear, C need
//! not be moved to the coset and back; `h = (icoset(a b) - c) / Z(g)` with `c` in coefficients. The proofs are, byte for
//! byte, those of arkworks with its `LibsnarkReduction` for the same blinding, which is how they are tested.
//!
//! Every vector that holds witness data is wiped on drop. At most five vectors of the domain's size live at a time, so a
//! proof over 2^15 rows needs some 5 MB of scratch beside its key.

use amanat_accel::Engine;
use amanat_circuits::r1cs::{Form, R1cs, Row};
use amanat_domain::field;
use amanat_domain::statement::PUBLIC_INPUTS;
use amanat_params::ProvingKey;
use amanat_verifier::{Proof, ProofError};
use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::CurveGroup;
use ark_ff::{FftField, Field, One, Zero};
use core::ops::ControlFlow;
use rand::CryptoRng;
use rayon::prelude::*;
use zeroize::{Zeroize, Zeroizing};

/// The blinding of one proof: what makes it zero-knowledge. Used once, wiped on drop, never printed.
///
/// It comes from a random generator and from nowhere else; there is no proof without it.
pub struct Blinding {
    r: Fr,
    s: Fr,
}

impl Blinding {
    /// Draws both factors, 64 bytes each.
    pub fn draw(rng: &mut impl CryptoRng) -> Self {
        Self { r: field::random(rng), s: field::random(rng) }
    }
}

impl Drop for Blinding {
    fn drop(&mut self) {
        self.r.zeroize();
        self.s.zeroize();
    }
}

/// A constraint system laid out for proving: made once, used for every proof.
#[derive(Debug, Clone)]
pub struct PreparedCircuit {
    digest: [u8; 32],
    num_variables: usize,
    num_rows: usize,
    domain_size: usize,
    a: Matrix,
    b: Matrix,
    c: Matrix,
}

/// Sparse rows, one after the other: row i is `terms[starts[i]..starts[i + 1]]`.
#[derive(Debug, Clone)]
struct Matrix {
    starts: Vec<u32>,
    terms: Vec<(u32, Fr)>,
}

/// What the prover is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Evaluates the rows and checks them.
    Rows,
    /// Divides by the vanishing polynomial.
    Quotient,
    /// Sums the H query.
    H,
    /// Sums the L query.
    L,
    /// Sums the A query.
    A,
    /// Sums the B query in G1.
    B1,
    /// Sums the B query in G2.
    B2,
}

impl Stage {
    /// How much is done when this stage begins, in percent (by measured cost).
    #[must_use]
    pub const fn percent(self) -> u8 {
        match self {
            Self::Rows => 0,
            Self::Quotient => 1,
            Self::H => 12,
            Self::L => 30,
            Self::A => 44,
            Self::B1 => 58,
            Self::B2 => 70,
        }
    }
}

/// Why there is no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// The key was made for another constraint system.
    #[error("the key is for the constraint system {}, this circuit is {}", hex_of(got), hex_of(expected))]
    WrongKey {
        /// The circuit's digest.
        expected: [u8; 32],
        /// The key's.
        got: [u8; 32],
    },
    /// The key's lists do not have the circuit's sizes.
    #[error("the key has {got} variables or domain points where the circuit has {expected}")]
    KeySize {
        /// The circuit's.
        expected: usize,
        /// The key's.
        got: usize,
    },
    /// Not one value for each variable.
    #[error("the circuit has {expected} variables, the assignment {got} values")]
    AssignmentLength {
        /// Variables of the circuit.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// The assignment's first value is not one.
    #[error("the assignment does not begin with one")]
    NotOne,
    /// The assignment does not satisfy a row: the statement is false, or the witness wrong.
    #[error("row {row} of the circuit is not satisfied")]
    Unsatisfied {
        /// The first such row.
        row: usize,
    },
    /// The caller said stop.
    #[error("cancelled")]
    Cancelled,
    /// A point of the proof is infinity, which happens with probability 2^-250 or with a broken key.
    #[error("degenerate proof: {0}")]
    Degenerate(#[from] ProofError),
}

fn hex_of(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The hook of a caller who neither watches nor cancels.
pub fn to_the_end(_: Stage) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

impl PreparedCircuit {
    /// Lays out a constraint system.
    ///
    /// # Panics
    /// Where a row names a variable that does not exist, or there are 2^32 terms: circuits are ours, not a sender's.
    #[must_use]
    pub fn new(r1cs: &R1cs) -> Self {
        let num_variables = r1cs.num_variables();
        assert_eq!(r1cs.num_public, PUBLIC_INPUTS, "every statement has the same public vector");
        let matrix = |form: fn(&Row) -> &Form| Matrix::new(r1cs, num_variables, form);
        Self {
            digest: r1cs.digest(),
            num_variables,
            num_rows: r1cs.rows.len(),
            domain_size: r1cs.domain_size(),
            a: matrix(|row| &row.a),
            b: matrix(|row| &row.b),
            c: matrix(|row| &row.c),
        }
    }

    /// Digest of the constraint system.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Size of the evaluation domain.
    #[must_use]
    pub fn domain_size(&self) -> usize {
        self.domain_size
    }
}

impl Matrix {
    fn new(r1cs: &R1cs, num_variables: usize, form: fn(&Row) -> &Form) -> Self {
        let mut starts = Vec::with_capacity(r1cs.rows.len() + 1);
        let mut terms = Vec::with_capacity(r1cs.rows.iter().map(|row| form(row).len()).sum());
        for row in &r1cs.rows {
            starts.push(u32::try_from(terms.len()).expect("fewer than 2^32 terms"));
            terms.extend_from_slice(form(row));
        }
        starts.push(u32::try_from(terms.len()).expect("fewer than 2^32 terms"));
        assert!(terms.iter().all(|(v, _)| (*v as usize) < num_variables), "rows name variables that exist");
        Self { starts, terms }
    }

    /// The value of each row, then zeros up to the domain's size.
    fn evaluate(&self, assignment: &[Fr], size: usize) -> Zeroizing<Vec<Fr>> {
        let mut values = Zeroizing::new(vec![Fr::zero(); size]);
        let rows = self.starts.par_windows(2).with_min_len(256);
        values.par_iter_mut().zip(rows).for_each(|(value, range)| {
            for (variable, coefficient) in &self.terms[range[0] as usize..range[1] as usize] {
                let x = assignment[*variable as usize];
                // Most coefficients are one; the branch depends on the circuit, not on the witness.
                *value += if coefficient.is_one() { x } else { x * coefficient };
            }
        });
        values
    }
}

/// Proves that the assignment satisfies the circuit.
///
/// The assignment is `[1, public.., private..]`; wiping it is its owner's affair. `hook` is called as each stage begins,
/// on the caller's thread, and can stop the work there.
///
/// ```
/// # use amanat_circuits::r1cs::{R1cs, Row};
/// # use amanat_domain::{field::Fr, statement::Statement};
/// # use amanat_prover::groth16::{Blinding, PreparedCircuit, prove, to_the_end};
/// # use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
/// # let mut rng = ChaCha20Rng::seed_from_u64(1);
/// // x * x = y, with y the first public input.
/// let one = Fr::from(1u64);
/// let rows = vec![Row { a: vec![(9, one)], b: vec![(9, one)], c: vec![(1, one)] }];
/// let r1cs = R1cs { num_public: 8, num_private: 1, rows };
/// let (pk, _) = amanat_params::insecure_dev_setup(Statement::Record, 1, &r1cs, &mut rng, &|_| ())?;
/// let assignment = [1u64, 49, 0, 0, 0, 0, 0, 0, 0, 7].map(Fr::from);
/// let circuit = PreparedCircuit::new(&r1cs);
/// let proof = prove(&pk, &circuit, &assignment, Blinding::draw(&mut rng), amanat_accel::best(), &to_the_end)?;
/// assert_eq!(proof.to_bytes().len(), 128);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ProveError`]: a key of another circuit, an assignment that does not satisfy it, or cancellation.
pub fn prove(
    pk: &ProvingKey,
    circuit: &PreparedCircuit,
    assignment: &[Fr],
    blinding: Blinding,
    engine: &dyn Engine,
    hook: &dyn Fn(Stage) -> ControlFlow<()>,
) -> Result<Proof, ProveError> {
    check(pk, circuit, assignment)?;
    let begin = |stage| match hook(stage) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(ProveError::Cancelled),
    };
    let (queries, vk) = (pk.queries(), pk.verifying_key().points());
    let (r, s) = (&blinding.r, &blinding.s);

    begin(Stage::Rows)?;
    let rows = Rows::evaluate(circuit, assignment)?;
    begin(Stage::Quotient)?;
    let h = rows.quotient(engine);
    begin(Stage::H)?;
    // The quotient has degree n - 2: its last coefficient is zero, and the key has no point for it.
    let h_sum = engine.msm_g1(&queries.h, &h[..queries.h.len()]);
    drop(h);
    begin(Stage::L)?;
    let l_sum = engine.msm_g1(&queries.l, &assignment[1 + PUBLIC_INPUTS..]);
    begin(Stage::A)?;
    let a: G1Projective = engine.msm_g1(&queries.a, assignment) + vk.alpha_g1 + queries.delta_g1 * r;
    begin(Stage::B1)?;
    let b_g1: G1Projective =
        engine.msm_g1(&queries.b_g1, assignment) + queries.beta_g1 + queries.delta_g1 * s;
    begin(Stage::B2)?;
    let b: G2Projective = engine.msm_g2(&queries.b_g2, assignment) + vk.beta_g2 + vk.delta_g2 * s;
    let c: G1Projective = l_sum + h_sum + a * s + b_g1 * r - queries.delta_g1 * (*r * s);

    let (a, b, c): (G1Affine, G2Affine, G1Affine) = (a.into_affine(), b.into_affine(), c.into_affine());
    Ok(Proof::from_points(a, b, c)?)
}

fn check(pk: &ProvingKey, circuit: &PreparedCircuit, assignment: &[Fr]) -> Result<(), ProveError> {
    if pk.header().r1cs != circuit.digest {
        return Err(ProveError::WrongKey { expected: circuit.digest, got: pk.header().r1cs });
    }
    for (expected, got) in
        [(circuit.num_variables, pk.num_variables()), (circuit.domain_size, pk.domain_size())]
    {
        if expected != got {
            return Err(ProveError::KeySize { expected, got });
        }
    }
    if assignment.len() != circuit.num_variables {
        return Err(ProveError::AssignmentLength { expected: circuit.num_variables, got: assignment.len() });
    }
    if !assignment[0].is_one() {
        return Err(ProveError::NotOne);
    }
    Ok(())
}

/// The rows' values over the domain.
struct Rows {
    a: Zeroizing<Vec<Fr>>,
    b: Zeroizing<Vec<Fr>>,
    c: Zeroizing<Vec<Fr>>,
}

impl Rows {
    /// Evaluates and checks every row; then the constant and the public inputs, which stand alone in rows of A.
    fn evaluate(circuit: &PreparedCircuit, assignment: &[Fr]) -> Result<Self, ProveError> {
        let (n, size) = (circuit.num_rows, circuit.domain_size);
        let mut a = circuit.a.evaluate(assignment, size);
        let b = circuit.b.evaluate(assignment, size);
        let c = circuit.c.evaluate(assignment, size);
        let unsatisfied = (0..n).into_par_iter().with_min_len(256).find_first(|i| a[*i] * b[*i] != c[*i]);
        if let Some(row) = unsatisfied {
            return Err(ProveError::Unsatisfied { row });
        }
        a[n..n + 1 + PUBLIC_INPUTS].copy_from_slice(&assignment[..1 + PUBLIC_INPUTS]);
        Ok(Self { a, b, c })
    }

    /// Coefficients of `(a b - c) / Z`.
    ///
    /// On the coset `gH`, `Z = g^n - 1` is constant, so `h = icoset((a b - c) / Z) = (icoset(a b) - c) / (g^n - 1)` with
    /// `c` in coefficients: one transform saved.
    fn quotient(self, engine: &dyn Engine) -> Zeroizing<Vec<Fr>> {
        let Self { mut a, mut b, mut c } = self;
        let size = a.len();
        let (_, ()) = rayon::join(
            || {
                rayon::join(
                    || {
                        engine.intt(&mut a);
                        engine.coset_ntt(&mut a);
                    },
                    || {
                        engine.intt(&mut b);
                        engine.coset_ntt(&mut b);
                    },
                )
            },
            || engine.intt(&mut c),
        );
        a.par_iter_mut().zip(b.par_iter()).with_min_len(1024).for_each(|(a, b)| *a *= b);
        drop(b);
        engine.coset_intt(&mut a);
        let vanishing = Fr::GENERATOR.pow([size as u64]) - Fr::one();
        let factor = vanishing.inverse().expect("the generator is outside the domain");
        a.par_iter_mut().zip(c.par_iter()).with_min_len(1024).for_each(|(a, c)| *a = (*a - c) * factor);
        a
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amanat_accel::Portable;
    use amanat_circuits::r1cs::evaluate;
    use amanat_domain::statement::Statement;
    use amanat_params::insecure_dev_setup;
    use amanat_verifier::{PreparedVerifyingKey, verify_one};
    use ark_bn254::Bn254;
    use ark_groth16::Groth16;
    use ark_groth16::r1cs_to_qap::LibsnarkReduction;
    use core::cell::RefCell;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    fn rng(seed: u64) -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(seed)
    }

    impl Blinding {
        fn of(r: Fr, s: Fr) -> Self {
            Self { r, s }
        }
    }

    /// A random satisfied constraint system, a third of whose private values are bits.
    fn random_r1cs(seed: u64, rows: usize, private: usize) -> (R1cs, Vec<Fr>) {
        let mut rng = rng(seed);
        let n = 9 + private;
        let mut assignment: Vec<Fr> = (0..n).map(|_| field::random(&mut rng)).collect();
        assignment[0] = Fr::one();
        for i in (9..n).step_by(3) {
            assignment[i] = Fr::from((i % 2) as u64);
        }
        let mut pick = |i: usize, step: usize| -> Form {
            let mut vars = vec![((i * step) % n) as u32, ((i * step + step + 1) % n) as u32];
            vars.sort_unstable();
            vars.dedup();
            let mut term =
                |v: u32| (v, if v.is_multiple_of(2) { Fr::one() } else { field::random(&mut rng) });
            vars.into_iter().map(&mut term).collect()
        };
        let rows = (0..rows)
            .map(|i| {
                let (a, b) = (pick(i, 5), pick(i, 7));
                let product = evaluate(&a, &assignment) * evaluate(&b, &assignment);
                let k = (0..n)
                    .map(|j| (i + j) % n)
                    .find(|k| !assignment[*k].is_zero())
                    .expect("the constant is one");
                Row { a, b, c: vec![(k as u32, product * assignment[k].inverse().expect("not zero"))] }
            })
            .collect();
        let r1cs = R1cs { num_public: 8, num_private: private, rows };
        assert_eq!(r1cs.first_unsatisfied(&assignment), None);
        (r1cs, assignment)
    }

    fn arkworks_proof(pk: &ProvingKey, r1cs: &R1cs, assignment: &[Fr], r: Fr, s: Fr) -> Proof {
        let (vk, q) = (pk.verifying_key().points(), pk.queries().clone());
        let ark_pk = ark_groth16::ProvingKey::<Bn254> {
            vk: ark_groth16::VerifyingKey {
                alpha_g1: vk.alpha_g1,
                beta_g2: vk.beta_g2,
                gamma_g2: vk.gamma_g2,
                delta_g2: vk.delta_g2,
                gamma_abc_g1: vk.ic.clone(),
            },
            beta_g1: q.beta_g1,
            delta_g1: q.delta_g1,
            a_query: q.a,
            b_g1_query: q.b_g1,
            b_g2_query: q.b_g2,
            h_query: q.h,
            l_query: q.l,
        };
        let matrices: Vec<Vec<Vec<(Fr, usize)>>> =
            [|r: &Row| r.a.clone(), |r: &Row| r.b.clone(), |r: &Row| r.c.clone()]
                .iter()
                .map(|form| {
                    let flip = |form: Form| form.into_iter().map(|(v, x)| (x, v as usize)).collect();
                    r1cs.rows.iter().map(|row| flip(form(row))).collect()
                })
                .collect();
        let proof = Groth16::<Bn254, LibsnarkReduction>::create_proof_with_reduction_and_matrices(
            &ark_pk,
            r,
            s,
            &matrices,
            9,
            r1cs.rows.len(),
            assignment,
        )
        .expect("arkworks proves");
        Proof::from_points(proof.a, proof.b, proof.c).expect("points")
    }

    #[test]
    fn proofs_are_those_of_arkworks_byte_for_byte_and_verify() {
        // 7 + 9, 23 + 9, 247 + 9 and 1015 + 9 rows fill their domains exactly; 8 + 9 and 248 + 9 just do not fit.
        for (seed, rows, private) in [
            (1, 1, 1),
            (2, 7, 9),
            (3, 8, 9),
            (4, 23, 5),
            (5, 100, 300),
            (6, 247, 60),
            (7, 248, 200),
            (8, 1015, 900),
        ] {
            let (r1cs, assignment) = random_r1cs(seed, rows, private);
            let (pk, vk) =
                insecure_dev_setup(Statement::Record, 1, &r1cs, &mut rng(seed), &|_| ()).expect("keys");
            let circuit = PreparedCircuit::new(&r1cs);
            let (r, s) = (field::random(&mut rng(seed + 50)), field::random(&mut rng(seed + 90)));
            let ours = prove(&pk, &circuit, &assignment, Blinding::of(r, s), &Portable, &to_the_end)
                .expect("a proof");
            let theirs = arkworks_proof(&pk, &r1cs, &assignment, r, s);
            assert_eq!(ours.to_bytes(), theirs.to_bytes(), "{rows} rows, {private} private");
            let public: [Fr; 8] = assignment[1..9].try_into().expect("eight");
            assert_eq!(verify_one(&PreparedVerifyingKey::new(&vk), &public, &ours), Ok(()));
        }
    }

    #[test]
    fn the_number_of_threads_does_not_change_a_proof() {
        let (r1cs, assignment) = random_r1cs(5, 300, 290);
        let (pk, _) = insecure_dev_setup(Statement::Record, 1, &r1cs, &mut rng(1), &|_| ()).expect("keys");
        let circuit = PreparedCircuit::new(&r1cs);
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            let blinding = Blinding::draw(&mut rng(77));
            pool.install(|| prove(&pk, &circuit, &assignment, blinding, &Portable, &to_the_end))
                .expect("a proof")
        };
        assert_eq!(with(1).to_bytes(), with(3).to_bytes());
    }

    #[test]
    fn two_blindings_give_two_proofs() {
        let (r1cs, assignment) = random_r1cs(5, 20, 20);
        let (pk, _) = insecure_dev_setup(Statement::Record, 1, &r1cs, &mut rng(1), &|_| ()).expect("keys");
        let circuit = PreparedCircuit::new(&r1cs);
        let mut rng = rng(3);
        let mut proof = || {
            let blinding = Blinding::draw(&mut rng);
            prove(&pk, &circuit, &assignment, blinding, &Portable, &to_the_end).expect("a proof").to_bytes()
        };
        assert_ne!(proof(), proof());
    }

    #[test]
    fn wrong_assignments_keys_and_lengths_are_refused_before_any_heavy_work() {
        let (r1cs, assignment) = random_r1cs(5, 20, 20);
        let (pk, _) = insecure_dev_setup(Statement::Record, 1, &r1cs, &mut rng(1), &|_| ()).expect("keys");
        let circuit = PreparedCircuit::new(&r1cs);
        let last = RefCell::new(None);
        let watch = |stage| {
            *last.borrow_mut() = Some(stage);
            ControlFlow::Continue(())
        };
        let with = |circuit: &PreparedCircuit, assignment: &[Fr]| {
            prove(&pk, circuit, assignment, Blinding::draw(&mut rng(2)), &Portable, &watch)
        };
        let mut wrong = assignment.clone();
        wrong[10] += Fr::one();
        let row = r1cs.first_unsatisfied(&wrong).expect("variable 10 is used");
        assert_eq!(with(&circuit, &wrong).err(), Some(ProveError::Unsatisfied { row }));
        assert_eq!(*last.borrow(), Some(Stage::Rows));
        let short = &assignment[..28];
        assert_eq!(with(&circuit, short).err(), Some(ProveError::AssignmentLength { expected: 29, got: 28 }));
        wrong = assignment.clone();
        wrong[0] = Fr::from(2u64);
        assert_eq!(with(&circuit, &wrong).err(), Some(ProveError::NotOne));
        let (other, other_assignment) = random_r1cs(6, 20, 20);
        let error = with(&PreparedCircuit::new(&other), &other_assignment).err();
        assert_eq!(error, Some(ProveError::WrongKey { expected: other.digest(), got: r1cs.digest() }));
    }

    #[test]
    fn a_proof_can_be_cancelled_before_each_stage() {
        let (r1cs, assignment) = random_r1cs(5, 20, 20);
        let (pk, _) = insecure_dev_setup(Statement::Record, 1, &r1cs, &mut rng(1), &|_| ()).expect("keys");
        let circuit = PreparedCircuit::new(&r1cs);
        let stages = [Stage::Rows, Stage::Quotient, Stage::H, Stage::L, Stage::A, Stage::B1, Stage::B2];
        assert!(stages.map(Stage::percent).is_sorted());
        for (i, stop) in stages.into_iter().enumerate() {
            let seen = RefCell::new(0);
            let hook = |stage| {
                *seen.borrow_mut() += 1;
                if stage == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let result = prove(&pk, &circuit, &assignment, Blinding::draw(&mut rng(2)), &Portable, &hook);
            assert_eq!(result.err(), Some(ProveError::Cancelled));
            assert_eq!(seen.into_inner(), i + 1);
        }
    }
}
