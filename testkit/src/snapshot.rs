//! Snapshots taken apart and put together again, with hashes that hold: what anyone who knows the
//! format can make.

use sha2::{Digest, Sha256};

/// The kind of the first chunk.
pub const HEAD: u8 = 1;
/// The kind of a chunk with a change of validators.
pub const CHANGE: u8 = 2;
/// The kind of a chunk with rows of a table.
pub const ROWS: u8 = 3;
/// The kind of the last chunk.
pub const END: u8 = 4;

/// The chunks of a snapshot that is whole: kind and payload.
///
/// # Panics
/// If the snapshot is not whole.
#[must_use]
pub fn chunks(snapshot: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut rest = &snapshot[19..];
    let mut all = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[1..5].try_into().expect("four")) as usize;
        all.push((rest[0], rest[5..5 + length].to_vec()));
        rest = &rest[5 + length + 32..];
    }
    all
}

/// A snapshot of these chunks. Its hashes hold, and so does the digest at its end if that has room
/// for one.
#[must_use]
pub fn forge(chunks: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"amanat/snapshot\x01\0\0\0".to_vec();
    for (index, (kind, payload)) in (0u64..).zip(chunks) {
        let mut payload = payload.clone();
        if *kind == END && payload.len() >= 32 {
            payload[..32].copy_from_slice(&Sha256::digest(&bytes));
        }
        bytes.push(*kind);
        bytes.extend((payload.len() as u32).to_le_bytes());
        bytes.extend(&payload);
        let hash = Sha256::new()
            .chain_update(b"amanat/snapshot-chunk/v1")
            .chain_update(index.to_le_bytes())
            .chain_update([*kind])
            .chain_update((payload.len() as u64).to_le_bytes())
            .chain_update(&payload);
        bytes.extend(hash.finalize());
    }
    bytes
}
