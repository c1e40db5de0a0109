//! Proofs that were once valid stay valid: every file of `proofs/`, of every version that ever was,
//! verifies under its own key and under no other, and for its own public vector and no other.
//!
//! `prover/tests/it/stored.rs` makes the file of a new version, and never writes one that exists.

use amanat_domain::field::{self, Fr};
use amanat_domain::proof::{ProofBytes, ProofSystem};
use amanat_domain::statement::{PUBLIC_INPUTS, Statement};
use amanat_domain::tx::{KeyDigest, ProofTx, TX_VERSION, Transaction};
use amanat_domain::wire::WireError;
use amanat_params::VerifyingKey;
use amanat_verifier::{
    AcceptedKeys, PreparedVerifyingKey, Proof, Reject, TxReject, verify_one, verify_proof,
    verify_transactions,
};
use serde::Deserialize;
use std::path::Path;
use std::sync::OnceLock;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "note")]
    _note: String,
    system: String,
    statement: Statement,
    version: u16,
    verifying_key: String,
    transaction: String,
    public: [String; PUBLIC_INPUTS],
}

struct Stored {
    name: String,
    version: u16,
    key: VerifyingKey,
    prepared: PreparedVerifyingKey,
    bytes: Vec<u8>,
    tx: ProofTx,
    public: [Fr; PUBLIC_INPUTS],
}

impl Stored {
    fn read(path: &Path) -> Self {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).expect("reads");
        let file: File = serde_json::from_str(&text).expect("a stored proof");
        assert_eq!(name, format!("{}-v{}.json", file.statement, file.version));
        let unhex = |text: &str| hex::decode(text).expect("hexadecimal");
        let key = VerifyingKey::from_bytes(&unhex(&file.verifying_key)).expect("a verifying key");
        let header = key.header();
        assert_eq!(
            (header.system.name(), header.statement, header.version),
            (file.system.as_str(), file.statement, file.version)
        );
        let bytes = unhex(&file.transaction);
        let tx = Transaction::from_bytes(&bytes).expect("a transaction");
        assert_eq!(tx.to_bytes(), bytes);
        let Transaction::Proof(tx) = tx else { panic!("{name}: a proof transaction") };
        let public = file
            .public
            .map(|input| field::from_bytes(&unhex(&input).try_into().expect("32 bytes")).expect("canonical"));
        let prepared = PreparedVerifyingKey::new(&key);
        Self { name, version: file.version, key, prepared, bytes, tx: *tx, public }
    }

    fn proof(&self) -> Proof {
        Proof::try_from(&self.tx.proof).expect("points")
    }
}

/// All stored proofs, by name.
fn stored() -> &'static [Stored] {
    static STORED: OnceLock<Vec<Stored>> = OnceLock::new();
    STORED.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proofs");
        let files = std::fs::read_dir(folder).expect("the folder of stored proofs");
        let mut paths: Vec<_> = files.map(|file| file.expect("reads").path()).collect();
        paths.sort();
        paths.iter().map(|path| Stored::read(path)).collect()
    })
}

fn accepting<'a>(keys: impl IntoIterator<Item = &'a Stored>) -> AcceptedKeys {
    let mut accepted = AcceptedKeys::new();
    keys.into_iter().for_each(|stored| accepted.accept_insecure_dev(&stored.key));
    accepted
}

#[test]
fn every_version_of_every_statement_is_stored() {
    for statement in Statement::ALL {
        let of = stored().iter().filter(|stored| stored.tx.statement == statement);
        let mut versions: Vec<u16> = of.map(|stored| stored.version).collect();
        versions.sort_unstable();
        assert_eq!(versions, (1..=statement.version()).collect::<Vec<_>>(), "{statement}");
    }
}

#[test]
fn every_stored_proof_verifies_under_its_own_key() {
    for stored in stored() {
        assert_eq!(verify_one(&stored.prepared, &stored.public, &stored.proof()), Ok(()), "{}", stored.name);
    }
}

