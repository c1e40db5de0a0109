//! A small chain: a hospital, a registrar, a board, and keys over a circuit that binds its eight
//! public inputs and says nothing about them. The rules of the ledger do not depend on what a proof
//! says.

use crate::groth16::SmallKey;
use crate::r1cs::{binding, binding_assignment};
use amanat_domain::consent::{
    Actions, Categories, Confidentiality, Jurisdictions, OrgId, Purposes, RoleCode,
};
use amanat_domain::field::Fr;
use amanat_domain::governance::Change;
use amanat_domain::identity::{RoleInner, SubjectCommitment};
use amanat_domain::policy::{AccessPolicy, RolePolicy, Scope};
use amanat_domain::proof::ProofBytes;
use amanat_domain::quorum::{Certificate, ValidatorKey, VoteKind, vote_bytes};
use amanat_domain::record::{RecordRoot, SupersessionHandle};
use amanat_domain::statement::{PolicyKind, Statement};
use amanat_domain::time::Timestamp;
use amanat_domain::tx::{Action, KeyDigest, KeyVector, PolicyField, ProofTx, SignedTx, Transaction};
use amanat_ledger::*;
use amanat_params::{Proof, VerifyingKey};
use ed25519_dalek::{Signer, SigningKey};
use std::sync::{Arc, OnceLock};

/// Unix time of the genesis.
pub const START: i64 = 1_795_000_000;
/// Seconds of an epoch.
pub const EPOCH: u32 = 3600;

/// The time `seconds` after the genesis.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(START + seconds).expect("a time")
}

/// The time at which epoch `e` begins.
pub fn epoch(e: i64) -> Timestamp {
    at(e * i64::from(EPOCH))
}

/// A small field element.
pub fn f(n: u64) -> Fr {
    Fr::from(n)
}

