use super::*;
use amanat_domain::bundle::BundleHash;
use amanat_domain::consent::{
    Actions, Categories, Confidentiality, HolderKey, Jurisdictions, OrgId, Purposes, RoleCode,
};
use amanat_domain::identity::PatientWallet;
use amanat_domain::policy::{Recipient, Scope, disclosure};
use amanat_domain::proof::ProofBytes;
use amanat_domain::receipt::{Effect, ReceiptData};
use amanat_domain::record::{Leaf, Micro, Record, RecordFields, ResourceType};
use amanat_domain::tx::KeyDigest;
use amanat_domain::wire::WireError;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

const CHAIN: ChainId = ChainId([1; 32]);
const ME: [u8; 32] = [2; 32];
const NONCE: [u8; 32] = [3; 32];
const EPOCH: u64 = 20;
const DISCLOSED: u16 = 1 << Leaf::Unit as u8 | 1 << Leaf::Status as u8;

fn fr(n: u64) -> Fr {
    Fr::from(n)
}

fn scope() -> Scope {
    Scope {
        purposes: Purposes::TREAT,
        actions: Actions::ACCESS,
        categories: Categories::OTHER,
        jurisdictions: Jurisdictions::PK_PUNJAB,
        confidentiality: Confidentiality::Normal,
    }
}

fn roles(organisation: u64) -> RolePolicy {
    RolePolicy::new(vec![RoleCode::new(fr(5))], vec![OrgId::new(fr(organisation))]).expect("one of each")
}

fn consent_request(salt: u64) -> ConsentRequest {
    let recipient = Recipient {
        organisation: OrgId::new(fr(6)),
        role: RoleCode::new(fr(7)),
        holder: HolderKey::new(fr(8)),
    };
    ConsentRequest { scope: scope(), data_period: Period::ALWAYS, recipient, salt: fr(salt) }
}

fn record_request(disclosed: u16) -> RecordRequest {
    RecordRequest {
        resource_type: None,
        code: None,
        unit: None,
        status: None,
        value: None,
        period: Period::ALWAYS,
        custodian: None,
        anchored_by: EPOCH,
        latest: true,
        disclosed,
        salt: fr(9),
    }
}

fn record(seed: u64) -> Record {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let fields = RecordFields {
        resource_type: ResourceType::Observation,
        code: None,
        categories: Categories::OTHER,
        confidentiality: Confidentiality::Normal,
        time: Period::ALWAYS,
        value: Some(Micro(1)),
        unit: Some("mg".to_owned()),
        amount: None,
        provider: None,
        organisation: None,
        link: None,
        status: Some("final".to_owned()),
        body_digest: [0; 64],
        device: None,
        provenance: None,
    };
    Record::commit(&fields, &PatientWallet::random(&mut rng).subject(), "here", &mut rng)
}

fn asked<P>(policy: P) -> Asked<P> {
    Asked { chain: CHAIN, audience: ME, nonce: NONCE, oldest_epoch: EPOCH - 5, policy }
}

/// The transaction that answers a request. Whether its proof holds is not this module's affair.
fn answer(statement: Statement, policy: PolicyField, out: Fr) -> ProofTx {
    ProofTx {
        chain: CHAIN,
        statement,
        key: KeyDigest([4; 32]),
        epoch: EPOCH,
        bundle: BundleHash::new(fr(11)),
        audience: ME,
        nonce: NONCE,
        policy,
        nf: [fr(12), fr(13)],
        out: [out, fr(14)],
        proof: ProofBytes::Groth16([0; 128]),
    }
}

fn committed(tx: &ProofTx) -> CommittedTx {
    let receipt = ReceiptData { txid: tx.id(), height: 3, index: 0, epoch: EPOCH, effect: Effect::Recorded };
    CommittedTx::believed(CHAIN, &receipt)
}

fn sealed(tx: &ProofTx) -> LedgerEvidence {
    SealedBundle::believed(tx.chain, tx.epoch, tx.bundle).into()
}

/// Each statement with a good answer, checked after a change of the answer or of the request.
struct Question {
    tx: ProofTx,
    judge: fn(&ProofTx, &Asked<()>) -> Result<(), AudienceReject>,
}

