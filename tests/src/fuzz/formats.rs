//! Bytes of strangers: keys, witnesses, proofs, transactions. Nothing panics, accepted bytes are
//! canonical, and verdicts agree with arkworks.

use super::input::Input;
use super::world::world;
use amanat_accel::{QuotientForm, all};
use amanat_domain::consent::OrgId;
use amanat_domain::field::{self, Fr};
use amanat_domain::proof::ProofBytes;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{KeyDigest, Transaction};
use amanat_params::{PROOF_BYTES, Proof, VerifyingKey, Witness, Zkey, snarkjs};
use amanat_verifier::{
    Item, PUBLIC_BYTES, PreparedVerifyingKey, Trust, public_inputs, verify_batch, verify_one,
    verify_transaction,
};
use ark_bn254::{Bn254, G1Affine, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::Zero;
use ark_serialize::CanonicalDeserialize;
use core::ops::ControlFlow;
use ed25519_dalek::VerifyingKey as SignatureKey;
use std::io::Cursor;

/// A `.zkey` file: an error, or a key that can be written, read again and laid out by each backend.
pub fn zkey(data: &[u8]) {
    let world = world();
    let file = Input::new(data).file(&world.zkey_file);
    let read = |file: &[u8]| Zkey::read(Cursor::new(file), &|_, _| ControlFlow::Continue(()));
    let Ok(key) = read(&file) else { return };
    assert_eq!(key.matrices.check(QuotientForm::OddCoset), Ok(()));
    let (n, q) = (key.matrices.num_variables, &key.queries);
    assert_eq!([q.a.len(), q.b_g1.len(), q.b_g2.len()], [n; 3]);
    assert_eq!((q.l.len(), key.vk.ic.len()), (n - key.num_public - 1, key.num_public + 1));
    assert_eq!(q.h.len(), QuotientForm::OddCoset.len(key.matrices.domain_size));
    let mut again = Vec::new();
    key.write(&mut again).expect("a vector takes all");
    assert!(read(&again).expect("what we wrote") == key, "read, written and read again");
    if key != world.zkey {
        for backend in all() {
            backend.load_circuit(key.matrices.clone(), QuotientForm::OddCoset);
        }
    }
}

/// A `.wtns` file: an error, or values that can be written and read again.
pub fn wtns(data: &[u8]) {
    let file = Input::new(data).file(&world().wtns_file);
    let Ok(witness) = Witness::read(Cursor::new(&file)) else { return };
    assert_eq!(witness.values().first(), Some(&Fr::from(1u64)));
    assert!(file.len() >= 32 * witness.values().len(), "no value that the file does not back");
    let mut again = Vec::new();
    witness.write(&mut again).expect("a vector takes all");
    let again = Witness::read(Cursor::new(&again)).expect("what we wrote");
    assert!(again.values() == witness.values(), "read, written and read again");
}

/// Proof bytes and public inputs: accepted exactly where arkworks accepts them (and infinity
/// nowhere), in one encoding.
pub fn proof(data: &[u8]) {
    let world = world();
    let mut input = Input::new(data);
    let (public, honest) = &world.honest[input.below(world.honest.len())];
    let part = input.flag();
    let bytes = if part { input.file(&honest.to_bytes()) } else { input.file(&bytes_of(public)) };
    if let Ok(bytes) = <&[u8; PUBLIC_BYTES]>::try_from(bytes.as_slice())
        && let Ok(inputs) = public_inputs(bytes)
    {
        assert_eq!(bytes_of(&inputs), bytes, "one encoding of each input");
    }
    let result = Proof::from_bytes(&bytes);
    if let Ok(bytes) = <&[u8; PROOF_BYTES]>::try_from(bytes.as_slice()) {
        let a = G1Affine::deserialize_compressed(&bytes[..32]).ok();
        let b = G2Affine::deserialize_compressed(&bytes[32..96]).ok();
        let c = G1Affine::deserialize_compressed(&bytes[96..]).ok();
        let theirs = a.zip(b).zip(c).filter(|((a, b), c)| !a.is_zero() && !b.is_zero() && !c.is_zero());
        let ours = result.as_ref().ok().map(|proof| ((*proof.a(), *proof.b()), *proof.c()));
        assert_eq!(ours, theirs, "arkworks' reading");
    }
    let Ok(proof) = result else { return };
    assert_eq!(proof.to_bytes()[..], bytes[..], "one encoding of each proof");
    assert_eq!(snarkjs::import_proof(&snarkjs::export_proof(&proof)), Ok(proof));
}

fn bytes_of(public: &[Fr; 8]) -> Vec<u8> {
    public.iter().flat_map(field::to_bytes).collect()
}

/// Nobody trusts anybody but the key of the world.
struct OneKey;

impl Trust for OneKey {
    fn proof_key(&self, statement: Statement, key: KeyDigest) -> Option<&PreparedVerifyingKey> {
        let ours = &world().key;
        (statement == ours.header().statement && key.0 == ours.digest()).then_some(ours)
    }

    fn organisation_key(&self, _: OrgId) -> Option<&SignatureKey> {
        None
    }
}

/// Transaction bytes: an error, or one encoding, one id, and a verdict.
pub fn transaction(data: &[u8]) {
    let world = world();
    let mut input = Input::new(data);
    let bytes = &world.transactions[input.below(world.transactions.len())];
    let bytes = input.file(bytes);
    let Ok(tx) = Transaction::from_bytes(&bytes) else { return };
    assert_eq!(tx.to_bytes(), bytes, "one encoding of each transaction");
    let id = tx.id();
    if let Transaction::Proof(proof) = &tx {
        let mut other = proof.clone();
        let ProofBytes::Groth16(bytes) = &mut other.proof;
        bytes[0] ^= 1;
        assert_eq!(Transaction::Proof(other).id(), id, "a proof's bytes are no part of its identity");
    }
    // No statement of the world proves a transaction: its public inputs are recomputed, ctx is a
    // hash.
    assert!(verify_transaction(&OneKey, tx).is_err());
}

/// A verifying key, its bytes or its JSON: an error, or one encoding of a key that every check of
/// the linter accepts; as JSON also a key of any circuit.
pub fn verifying_key(data: &[u8]) {
    let world = world();
    let mut input = Input::new(data);
    if input.flag() {
        let json = input.file(snarkjs::export_verifying_key(&world.vk).as_bytes());
        let Ok(json) = core::str::from_utf8(&json) else { return };
        if let Ok(key) = snarkjs::import_circuit_key(json) {
            let again = snarkjs::import_circuit_key(&snarkjs::export_key_points(key.points()));
            assert_eq!(again.as_ref(), Ok(&key), "a circuit's key comes back from its JSON");
            let _ = key.warnings();
        }
        let Ok(vk) = snarkjs::import_verifying_key(*world.vk.header(), json) else { return };
        let again = snarkjs::import_verifying_key(*vk.header(), &snarkjs::export_verifying_key(&vk));
        assert_eq!(again.map(|vk| vk.to_bytes()), Ok(vk.to_bytes()));
        return;
    }
    let bytes = input.file(&world.vk.to_bytes());
    let Ok(vk) = VerifyingKey::from_bytes(&bytes) else { return };
    assert_eq!(vk.to_bytes(), bytes, "one encoding of each key");
    if bytes != world.vk.to_bytes() {
        let _ = PreparedVerifyingKey::new(&vk);
    }
}

/// Honest and broken proofs: a batch's verdicts agree with one-by-one verification, and with
/// arkworks' pairings.
pub fn verify(data: &[u8]) {
    let world = world();
    let mut input = Input::new(data);
    let n = usize::from(input.byte() % 12);
    let items: Vec<Item<'_>> = (0..n).map(|_| item(&mut input)).collect();
    let expected: Vec<bool> = items.iter().map(holds).collect();
    let one_by_one: Vec<bool> =
        items.iter().map(|item| verify_one(&world.key, &item.public, &item.proof).is_ok()).collect();
    assert_eq!(one_by_one, expected, "one by one");
    assert_eq!(verify_batch(&items), expected, "in a batch");
}

fn item(input: &mut Input<'_>) -> Item<'static> {
    let world = world();
    let (mut public, honest) = world.honest[input.below(world.honest.len())];
    let other = world.honest[input.below(world.honest.len())].1;
    let (a, b, c) = (*honest.a(), *honest.b(), *honest.c());
    let delta = world.vk.points().delta_g2;
    let (a, b, c) = match input.byte() % 10 {
        0 => {
            let i = input.below(8);
            public[i] += input.element::<Fr>();
            (a, b, c)
        }
        1 => (-a, b, c),
        // The same proof under another name.
        2 => (-a, -b, c),
        3 => (*other.a(), b, c),
        4 => (a, *other.b(), c),
        5 => (a, b, *other.c()),
        6 => {
            // As re-randomising makes them: e(A, B + y delta) is repaired by C + y A.
            let y = input.element::<Fr>();
            (a, (b + delta * y).into_affine(), (c + a * y).into_affine())
        }
        7 => (c, b, a),
        _ => (a, b, c),
    };
    let proof = Proof::from_points(a, b, c).unwrap_or(honest);
    Item { key: &world.key, public, proof }
}

/// The equation, by arkworks.
fn holds(item: &Item<'_>) -> bool {
    let vk = world().vk.points();
    let mut combined = vk.ic[0].into_group();
    for (point, x) in vk.ic[1..].iter().zip(&item.public) {
        combined += *point * x;
    }
    let g1 = [*item.proof.a(), -vk.alpha_g1, -combined.into_affine(), -*item.proof.c()];
    Bn254::multi_pairing(g1, [*item.proof.b(), vk.beta_g2, vk.gamma_g2, vk.delta_g2]).is_zero()
}
