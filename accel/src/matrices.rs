//! The rows of a circuit as a backend takes them.

use crate::Fr;

/// One sparse matrix, row after row: row i is `terms[starts[i]..starts[i + 1]]`, each term
/// `(variable, coefficient)`.
///
/// A variable may occur twice in a row; its coefficients then add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SparseMatrix {
    starts: Vec<u32>,
    terms: Vec<(u32, Fr)>,
}

/// The rows of a circuit over an evaluation domain.
///
/// Rows that a matrix does not have, up to the domain's size, are zero. The rows that libsnark's
/// and snarkjs' reductions add for the constant and the public inputs stand in A, after the
/// constraints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrices {
    /// Length of an assignment, the constant one included.
    pub num_variables: usize,
    /// Size of the evaluation domain: a power of two from 2 to 2^28, at least the number of rows of
    /// each matrix.
    pub domain_size: usize,
    /// Left factors.
    pub a: SparseMatrix,
    /// Right factors.
    pub b: SparseMatrix,
    /// Products. None (a snarkjs key holds none): the products are taken to be `a * b`, row by row,
    /// and every assignment satisfies every row.
    pub c: Option<SparseMatrix>,
}

impl SparseMatrix {
    /// Lays rows one after another.
    ///
    /// # Panics
    /// If there are 2^32 terms or more.
    #[must_use]
    pub fn from_rows<R: AsRef<[(u32, Fr)]>>(rows: impl IntoIterator<Item = R>) -> Self {
        let (mut starts, mut terms) = (vec![0], Vec::new());
        for row in rows {
            terms.extend_from_slice(row.as_ref());
            starts.push(u32::try_from(terms.len()).expect("fewer than 2^32 terms"));
        }
        Self { starts, terms }
    }

    /// A matrix from its parts.
    ///
    /// # Panics
    /// If `starts` does not rise from zero to the number of terms.
    #[must_use]
    pub fn new(starts: Vec<u32>, terms: Vec<(u32, Fr)>) -> Self {
        assert!(starts.first() == Some(&0) && starts.is_sorted(), "rows start at zero and follow each other");
        assert_eq!(
            starts.last().map(|end| *end as usize),
            Some(terms.len()),
            "the last row ends with the terms"
        );
        Self { starts, terms }
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Where each row starts; one more entry than rows.
    #[must_use]
    pub fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// The terms of all rows.
    #[must_use]
    pub fn terms(&self) -> &[(u32, Fr)] {
        &self.terms
    }

    /// The terms of one row.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[(u32, Fr)] {
        &self.terms[self.starts[row] as usize..self.starts[row + 1] as usize]
    }

    /// Memory it holds, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of_val(self.starts.as_slice()) + size_of_val(self.terms.as_slice())
    }
}
