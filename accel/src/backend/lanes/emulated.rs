//! Eight 64-bit lanes in plain Rust, operation by operation what `lanes/avx512.rs` asks of the
//! machine.
//!
//! Read the two side by side: same names, same arguments. Operations are calls here: inlined, the
//! kernels above would be hundreds of times as long, and take minutes to compile. Semantics: Intel
//! 64 and IA-32 Architectures Software Developer's Manual, volume 2 (VPMADD52LUQ, VPMADD52HUQ,
//! VPERMQ, VPERMT2Q, VPSHRDQ).

use core::array::from_fn;

/// The name of the backend over these lanes.
pub(crate) const BACKEND: &str = "emulated";

/// Stands where the instructions' witness stands; there is nothing to detect.
#[derive(Clone, Copy)]
pub(crate) struct Isa(());

impl Isa {
    pub(crate) fn detect() -> Option<Self> {
        Some(Self(()))
    }
}

/// Defines functions that take an [`Isa`]. The same words as for the instructions, without them.
macro_rules! kernel {
    ($($(#[$meta:meta])* $vis:vis fn $name:ident [$($g:ident : $b:path),*] ($isa:ident : Isa $(, $arg:ident : $ty:ty)* $(,)?) $(-> $ret:ty)? $body:block)*) => {$(
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name<$($g: $b),*>($isa: $crate::backend::emulated::lanes::Isa $(, $arg: $ty)*) $(-> $ret)? $body
    )*};
}
pub(crate) use kernel;

/// Eight lanes of 64 bits, aligned as a vector is.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Z([u64; 8]);

const LOW_52: u64 = (1 << 52) - 1;

#[inline]
fn each(of: impl FnMut(usize) -> u64) -> Z {
    Z(from_fn(of))
}

#[inline]
fn mask(mut of: impl FnMut(usize) -> bool) -> u8 {
    (0..8).fold(0, |mask, i| mask | u8::from(of(i)) << i)
}

/// The product of the low 52 bits of both.
#[inline]
fn product(a: u64, b: u64) -> u128 {
    u128::from(a & LOW_52) * u128::from(b & LOW_52)
}

macro_rules! ops {
    ($($(#[$meta:meta])* fn $name:ident($($arg:ident : $ty:ty),*) -> $ret:ty = $body:expr;)*) => {$(
        $(#[$meta])*
        #[inline(never)]
        pub(crate) fn $name($($arg: $ty),*) -> $ret {
            $body
        }
    )*};
}

ops! {
    fn splat(_isa: Isa, x: u64) -> Z = Z([x; 8]);
    fn zero(_isa: Isa) -> Z = Z([0; 8]);
    fn from_array(_isa: Isa, x: &[u64; 8]) -> Z = Z(*x);
    fn add(a: Z, b: Z) -> Z = each(|i| a.0[i].wrapping_add(b.0[i]));
    fn sub(a: Z, b: Z) -> Z = each(|i| a.0[i].wrapping_sub(b.0[i]));
    fn and(a: Z, b: Z) -> Z = each(|i| a.0[i] & b.0[i]);
    fn or(a: Z, b: Z) -> Z = each(|i| a.0[i] | b.0[i]);
    /// `c + low 52 bits of a * b`, from the low 52 bits of `a` and `b`.
    fn madd_lo(c: Z, a: Z, b: Z) -> Z = each(|i| c.0[i].wrapping_add(product(a.0[i], b.0[i]) as u64 & LOW_52));
    /// `c + high 52 bits of a * b`.
    fn madd_hi(c: Z, a: Z, b: Z) -> Z = each(|i| c.0[i].wrapping_add((product(a.0[i], b.0[i]) >> 52) as u64));
    /// In each lane `table[index mod 8]`.
    fn look_up(table: Z, index: Z) -> Z = each(|i| table.0[index.0[i] as usize % 8]);
    /// `index[i]`: lanes of `a` for 0..8, of `b` for 8..16.
    fn look_up2(a: Z, index: Z, b: Z) -> Z = each(|i| match index.0[i] as usize % 16 {
        lane @ 0..8 => a.0[lane],
        lane => b.0[lane - 8],
    });
    /// Where the mask's bit is set `a`, else `b`.
    fn select(mask: u8, a: Z, b: Z) -> Z = each(|i| if mask >> i & 1 == 1 { a.0[i] } else { b.0[i] });
    /// `a - b` where the mask's bit is set, else `otherwise`.
    fn select_sub(mask: u8, a: Z, b: Z, otherwise: Z) -> Z = select(mask, sub(a, b), otherwise);
    /// The lanes' top bits.
    fn negative(a: Z) -> u8 = mask(|i| a.0[i] >> 63 == 1);
    fn equal(a: Z, b: Z) -> u8 = mask(|i| a.0[i] == b.0[i]);
    /// Lanes with a bit in common.
    fn meet(a: Z, b: Z) -> u8 = mask(|i| a.0[i] & b.0[i] != 0);
}

/// The witness behind a vector.
#[inline]
pub(crate) fn isa(_: Z) -> Isa {
    Isa(())
}

/// Logical shift right.
#[inline(never)]
pub(crate) fn shr<const N: u32>(a: Z) -> Z {
    each(|i| a.0[i] >> N)
}

/// Arithmetic shift right.
#[inline(never)]
pub(crate) fn sar<const N: u32>(a: Z) -> Z {
    each(|i| (a.0[i] as i64 >> N) as u64)
}

/// Shift left.
#[inline(never)]
pub(crate) fn shl<const N: u32>(a: Z) -> Z {
    each(|i| a.0[i] << N)
}

/// The low 64 bits of `(high:low) >> N`.
#[inline(never)]
pub(crate) fn shr_pair<const N: i32>(low: Z, high: Z) -> Z {
    each(|i| ((u128::from(high.0[i]) << 64 | u128::from(low.0[i])) >> N) as u64)
}

impl Z {
    #[inline]
    pub(crate) fn to_array(self) -> [u64; 8] {
        self.0
    }

    /// Stores the lanes.
    #[inline]
    pub(crate) fn store(self, out: &mut [u64; 8]) {
        *out = self.0;
    }
}

/// Rows to columns: lane `j` of output `i` is lane `i` of input `j`.
#[inline(never)]
pub(crate) fn transpose(r: [Z; 8]) -> [Z; 8] {
    from_fn(|i| each(|j| r[j].0[i]))
}

/// Half of each of eight numbers in the lanes of the mask (0 in the others), and the mask of the
/// odd ones.
#[inline(never)]
pub(crate) fn halves_and_odds(_isa: Isa, x: &[u32; 8], mask: u8) -> ([u32; 8], u8) {
    let x: [u32; 8] = from_fn(|i| if mask >> i & 1 == 1 { x[i] } else { 0 });
    (x.map(|x| x >> 1), self::mask(|i| x[i] & 1 == 1))
}

/// The lanes in which `x` is below the numbers.
#[inline(never)]
pub(crate) fn below(_isa: Isa, x: u32, numbers: &[u32; 8]) -> u8 {
    mask(|i| x < numbers[i])
}

/// An entry of a table for [`gather`].
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(crate) struct Words(pub(crate) [u64; 4]);

/// Eight entries of a table, word by word: lane i of output w is word w of `table[index[i]]`.
///
/// # Safety
/// None is needed here; the same words as for the instructions, which do not check that indices lie
/// within the table.
#[inline(never)]
pub(crate) unsafe fn gather(_isa: Isa, table: &[Words], index: &[u32; 8]) -> [Z; 4] {
    from_fn(|w| each(|i| table[index[i] as usize].0[w]))
}

/// Nothing is asked of the caches.
#[inline]
pub(crate) fn prefetch<const NEAR: bool, T>(_isa: Isa, _at: *const T) {}
