//! The Groth16 prover over a backend of `amanat-accel`.
//!
//! A [`PreparedCircuit`] and a [`PreparedKey`] are laid out once by a backend; a proof is then a
//! quotient, three sums of points, and a handful of additions here. The proofs are, byte for byte,
//! those of arkworks with its `LibsnarkReduction` for the same blinding, whatever the backend,
//! which is how they are tested.
//!
//! A device beside the processor is not trusted. A proof made of its sums is verified before
//! [`prove`] returns it, and where it does not verify, the device is put out of use and the proof
//! is made again on the processor, with the same blinding.
//!
//! # Secrets
//! Every vector that holds witness data is wiped on drop. The time a proof takes depends on its
//! witness: the sums are computed by bucket methods, whose memory accesses follow the digits of the
//! assignment, and zeros and small values are skipped. So prove where nobody untrusted can measure:
//! on the holder's or the custodian's own machine, not on one shared with strangers. Nothing of
//! this is in the proof itself, which is zero-knowledge.

use amanat_accel::{
    Backend, Cancelled, KeyBases, LoadedCircuit, LoadedKey, Maker, Matrices, Progress, QuotientError,
    QuotientForm, SparseMatrix, Sums, TableMemory,
};
use amanat_circuits::r1cs::R1cs;
use amanat_domain::field;
use amanat_domain::statement::PUBLIC_INPUTS;
use amanat_params::{KeyHeader, ProvingKey, VerifyingKey};
use amanat_verifier::{PreparedVerifyingKey, Proof, ProofError, verify_one};
use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::CurveGroup;
use ark_ff::One;
use core::ops::ControlFlow;
use rand::CryptoRng;
use std::sync::OnceLock;
use zeroize::Zeroize;

pub use amanat_accel::Phase;

/// The blinding of one proof: what makes it zero-knowledge. Used once, wiped on drop, never
/// printed.
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
    /// A point of the proof is infinity, which happens with probability 2^-250 or with a broken
    /// key.
    #[error("degenerate proof: {0}")]
    Degenerate(#[from] ProofError),
}

