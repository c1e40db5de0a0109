//! To and from arkworks' elements, and wiping.

use super::super::lanes::{self, Isa, Z};
use super::prime::{Prime, split};
use ark_ff::{BigInt, PrimeField};

// How arkworks lays an element out: four words, nothing else. Checked where it is relied on.
const _: () = {
    assert!(size_of::<ark_bn254::Fq>() == 32 && size_of::<ark_bn254::Fr>() == 32);
    assert!(core::mem::offset_of!(ark_bn254::Fq, 0) == 0 && core::mem::offset_of!(ark_bn254::Fr, 0) == 0);
    assert!(core::mem::offset_of!(BigInt<4>, 0) == 0 && size_of::<BigInt<4>>() == 32);
};

/// The four words of an element's Montgomery form (`R = 2^256`).
#[inline(always)]
pub(crate) fn ark_words<F: Prime>(x: &F::Ark) -> [u64; 4] {
    // SAFETY: `F` is `Q` or `R` (the trait is private to this crate), whose elements are 32 bytes
    // that hold four initialised words from offset 0 (asserted above); any such bytes are valid
    // `u64`s.
    unsafe { core::ptr::from_ref(x).cast::<[u64; 4]>().read() }
}

/// The element whose Montgomery form (`R = 2^256`) these words are; they must be below p.
#[inline(always)]
pub(crate) fn ark_of<F: Prime>(words: [u64; 4]) -> F::Ark {
    debug_assert!(BigInt(words) < F::Ark::MODULUS);
    // SAFETY: as above: an element is these four words, at offset 0, and a zero-sized marker.
    unsafe { core::mem::transmute_copy(&words) }
}

/// Word by word, 8 elements.
#[inline(always)]
pub(crate) fn words_of<F: Prime>(isa: Isa, x: &[F::Ark; 8]) -> [Z; 4] {
    // SAFETY: 8 elements are 32 initialised words (see `ark_words`).
    let words = unsafe { &*core::ptr::from_ref(x).cast::<[[u64; 8]; 4]>() };
    let rows = [
        lanes::from_array(isa, &words[0]),
        lanes::from_array(isa, &words[1]),
        lanes::from_array(isa, &words[2]),
        lanes::from_array(isa, &words[3]),
    ];
    [word_of(isa, &rows, 0), word_of(isa, &rows, 1), word_of(isa, &rows, 2), word_of(isa, &rows, 3)]
}

#[inline(always)]
pub(crate) fn word_of(isa: Isa, rows: &[Z; 4], word: u64) -> Z {
    let index =
        lanes::from_array(isa, &[word, word + 4, word + 8, word + 12, word, word + 4, word + 8, word + 12]);
    let low = lanes::look_up2(rows[0], index, rows[1]);
    let high = lanes::look_up2(rows[2], index, rows[3]);
    lanes::select(0xf0, high, low)
}

/// The canonical limbs of an element in our Montgomery form.
pub(crate) fn limbs_of<F: Prime>(x: &F::Ark) -> [u64; 5] {
    split(ark_words::<F>(&(*x * F::Ark::from(16u64))))
}

/// Overwrites with zeros, in a way the compiler keeps: for scratch that held secrets.
pub(crate) fn wipe<T: Copy>(values: &mut [T]) {
    let bytes = size_of_val(values);
    let start = values.as_mut_ptr().cast::<u64>();
    debug_assert!(bytes.is_multiple_of(8) && align_of::<T>() >= 8);
    for i in 0..bytes / 8 {
        // SAFETY: within the slice, whose elements are plain data (`Copy`, of whole aligned words)
        // that is valid when zero: callers pass vectors, limbs and integers only.
        unsafe { start.add(i).write_volatile(0) };
    }
}
