//! The six statements a second time, on arkworks' gadgets, written from the book alone.
//!
//! Nothing here uses the circuits, the gadgets or the hash of the workspace: permutation,
//! comparisons and bits are those of `ark-crypto-primitives` and `ark-r1cs-std`, and the clauses
//! are read from `docs/book/src`. A mistake that the native check and the constraints share is
//! therefore not shared here, unless the book makes it too.

mod access;
mod consent;
mod grant;
mod hash;
mod permission;
mod record;
mod revoke;
mod role;
mod sheet;

pub(crate) use hash::permute;

use crate::plain::{Public, Witness};
use ark_relations::gr1cs::SynthesisError;
use sheet::Sheet;

/// Whether the clauses of the witness's statement hold for this public vector.
///
/// # Errors
/// Those of arkworks, where a gadget is used wrongly; never because of a value.
pub(crate) fn holds(public: &Public, witness: &Witness) -> Result<bool, SynthesisError> {
    let sheet = Sheet::new(public)?;
    match witness {
        Witness::Grant(w) => grant::constrain(&sheet, w),
        Witness::Revoke(w) => revoke::constrain(&sheet, w),
        Witness::Consent(w) => consent::constrain(&sheet, w),
        Witness::Role(w) => role::constrain(&sheet, w),
        Witness::Record(w) => record::constrain(&sheet, w),
        Witness::Access(w) => access::constrain(&sheet, w),
    }?;
    sheet.is_satisfied()
}
