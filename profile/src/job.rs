//! A key with a circuit and a witness, in no prover's layout yet: what all of them are given.

use crate::Outcome;
use crate::clock::{Elapsed, Mark};
use crate::peers::{Arkworks, Reduction};
use amanat_accel::{
    Backend, Fr, G1Affine, G1Projective, G2Affine, G2Projective, KeyBases, LoadedCircuit, LoadedKey,
    Matrices, Phase, QuotientForm, SparseMatrix, TableMemory,
};
use amanat_circuits::r1cs::R1cs;
use amanat_domain::field;
use amanat_params::{ProvingKey, Queries, VkPoints, Witness, Zkey};
use ark_bn254::Bn254;
use ark_ec::CurveGroup;
use ark_groth16::{Groth16, VerifyingKey, prepare_verifying_key};
use ark_relations::utils::matrix::Matrix;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use core::cell::RefCell;
use core::ops::ControlFlow;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Everything a prover needs.
pub struct Job {
    /// The circuit, with the rows of the public inputs.
    pub matrices: Matrices,
    /// In which form the key wants the quotient.
    pub form: QuotientForm,
    /// The verifying key.
    pub vk: VkPoints,
    /// The lists of points.
    pub queries: Queries,
    /// One, public inputs, the rest.
    pub assignment: Vec<Fr>,
}

/// One proof with the time of its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    /// In arkworks' compressed encoding.
    pub proof: [u8; 128],
    /// All of it.
    pub whole: Elapsed,
    /// The backend's phases in order; then blinding and encoding.
    pub phases: Vec<(Option<Phase>, Elapsed)>,
}

/// A job laid out by one of our backends.
pub struct Loaded {
    circuit: Box<dyn LoadedCircuit>,
    key: Box<dyn LoadedKey>,
    alpha_g1: G1Affine,
    beta: (G1Affine, G2Affine),
    delta: (G1Affine, G2Affine),
    assignment: Vec<Fr>,
}

impl Job {
    /// One of our own keys.
    #[must_use]
    pub fn native(key: &ProvingKey, r1cs: &R1cs, assignment: Vec<Fr>) -> Self {
        Self {
            matrices: amanat_prover::groth16::matrices(r1cs),
            form: QuotientForm::Coefficients,
            vk: key.verifying_key().points().clone(),
            queries: key.queries().clone(),
            assignment,
        }
    }

    /// A key in the form of snarkjs.
    #[must_use]
    pub fn circom(key: Zkey, assignment: Vec<Fr>) -> Self {
        let Zkey { matrices, vk, queries, .. } = key;
        Self { matrices, form: QuotientForm::OddCoset, vk, queries, assignment }
    }

    /// From files of snarkjs' formats.
    ///
    /// # Errors
    /// If they are none, or do not belong together.
    pub fn read(zkey: &Path, wtns: &Path) -> Outcome<Self> {
        let key =
            Zkey::read(BufReader::new(File::open(zkey)?), &|_, _| core::ops::ControlFlow::Continue(()))?;
        let witness = Witness::read(BufReader::new(File::open(wtns)?))?;
        if witness.values().len() != key.matrices.num_variables {
            return Err("the witness is for another circuit than the key".into());
        }
        Ok(Self::circom(key, witness.values().to_vec()))
    }

    /// The public inputs.
    #[must_use]
    pub fn public(&self) -> &[Fr] {
        &self.assignment[1..self.vk.ic.len()]
    }

    /// Lays it out.
    #[must_use]
    pub fn load(&self, backend: &dyn Backend, memory: TableMemory) -> Loaded {
        let Queries { beta_g1, delta_g1, a, b_g1, b_g2, h, l } = &self.queries;
        Loaded {
            circuit: backend.load_circuit(self.matrices.clone(), self.form),
            key: backend.load_key(&KeyBases { a, b_g1, b_g2, l, h }, memory),
            alpha_g1: self.vk.alpha_g1,
            beta: (*beta_g1, self.vk.beta_g2),
            delta: (*delta_g1, self.vk.delta_g2),
            assignment: self.assignment.clone(),
        }
    }

    /// The same for arkworks.
    #[must_use]
    pub fn arkworks(&self) -> Arkworks {
        let inputs = self.vk.ic.len();
        let empty = SparseMatrix::from_rows(core::iter::empty::<&[(u32, Fr)]>());
        // arkworks adds the rows of the public inputs itself: they are the last ones of A.
        let last = (0..self.matrices.a.rows()).rfind(|i| !self.matrices.a.row(*i).is_empty());
        let constraints = last.map_or(0, |last| (last + 1).saturating_sub(inputs));
        let matrix = |m: &SparseMatrix| -> Matrix<Fr> {
            let row = |i: usize| if i < m.rows() { m.row(i) } else { &[] };
            let flip = |terms: &[(u32, Fr)]| terms.iter().map(|(v, x)| (*x, *v as usize)).collect();
            (0..constraints).map(|i| flip(row(i))).collect()
        };
        let c = self.matrices.c.as_ref().unwrap_or(&empty);
        let matrices = [matrix(&self.matrices.a), matrix(&self.matrices.b), matrix(c)];
        let key = ark_key(&self.vk, &self.queries);
        let reduction = match self.form {
            QuotientForm::Coefficients => Reduction::Libsnark,
            QuotientForm::OddCoset => Reduction::Snarkjs,
        };
        Arkworks::new(key, matrices, inputs, self.assignment.clone(), reduction)
    }

