//! A small statement with keys and honest proofs, made once: what the formats' targets start from.
//! The statements of the protocol have circuits whose keys take too long to make for a fuzzer.

use amanat_domain::bundle::BundleHash;
use amanat_domain::consent::{OrgId, RoleCode};
use amanat_domain::field::Fr;
use amanat_domain::governance::{Capabilities, Change, RoleGrant};
use amanat_domain::identity::{RoleInner, SubjectCommitment};
use amanat_domain::policy::RolePolicy;
use amanat_domain::quorum::ValidatorKey;
use amanat_domain::record::RecordRoot;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{
    Action, ChainId, KeyDigest, KeyVector, PolicyField, ProofTx, SignedTx, Transaction, TxId,
};
use amanat_params::{VerifyingKey, Witness, Zkey, insecure_dev_zkey};
use amanat_testkit::groth16::SmallKey;
use amanat_testkit::r1cs::{cubic, cubic_assignment};
use amanat_verifier::{PreparedVerifyingKey, Proof};
use std::sync::OnceLock;

/// The statement says: the first public input is `x^3 + x` and this; the others are what they are.
const SUM: u64 = 5;

/// Keys for it, honest proofs, and files.
pub(super) struct World {
    pub(super) vk: VerifyingKey,
    pub(super) key: PreparedVerifyingKey,
    pub(super) honest: Vec<([Fr; 8], Proof)>,
    pub(super) zkey: Zkey,
    /// `zkey` and a witness for it, as files.
    pub(super) zkey_file: Vec<u8>,
    pub(super) wtns_file: Vec<u8>,
    /// Canonical bytes, one for each shape.
    pub(super) transactions: Vec<Vec<u8>>,
}

pub(super) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::new)
}

impl World {
    fn new() -> Self {
        let small = SmallKey::new(Statement::Role, 1, cubic(SUM), 7);
        let honest: Vec<_> = (0..4).map(|i| small.prove(&cubic_assignment(SUM, i), i)).collect();
        let zkey = insecure_dev_zkey(&cubic(SUM), &mut amanat_testkit::rng(7)).expect("a plain circuit");
        let (mut zkey_file, mut wtns_file) = (Vec::new(), Vec::new());
        zkey.write(&mut zkey_file).expect("a vector takes all");
        Witness::new(cubic_assignment(SUM, 4)).write(&mut wtns_file).expect("a vector takes all");
        let vk = small.vk;
        let transactions = transactions(&vk, &honest[0]);
        let key = PreparedVerifyingKey::new(&vk);
        Self { vk, key, honest, zkey, zkey_file, wtns_file, transactions }
    }
}

fn transactions(vk: &VerifyingKey, (public, proof): &([Fr; 8], Proof)) -> Vec<Vec<u8>> {
    let role = RoleCode::from_coding("http://snomed.info/sct", "309343006");
    let organisation = OrgId::from_reference("Organization/hospital");
    let key = KeyDigest(vk.digest());
    let vector = || Box::new(KeyVector { public: *public, proof: (*proof).into() });
    let signed = |action| {
        let (chain, nonce, signature) = (ChainId([1; 32]), [2; 16], [3; 64]);
        Transaction::Signed(Box::new(SignedTx { chain, organisation, nonce, action, signature }))
    };
    let proposed = |change| signed(Action::Propose(Box::new(change)));
    // The base point of Ed25519: a valid key, as far as the encoding shows.
    let mut member = [0x66; 32];
    member[0] = 0x58;
    let roles = [role, RoleCode::from_coding("http://snomed.info/sct", "106292003")];
    let capabilities =
        Capabilities { enrol: true, anchor: false, govern: true, roles: RoleGrant::These(roles.into()) };
    let proved = |statement, policy| {
        Transaction::Proof(Box::new(ProofTx {
            chain: ChainId([1; 32]),
            statement,
            key,
            epoch: 9,
            bundle: BundleHash::new(public[1]),
            audience: [4; 32],
            nonce: [5; 32],
            policy,
            nf: [public[4], public[5]],
            out: [public[6], public[7]],
            proof: (*proof).into(),
        }))
    };
    let roles = RolePolicy::new(vec![role], vec![organisation]).expect("one of each");
    [
        signed(Action::Enrol(vec![SubjectCommitment::new(public[2])])),
        signed(Action::IssueRole { role, inner: RoleInner::new(public[3]) }),
        signed(Action::RetireRole { index: 3 }),
        signed(Action::Anchor { records: vec![RecordRoot::new(public[4])], superseded: Vec::new() }),
        signed(Action::InstallKey {
            key: vk.to_bytes(),
            activate_at: 8,
            positive: vector(),
            negative: vector(),
        }),
        signed(Action::FreezeKey { statement: Statement::Role, key }),
        signed(Action::Approve(TxId([6; 32]))),
        proposed(Change::InstallKey {
            key: vk.to_bytes(),
            activate_at: 8,
            positive: vector(),
            negative: vector(),
        }),
        proposed(Change::SunsetKey { statement: Statement::Role, key, from: 9 }),
        proposed(Change::AddOrganisation {
            reference: "Organization/clinic".into(),
            name: "Clinic".into(),
            key: member,
            capabilities: capabilities.clone(),
        }),
        proposed(Change::RemoveOrganisation(organisation)),
        proposed(Change::SetCapabilities { organisation, capabilities }),
        proposed(Change::SetKey { organisation, key: member }),
        proposed(Change::AddValidator { organisation, key: ValidatorKey(member) }),
        proposed(Change::RemoveValidator(ValidatorKey(member))),
        proved(Statement::Grant, PolicyField::None),
        proved(Statement::Record, PolicyField::Sealed(public[5])),
        proved(Statement::Role, PolicyField::Role(roles)),
    ]
    .iter()
    .map(Transaction::to_bytes)
    .collect()
}