fn questions() -> [Question; 4] {
    let key = storage_key();
    let mut access = answer(
        Statement::Access,
        PolicyField::Access(AccessPolicy { scope: scope(), roles: roles(1) }),
        fr(0),
    );
    access.out[0] = access_token(key.expose(), access.ctx());
    [
        Question {
            tx: answer(Statement::Consent, PolicyField::Sealed(consent_request(1).policy_hash()), fr(0)),
            judge: |tx, asked| {
                let asked = with(asked, consent_request(1));
                Verified::new(tx.clone()).consent(&asked, &committed(tx)).map(drop)
            },
        },
        Question {
            tx: answer(Statement::Role, PolicyField::Role(roles(1)), fr(0)),
            judge: |tx, asked| Verified::new(tx.clone()).role(&with(asked, roles(1)), &sealed(tx)).map(drop),
        },
        Question {
            tx: answer(
                Statement::Record,
                PolicyField::Sealed(record_request(DISCLOSED).policy_hash()),
                disclosure(&record(1).leaves(), DISCLOSED),
            ),
            judge: |tx, asked| {
                let asked = with(asked, record_request(DISCLOSED));
                let openings = Openings::of(&record(1), DISCLOSED);
                Verified::new(tx.clone()).disclosure(&asked, &sealed(tx), &openings).map(drop)
            },
        },
        Question {
            tx: access,
            judge: |tx, asked| {
                let asked = with(asked, AccessPolicy { scope: scope(), roles: roles(1) });
                // The token follows the context, so that what is changed alone is refused.
                let mut tx = tx.clone();
                tx.out[0] = access_token(storage_key().expose(), tx.ctx());
                Verified::new(tx.clone()).access(&asked, &committed(&tx), &storage_key()).map(drop)
            },
        },
    ]
}

fn storage_key() -> Secret {
    Secret::new(fr(15))
}

fn with<P>(asked: &Asked<()>, policy: P) -> Asked<P> {
    let Asked { chain, audience, nonce, oldest_epoch, policy: () } = *asked;
    Asked { chain, audience, nonce, oldest_epoch, policy }
}

#[test]
fn an_answer_to_the_very_question_is_accepted_for_every_statement() {
    for Question { tx, judge } in questions() {
        assert_eq!(judge(&tx, &asked(())), Ok(()), "{}", tx.statement);
    }
}

#[test]
fn a_proof_of_another_statement_is_refused() {
    for Question { tx, judge } in questions() {
        for statement in Statement::ALL.into_iter().filter(|other| *other != tx.statement) {
            let other = ProofTx { statement, ..tx.clone() };
            let refused = AudienceReject::Statement { expected: tx.statement, got: statement };
            assert_eq!(judge(&other, &asked(())), Err(refused));
        }
    }
}

#[test]
fn a_proof_for_another_ledger_audience_or_request_is_refused() {
    for Question { tx, judge } in questions() {
        let other = [99; 32];
        let elsewhere = ProofTx { chain: ChainId(other), ..tx.clone() };
        let chain = AudienceReject::Chain { expected: CHAIN, got: ChainId(other) };
        assert_eq!(judge(&elsewhere, &asked(())), Err(chain));
        let theirs = ProofTx { audience: other, ..tx.clone() };
        let audience = AudienceReject::Audience { expected: ME, got: other };
        assert_eq!(judge(&theirs, &asked(())), Err(audience));
        let replayed = ProofTx { nonce: other, ..tx.clone() };
        assert_eq!(judge(&replayed, &asked(())), Err(AudienceReject::Nonce { expected: NONCE, got: other }));
    }
}

#[test]
fn a_policy_that_is_not_the_one_asked_for_is_refused() {
    for Question { tx, judge } in questions() {
        let policy = match &tx.policy {
            PolicyField::Sealed(hash) => PolicyField::Sealed(*hash + fr(1)),
            PolicyField::Role(_) => PolicyField::Role(roles(2)),
            PolicyField::Access(policy) => {
                PolicyField::Access(AccessPolicy { roles: roles(2), ..policy.clone() })
            }
            PolicyField::None => PolicyField::None,
        };
        let other = ProofTx { policy, ..tx.clone() };
        assert_eq!(judge(&other, &asked(())), Err(AudienceReject::Policy), "{}", tx.statement);
    }
}

#[test]
fn a_bundle_older_than_accepted_is_refused_and_the_oldest_accepted_is_not() {
    for Question { tx, judge } in questions() {
        for epoch in [EPOCH, EPOCH - 5] {
            assert_eq!(judge(&ProofTx { epoch, ..tx.clone() }, &asked(())), Ok(()));
        }
        let old = ProofTx { epoch: EPOCH - 6, ..tx.clone() };
        let refused = AudienceReject::Epoch { oldest: EPOCH - 5, got: EPOCH - 6 };
        assert_eq!(judge(&old, &asked(())), Err(refused));
    }
}