/// The signing key number `n`.
pub fn signer(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

/// A member and the number of its signing key: enrols, anchors, issues every role.
pub const HOSPITAL: (&str, u8) = ("Organization/hospital", 1);
/// Issues nurses' roles.
pub const REGISTRAR: (&str, u8) = ("Organization/registrar", 2);
/// Governs.
pub const BOARD: (&str, u8) = ("Organization/board", 3);
/// No member, and a key that is none's.
pub const NOBODY: (&str, u8) = ("Organization/nobody", 9);

/// The id of a member.
pub fn org((id, _): (&str, u8)) -> OrgId {
    OrgId::from_reference(id)
}

/// A role that hospital and registrar issue.
pub fn nurse() -> RoleCode {
    RoleCode::from_coding("urn:roles", "nurse")
}

/// A role that the hospital alone issues.
pub fn surgeon() -> RoleCode {
    RoleCode::from_coding("urn:roles", "surgeon")
}

/// A genesis of these members, without validators and with floors of 0.
pub fn spec() -> GenesisSpec {
    let member = |(id, n): (&str, u8), capabilities| OrganisationSpec {
        id: id.to_owned(),
        name: id.to_owned(),
        key: hex::encode(signer(n).verifying_key().to_bytes()),
        capabilities,
    };
    let nurses = vec![CodingSpec { system: "urn:roles".into(), code: "nurse".into() }];
    GenesisSpec {
        chain: "test".into(),
        profile: Profile::Dev,
        time: START,
        epoch_seconds: EPOCH,
        windows: Windows::default(),
        floors: Some(Floors::all(0)),
        limits: Limits::default(),
        organisations: vec![
            member(
                HOSPITAL,
                CapabilitiesSpec {
                    enrol: true,
                    anchor: true,
                    govern: false,
                    issue_roles: RolesSpec::All(AllRoles::All),
                },
            ),
            member(
                REGISTRAR,
                CapabilitiesSpec { issue_roles: RolesSpec::These(nurses), ..CapabilitiesSpec::default() },
            ),
            member(BOARD, CapabilitiesSpec { govern: true, ..CapabilitiesSpec::default() }),
        ],
        validators: Vec::new(),
    }
}

/// Four that govern together: three of them decide.
pub const COUNCIL: [(&str, u8); 4] = [
    ("Organization/board-a", 11),
    ("Organization/board-b", 12),
    ("Organization/board-c", 13),
    ("Organization/board-d", 14),
];

/// Hospital and registrar as ever, governed by the council; the first two of it run validators, the
/// hospital too.
pub fn council_spec() -> GenesisSpec {
    let mut spec = spec();
    let board = spec.organisations.pop().expect("three");
    spec.organisations.extend(COUNCIL.map(|(id, n)| OrganisationSpec {
        id: id.into(),
        name: id.into(),
        key: hex::encode(signer(n).verifying_key().to_bytes()),
        ..board.clone()
    }));
    spec.validators = [(COUNCIL[0], 61), (COUNCIL[1], 62), (HOSPITAL, 63)]
        .map(|((id, _), n)| ValidatorSpec { organisation: id.into(), key: hex::encode(public(n)) })
        .into();
    spec
}

/// The council's genesis.
pub fn council() -> Arc<Genesis> {
    Arc::new(Genesis::new(council_spec()).expect("a good genesis"))
}

/// The public half of signing key number `n`.
pub fn public(n: u8) -> [u8; 32] {
    signer(n).verifying_key().to_bytes()
}

/// A signed proposal.
pub fn proposed(chain: &Genesis, who: (&str, u8), nonce: u64, change: Change) -> Transaction {
    sign(chain, who, nonce, Action::Propose(Box::new(change)))
}

/// A signed approval of a proposal.
pub fn approve(chain: &Genesis, who: (&str, u8), proposal: &Transaction) -> Transaction {
    sign(chain, who, 0, Action::Approve(proposal.id()))
}

/// A proposal of the first of the council and the approvals of the next two.
pub fn decision(chain: &Genesis, nonce: u64, change: Change) -> Vec<Transaction> {
    let proposal = proposed(chain, COUNCIL[0], nonce, change);
    let approvals = [1, 2].map(|i| approve(chain, COUNCIL[i], &proposal));
    std::iter::once(proposal).chain(approvals).collect()
}

/// The genesis of [`spec`].
pub fn genesis() -> Arc<Genesis> {
    Arc::new(Genesis::new(spec()).expect("a good genesis"))
}

/// The n-th validator's key.
pub fn validator(n: u8) -> SigningKey {
    signer(100 + n)
}

/// The key by which validators know this signer.
pub fn validator_key(signer: &SigningKey) -> ValidatorKey {
    ValidatorKey(signer.verifying_key().to_bytes())
}

/// A genesis of the same members, and this many validators.
pub fn validated_spec(validators: u8) -> GenesisSpec {
    let mut spec = spec();
    let name = |n| ValidatorSpec {
        organisation: HOSPITAL.0.into(),
        key: hex::encode(validator(n).verifying_key().to_bytes()),
    };
    spec.validators = (0..validators).map(name).collect();
    spec
}

/// The genesis of [`validated_spec`].
pub fn validated_genesis(validators: u8) -> Arc<Genesis> {
    Arc::new(Genesis::new(validated_spec(validators)).expect("a good genesis"))
}

/// What these validators sign to make a block final.
pub fn certify(header: &Header, round: u32, validators: &[u8]) -> Certificate {
    certify_with(header, round, validators.iter().map(|n| validator(*n)))
}

/// The signatures of the council's validators of the block after this state.
pub fn certify_council(state: &State, header: &Header) -> Certificate {
    let sets = state.validators().expect("the council has validators");
    let set = &sets.at(header.height).set;
    certify_with(header, 0, (61..=64).map(signer).filter(|s| set.contains(&validator_key(s))))
}

fn certify_with(header: &Header, round: u32, signers: impl Iterator<Item = SigningKey>) -> Certificate {
    let block = header.hash().0;
    let vote = vote_bytes(header.chain, VoteKind::Precommit, header.height, round, Some(block));
    let signed = |s: SigningKey| (validator_key(&s), s.sign(&vote).to_bytes());
    let mut signatures: Vec<_> = signers.map(signed).collect();
    signatures.sort_unstable_by_key(|(key, _)| *key);
    Certificate { height: header.height, round, block, signatures }
}

/// A transaction of a member, signed.
pub fn sign(chain: &Genesis, (id, n): (&str, u8), nonce: u64, action: Action) -> Transaction {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&nonce.to_le_bytes());
    let mut tx = SignedTx {
        chain: chain.chain_id(),
        organisation: OrgId::from_reference(id),
        nonce: bytes,
        action,
        signature: [0; 64],
    };
    tx.signature = signer(n).sign(&tx.signing_bytes()).to_bytes();
    Transaction::Signed(Box::new(tx))
}

