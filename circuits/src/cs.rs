//! The constraint builder: one walk over a statement gives the matrices, the assignment, or both.
//!
//! *Derive, don't compare.* A gadget computes its result forward from its inputs, and only the end
//! of a statement compares with the public vector. So each row that can be left out is left out at
//! a single wire, and a prover who cheats at that wire is refused by that row alone: this is what
//! the mutation score measures.
//!
//! The walk never looks at a value to decide what to constrain. A test compares the matrices of
//! several witnesses.

use crate::r1cs::{Form, R1cs, Row};
use amanat_domain::field::Fr;
use amanat_domain::statement::PUBLIC_INPUTS;
use ark_ff::{AdditiveGroup, Field, One, Zero};
use zeroize::Zeroize;

/// What a row does, and how a cheating prover would have to violate it alone. Used by the mutation
/// run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowKind {
    /// A product: the variable is the claimed result.
    Product(u32),
    /// A variable is 0 or 1; the bits of its word, of which it is one.
    Boolean(u32),
    /// Bits add up to a value computed elsewhere: first bit and number of bits.
    Sum(u32, u32),
    /// First or second row of a zero test; the variable is the claimed answer.
    ZeroTest(u32),
    /// One of four children is the node below; the first child's variable.
    Child(u32),
    /// A public input equals what was computed.
    Bind(usize),
    /// Something must be so: caught by a world in which it is not.
    Assert,
}

/// Where a row comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowLabel {
    /// Clause of the statement, as in the book: `CON-4`.
    pub clause: &'static str,
    /// Gadget that wrote the row.
    pub gadget: &'static str,
    /// What the row does.
    pub kind: RowKind,
}

/// A variable that one honest prover may set as they like in some worlds, and why that is harmless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeWire {
    /// The variable.
    pub variable: u32,
    /// The reason.
    pub reason: &'static str,
}

/// A linear combination of variables with its value. Secret as the witness is: no `Debug`.
#[derive(Clone)]
pub struct Num {
    value: Fr,
    /// Empty unless the shape is being built.
    form: Form,
    constant: bool,
}

/// A [`Num`] constrained to 0 or 1.
#[derive(Clone)]
pub struct Bit(Num);

/// The builder.
pub struct Cs {
    assignment: Vec<Fr>,
    shape: Option<Shape>,
    clause: &'static str,
    gadget: &'static str,
    /// Values a cheating prover puts in place of the honest ones, by variable.
    faults: Vec<(u32, Fr)>,
    /// Whether public inputs follow what was computed (mutation runs only).
    adaptive: bool,
}

/// What only the shape needs.
#[derive(Default)]
pub struct Shape {
    /// The constraints.
    pub rows: Vec<Row>,
    /// Where each row comes from.
    pub labels: Vec<RowLabel>,
    /// Wires that may be free.
    pub free: Vec<FreeWire>,
}

impl Cs {
    /// Builds the assignment only: what a prover does.
    #[must_use]
    pub fn witness(public: &[Fr; PUBLIC_INPUTS]) -> Self {
        let mut assignment = Vec::with_capacity(1 << 15);
        assignment.push(Fr::one());
        assignment.extend_from_slice(public);
        Self { assignment, shape: None, clause: "", gadget: "", faults: Vec::new(), adaptive: false }
    }

    /// Builds matrices and assignment: what key generation and tests do.
    #[must_use]
    pub fn shape(public: &[Fr; PUBLIC_INPUTS]) -> Self {
        let mut cs = Self::witness(public);
        cs.shape = Some(Shape::default());
        cs
    }

    /// A cheating prover: puts the given values in place of the honest ones and goes on honestly
    /// from there, claiming whatever public inputs come out.
    #[must_use]
    pub fn cheating(public: &[Fr; PUBLIC_INPUTS], faults: Vec<(u32, Fr)>) -> Self {
        let mut cs = Self::witness(public);
        cs.faults = faults;
        cs.adaptive = true;
        cs
    }

    /// The assignment: one, public, private. It holds the witness: the caller zeroizes it.
    #[must_use]
    pub fn into_assignment(mut self) -> Vec<Fr> {
        core::mem::take(&mut self.assignment)
    }