impl From<QuotientError> for ProveError {
    fn from(error: QuotientError) -> Self {
        match error {
            QuotientError::Unsatisfied { row } => Self::Unsatisfied { row },
            QuotientError::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Cancelled> for ProveError {
    fn from(Cancelled: Cancelled) -> Self {
        Self::Cancelled
    }
}

fn hex_of(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// For a caller that neither shows progress nor cancels.
pub fn no_progress(_: Phase) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The constraint system as a backend takes it, with libsnark's rows for the constant and the
/// public inputs.
///
/// # Panics
/// If there are 2^32 terms: circuits are ours, not a sender's.
#[must_use]
pub fn matrices(r1cs: &R1cs) -> Matrices {
    let public: Vec<[(u32, Fr); 1]> = (0..=r1cs.num_public as u32).map(|v| [(v, Fr::one())]).collect();
    let constraints = r1cs.rows.iter().map(|row| row.a.as_slice());
    Matrices {
        num_variables: r1cs.num_variables(),
        domain_size: r1cs.domain_size(),
        a: SparseMatrix::from_rows(constraints.chain(public.iter().map(|row| row.as_slice()))),
        b: SparseMatrix::from_rows(r1cs.rows.iter().map(|row| &row.b)),
        c: Some(SparseMatrix::from_rows(r1cs.rows.iter().map(|row| &row.c))),
    }
}

/// A constraint system laid out for proving: made once, used for every proof.
pub struct PreparedCircuit {
    digest: [u8; 32],
    num_variables: usize,
    domain_size: usize,
    loaded: Box<dyn LoadedCircuit>,
}

impl PreparedCircuit {
    /// Lays out a constraint system.
    ///
    /// # Panics
    /// If a row names a variable that does not exist, or there are 2^32 terms: circuits are ours,
    /// not a sender's.
    #[must_use]
    pub fn new(r1cs: &R1cs, backend: &dyn Backend) -> Self {
        assert_eq!(r1cs.num_public, PUBLIC_INPUTS, "every statement has the same public vector");
        Self {
            digest: r1cs.digest(),
            num_variables: r1cs.num_variables(),
            domain_size: r1cs.domain_size(),
            loaded: backend.load_circuit(matrices(r1cs), QuotientForm::Coefficients),
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

    /// Memory it holds, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.loaded.bytes()
    }

    /// The circuit, as its backend holds it.
    #[must_use]
    pub fn loaded(&self) -> &dyn LoadedCircuit {
        self.loaded.as_ref()
    }
}

/// A proving key laid out for proving: made once, used for every proof. Its points live in the
/// backend's layout alone.
pub struct PreparedKey {
    vk: VerifyingKey,
    fixed: FixedPoints,
    num_variables: usize,
    domain_size: usize,
    loaded: Box<dyn LoadedKey>,
    verifying: OnceLock<PreparedVerifyingKey>,
}

impl PreparedKey {
    /// Lays out a proving key.
    #[must_use]
    pub fn new(key: &ProvingKey, backend: &dyn Backend, memory: TableMemory) -> Self {
        let (queries, vk) = (key.queries(), key.verifying_key().points());
        let bases = KeyBases {
            a: &queries.a,
            b_g1: &queries.b_g1,
            b_g2: &queries.b_g2,
            l: &queries.l,
            h: &queries.h,
        };
        Self {
            fixed: FixedPoints {
                alpha_g1: vk.alpha_g1,
                beta_g1: queries.beta_g1,
                beta_g2: vk.beta_g2,
                delta_g1: queries.delta_g1,
                delta_g2: vk.delta_g2,
            },
            vk: key.verifying_key().clone(),
            num_variables: key.num_variables(),
            domain_size: key.domain_size(),
            loaded: backend.load_key(&bases, memory),
            verifying: OnceLock::new(),
        }
    }

    /// The verifying key, prepared at the first call.
    fn verifying(&self) -> &PreparedVerifyingKey {
        self.verifying.get_or_init(|| PreparedVerifyingKey::new(&self.vk))
    }

    /// Statement, version, constraint system and origin.
    #[must_use]
    pub fn header(&self) -> &KeyHeader {
        self.vk.header()
    }

    /// The verifying key.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.vk
    }

    /// Memory it holds, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.loaded.bytes()
    }

    /// The queries, as their backend holds them.
    #[must_use]
    pub fn loaded(&self) -> &dyn LoadedKey {
        self.loaded.as_ref()
    }
}

/// The points of a key outside its queries.
pub(crate) struct FixedPoints {
    pub(crate) alpha_g1: G1Affine,
    pub(crate) beta_g1: G1Affine,
    pub(crate) beta_g2: G2Affine,
    pub(crate) delta_g1: G1Affine,
    pub(crate) delta_g2: G2Affine,
}

impl FixedPoints {
    /// Blinds the sums and puts the proof together:
    ///
    /// `A = alpha + sum w_i A_i + r delta`, `B = beta + sum w_i B_i + s delta` and
    /// `C = sum w_i L_i + sum h_k H_k + s A + r B' - r s delta`, with `B'` as B, but in G1. There
    /// `r B'` is `sum (r w_i) B_i + r beta + r s delta`: the backend has added the first part, the
    /// last one falls away.
    pub(crate) fn blind(&self, sums: &Sums, blinding: &Blinding) -> Result<Proof, ProofError> {
        let Blinding { r, s } = blinding;
        let a: G1Projective = sums.a + self.alpha_g1 + self.delta_g1 * r;
        let b: G2Projective = sums.b_g2 + self.beta_g2 + self.delta_g2 * s;
        let c: G1Projective = sums.c + a * s + self.beta_g1 * r;
        Proof::from_points(a.into_affine(), b.into_affine(), c.into_affine())
    }
}

/// A proof, and whether it has been verified already: true if a device took part.
pub(crate) struct Proven {
    pub(crate) proof: Proof,
    pub(crate) verified: bool,
}

/// The whole work between an assignment and a proof. The lengths have been checked.
///
/// `holds` verifies a proof. It is called only for a device's proofs; the caller verifies the
/// processor's proofs.
pub(crate) fn prove_loaded(
    fixed: &FixedPoints,
    (circuit, key): (&dyn LoadedCircuit, &dyn LoadedKey),
    assignment: &[Fr],
    blinding: &Blinding,
    progress: Progress<'_>,
    holds: &dyn Fn(&Proof) -> bool,
) -> Result<Proven, ProveError> {
    let made = key.made(circuit, assignment, &blinding.r, progress)?;
    let proof = fixed.blind(&made.sums, blinding);
    if made.by == Maker::Processor {
        return Ok(Proven { proof: proof?, verified: false });
    }
    // A point at infinity is as wrong as any other.
    if let Ok(proof) = proof
        && holds(&proof)
    {
        return Ok(Proven { proof, verified: true });
    }
    let sums = key.made_again(&made.sums, circuit, assignment, &blinding.r, progress)?;
    Ok(Proven { proof: fixed.blind(&sums, blinding)?, verified: false })
}

/// Proves that the assignment satisfies the circuit.
///
/// The assignment is `[1, public.., private..]`; wiping it is its owner's affair. `progress` hears
/// each phase before it begins, on the caller's thread, and can stop the work there. A proof that a
/// device had a part in has been verified.
///
/// ```
/// # use amanat_circuits::r1cs::{R1cs, Row};
/// # use amanat_domain::{field::Fr, statement::Statement};
/// # use amanat_prover::groth16::{Blinding, PreparedCircuit, PreparedKey, prove, no_progress};
/// # use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
/// # let mut rng = ChaCha20Rng::seed_from_u64(1);
/// // x * x = y, with y the first public input.
/// let one = Fr::from(1u64);
/// let rows = vec![Row { a: vec![(9, one)], b: vec![(9, one)], c: vec![(1, one)] }];
/// let r1cs = R1cs { num_public: 8, num_private: 1, rows };
/// let (pk, _) = amanat_params::insecure_dev_setup(Statement::Record, 1, &r1cs, &mut rng, &|_| ())?;
/// let assignment = [1u64, 49, 0, 0, 0, 0, 0, 0, 0, 7].map(Fr::from);
/// let backend = amanat_accel::default_backend();
/// let (key, circuit) = (PreparedKey::new(&pk, backend, Default::default()), PreparedCircuit::new(&r1cs, backend));
/// let proof = prove(&key, &circuit, &assignment, Blinding::draw(&mut rng), &no_progress)?;
/// assert_eq!(proof.to_bytes().len(), 128);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ProveError`]: a key of another circuit, an assignment that does not satisfy it, or
/// cancellation.
pub fn prove(
    key: &PreparedKey,
    circuit: &PreparedCircuit,
    assignment: &[Fr],
    blinding: Blinding,
    progress: Progress<'_>,
) -> Result<Proof, ProveError> {
    Ok(prove_with(key, circuit, assignment, blinding, progress, || key.verifying())?.proof)
}

/// As [`prove`], with a verifying key that is asked for where a device has made the sums.
pub(crate) fn prove_with<'a>(
    key: &PreparedKey,
    circuit: &PreparedCircuit,
    assignment: &[Fr],
    blinding: Blinding,
    progress: Progress<'_>,
    verifying: impl Fn() -> &'a PreparedVerifyingKey,
) -> Result<Proven, ProveError> {
    check(key, circuit, assignment)?;
    let holds = |proof: &Proof| {
        let public = assignment[1..=PUBLIC_INPUTS].first_chunk();
        public.is_some_and(|public| verify_one(verifying(), public, proof).is_ok())
    };
    prove_loaded(&key.fixed, (circuit.loaded(), key.loaded()), assignment, &blinding, progress, &holds)
}

fn check(key: &PreparedKey, circuit: &PreparedCircuit, assignment: &[Fr]) -> Result<(), ProveError> {
    if key.header().r1cs != circuit.digest {
        return Err(ProveError::WrongKey { expected: circuit.digest, got: key.header().r1cs });
    }
    for (expected, got) in
        [(circuit.num_variables, key.num_variables), (circuit.domain_size, key.domain_size)]
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

#[cfg(test)]
mod tests {
    use super::*;
    use amanat_accel::default_backend;
    use amanat_domain::statement::Statement;
    use amanat_params::insecure_dev_setup;
    use amanat_testkit::groth16::arkworks_proof;
    use amanat_testkit::r1cs::{Size, random};
    use amanat_testkit::rng;
    use core::cell::RefCell;

    impl Blinding {
        fn of(r: Fr, s: Fr) -> Self {
            Self { r, s }
        }
    }

    fn prepared(pk: &ProvingKey, backend: &dyn Backend) -> PreparedKey {
        PreparedKey::new(pk, backend, TableMemory::Plain)
    }

    /// A random satisfied constraint system with the public inputs of a statement.
    fn random_r1cs(seed: u64, rows: usize, private: usize) -> (R1cs, Vec<Fr>) {
        random(seed, Size { public: 8, private, rows })
    }

    #[test]
    fn proofs_are_those_of_arkworks_byte_for_byte_and_verify() {
        // 7 + 9, 23 + 9, 247 + 9 and 1015 + 9 rows fill their domains exactly; 8 + 9 and 248 + 9
        // just do not fit.
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
            let (r, s) = (field::random(&mut rng(seed + 50)), field::random(&mut rng(seed + 90)));
            let theirs = arkworks_proof(&pk, &r1cs, &assignment, [r, s]);
            for backend in amanat_accel::all() {
                let (key, circuit) = (prepared(&pk, *backend), PreparedCircuit::new(&r1cs, *backend));
                let ours =
                    prove(&key, &circuit, &assignment, Blinding::of(r, s), &no_progress).expect("a proof");
                let what = format!("{}, {rows} rows, {private} private", backend.name());
                assert_eq!(ours.to_bytes(), theirs.to_bytes(), "{what}");
                let public: [Fr; 8] = assignment[1..9].try_into().expect("eight");
                assert_eq!(verify_one(&PreparedVerifyingKey::new(&vk), &public, &ours), Ok(()), "{what}");
            }
        }
    }

    #[test]
    fn the_number_of_threads_does_not_change_a_proof() {
        let (r1cs, assignment) = random_r1cs(5, 300, 290);
        let (pk, _) = insecure_dev_setup(Statement::Record, 1, &r1cs, &mut rng(1), &|_| ()).expect("keys");
        let (key, circuit) =
            (prepared(&pk, default_backend()), PreparedCircuit::new(&r1cs, default_backend()));
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            let blinding = Blinding::draw(&mut rng(77));
            pool.install(|| prove(&key, &circuit, &assignment, blinding, &no_progress)).expect("a proof")
        };
        assert_eq!(with(1).to_bytes(), with(3).to_bytes());
    }

    #[test]
    fn two_blindings_give_two_proofs() {
        let (r1cs, assignment) = random_r1cs(5, 20, 20);
        let (pk, _) = insecure_dev_setup(Statement::Record, 1, &r1cs, &mut rng(1), &|_| ()).expect("keys");
        let (key, circuit) =
            (prepared(&pk, default_backend()), PreparedCircuit::new(&r1cs, default_backend()));
        let mut rng = rng(3);
        let mut proof = || {
            let blinding = Blinding::draw(&mut rng);
            prove(&key, &circuit, &assignment, blinding, &no_progress).expect("a proof").to_bytes()
        };
        assert_ne!(proof(), proof());
    }

    #[test]
    fn wrong_assignments_keys_and_lengths_are_refused_before_any_heavy_work() {
        let (r1cs, assignment) = random_r1cs(5, 20, 20);
        let (pk, _) = insecure_dev_setup(Statement::Record, 1, &r1cs, &mut rng(1), &|_| ()).expect("keys");
        let (key, circuit) =
            (prepared(&pk, default_backend()), PreparedCircuit::new(&r1cs, default_backend()));
        let last = RefCell::new(None);
        let progress = |phase| {
            *last.borrow_mut() = Some(phase);
            ControlFlow::Continue(())
        };
        let with = |circuit: &PreparedCircuit, assignment: &[Fr]| {
            prove(&key, circuit, assignment, Blinding::draw(&mut rng(2)), &progress)
        };
        let mut wrong = assignment.clone();
        wrong[10] += Fr::one();
        let row = r1cs.first_unsatisfied(&wrong).expect("variable 10 is used");
        assert_eq!(with(&circuit, &wrong).err(), Some(ProveError::Unsatisfied { row }));
        assert_eq!(*last.borrow(), Some(Phase::Rows));
        let short = &assignment[..28];
        assert_eq!(with(&circuit, short).err(), Some(ProveError::AssignmentLength { expected: 29, got: 28 }));
        wrong = assignment.clone();
        wrong[0] = Fr::from(2u64);
        assert_eq!(with(&circuit, &wrong).err(), Some(ProveError::NotOne));
        let (other, other_assignment) = random_r1cs(6, 20, 20);
        let error = with(&PreparedCircuit::new(&other, default_backend()), &other_assignment).err();
        assert_eq!(error, Some(ProveError::WrongKey { expected: other.digest(), got: r1cs.digest() }));
    }

    #[test]
    fn a_proof_can_be_cancelled_before_each_phase() {
        let (r1cs, assignment) = random_r1cs(5, 20, 20);
        let (pk, _) = insecure_dev_setup(Statement::Record, 1, &r1cs, &mut rng(1), &|_| ()).expect("keys");
        let (key, circuit) =
            (prepared(&pk, default_backend()), PreparedCircuit::new(&r1cs, default_backend()));
        let phases = RefCell::new(Vec::new());
        let listen = |phase| {
            phases.borrow_mut().push(phase);
            ControlFlow::Continue(())
        };
        prove(&key, &circuit, &assignment, Blinding::draw(&mut rng(2)), &listen).expect("a proof");
        let phases = phases.into_inner();
        assert!(phases.len() > 3 && phases.is_sorted(), "{phases:?}");
        for (i, stop) in phases.into_iter().enumerate() {
            let seen = RefCell::new(0);
            let hook = |phase| {
                *seen.borrow_mut() += 1;
                if phase == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let result = prove(&key, &circuit, &assignment, Blinding::draw(&mut rng(2)), &hook);
            assert_eq!(result.err(), Some(ProveError::Cancelled));
            assert_eq!(seen.into_inner(), i + 1);
        }
    }
}
