//! Field elements and secrets as the files of a home directory write them: 64 hexadecimal digits.

use crate::home::HomeError;
use amanat_domain::field::{self, Fr};
use amanat_domain::secret::Secret;

pub(crate) fn malformed(what: impl Into<String>, why: &'static str) -> HomeError {
    HomeError::Malformed { what: what.into(), why }
}

pub(crate) fn bytes_from_text(what: &str, text: &str) -> Result<[u8; 32], HomeError> {
    let mut bytes = [0u8; 32];
    let read = hex::decode_to_slice(text, &mut bytes);
    read.map(|()| bytes).map_err(|_| malformed(what, "not 32 bytes in hexadecimal"))
}

pub(crate) fn field_from_text(what: &str, text: &str) -> Result<Fr, HomeError> {
    field::from_bytes(&bytes_from_text(what, text)?).map_err(|_| malformed(what, "not a field element"))
}

pub(crate) fn secret_from_text(what: &str, text: &str) -> Result<Secret, HomeError> {
    field_from_text(what, text).map(Secret::new)
}

pub(crate) fn text(x: Fr) -> String {
    hex::encode(field::to_bytes(&x))
}
