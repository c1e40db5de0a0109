//! Eight 64-bit lanes: the instructions, made safe by a witness that the machine has them.

use core::arch::x86_64::*;

/// The name of the backend over these lanes.
pub(crate) const BACKEND: &str = "avx512ifma";

/// Proof that this machine has the instructions used below. Only [`Isa::detect`] makes one.
#[derive(Clone, Copy)]
pub(crate) struct Isa(());

impl Isa {
    /// Looks once at what the machine has (the standard library caches the answer).
    pub(crate) fn detect() -> Option<Self> {
        let there = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512ifma")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vbmi2")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("adx");
        there.then_some(Self(()))
    }
}

/// Defines functions compiled for the instructions of [`Isa`] and safe to call with one.
///
/// `kernel! { pub(crate) fn name [G: Bound] (isa: Isa, x: T) -> R { .. } }`; the first parameter is
/// the witness. Helpers called from the body are `#[inline(always)]` plain functions: they take on
/// the kernel's instructions when inlined.
macro_rules! kernel {
    ($($(#[$meta:meta])* $vis:vis fn $name:ident [$($g:ident : $b:path),*] ($isa:ident : Isa $(, $arg:ident : $ty:ty)* $(,)?) $(-> $ret:ty)? $body:block)*) => {$(
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name<$($g: $b),*>($isa: $crate::backend::avx512::lanes::Isa $(, $arg: $ty)*) $(-> $ret)? {
            #[target_feature(enable = "avx512f,avx512ifma,avx512dq,avx512vl,avx512bw,avx512vbmi,avx512vbmi2,bmi2,adx")]
            #[allow(clippy::too_many_arguments)]
            fn inner<$($g: $b),*>($isa: $crate::backend::avx512::lanes::Isa $(, $arg: $ty)*) $(-> $ret)? $body
            // SAFETY: an `Isa` exists only where `Isa::detect` has found every feature enabled
            // above.
            unsafe { inner::<$($g),*>($isa $(, $arg)*) }
        }
    )*};
}
pub(crate) use kernel;

/// Eight lanes of 64 bits. Made only through an [`Isa`], so that its existence proves the
/// instructions.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Z(__m512i);

// Every function here: SAFETY of the `unsafe` block: the intrinsic needs AVX-512 F, DQ, BW, VL,
// IFMA or VBMI2 and touches no memory, and the arguments (a `Z` or an `Isa`) prove that
// `Isa::detect` has found all of these.
macro_rules! ops {
    ($($(#[$meta:meta])* fn $name:ident($($arg:ident : $ty:ty),*) -> $ret:ty = $body:expr;)*) => {$(
        $(#[$meta])*
        #[inline(always)]
        pub(crate) fn $name($($arg: $ty),*) -> $ret {
            // SAFETY: see above.
            unsafe { $body }
        }
    )*};
}

ops! {
    fn splat(_isa: Isa, x: u64) -> Z = Z(_mm512_set1_epi64(x as i64));
    fn zero(_isa: Isa) -> Z = Z(_mm512_setzero_si512());
    fn from_array(_isa: Isa, x: &[u64; 8]) -> Z = Z(_mm512_loadu_si512(x.as_ptr().cast()));
    fn add(a: Z, b: Z) -> Z = Z(_mm512_add_epi64(a.0, b.0));
    fn sub(a: Z, b: Z) -> Z = Z(_mm512_sub_epi64(a.0, b.0));
    fn and(a: Z, b: Z) -> Z = Z(_mm512_and_si512(a.0, b.0));
    fn or(a: Z, b: Z) -> Z = Z(_mm512_or_si512(a.0, b.0));
    /// `c + low 52 bits of a * b`, from the low 52 bits of `a` and `b`.
    fn madd_lo(c: Z, a: Z, b: Z) -> Z = Z(_mm512_madd52lo_epu64(c.0, a.0, b.0));
    /// `c + high 52 bits of a * b`.
    fn madd_hi(c: Z, a: Z, b: Z) -> Z = Z(_mm512_madd52hi_epu64(c.0, a.0, b.0));
    /// In each lane `table[index mod 8]`.
    fn look_up(table: Z, index: Z) -> Z = Z(_mm512_permutexvar_epi64(index.0, table.0));
    /// `index[i]`: lanes of `a` for 0..8, of `b` for 8..16.
    fn look_up2(a: Z, index: Z, b: Z) -> Z = Z(_mm512_permutex2var_epi64(a.0, index.0, b.0));
    /// Where the mask's bit is set `a`, else `b`.
    fn select(mask: u8, a: Z, b: Z) -> Z = Z(_mm512_mask_blend_epi64(mask, b.0, a.0));
    /// `a - b` where the mask's bit is set, else `otherwise`.
    fn select_sub(mask: u8, a: Z, b: Z, otherwise: Z) -> Z = Z(_mm512_mask_sub_epi64(otherwise.0, mask, a.0, b.0));
    /// The lanes' top bits.
    fn negative(a: Z) -> u8 = _mm512_movepi64_mask(a.0);
    fn equal(a: Z, b: Z) -> u8 = _mm512_cmpeq_epi64_mask(a.0, b.0);
    /// Lanes with a bit in common.
    fn meet(a: Z, b: Z) -> u8 = _mm512_test_epi64_mask(a.0, b.0);
}

/// The witness behind a vector.
#[inline(always)]
pub(crate) fn isa(_: Z) -> Isa {
    Isa(())
}

/// Logical shift right.
#[inline(always)]
pub(crate) fn shr<const N: u32>(a: Z) -> Z {
    // SAFETY: as for `ops!`.
    Z(unsafe { _mm512_srli_epi64::<N>(a.0) })
}

/// Arithmetic shift right.
#[inline(always)]
pub(crate) fn sar<const N: u32>(a: Z) -> Z {
    // SAFETY: as for `ops!`.
    Z(unsafe { _mm512_srai_epi64::<N>(a.0) })
}

/// Shift left.
#[inline(always)]
pub(crate) fn shl<const N: u32>(a: Z) -> Z {
    // SAFETY: as for `ops!`.
    Z(unsafe { _mm512_slli_epi64::<N>(a.0) })
}

/// The low 64 bits of `(high:low) >> N`.
#[inline(always)]
pub(crate) fn shr_pair<const N: i32>(low: Z, high: Z) -> Z {
    // SAFETY: as for `ops!`.
    Z(unsafe { _mm512_shrdi_epi64::<N>(low.0, high.0) })
}

impl Z {
    #[inline(always)]
    pub(crate) fn to_array(self) -> [u64; 8] {
        let mut out = [0; 8];
        // SAFETY: an unaligned store of 64 bytes into 64 bytes of ours; the instruction is there
        // (see `ops!`).
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), self.0) };
        out
    }

    /// Stores the lanes.
    #[inline(always)]
    pub(crate) fn store(self, out: &mut [u64; 8]) {
        // SAFETY: an unaligned store of 64 bytes into 64 bytes; the instruction is there (see
        // `ops!`).
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), self.0) };
    }
}