/// The hospital enrols a subject.
pub fn enrol(chain: &Genesis, subject: u64) -> Transaction {
    sign(chain, HOSPITAL, 0, Action::Enrol(vec![SubjectCommitment::new(f(subject))]))
}

/// The hospital issues a nurse's role.
pub fn issue(chain: &Genesis, inner: u64) -> Transaction {
    sign(chain, HOSPITAL, 0, Action::IssueRole { role: nurse(), inner: RoleInner::new(f(inner)) })
}

/// The n-th handle whose id is one: one number in six is such a handle.
pub fn handle(n: u64) -> SupersessionHandle {
    let mut usable = (0..).map(|i| SupersessionHandle::new(f(i))).filter(|h| h.revocation_id().is_some());
    usable.nth(n as usize).expect("numbers do not end")
}

/// The hospital anchors a record, and supersedes others by the numbers of their handles.
pub fn anchor(chain: &Genesis, record: u64, superseded: &[u64]) -> Transaction {
    let superseded = superseded.iter().map(|n| handle(*n)).collect();
    let records = vec![RecordRoot::new(f(record))];
    sign(chain, HOSPITAL, record, Action::Anchor { records, superseded })
}

/// A key for a statement.
pub struct Key {
    small: SmallKey,
    /// Digest of the verifying half.
    pub digest: KeyDigest,
}

/// One key per statement, in the order of [`Statement::ALL`], made once.
pub fn key(statement: Statement) -> &'static Key {
    static KEYS: OnceLock<Vec<Key>> = OnceLock::new();
    &KEYS.get_or_init(|| Statement::ALL.iter().map(|s| Key::new(*s, 1, *s as u64)).collect())
        [statement as usize - 1]
}

impl Key {
    /// Another seed gives another key.
    pub fn new(statement: Statement, version: u16, seed: u64) -> Self {
        let small = SmallKey::new(statement, version, binding(), seed);
        let digest = KeyDigest(small.vk.digest());
        Self { small, digest }
    }

    /// The verifying half.
    pub const fn vk(&self) -> &VerifyingKey {
        &self.small.vk
    }

    /// An honest proof of these public inputs.
    pub fn prove(&self, public: &[Fr; 8], seed: u64) -> Proof {
        self.small.prove(&binding_assignment(public), seed).1
    }

    /// Installs the key, signed by the board.
    pub fn install(&self, chain: &Genesis, activate_at: u64) -> Transaction {
        self.install_with(chain, activate_at, |_, _| ())
    }

    /// Installs the key with test vectors that `change` has changed.
    pub fn install_with(
        &self,
        chain: &Genesis,
        activate_at: u64,
        change: impl FnOnce(&mut KeyVector, &mut KeyVector),
    ) -> Transaction {
        let public = core::array::from_fn(|i| f(i as u64 + 40));
        let proof = self.prove(&public, 5).into();
        let mut positive = KeyVector { public, proof };
        let mut negative = positive.clone();
        negative.public[3] += f(1);
        change(&mut positive, &mut negative);
        let key = self.vk().to_bytes();
        let (positive, negative) = (Box::new(positive), Box::new(negative));
        sign(chain, BOARD, 0, Action::InstallKey { key, activate_at, positive, negative })
    }
}