#[test]
fn a_request_that_asks_for_nothing_is_the_audiences_own_fault() {
    let mut request = consent_request(1);
    request.scope.purposes = Purposes(0);
    let tx = answer(Statement::Consent, PolicyField::Sealed(request.policy_hash()), fr(0));
    let judged = Verified::new(tx.clone()).consent(&asked(request), &committed(&tx));
    assert!(matches!(judged, Err(AudienceReject::Malformed(_))));
    let policy = AccessPolicy { scope: Scope { actions: Actions(0), ..scope() }, roles: roles(1) };
    let tx = answer(Statement::Access, PolicyField::Access(policy.clone()), fr(0));
    let judged = Verified::new(tx.clone()).access(&asked(policy), &committed(&tx), &storage_key());
    assert!(matches!(judged, Err(AudienceReject::Malformed(_))));
}

#[test]
fn a_bundle_that_the_ledger_did_not_seal_is_refused() {
    let tx = answer(Statement::Role, PolicyField::Role(roles(1)), fr(0));
    let evidence = Verified::new(tx.clone());
    let judge = |bundle: SealedBundle| evidence.role(&asked(roles(1)), &bundle.into()).map(drop);
    assert_eq!(judge(SealedBundle::believed(CHAIN, EPOCH, tx.bundle)), Ok(()));
    let other_hash = SealedBundle::believed(CHAIN, EPOCH, BundleHash::new(fr(1)));
    assert_eq!(judge(other_hash), Err(AudienceReject::Bundle { epoch: EPOCH }));
    let other_epoch = SealedBundle::believed(CHAIN, EPOCH + 1, tx.bundle);
    assert_eq!(judge(other_epoch), Err(AudienceReject::Bundle { epoch: EPOCH }));
    let elsewhere = SealedBundle::believed(ChainId([9; 32]), EPOCH, tx.bundle);
    let refused = AudienceReject::OtherLedger { expected: CHAIN, got: ChainId([9; 32]) };
    assert_eq!(judge(elsewhere), Err(refused));
}

#[test]
fn a_receipt_of_another_transaction_or_ledger_is_refused() {
    let tx = answer(Statement::Consent, PolicyField::Sealed(consent_request(1).policy_hash()), fr(0));
    let evidence = Verified::new(tx.clone());
    let judge = |committed: CommittedTx| evidence.consent(&asked(consent_request(1)), &committed).map(drop);
    assert_eq!(judge(committed(&tx)), Ok(()));
    // The same request, answered by another use of the consent: that one is committed, this one is
    // not.
    let other = ProofTx { nf: [fr(99), fr(13)], ..tx.clone() };
    let refused = AudienceReject::Receipt { expected: tx.id(), got: other.id() };
    assert_eq!(judge(committed(&other)), Err(refused));
    let receipt = ReceiptData { txid: tx.id(), height: 3, index: 0, epoch: EPOCH, effect: Effect::Recorded };
    let refused = AudienceReject::OtherLedger { expected: CHAIN, got: ChainId([9; 32]) };
    assert_eq!(judge(CommittedTx::believed(ChainId([9; 32]), &receipt)), Err(refused));
}

fn disclose(openings: &Openings, request: RecordRequest) -> Result<Verified<Disclosed>, AudienceReject> {
    let policy = PolicyField::Sealed(request.policy_hash());
    let tx = answer(Statement::Record, policy, disclosure(&record(1).leaves(), request.disclosed));
    Verified::new(tx.clone()).disclosure(&asked(request), &committed(&tx).into(), openings)
}

#[test]
fn disclosed_values_are_read_from_the_evidence() {
    let record = record(1);
    let judged =
        disclose(&Openings::of(&record, DISCLOSED), record_request(DISCLOSED)).map_err(|e| e.to_string());
    let disclosed = judged.expect("its own openings").into_inner();
    assert_eq!(disclosed.epoch(), EPOCH);
    for leaf in Leaf::ALL {
        let expected = (DISCLOSED >> leaf as u8 & 1 == 1).then(|| record.open(leaf).values);
        assert_eq!(disclosed.value(leaf), expected, "{}", leaf.name());
    }
    assert_eq!(disclosed.values().len(), 2);
}

#[test]
fn openings_of_other_leaves_than_asked_for_are_refused() {
    let mut masks: Vec<u16> = (0..16).map(|bit| DISCLOSED ^ 1 << bit).collect();
    masks.extend([0, u16::MAX]);
    for got in masks {
        let judged = disclose(&Openings::of(&record(1), got), record_request(DISCLOSED)).err();
        let refused = OpeningsReject::Leaves { expected: DISCLOSED, got };
        assert_eq!(judged, Some(refused.into()));
    }
}