/// Rows to columns: lane `j` of output `i` is lane `i` of input `j`.
#[inline(always)]
pub(crate) fn transpose(r: [Z; 8]) -> [Z; 8] {
    // SAFETY: as for `ops!`: register to register.
    unsafe {
        let t = [
            _mm512_unpacklo_epi64(r[0].0, r[1].0),
            _mm512_unpackhi_epi64(r[0].0, r[1].0),
            _mm512_unpacklo_epi64(r[2].0, r[3].0),
            _mm512_unpackhi_epi64(r[2].0, r[3].0),
            _mm512_unpacklo_epi64(r[4].0, r[5].0),
            _mm512_unpackhi_epi64(r[4].0, r[5].0),
            _mm512_unpacklo_epi64(r[6].0, r[7].0),
            _mm512_unpackhi_epi64(r[6].0, r[7].0),
        ];
        let mut out = r;
        let mut h = 0;
        while h < 2 {
            let even_top = _mm512_shuffle_i64x2::<0x88>(t[h], t[2 + h]);
            let odd_top = _mm512_shuffle_i64x2::<0xdd>(t[h], t[2 + h]);
            let even_bottom = _mm512_shuffle_i64x2::<0x88>(t[4 + h], t[6 + h]);
            let odd_bottom = _mm512_shuffle_i64x2::<0xdd>(t[4 + h], t[6 + h]);
            out[h] = Z(_mm512_shuffle_i64x2::<0x88>(even_top, even_bottom));
            out[4 + h] = Z(_mm512_shuffle_i64x2::<0xdd>(even_top, even_bottom));
            out[2 + h] = Z(_mm512_shuffle_i64x2::<0x88>(odd_top, odd_bottom));
            out[6 + h] = Z(_mm512_shuffle_i64x2::<0xdd>(odd_top, odd_bottom));
            h += 1;
        }
        out
    }
}