/// Two roles, one of them twice, at the hospital.
pub fn role_policy() -> RolePolicy {
    RolePolicy::new(vec![nurse(), surgeon(), nurse()], vec![org(HOSPITAL)]).expect("short lists")
}

fn policy(statement: Statement) -> PolicyField {
    let scope = Scope {
        purposes: Purposes(1),
        actions: Actions(1),
        categories: Categories(1),
        jurisdictions: Jurisdictions(1),
        confidentiality: Confidentiality::Normal,
    };
    match statement.spec().policy {
        PolicyKind::None => PolicyField::None,
        PolicyKind::Sealed => PolicyField::Sealed(f(77)),
        PolicyKind::Role => PolicyField::Role(role_policy()),
        PolicyKind::Access => PolicyField::Access(AccessPolicy { scope, roles: role_policy() }),
    }
}

/// An unproved transaction against the newest bundle; `n` varies request, nullifiers and outputs.
pub fn claim(state: &State, statement: Statement, n: u64) -> ProofTx {
    let sealed = state.latest_bundle();
    let mut nonce = [0; 32];
    nonce[..8].copy_from_slice(&n.to_le_bytes());
    ProofTx {
        chain: state.genesis_block().chain_id(),
        statement,
        key: key(statement).digest,
        epoch: sealed.bundle.epoch,
        bundle: sealed.hash,
        audience: [7; 32],
        nonce,
        policy: policy(statement),
        nf: [f(1000 + n), f(2000 + n)],
        out: [f(3000 + n), f(4000 + n)],
        proof: ProofBytes::Groth16([0; 128]),
    }
}

/// The transaction with an honest proof.
pub fn proved(claim: ProofTx) -> Transaction {
    proved_with(claim, 1)
}

/// Another seed gives other proof bytes for the same claim: what re-randomising gives.
pub fn proved_with(mut claim: ProofTx, seed: u64) -> Transaction {
    let public = claim.public_vector().to_field_elements();
    claim.proof = key(claim.statement).prove(&public, seed).into();
    Transaction::Proof(Box::new(claim))
}

/// A proved transaction against the newest bundle.
pub fn proof(state: &State, statement: Statement, n: u64) -> Transaction {
    proved(claim(state, statement, n))
}

/// CheckTx at the time of the tip.
pub fn checked(state: &State, tx: &Transaction) -> Result<Admitted, Refusal> {
    check_tx(state, &tx.to_bytes(), state.tip().time)
}

/// Why CheckTx refuses the transaction.
pub fn refusal(state: &State, tx: &Transaction) -> Refusal {
    checked(state, tx).expect_err("refused")
}

/// No transaction was admitted before.
pub fn unknown(_: &amanat_domain::tx::TxId) -> Option<Admitted> {
    None
}

/// A block of these transactions, as a proposer makes it.
pub fn block(state: &State, time: Timestamp, txs: &[Transaction]) -> Result<Delta, BlockRefusal> {
    validate_transactions(state, time, txs.to_vec(), &unknown).map(finalize_block)
}

/// Commits a block in memory and gives its receipts.
pub fn advance(state: &mut State, time: Timestamp, txs: &[Transaction]) -> Vec<ReceiptData> {
    let delta = block(state, time, txs).expect("a valid block");
    let receipts = delta.receipts().to_vec();
    state.commit(delta);
    assert_eq!(state.commitments().app_hash(), state.tip().app_hash, "planned and actual state agree");
    receipts
}

/// A state with all keys active and epoch 1 begun.
pub fn ready() -> State {
    ready_with(genesis())
}

/// The same for a genesis of the caller's.
pub fn ready_with(genesis: Arc<Genesis>) -> State {
    let mut state = State::genesis(genesis.clone());
    let keys: Vec<Transaction> = Statement::ALL.iter().map(|s| key(*s).install(&genesis, 0)).collect();
    advance(&mut state, at(1), &keys);
    advance(&mut state, epoch(1), &[]);
    state
}