#[test]
fn every_stored_transaction_of_a_current_version_has_its_public_vector_and_is_accepted() {
    // A transaction's context contains the current version of its statement, so an older one no
    // longer has the context it was proved for. Its proof and its public vector are verified above.
    let current: Vec<&Stored> =
        stored().iter().filter(|stored| stored.version == stored.tx.statement.version()).collect();
    assert_eq!(current.len(), Statement::ALL.len());
    let accepted = accepting(current.iter().copied());
    for stored in &current {
        assert_eq!(stored.tx.public_vector().to_field_elements(), stored.public, "{}", stored.name);
        assert_eq!(stored.tx.key, KeyDigest(stored.key.digest()));
        let verified = verify_proof(&accepted, stored.tx.clone()).expect("valid");
        assert_eq!(verified.get(), &stored.tx);
    }
    let all = current.iter().map(|stored| Transaction::Proof(Box::new(stored.tx.clone()))).collect();
    assert!(verify_transactions(&accepted, all).iter().all(Result::is_ok), "all in one batch");
}

#[test]
fn no_stored_proof_verifies_under_the_key_of_another() {
    for stored in stored() {
        for other in self::stored().iter().filter(|other| other.name != stored.name) {
            let judged = verify_one(&other.prepared, &stored.public, &stored.proof());
            assert_eq!(judged, Err(Reject::Invalid), "{} under {}", stored.name, other.name);
            let refused = verify_proof(&accepting([other]), stored.tx.clone()).err();
            let (statement, key) = (stored.tx.statement, stored.tx.key);
            assert_eq!(refused, Some(TxReject::UnknownKey { statement, key }));
            // Named, so that the key is found: then the context is another, and the proof does not
            // hold.
            let (statement, key) = (other.tx.statement, other.tx.key);
            let renamed = ProofTx { statement, key, ..stored.tx.clone() };
            let refused = verify_proof(&accepting([other]), renamed).err();
            assert_eq!(refused, Some(TxReject::Proof(statement)));
        }
    }
}

#[test]
fn no_stored_proof_verifies_for_a_changed_public_vector() {
    let proofs = stored().len();
    for (place, stored) in stored().iter().enumerate() {
        let proof = stored.proof();
        for input in 0..PUBLIC_INPUTS {
            // Adding d to an input adds d times its point of the key, which is not zero for any d
            // if it is not for one. So the bits are dealt out among the proofs: each bit of each
            // input is changed in one, each input in all.
            let bits = (0..254).filter(|bit| *bit == 0 || bit % proofs == place);
            for bit in bits {
                let mut bytes = field::to_bytes(&stored.public[input]);
                bytes[bit / 8] ^= 1 << (bit % 8);
                let Ok(changed) = field::from_bytes(&bytes) else { continue };
                let mut public = stored.public;
                public[input] = changed;
                let judged = verify_one(&stored.prepared, &public, &proof);
                assert_eq!(judged, Err(Reject::Invalid), "{}, input {input}, bit {bit}", stored.name);
            }
        }
    }
}

#[test]
fn a_stored_transaction_in_another_format_or_with_a_proof_of_another_length_is_refused() {
    for stored in stored() {
        // The first byte is the format: format 1 is Groth16's, and no other format is read as if it
        // were.
        for format in (0..=u8::MAX).filter(|format| *format != TX_VERSION) {
            let mut bytes = stored.bytes.clone();
            bytes[0] = format;
            let refused = WireError::Unknown { what: "transaction version", got: format.into() };
            assert_eq!(Transaction::from_bytes(&bytes), Err(refused));
        }
        let missing = WireError::Truncated { what: "proof", missing: 1 };
        let short = &stored.bytes[..stored.bytes.len() - 1];
        assert_eq!(Transaction::from_bytes(short), Err(missing));
        let long = [&stored.bytes[..], &[0]].concat();
        assert_eq!(Transaction::from_bytes(&long), Err(WireError::Trailing(1)));
        for length in [0, 1, 127, 129, 256] {
            assert!(ProofBytes::from_bytes(ProofSystem::Groth16, &vec![0; length]).is_err(), "{length}");
        }
    }
}
