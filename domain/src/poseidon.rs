//! Poseidon over the BN254 scalar field, with circomlib's parameters, and the one hash of the
//! protocol built on it.
//!
//! Source: Grassi, Khovratovich, Rechberger, Roy, Schofnegger, "Poseidon: A New Hash Function for
//! Zero-Knowledge Proof Systems" (USENIX Security 2021); constants by the paper's Grain LFSR
//! procedure (section F of the ePrint version 2019/458) for a 254-bit prime field, x^5 and 128-bit
//! security, which are the constants circomlib publishes. Checked against vectors made by
//! circomlibjs (`tests/vectors/poseidon.json`).
//!
//! `H(tag; x1..xn)` is the permutation of width `n + 1` on `[tag, x1, .., xn]`, first element out:
//! the tag sits in the capacity. With tag 0 it is circomlib's `Poseidon(n)`. Two calls agree only
//! if tag, length and inputs agree: the tag separates uses, and each length has its own
//! permutation.

mod fast;

use crate::field::Fr;
use ark_ff::{BigInteger, Field, PrimeField, Zero};
use fast::Fast;
use std::sync::OnceLock;

/// Largest number of inputs of one hash.
pub const MAX_INPUTS: usize = 16;
/// Full rounds (half before, half after the partial ones).
pub const FULL_ROUNDS: usize = 8;
/// Partial rounds for widths 2..=17, from circomlib (`N_ROUNDS_P`).
const PARTIAL_ROUNDS: [usize; MAX_INPUTS] = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];

macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident = $value:literal,)*) => {
        /// A domain separator: one per use of the hash, so that no two uses collide.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum Tag { $($(#[$doc])* $name = $value,)* }

        impl Tag {
            /// Every tag, for tests and documentation.
            pub const ALL: &'static [Tag] = &[$(Tag::$name,)*];
        }
    };
}

tags! {
    /// Inner node of a tree: 4 children.
    Node = 1,
    /// Leaf of an indexed tree: value, next value.
    IndexedLeaf = 2,
    /// Root bundle of an epoch.
    Bundle = 3,
    /// Patient key from the wallet secret and the uniqueness key.
    PatientKey = 10,
    /// Detection key from the wallet secret.
    DetectionKey = 11,
    /// Subject commitment: patient key, detection key.
    Subject = 12,
    /// What only the subject can find: detection key, ctx.
    Detect = 13,
    /// Holder key from the holder's secret.
    HolderKey = 20,
    /// Private half of a role credential.
    RoleInner = 21,
    /// Leaf of the role registry.
    Role = 22,
    /// Pseudonym of a holder within one shift.
    Session = 23,
    /// A grantee named by organisation and role together.
    OrgRole = 24,
    /// A grantee named by role alone. Hashed, because an issuer chooses role codes: one could be
    /// made to look like an organisation's id.
    AnyWithRole = 25,
    /// Sixteen packed rule words.
    Rules = 30,
    /// Leaf of the consent registry.
    Consent = 31,
    /// Revocation id of a consent, from its nonce and subject.
    Revoke = 32,
    /// Nullifier of one grant.
    GrantNullifier = 33,
    /// Nullifier of one use of a consent: nonce, subject, index.
    Use = 34,
    /// Leaf of the record registry: record root, organisation, epoch.
    Anchor = 50,
    /// Revocation id of a superseded record, from its handle; the ledger computes it.
    Supersede = 51,
    /// Handle of a record, from its root salt: what its custodian publishes to supersede it.
    SupersessionHandle = 55,
    /// Root of a record: four nodes and the root salt.
    RecordTop = 54,
    /// Commitment to the disclosed leaves of a record.
    Disclose = 52,
    /// Access token, recognised by the custodian alone.
    Token = 53,
    /// Policy of a statement: S1.
    PolicyConsent = 60,
    /// Policy of a statement: S2.
    PolicyRole = 61,
    /// Policy of a statement: S3.
    PolicyRecord = 62,
    /// Policy of a statement: access.
    PolicyAccess = 63,
    /// Leaf 0 of a record; leaf i has tag `RecordLeaf as u32 + i`, i < 16.
    RecordLeaf = 100,
}

impl Tag {
    /// The tag as a field element.
    #[must_use]
    pub fn to_field(self) -> Fr {
        Fr::from(self as u32)
    }
}

/// The tag of leaf `i` of a record as a field element.
///
/// # Panics
/// If `i >= 16`: leaf numbers are ours, never a stranger's.
#[must_use]
pub fn record_leaf_tag(i: usize) -> Fr {
    assert!(i < 16, "a record has sixteen leaves");
    Fr::from(Tag::RecordLeaf as u32 + i as u32)
}

