//! For tests of this crate: a validator that dies at a point of its work. In no product.

use std::sync::OnceLock;

/// Where to die, and from which height on: `proposed:7`.
const CRASH: &str = "AMANAT_BFT_INSECURE_CRASH";

/// Aborts the process where the environment names this point and the height has come. Nothing is
/// flushed, no destructor runs.
pub(crate) fn crash_at(point: &str, height: u64) {
    static NAMED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    let named = NAMED.get_or_init(|| {
        let named = std::env::var(CRASH).ok()?;
        let (point, from) = named.split_once(':')?;
        Some((point.to_owned(), from.parse().ok()?))
    });
    if named.as_ref().is_some_and(|(named, from)| named == point && height >= *from) {
        std::process::abort();
    }
}