/// Half of each of eight numbers in the lanes of the mask (0 in the others), and the mask of the
/// odd ones.
#[inline(always)]
pub(crate) fn halves_and_odds(_isa: Isa, x: &[u32; 8], mask: u8) -> ([u32; 8], u8) {
    // SAFETY: loads and stores of 32 bytes within arrays of 32 bytes; the instructions are there
    // (see `ops!`).
    unsafe {
        let x = _mm256_maskz_loadu_epi32(mask, x.as_ptr().cast());
        let mut halves = [0; 8];
        _mm256_storeu_si256(halves.as_mut_ptr().cast(), _mm256_srli_epi32::<1>(x));
        (halves, _mm256_test_epi32_mask(x, _mm256_set1_epi32(1)))
    }
}

/// The lanes in which `x` is below the numbers.
#[inline(always)]
pub(crate) fn below(_isa: Isa, x: u32, numbers: &[u32; 8]) -> u8 {
    // SAFETY: a load of 32 bytes from an array of 32 bytes; the instructions are there (see
    // `ops!`).
    unsafe {
        _mm256_cmplt_epu32_mask(_mm256_set1_epi32(x as i32), _mm256_loadu_si256(numbers.as_ptr().cast()))
    }
}

/// An entry of a table for [`gather`]: never in two cache lines.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(crate) struct Words(pub(crate) [u64; 4]);

/// Eight entries of a table, word by word: lane i of output w is word w of `table[index[i]]`.
///
/// # Safety
/// No index is beyond the table. (Checking here would cost as much as the loads.)
#[inline(always)]
pub(crate) unsafe fn gather(_isa: Isa, table: &[Words], index: &[u32; 8]) -> [Z; 4] {
    debug_assert!(index.iter().all(|i| (*i as usize) < table.len()), "an index beyond the table");
    let table = table.as_ptr();
    // SAFETY: aligned loads of 32 bytes each from entries of the table, of which the caller says
    // that they are there; the instructions are (see `ops!`).
    unsafe {
        let at = |i: usize| _mm256_load_si256(table.add(index[i] as usize).cast());
        let (a, b) = (two(at(0), at(2)), two(at(1), at(3)));
        let (c, d) = (two(at(4), at(6)), two(at(5), at(7)));
        let (even_low, odd_low) = (_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
        let (even_high, odd_high) = (_mm512_unpacklo_epi64(c, d), _mm512_unpackhi_epi64(c, d));
        [
            Z(_mm512_shuffle_i64x2::<0x88>(even_low, even_high)),
            Z(_mm512_shuffle_i64x2::<0x88>(odd_low, odd_high)),
            Z(_mm512_shuffle_i64x2::<0xdd>(even_low, even_high)),
            Z(_mm512_shuffle_i64x2::<0xdd>(odd_low, odd_high)),
        ]
    }
}

/// Two halves of a vector.
#[inline(always)]
unsafe fn two(low: __m256i, high: __m256i) -> __m512i {
    // SAFETY: register to register; the caller has the instructions.
    unsafe { _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high) }
}

/// Asks the caches for a value soon to be read: `NEAR` into the first level, else into the second.
#[inline(always)]
pub(crate) fn prefetch<const NEAR: bool, T>(_isa: Isa, at: *const T) {
    let at = at.cast::<i8>();
    // SAFETY: a prefetch reads nothing the program can see and never faults, wherever it points.
    unsafe {
        if NEAR {
            _mm_prefetch::<_MM_HINT_T0>(at);
        } else {
            _mm_prefetch::<_MM_HINT_T1>(at);
        }
    }
}
