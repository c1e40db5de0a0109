//! The statements: for each a witness, the native check and the constraints, clause by clause in
//! the order of the book, and samples.
//!
//! A statement is a folder: `mod.rs` has the witness, `check.rs` the clauses as plain Rust,
//! `circuit.rs` the same clauses as constraints, `sample.rs` the honest case and a broken one for
//! each clause. The list of statements is the domain's,
//! [`for_each_statement!`](amanat_domain::for_each_statement): a statement in it without its folder
//! does not compile.

mod blank;
mod clause;

pub use crate::relation::{Denied, Relation};

use crate::cs::{Cs, Shape};
use crate::r1cs::R1cs;
use amanat_domain::field::Fr;
use amanat_domain::statement::{PUBLIC_INPUTS, Statement};
use std::sync::OnceLock;

macro_rules! modules {
    ([] $($(#[doc = $doc:literal])* $variant:ident $module:ident,)*) => {
        $(pub mod $module;)*
    };
}

amanat_domain::for_each_statement!(modules);

/// Evaluates an expression for a statement known only at run time, with a type's name standing for
/// the statement's witness.
///
/// ```
/// use amanat_circuits::{Relation, with_relation};
/// use amanat_domain::statement::Statement;
/// for statement in Statement::ALL {
///     assert_eq!(with_relation!(statement, |Witness| Witness::STATEMENT), statement);
/// }
/// ```
#[macro_export]
macro_rules! with_relation {
    (
        [$statement:expr, $witness:ident, $body:expr]
        $($(#[doc = $doc:literal])* $variant:ident $module:ident,)*
    ) => {
        match $statement {
            $($crate::macros::Statement::$variant => {
                type $witness = $crate::statements::$module::Witness;
                $body
            })*
        }
    };
    ($statement:expr, |$witness:ident| $body:expr) => {
        $crate::macros::for_each_statement!($crate::with_relation, $statement, $witness, $body)
    };
}

/// The circuit of a statement, built on first use and kept.
#[must_use]
pub fn circuit(statement: Statement) -> &'static R1cs {
    &built(statement).0
}

/// The circuit with the labels of its rows, built on first use and kept.
#[must_use]
pub fn built(statement: Statement) -> &'static (R1cs, Shape) {
    static BUILT: [OnceLock<(R1cs, Shape)>; Statement::COUNT] = [const { OnceLock::new() }; Statement::COUNT];
    BUILT[statement.index()].get_or_init(|| {
        let mut cs = Cs::shape(&[Fr::from(0u64); PUBLIC_INPUTS]);
        with_relation!(statement, |Witness| Witness::blank().constrain(&mut cs));
        cs.into_shape()
    })
}
