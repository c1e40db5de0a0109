//! What the statements share: the public vector, hashes by tag, numbers of few bits, paths, the
//! bundle.

use super::hash::hash;
use crate::plain::{Absence, Bundle, Path, Public};
use ark_ff::{AdditiveGroup, Field, PrimeField};
use ark_r1cs_std::boolean::Boolean;
use ark_r1cs_std::fields::fp::FpVar;
use ark_r1cs_std::prelude::{AllocVar, CondSelectGadget, EqGadget};
use ark_relations::gr1cs::{ConstraintSystem, ConstraintSystemRef, SynthesisError};
use core::cmp::Ordering;

pub(super) type F = ark_bn254::Fr;
pub(super) type Num = FpVar<F>;
pub(super) type Bit = Boolean<F>;
pub(super) type Result<T> = core::result::Result<T, SynthesisError>;

/// Bits of a time ("Time" of `notation.md`).
pub(super) const TIME_BITS: usize = 40;
/// Ids of the indexed tree are below 2^251 (`trees.md`).
const ID_BITS: usize = 251;

/// The tags of `notation.md`.
#[derive(Clone, Copy)]
pub(super) enum Tag {
    Node = 1,
    IndexedLeaf = 2,
    Bundle = 3,
    PatientKey = 10,
    Subject = 12,
    Detect = 13,
    HolderKey = 20,
    RoleInner = 21,
    Role = 22,
    Session = 23,
    OrgRole = 24,
    AnyWithRole = 25,
    Rules = 30,
    Consent = 31,
    Revoke = 32,
    GrantNullifier = 33,
    Use = 34,
    Anchor = 50,
    Supersede = 51,
    Disclose = 52,
    Token = 53,
    RecordTop = 54,
    SupersessionHandle = 55,
    PolicyConsent = 60,
    PolicyRole = 61,
    PolicyRecord = 62,
    PolicyAccess = 63,
}

/// Tag of leaf 0 of a record; leaf `i` has the tag `i` above it.
const RECORD_LEAF: u64 = 100;

/// The registries in the order of `trees.md`.
#[derive(Clone, Copy)]
pub(super) enum Registry {
    Subjects,
    Roles,
    Consents,
    Revocations,
    Records,
}

/// One constraint system and its public vector, slots as in `public.md`.
pub(super) struct Sheet {
    cs: ConstraintSystemRef<F>,
    pub(super) ctx: Num,
    bundle: Num,
    epoch: Num,
    pub(super) policy: Num,
    pub(super) nf: [Num; 2],
    pub(super) out: [Num; 2],
}

/// The bits of a word that was cut into fields, least first.
pub(super) struct Word {
    bits: Vec<Bit>,
    taken: usize,
}

/// A period: both ends belong to it.
#[derive(Clone)]
pub(super) struct Period {
    pub(super) from: Num,
    pub(super) until: Num,
}

impl Sheet {
    pub(super) fn new(public: &Public) -> Result<Self> {
        let cs = ConstraintSystem::new_ref();
        let input = |x: F| Num::new_input(cs.clone(), || Ok(x));
        let [ctx, bundle, epoch, policy, nf_0, nf_1, out_0, out_1] = *public;
        let (ctx, bundle, epoch, policy) = (input(ctx)?, input(bundle)?, input(epoch)?, input(policy)?);
        let (nf, out) = ([input(nf_0)?, input(nf_1)?], [input(out_0)?, input(out_1)?]);
        Ok(Self { cs, ctx, bundle, epoch, policy, nf, out })
    }

    pub(super) fn is_satisfied(&self) -> Result<bool> {
        self.cs.is_satisfied()
    }

    /// A private number.
    pub(super) fn private(&self, value: F) -> Result<Num> {
        Num::new_witness(self.cs.clone(), || Ok(value))
    }

    pub(super) fn privates<const N: usize>(&self, values: &[F; N]) -> Result<[Num; N]> {
        let nums: Vec<Num> = values.iter().map(|v| self.private(*v)).collect::<Result<_>>()?;
        Ok(nums.try_into().unwrap_or_else(|_| unreachable!("as many as there were")))
    }

    pub(super) fn hash(&self, tag: Tag, inputs: &[Num]) -> Result<Num> {
        hash(&self.cs, tag as u64, inputs)
    }

    /// `H(100 + i; v1, v2, salt)`
    pub(super) fn record_leaf(&self, i: u64, parts: &[Num; 3]) -> Result<Num> {
        hash(&self.cs, RECORD_LEAF + i, parts)
    }

    /// The root that a path leads to: two bits of the index at each level, least first, say which
    /// child the node is.
    pub(super) fn root(&self, leaf: &Num, path: &Path) -> Result<Num> {
        let mut index = Word::new(&self.private(path.index)?, 2 * path.siblings.len())?;
        let mut node = leaf.clone();
        for siblings in &path.siblings {
            let place = index.take(2);
            let [s_0, s_1, s_2] = self.privates(siblings)?;
            // For each child what it is when the node is child 0, 1, 2, 3.
            let choices = [
                [&node, &s_0, &s_0, &s_0],
                [&s_0, &node, &s_1, &s_1],
                [&s_1, &s_1, &node, &s_2],
                [&s_2, &s_2, &s_2, &node],
            ];
            let children: Vec<Num> = choices
                .into_iter()
                .map(|c| {
                    let big_endian = [place[1].clone(), place[0].clone()];
                    Num::conditionally_select_power_of_two_vector(&big_endian, &c.map(Clone::clone))
                })
                .collect::<Result<_>>()?;
            node = self.hash(Tag::Node, &children)?;
        }
        Ok(node)
    }