/// `H(tag; inputs)`.
///
/// # Panics
/// If there is no input, or more than [`MAX_INPUTS`]: the number of inputs is fixed in code at
/// every use.
#[must_use]
pub fn hash(tag: Tag, inputs: &[Fr]) -> Fr {
    hash_with(tag.to_field(), inputs)
}

/// [`hash`] with the capacity element given as a number.
///
/// # Panics
/// As [`hash`].
#[must_use]
pub fn hash_with(capacity: Fr, inputs: &[Fr]) -> Fr {
    assert!((1..=MAX_INPUTS).contains(&inputs.len()), "Poseidon takes 1 to 16 inputs");
    let mut state = [Fr::zero(); MAX_INPUTS + 1];
    state[0] = capacity;
    state[1..=inputs.len()].copy_from_slice(inputs);
    let state = &mut state[..=inputs.len()];
    permute(state);
    let out = state[0];
    // Inputs may be secrets; the working state is not left on the stack.
    zeroize::Zeroize::zeroize(&mut state.iter_mut());
    out
}

/// The permutation, in place; the width is the slice's length (2 to 17).
fn permute(state: &mut [Fr]) {
    let t = state.len();
    let p = Parameters::of_width(t);
    let half = FULL_ROUNDS / 2;
    for round in 0..half {
        full_round(p, round, state);
    }
    Fast::of_width(t).partial_rounds(state);
    for round in half + p.partial_rounds..FULL_ROUNDS + p.partial_rounds {
        full_round(p, round, state);
    }
}

fn full_round(p: &Parameters, round: usize, state: &mut [Fr]) {
    add_constants(p, round, state);
    state.iter_mut().for_each(pow5);
    mix(p, state);
}

fn add_constants(p: &Parameters, round: usize, state: &mut [Fr]) {
    let t = state.len();
    for (x, c) in state.iter_mut().zip(&p.constants[round * t..]) {
        *x += c;
    }
}

fn mix(p: &Parameters, state: &mut [Fr]) {
    let t = state.len();
    let mut next = [Fr::zero(); MAX_INPUTS + 1];
    for (out, row) in next.iter_mut().zip(p.mds.chunks_exact(t)) {
        *out = row.iter().zip(&*state).map(|(m, x)| *m * *x).sum();
    }
    state.copy_from_slice(&next[..t]);
    zeroize::Zeroize::zeroize(&mut next.iter_mut());
}

fn pow5(x: &mut Fr) {
    let square = x.square();
    *x *= square.square();
}

/// Round constants and matrix of one width.
pub struct Parameters {
    /// Number of partial rounds.
    pub partial_rounds: usize,
    /// Round constants, `t` for each of the rounds in order.
    pub constants: Vec<Fr>,
    /// MDS matrix, row by row: `out[i] = sum_j mds[i * t + j] * in[j]`.
    pub mds: Vec<Fr>,
}

impl Parameters {
    /// The parameters for width `t`, derived on first use (some milliseconds) and kept.
    ///
    /// # Panics
    /// If `t` is not in 2..=17.
    #[must_use]
    pub fn of_width(t: usize) -> &'static Parameters {
        static WIDTHS: [OnceLock<Parameters>; MAX_INPUTS] = [const { OnceLock::new() }; MAX_INPUTS];
        assert!((2..=MAX_INPUTS + 1).contains(&t), "Poseidon widths are 2 to 17");
        WIDTHS[t - 2].get_or_init(|| Self::derive(t))
    }

    fn derive(t: usize) -> Self {
        let partial_rounds = PARTIAL_ROUNDS[t - 2];
        let mut grain = Grain::new(t, partial_rounds);
        let constants =
            (0..t * (FULL_ROUNDS + partial_rounds)).map(|_| grain.element_below_modulus()).collect();
        let mds = grain.cauchy_matrix(t);
        Self { partial_rounds, constants, mds }
    }
}

/// The Grain LFSR in self-shrinking mode, as the Poseidon authors' reference script uses it.
struct Grain {
    state: [bool; 80],
    head: usize,
}