#[test]
fn openings_of_another_record_or_with_any_changed_number_are_refused() {
    let refused = Some(AudienceReject::Openings(OpeningsReject::Commitment));
    assert_eq!(disclose(&Openings::of(&record(2), DISCLOSED), record_request(DISCLOSED)).err(), refused);
    let bytes = Openings::of(&record(1), DISCLOSED).to_bytes();
    let mut read = 0;
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        if let Ok(openings) = Openings::from_bytes(&changed) {
            read += 1;
            assert!(disclose(&openings, record_request(DISCLOSED)).is_err(), "byte {at}");
        }
    }
    assert!(read > 100, "most changes are of numbers, and are read");
}

#[test]
fn a_request_that_any_record_answers_is_refused_and_each_question_makes_it_one() {
    let judge = |request: RecordRequest| {
        let openings = Openings::of(&record(1), request.disclosed);
        disclose(&openings, request).map(drop)
    };
    assert_eq!(judge(record_request(0)), Err(AudienceReject::AsksNothing));
    let until = Period::at(Period::ALWAYS.from());
    let nothing = || record_request(0);
    for request in [
        record_request(1),
        RecordRequest { resource_type: Some(1), ..nothing() },
        RecordRequest { code: Some(fr(1)), ..nothing() },
        RecordRequest { unit: Some(fr(1)), ..nothing() },
        RecordRequest { status: Some(fr(1)), ..nothing() },
        RecordRequest { unit: Some(fr(1)), value: Some(ValueRange { least: 5, greatest: 5 }), ..nothing() },
        RecordRequest { period: until, ..nothing() },
        RecordRequest { custodian: Some(OrgId::new(fr(1))), ..nothing() },
    ] {
        assert_eq!(judge(request), Ok(()));
    }
    // Any record with a number answers the first, and the second says of no number what it counts.
    for (least, greatest) in [(0, u64::MAX), (5, 5)] {
        let range = RecordRequest { value: Some(ValueRange { least, greatest }), ..nothing() };
        assert_eq!(judge(range), Err(AudienceReject::AsksNothing), "{least} to {greatest}");
    }
    let empty =
        RecordRequest { value: Some(ValueRange { least: 6, greatest: 5 }), ..record_request(DISCLOSED) };
    assert_eq!(judge(empty), Err(AudienceReject::EmptyRange { least: 6, greatest: 5 }));
}

#[test]
fn an_access_to_another_record_is_refused() {
    let policy = AccessPolicy { scope: scope(), roles: roles(1) };
    let mut tx = answer(Statement::Access, PolicyField::Access(policy.clone()), fr(0));
    tx.out[0] = access_token(storage_key().expose(), tx.ctx());
    let evidence = Verified::new(tx.clone());
    let judge = |key: u64| evidence.access(&asked(policy.clone()), &committed(&tx), &Secret::new(fr(key)));
    let accessed = judge(15).expect("its own key").into_inner();
    assert_eq!((accessed.use_nullifier(), accessed.pseudonym()), (fr(12), fr(13)));
    assert_eq!(judge(16).err(), Some(AudienceReject::Token));
}

#[test]
fn openings_come_back_from_their_bytes_and_no_other_bytes_are_openings() {
    for mask in [0, 1, DISCLOSED, u16::MAX] {
        let bytes = Openings::of(&record(1), mask).to_bytes();
        assert!(bytes.len() <= MAX_OPENINGS_BYTES);
        assert_eq!(Openings::from_bytes(&bytes).expect("own bytes").to_bytes(), bytes);
        for cut in 0..bytes.len() {
            assert!(Openings::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let long = [&bytes[..], &[0]].concat();
        assert!(matches!(Openings::from_bytes(&long), Err(WireError::Trailing(1))));
    }
    let bytes = Openings::of(&record(1), DISCLOSED).to_bytes();
    let (first, second) = (&bytes[1..98], &bytes[98..]);
    for disordered in [[second, first], [first, first]] {
        let bytes = [&[2][..], disordered[0], disordered[1]].concat();
        assert!(matches!(Openings::from_bytes(&bytes), Err(WireError::Invalid(_))));
    }
    assert!(matches!(Openings::from_bytes(&[17]), Err(WireError::Length { got: 17, .. })));
    let mut unknown = bytes;
    unknown[1] = 16;
    assert!(matches!(Openings::from_bytes(&unknown), Err(WireError::Unknown { got: 16, .. })));
}