    /// Where `when` is set, `low < id < next` for a leaf of the indexed tree. Returns the root that
    /// holds this leaf.
    pub(super) fn absent(&self, id: &Num, absence: &Absence, when: &Bit) -> Result<Num> {
        let (low, next) = (self.private(absence.value)?, self.private(absence.next)?);
        let when = Num::from(when.clone());
        for difference in [id - &low - F::ONE, &next - id - F::ONE] {
            fits(&(&when * &difference), ID_BITS)?;
        }
        let leaf = self.hash(Tag::IndexedLeaf, &[low, next])?;
        self.root(&leaf, &absence.path)
    }

    /// `B_e = H(Bundle; e, time, roots and counts)` with these roots in place of the private ones.
    /// Returns the time.
    pub(super) fn open_bundle(&self, bundle: &Bundle, computed: &[(Registry, &Num)]) -> Result<Num> {
        let time = self.private(bundle.time)?;
        let mut roots = self.privates(&bundle.roots)?;
        for (registry, root) in computed {
            roots[*registry as usize] = (*root).clone();
        }
        let mut words = vec![self.epoch.clone(), time.clone()];
        for (root, count) in roots.into_iter().zip(bundle.counts) {
            words.extend([root, self.private(count)?]);
        }
        self.hash(Tag::Bundle, &words)?.enforce_equal(&self.bundle)?;
        Ok(time)
    }

    /// `H(Subject; patient key, d)`
    pub(super) fn subject(&self, patient_key: &Num, d: &Num) -> Result<Num> {
        self.hash(Tag::Subject, &[patient_key.clone(), d.clone()])
    }

    /// `out_1 = H(Detect; d, ctx)`
    pub(super) fn detectable(&self, d: &Num) -> Result<()> {
        self.hash(Tag::Detect, &[d.clone(), self.ctx.clone()])?.enforce_equal(&self.out[1])
    }

    /// Unused slots are 0.
    pub(super) fn unused(&self, slots: &[&Num]) -> Result<()> {
        slots.iter().try_for_each(|slot| slot.enforce_equal(&Num::Constant(F::ZERO)))
    }
}

/// The number is an id of the indexed tree: it is below 2^251.
pub(super) fn is_id(x: &Num) -> Result<()> {
    fits(x, ID_BITS)
}

/// The number is below `2^bits`.
pub(super) fn fits(x: &Num, bits: usize) -> Result<()> {
    x.to_bits_le_with_top_bits_zero(bits).map(|_| ())
}

/// Whether `a <= b`, for numbers that are known to be far below half the modulus.
pub(super) fn at_most(a: &Num, b: &Num) -> Result<Bit> {
    a.is_cmp_unchecked(b, Ordering::Less, true)
}

/// All of them.
pub(super) fn all(bits: &[Bit]) -> Result<Bit> {
    Bit::kary_and(bits)
}

/// At least one of them.
pub(super) fn any(bits: &[Bit]) -> Result<Bit> {
    Bit::kary_or(bits)
}

/// It must be so.
pub(super) fn must(bit: &Bit) -> Result<()> {
    bit.enforce_equal(&Bit::TRUE)
}

/// The number is among these: the product of the differences is 0.
pub(super) fn one_of(x: &Num, list: &[Num]) -> Result<()> {
    let mut product = Num::Constant(F::ONE);
    for entry in list {
        product *= x - entry;
    }
    product.enforce_equal(&Num::Constant(F::ZERO))
}

impl Word {
    /// Cuts a number of `bits` bits into fields.
    pub(super) fn new(x: &Num, bits: usize) -> Result<Self> {
        debug_assert!(bits < F::MODULUS_BIT_SIZE as usize);
        Ok(Self { bits: x.to_bits_le_with_top_bits_zero(bits)?.0, taken: 0 })
    }

    /// The next bits.
    pub(super) fn take(&mut self, bits: usize) -> Vec<Bit> {
        self.taken += bits;
        self.bits[self.taken - bits..self.taken].to_vec()
    }

    /// The next bits as a number.
    pub(super) fn number(&mut self, bits: usize) -> Result<Num> {
        Bit::le_bits_to_fp(&self.take(bits))
    }

    /// The next two times: `from + until * 2^40`.
    pub(super) fn period(&mut self) -> Result<Period> {
        Ok(Period { from: self.number(TIME_BITS)?, until: self.number(TIME_BITS)? })
    }
}

impl Period {
    /// `from <= until`
    pub(super) fn in_order(&self) -> Result<()> {
        must(&at_most(&self.from, &self.until)?)
    }

    /// Whether the other one lies in this one.
    pub(super) fn contains(&self, other: &Self) -> Result<Bit> {
        Ok(at_most(&self.from, &other.from)? & at_most(&other.until, &self.until)?)
    }

    /// Whether the two share a second.
    pub(super) fn overlaps(&self, other: &Self) -> Result<Bit> {
        Ok(at_most(&self.from, &other.until)? & at_most(&other.from, &self.until)?)
    }

    /// Whether the time is in it.
    pub(super) fn has(&self, time: &Num) -> Result<Bit> {
        Ok(at_most(&self.from, time)? & at_most(time, &self.until)?)
    }
}
