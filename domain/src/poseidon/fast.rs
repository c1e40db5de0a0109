//! The same permutation with fewer multiplications.
//!
//! A partial round multiplies by the whole matrix though only one element has changed by more than
//! a linear map. Written otherwise (Grassi et al., ePrint 2019/458, appendix B), a width of t takes
//! 2t - 1 multiplications in a partial round instead of t^2:
//!
//! - *Constants.* What a round adds is pulled back through the matrix of the round before: `M s + c
//!   = M (s + M^-1 c)`. All but the first element of `M^-1 c` pass the S-box of that round, which
//!   leaves them alone, and are added before it; the first is added after it. From the last partial
//!   round to the first, one scalar a round is left, and one vector before all of them.
//! - *Matrices.* With `M = [[m, v], [w, N]]`, `M = P Q` for `P = [[1, 0], [0, N]]` and the sparse
//!   `Q = [[m, v], [N^-1 w, 1]]`. `P` leaves the first element alone, so it passes the S-box of the
//!   next round and goes into its matrix, which is taken apart in turn. What is left after the last
//!   one is applied once.

use super::{FULL_ROUNDS, MAX_INPUTS, Parameters, pow5};
use crate::field::Fr;
use ark_ff::{Field, One, Zero};
use std::sync::OnceLock;

/// The partial rounds of one width.
pub(super) struct Fast {
    /// Added before the first partial round.
    before: Vec<Fr>,
    /// Of each partial round: added to the first element after the S-box.
    after: Vec<Fr>,
    /// Of each partial round: the first row of its matrix, then what the first element adds to each
    /// of the others; 2t - 1 in all.
    rows: Vec<Fr>,
    /// Applied to all but the first element after the last partial round; t - 1 by t - 1, row by
    /// row.
    last: Vec<Fr>,
}

impl Fast {
    pub(super) fn of_width(t: usize) -> &'static Self {
        static WIDTHS: [OnceLock<Fast>; MAX_INPUTS] = [const { OnceLock::new() }; MAX_INPUTS];
        WIDTHS[t - 2].get_or_init(|| Self::derive(t, Parameters::of_width(t)))
    }

    fn derive(t: usize, p: &Parameters) -> Self {
        let half = FULL_ROUNDS / 2;
        let of_round = |round: usize| p.constants[round * t..(round + 1) * t].to_vec();
        let inverse = inverse(&p.mds, t);
        let mut after = vec![Fr::zero(); p.partial_rounds];
        let mut before = of_round(half + p.partial_rounds - 1);
        for round in (0..p.partial_rounds - 1).rev() {
            let pulled = apply(&inverse, &before);
            after[round] = pulled[0];
            before = of_round(half + round);
            before.iter_mut().zip(&pulled).skip(1).for_each(|(c, more)| *c += more);
        }
        let (mut rows, mut matrix) = (Vec::new(), p.mds.clone());
        let mut last = Vec::new();
        for round in 0..p.partial_rounds {
            let block: Vec<Fr> = (1..t).flat_map(|i| matrix[i * t + 1..(i + 1) * t].to_vec()).collect();
            let column: Vec<Fr> = (1..t).map(|i| matrix[i * t]).collect();
            rows.extend_from_slice(&matrix[..t]);
            rows.extend(apply(&self::inverse(&block, t - 1), &column));
            if round + 1 == p.partial_rounds {
                last = block;
            } else {
                matrix = times_block(&p.mds, &block, t);
            }
        }
        Self { before, after, rows, last }
    }

    /// All partial rounds.
    pub(super) fn partial_rounds(&self, state: &mut [Fr]) {
        let t = state.len();
        for (x, c) in state.iter_mut().zip(&self.before) {
            *x += c;
        }
        for (row, constant) in self.rows.chunks_exact(2 * t - 1).zip(&self.after) {
            let (row, column) = row.split_at(t);
            pow5(&mut state[0]);
            state[0] += constant;
            let first = state[0];
            let mut sum = row[0] * first;
            for ((x, m), u) in state[1..].iter_mut().zip(&row[1..]).zip(column) {
                sum += *m * *x;
                *x += *u * first;
            }
            state[0] = sum;
        }
        let mut rest = [Fr::zero(); MAX_INPUTS];
        rest[..t - 1].copy_from_slice(&state[1..]);
        for (out, row) in state[1..].iter_mut().zip(self.last.chunks_exact(t - 1)) {
            *out = row.iter().zip(&rest).map(|(m, x)| *m * *x).sum();
        }
        zeroize::Zeroize::zeroize(&mut rest.iter_mut());
    }
}

fn apply(matrix: &[Fr], x: &[Fr]) -> Vec<Fr> {
    matrix.chunks_exact(x.len()).map(|row| row.iter().zip(x).map(|(m, x)| *m * *x).sum()).collect()
}

/// `m [[1, 0], [0, block]]`.
fn times_block(m: &[Fr], block: &[Fr], t: usize) -> Vec<Fr> {
    let entry = |i: usize, j: usize| match j {
        0 => m[i * t],
        _ => (1..t).map(|k| m[i * t + k] * block[(k - 1) * (t - 1) + j - 1]).sum(),
    };
    (0..t * t).map(|at| entry(at / t, at % t)).collect()
}

/// By elimination. Square blocks of a Cauchy matrix and of products of such are invertible here;
/// the test that compares the permutations covers every width there is.
fn inverse(matrix: &[Fr], n: usize) -> Vec<Fr> {
    let mut rows: Vec<Vec<Fr>> = (0..n)
        .map(|i| {
            let unit = (0..n).map(|j| if i == j { Fr::one() } else { Fr::zero() });
            matrix[i * n..(i + 1) * n].iter().copied().chain(unit).collect()
        })
        .collect();
    for column in 0..n {
        let pivot = (column..n).find(|i| !rows[*i][column].is_zero()).expect("the matrix is invertible");
        rows.swap(column, pivot);
        let scale = rows[column][column].inverse().expect("not zero");
        rows[column].iter_mut().for_each(|x| *x *= scale);
        let own = rows[column].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != column) {
            let factor = row[column];
            row.iter_mut().zip(&own).for_each(|(x, own)| *x -= factor * own);
        }
    }
    rows.into_iter().flat_map(|row| row[n..].to_vec()).collect()
}
