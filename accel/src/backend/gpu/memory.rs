//! The memory model: from the size of a statement to bytes on a device. Pure; an upper bound by
//! construction, held against what a device says by the check on one (`accel/cuda/check.sh`).
//!
//! | part | bytes |
//! |---|---|
//! | circuit | `36 T + 4 (R + 1)` for each matrix of R rows and T terms |
//! | key | `68` for each base in G1, `132` in G2, and the buckets of the three sums |
//! | one proof under way | `96 n` for the vectors over the domain, `64 V` for the assignment and its multiple, `32 Q` for gathered scalars, and the digits of the longest sum |
//!
//! n: size of the domain, V: variables, Q: bases of the longest sum. Digits and buckets are
//! sppark's: windows of `min(max(floor(log2(1.5 Q)) - 8, 10), 18)` bits, four bytes a digit.

/// Bits of a scalar.
const SCALAR_BITS: u64 = 254;

/// Sizes of a key, after bases at infinity are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeySize {
    /// Bases of A.
    pub a: u64,
    /// Bases of B, in G2.
    pub b: u64,
    /// Bases of C: L, H and B in G1.
    pub c: u64,
}

/// Sizes of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProofSize {
    /// Size of the domain.
    pub domain: u64,
    /// Length of the assignment.
    pub variables: u64,
    /// Bases of the longest sum.
    pub longest: u64,
}

/// What a circuit takes: rows and terms of each matrix.
#[must_use]
pub fn circuit_bytes(matrices: &[(u64, u64)]) -> u64 {
    matrices.iter().map(|(rows, terms)| 36 * terms + 4 * (rows + 1)).sum()
}

/// What a key takes on a device with `multiprocessors` multiprocessors.
#[must_use]
pub fn key_bytes(size: KeySize, multiprocessors: u64) -> u64 {
    let query = |bases: u64, point: u64, bucket: u64| {
        if bases == 0 {
            return 0;
        }
        let window = window(bases);
        let rows = windows(window) << (window - 1);
        padded(bases) * point + 4 * bases + rows * (bucket + 4) + multiprocessors * 8 * bucket
    };
    query(size.a, 64, 128) + query(size.b, 128, 256) + query(size.c, 64, 128)
}

/// What one proof takes while it is made, beside circuit and key.
#[must_use]
pub fn proof_bytes(size: ProofSize) -> u64 {
    let digits = if size.longest == 0 { 0 } else { 4 * windows(window(size.longest)) + 32 };
    96 * size.domain + 64 * size.variables + (32 + digits) * padded(size.longest)
}

/// Bits of sppark's windows for `bases` bases.
fn window(bases: u64) -> u64 {
    if bases <= 192 {
        return 10;
    }
    u64::from((bases + bases / 2).ilog2()).saturating_sub(8).clamp(10, 18)
}

fn windows(window: u64) -> u64 {
    (SCALAR_BITS - 1) / window + 1
}

/// To whole warps.
fn padded(bases: u64) -> u64 {
    bases.div_ceil(32) * 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_grows_with_each_size() {
        let mut last = 0;
        for log in 0..24 {
            let n = 1u64 << log;
            let size = ProofSize { domain: n, variables: n, longest: 3 * n };
            let bytes = proof_bytes(size) + key_bytes(KeySize { a: n, b: n, c: 3 * n }, 132);
            assert!(bytes > last, "2^{log}");
            last = bytes;
        }
        assert_eq!(key_bytes(KeySize::default(), 132), 0);
        assert_eq!(proof_bytes(ProofSize::default()), 0);
        assert_eq!(circuit_bytes(&[(1, 3), (0, 0)]), 36 * 3 + 8 + 4);
    }

    #[test]
    fn windows_are_those_of_sppark() {
        for (bases, bits, number) in [
            (1u64, 10, 26),
            (192, 10, 26),
            (193, 10, 26),
            (1 << 20, 12, 22),
            (1 << 22, 14, 19),
            (1 << 30, 18, 15),
        ] {
            assert_eq!((window(bases), windows(window(bases))), (bits, number), "{bases} bases");
        }
    }

    /// The figures of the table in the book.
    #[test]
    fn two_sizes_are_as_the_book_says() {
        let of = |n: u64| {
            let key = key_bytes(KeySize { a: n, b: n * 2 / 3, c: n + n + n * 2 / 3 }, 132);
            let circuit = circuit_bytes(&[(n, 2 * n), (n, 2 * n), (n, 9 * n)]);
            let proof = proof_bytes(ProofSize { domain: n, variables: n, longest: n + n + n * 2 / 3 });
            [key, circuit, proof].map(|bytes| bytes >> 20)
        };
        assert_eq!(of(1 << 15), [17, 15, 19]);
        assert_eq!(of(1 << 20), [359, 480, 544]);
    }
}