    /// The matrices and labels.
    ///
    /// # Panics
    /// If the builder was not made by [`Cs::shape`].
    #[must_use]
    pub fn into_shape(mut self) -> (R1cs, Shape) {
        let mut shape = self.shape.take().expect("made by Cs::shape");
        let r1cs = R1cs {
            num_public: PUBLIC_INPUTS,
            num_private: self.assignment.len() - 1 - PUBLIC_INPUTS,
            rows: core::mem::take(&mut shape.rows),
        };
        (r1cs, shape)
    }

    /// Rows written while `f` runs belong to this clause.
    pub fn clause<T>(&mut self, clause: &'static str, f: impl FnOnce(&mut Self) -> T) -> T {
        let before = core::mem::replace(&mut self.clause, clause);
        let out = f(self);
        self.clause = before;
        out
    }

    /// Rows written while `f` runs belong to this gadget; the innermost wins.
    pub fn gadget<T>(&mut self, gadget: &'static str, f: impl FnOnce(&mut Self) -> T) -> T {
        let before = core::mem::replace(&mut self.gadget, gadget);
        let out = f(self);
        self.gadget = before;
        out
    }

    /// A public input.
    #[must_use]
    pub fn public(&self, slot: usize) -> Num {
        self.variable(1 + slot as u32)
    }

    /// A private variable whose value is a *hint*: nothing constrains it yet.
    pub fn hint(&mut self, value: Fr) -> Num {
        let index = self.assignment.len() as u32;
        let value = self.faults.iter().find(|(v, _)| *v == index).map_or(value, |(_, fault)| *fault);
        self.assignment.push(value);
        self.variable(index)
    }

    /// A hint constrained to 0 or 1.
    pub fn bit(&mut self, value: bool) -> Bit {
        let bit = self.hint(Fr::from(value));
        let variable = self.last_variable();
        let minus_one = &bit - &Num::constant(Fr::one());
        self.row(&bit, &minus_one, &Num::zero(), RowKind::Boolean(variable));
        Bit(bit)
    }

    /// The product. A constant factor costs nothing.
    pub fn mul(&mut self, a: &Num, b: &Num) -> Num {
        if a.constant {
            return b.scale(a.value);
        }
        if b.constant {
            return a.scale(b.value);
        }
        let product = self.hint(a.value * b.value);
        let variable = self.last_variable();
        self.row(a, b, &product, RowKind::Product(variable));
        product
    }

    /// `a * b = c`, as an assertion.
    pub fn enforce(&mut self, a: &Num, b: &Num, c: &Num) {
        self.row(a, b, c, RowKind::Assert);
    }

    /// The value must be zero.
    pub fn assert_zero(&mut self, x: &Num) {
        self.row(x, &Num::constant(Fr::one()), &Num::zero(), RowKind::Assert);
    }

    /// The public input in `slot` is what was computed.
    pub fn bind_public(&mut self, slot: usize, computed: &Num) {
        if self.adaptive {
            self.assignment[1 + slot] = computed.value;
        }
        let difference = computed - &self.public(slot);
        self.row(&difference, &Num::constant(Fr::one()), &Num::zero(), RowKind::Bind(slot));
    }

    /// Notes that the last allocated variable may be free, and why.
    pub fn note_free(&mut self, reason: &'static str) {
        let variable = self.last_variable();
        if let Some(shape) = &mut self.shape {
            shape.free.push(FreeWire { variable, reason });
        }
    }

    /// Index of the variable allocated last.
    #[must_use]
    pub fn last_variable(&self) -> u32 {
        self.assignment.len() as u32 - 1
    }

    /// Writes a row.
    pub fn row(&mut self, a: &Num, b: &Num, c: &Num, kind: RowKind) {
        if let Some(shape) = &mut self.shape {
            shape.rows.push(Row { a: a.form.clone(), b: b.form.clone(), c: c.form.clone() });
            shape.labels.push(RowLabel { clause: self.clause, gadget: self.gadget, kind });
        }
    }