impl Grain {
    fn new(t: usize, partial_rounds: usize) -> Self {
        let mut state = [false; 80];
        let mut at = 0;
        // field type 1 (prime), S-box 0 (x^alpha), n bits, t, R_F, R_P, then ones.
        for (value, bits) in [
            (1, 2),
            (0, 4),
            (Fr::MODULUS_BIT_SIZE as usize, 12),
            (t, 12),
            (FULL_ROUNDS, 10),
            (partial_rounds, 10),
            ((1 << 30) - 1, 30),
        ] {
            for i in (0..bits).rev() {
                state[at] = (value >> i) & 1 == 1;
                at += 1;
            }
        }
        let mut grain = Self { state, head: 0 };
        for _ in 0..160 {
            grain.step();
        }
        grain
    }

    fn step(&mut self) -> bool {
        let tap = |i: usize| self.state[(self.head + i) % 80];
        let bit = tap(62) ^ tap(51) ^ tap(38) ^ tap(23) ^ tap(13) ^ tap(0);
        self.state[self.head] = bit;
        self.head = (self.head + 1) % 80;
        bit
    }

    /// Self-shrinking: of each pair of bits, the second is used where the first is one.
    fn bit(&mut self) -> bool {
        loop {
            let keep = self.step();
            let bit = self.step();
            if keep {
                return bit;
            }
        }
    }

    fn bits(&mut self) -> <Fr as PrimeField>::BigInt {
        let bits: Vec<bool> = (0..Fr::MODULUS_BIT_SIZE).map(|_| self.bit()).collect();
        <Fr as PrimeField>::BigInt::from_bits_be(&bits)
    }

    fn element_below_modulus(&mut self) -> Fr {
        loop {
            if let Some(x) = Fr::from_bigint(self.bits()) {
                return x;
            }
        }
    }

    fn element_mod_modulus(&mut self) -> Fr {
        Fr::from_le_bytes_mod_order(&self.bits().to_bytes_le())
    }

    /// `m[i][j] = 1 / (x_i + y_j)`.
    fn cauchy_matrix(&mut self, t: usize) -> Vec<Fr> {
        loop {
            let xy: Vec<Fr> = (0..2 * t).map(|_| self.element_mod_modulus()).collect();
            let (xs, ys) = xy.split_at(t);
            let sums = xs.iter().flat_map(|x| ys.iter().map(move |y| *x + y));
            // Not invertible means a repeated element: the script draws again.
            if let Some(m) = sums.map(|s| s.inverse()).collect::<Option<Vec<Fr>>>() {
                return m;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::str::FromStr;

    /// First known answer of circomlib's own test (`test/poseidoncircuit.js`): poseidon([1, 2]).
    #[test]
    fn agrees_with_circomlibs_own_answer() {
        let got = hash_with(Fr::zero(), &[Fr::from(1u64), Fr::from(2u64)]);
        let want =
            Fr::from_str("7853200120776062878684798364095072458815029376092732009249414926327459813530");
        assert_eq!(got, want.expect("a decimal number"));
    }

    /// As the paper writes it.
    fn permute_plainly(state: &mut [Fr]) {
        let p = Parameters::of_width(state.len());
        let half = FULL_ROUNDS / 2;
        for round in 0..FULL_ROUNDS + p.partial_rounds {
            if (half..half + p.partial_rounds).contains(&round) {
                add_constants(p, round, state);
                pow5(&mut state[0]);
                mix(p, state);
            } else {
                full_round(p, round, state);
            }
        }
    }

    #[test]
    fn the_permutation_is_the_plain_one_at_every_width() {
        for t in 2..=MAX_INPUTS + 1 {
            let word = |i: u64| Fr::from(i + 1).pow([1000 + t as u64]);
            for mut state in
                [vec![Fr::zero(); t], (0..t as u64).map(word).collect(), vec![-Fr::from(1u64); t]]
            {
                let mut plain = state.clone();
                permute_plainly(&mut plain);
                permute(&mut state);
                assert_eq!(state, plain, "width {t}");
            }
        }
    }

    #[test]
    fn tags_are_distinct_and_leave_room_for_the_record_leaves() {
        let mut seen: Vec<u32> = Tag::ALL.iter().map(|t| *t as u32).collect();
        seen.extend((1..16).map(|i| Tag::RecordLeaf as u32 + i));
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }

    #[test]
    fn tag_length_and_order_matter() {
        let (a, b) = (Fr::from(5u64), Fr::from(7u64));
        assert_ne!(hash(Tag::Node, &[a, b]), hash(Tag::Node, &[b, a]));
        assert_ne!(hash(Tag::Node, &[a, b]), hash(Tag::Bundle, &[a, b]));
        assert_ne!(hash(Tag::Node, &[a]), hash(Tag::Node, &[a, Fr::zero()]));
    }
}