    /// Whether a proof holds, by arkworks' verifier: a prover that returns early or returns
    /// nonsense has no time.
    ///
    /// # Errors
    /// If it is no proof at all.
    pub fn verifies(&self, proof: &[u8; 128]) -> Outcome<bool> {
        let proof = ark_groth16::Proof::<Bn254>::deserialize_compressed(&proof[..])?;
        Ok(Groth16::<Bn254>::verify_proof(&prepare_verifying_key(&ark_vk(&self.vk)), &proof, self.public())?)
    }
}

fn ark_vk(vk: &VkPoints) -> VerifyingKey<Bn254> {
    VerifyingKey {
        alpha_g1: vk.alpha_g1,
        beta_g2: vk.beta_g2,
        gamma_g2: vk.gamma_g2,
        delta_g2: vk.delta_g2,
        gamma_abc_g1: vk.ic.clone(),
    }
}

fn ark_key(vk: &VkPoints, queries: &Queries) -> ark_groth16::ProvingKey<Bn254> {
    let Queries { beta_g1, delta_g1, a, b_g1, b_g2, h, l } = queries.clone();
    ark_groth16::ProvingKey {
        vk: ark_vk(vk),
        beta_g1,
        delta_g1,
        a_query: a,
        b_g1_query: b_g1,
        b_g2_query: b_g2,
        h_query: h,
        l_query: l,
    }
}

impl Loaded {
    /// One proof: what `amanat-prover` does, with a mark between the parts. Runs in the pool it is
    /// called from; `stop` is asked as each phase begins.
    ///
    /// # Errors
    /// If the witness is wrong, or `stop` says so.
    pub fn prove(&self, stop: &(dyn Fn() -> bool + Sync)) -> Outcome<Timed> {
        let marks = RefCell::new(Vec::with_capacity(16));
        let watch = |phase: Phase| {
            marks.borrow_mut().push((Some(phase), Mark::now()));
            if stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut rng = rand::rng();
        let (r, s) = (field::random(&mut rng), field::random(&mut rng));
        let begun = Mark::now();
        let sums = self.key.made(self.circuit.as_ref(), &self.assignment, &r, &watch)?.sums;
        marks.borrow_mut().push((None, Mark::now()));
        let a: G1Projective = sums.a + self.alpha_g1 + self.delta.0 * r;
        let b: G2Projective = sums.b_g2 + self.beta.1 + self.delta.1 * s;
        let c: G1Projective = sums.c + a * s + self.beta.0 * r;
        let proof =
            ark_groth16::Proof::<Bn254> { a: a.into_affine(), b: b.into_affine(), c: c.into_affine() };
        let mut bytes = [0; 128];
        proof.serialize_compressed(&mut bytes[..])?;
        let done = Mark::now();
        let marks = marks.into_inner();
        // The first phase begins with the whole, so that the parts add up to it whatever the system
        // does in between.
        let starts = core::iter::once(&begun).chain(marks.iter().skip(1).map(|(_, mark)| mark));
        let ends = marks.iter().skip(1).map(|(_, mark)| mark).chain([&done]);
        let phases = marks.iter().zip(starts.zip(ends));
        let phases = phases.map(|((phase, _), (from, to))| (*phase, from.until(to))).collect();
        Ok(Timed { proof: bytes, whole: begun.until(&done), phases })
    }

    /// Memory that circuit and key hold, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.circuit.bytes() + self.key.bytes()
    }

    /// The circuit.
    #[must_use]
    pub fn circuit(&self) -> &dyn LoadedCircuit {
        self.circuit.as_ref()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::merkle::rng;
    use crate::merkle::{Forest, Shape};
    use crate::peers::LoadedPeer;
    use amanat_domain::statement::Statement;
    use amanat_params::insecure_dev_zkey;

    /// A small Merkle job under a key of snarkjs' form.
    pub(crate) fn small(seed: u64) -> Outcome<Job> {
        let forest = Forest::new(Shape { paths: 1, depth: 1 }, &mut rng(seed));
        let r1cs = forest.circuit();
        Ok(Job::circom(insecure_dev_zkey(&r1cs, &mut rng(seed + 1))?, forest.assign()))
    }

    #[test]
    fn every_backend_and_arkworks_prove_under_a_key_of_snarkjs_form() -> Outcome<()> {
        let mut job = small(1)?;
        let arkworks = job.arkworks().prove()?;
        assert!(job.verifies(&arkworks)?);
        for backend in amanat_accel::all() {
            let timed = job.load(*backend, TableMemory::Plain).prove(&|| false)?;
            assert!(job.verifies(&timed.proof)?, "{}", backend.name());
            let parts: f64 = timed.phases.iter().map(|(_, e)| e.wall).sum();
            assert!((parts - timed.whole.wall).abs() < 1e-6 && timed.phases.len() > 3, "{timed:?}");
            assert_eq!(timed.phases.last().map(|(phase, _)| *phase), Some(None));
            assert!(job.load(*backend, TableMemory::Plain).prove(&|| true).is_err(), "stopped");
        }
        job.assignment[1] += Fr::from(1u64);
        assert!(!job.verifies(&arkworks)?, "another root");
        Ok(())
    }

    #[test]
    fn every_backend_and_arkworks_prove_under_our_own_keys() -> Outcome<()> {
        let forest = Forest::new(Shape { paths: 1, depth: 1 }, &mut rng(3));
        let r1cs = forest.circuit();
        let (pk, _) = amanat_params::insecure_dev_setup(Statement::Record, 1, &r1cs, &mut rng(4), &|_| ())?;
        let job = Job::native(&pk, &r1cs, forest.assign());
        assert!(job.verifies(&job.arkworks().prove()?)?);
        for backend in amanat_accel::all() {
            let timed = job.load(*backend, TableMemory::Plain).prove(&|| false)?;
            assert!(job.verifies(&timed.proof)?, "{}", backend.name());
        }
        Ok(())
    }
}