    fn variable(&self, index: u32) -> Num {
        Num {
            value: self.assignment[index as usize],
            form: if self.shape.is_some() { vec![(index, Fr::one())] } else { Vec::new() },
            constant: false,
        }
    }
}

impl Drop for Cs {
    fn drop(&mut self) {
        self.assignment.iter_mut().zeroize();
    }
}

impl Num {
    /// A constant.
    #[must_use]
    pub fn constant(value: Fr) -> Self {
        let form = if value.is_zero() { Vec::new() } else { vec![(0, value)] };
        Self { value, form, constant: true }
    }

    /// Zero.
    #[must_use]
    pub fn zero() -> Self {
        Self { value: Fr::ZERO, form: Vec::new(), constant: true }
    }

    /// A small constant.
    #[must_use]
    pub fn from_u64(n: u64) -> Self {
        Self::constant(Fr::from(n))
    }

    /// The value, for hints.
    #[must_use]
    pub const fn value(&self) -> Fr {
        self.value
    }

    /// Times a constant.
    #[must_use]
    pub fn scale(&self, k: Fr) -> Self {
        if k.is_zero() {
            return Self::zero();
        }
        Self {
            value: self.value * k,
            form: self.form.iter().map(|(v, c)| (*v, *c * k)).collect(),
            constant: self.constant,
        }
    }

    /// Plus a constant.
    #[must_use]
    pub fn plus(&self, k: Fr) -> Self {
        self + &Self::constant(k)
    }

    /// One minus this.
    #[must_use]
    pub fn complement(&self) -> Self {
        &Self::constant(Fr::one()) - self
    }

    /// Adds `k * other`.
    pub fn add_scaled(&mut self, other: &Self, k: Fr) {
        self.value += other.value * k;
        self.constant &= other.constant;
        if !other.form.is_empty() {
            self.form = merge(&self.form, &other.form, k);
        }
    }

    /// The sum of many.
    #[must_use]
    pub fn sum<'a>(nums: impl IntoIterator<Item = &'a Num>) -> Self {
        let mut total = Self::zero();
        nums.into_iter().for_each(|n| total.add_scaled(n, Fr::one()));
        total
    }
}

/// `a + k * b` of two ascending forms.
fn merge(a: &Form, b: &Form, k: Fr) -> Form {
    let mut out = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let left = a.get(i).map_or(u32::MAX, |t| t.0);
        let right = b.get(j).map_or(u32::MAX, |t| t.0);
        let at = left.min(right);
        let mut coeff = Fr::ZERO;
        if left == at {
            coeff += a[i].1;
            i += 1;
        }
        if right == at {
            coeff += if k.is_one() { b[j].1 } else { b[j].1 * k };
            j += 1;
        }
        if !coeff.is_zero() {
            out.push((at, coeff));
        }
    }
    out
}

impl core::ops::Add for &Num {
    type Output = Num;
    fn add(self, other: &Num) -> Num {
        let mut out = self.clone();
        out.add_scaled(other, Fr::one());
        out
    }
}

impl core::ops::Sub for &Num {
    type Output = Num;
    fn sub(self, other: &Num) -> Num {
        let mut out = self.clone();
        out.add_scaled(other, -Fr::one());
        out
    }
}

impl Bit {
    /// As a number.
    #[must_use]
    pub const fn num(&self) -> &Num {
        &self.0
    }

    /// The truth value.
    #[must_use]
    pub fn value(&self) -> bool {
        self.0.value.is_one()
    }

    /// The other truth value.
    #[must_use]
    pub fn not(&self) -> Self {
        Self(self.0.complement())
    }

    /// A constant.
    #[must_use]
    pub fn constant(value: bool) -> Self {
        Self(Num::constant(Fr::from(value)))
    }

    /// Takes a number that other rows already force to 0 or 1; the caller says why.
    #[must_use]
    pub fn new_unchecked(num: Num, _why: &'static str) -> Self {
        Self(num)
    }
}

/// The inverse, or zero of zero: a hint for zero tests.
#[must_use]
pub fn inverse_or_zero(x: Fr) -> Fr {
    x.inverse().unwrap_or(Fr::ZERO)
}
