use super::*;
use arc_malachitebft_app_channel::app::types::core::Round;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

const WIRE: Wire = Wire { most: 1000 };
/// A network peer's id as bytes: a SHA-256 multihash.
const PEER: [u8; 34] = {
    let mut bytes = [3; 34];
    (bytes[0], bytes[1]) = (0x12, 32);
    bytes
};

fn address(n: u8) -> Address {
    Address(ValidatorKey([n; 32]))
}

fn vote(kind: VoteType, value: NilOrVal<BlockId>) -> Vote {
    Vote { kind, height: Height(7), round: Round::new(2), value, voter: address(3) }
}

fn signed<M>(message: M) -> SignedMessage<Ctx, M> {
    SignedMessage::new(message, Signature([9; 64]))
}

const BLOCK: BlockId = BlockId(BlockHash([5; 32]));

/// One encoding each way, and no other bytes are taken for it.
#[track_caller]
fn round_trip<T: PartialEq + std::fmt::Debug>(value: &T)
where
    Wire: Codec<T, Error = WireError>,
{
    let bytes = WIRE.encode(value).expect("encodes");
    assert_eq!(WIRE.decode(bytes.clone()).as_ref(), Ok(value));
    for n in 0..bytes.len() {
        assert!(Codec::<T>::decode(&WIRE, bytes.slice(..n)).is_err(), "cut at {n}");
    }
    let mut long = bytes.to_vec();
    long.push(0);
    assert!(Codec::<T>::decode(&WIRE, long.into()).is_err(), "something follows");
    // What is changed in one bit is refused or another value: no two encodings of one.
    for at in 0..bytes.len() {
        let mut other = bytes.to_vec();
        other[at] ^= 1 << (at % 8);
        if let Ok(read) = Codec::<T>::decode(&WIRE, other.into()) {
            assert_ne!(&read, value, "byte {at}");
        }
    }
}

#[test]
fn every_message_has_one_encoding() {
    for value in [NilOrVal::Nil, NilOrVal::Val(BLOCK)] {
        round_trip(&SignedConsensusMsg::Vote(signed(vote(VoteType::Prevote, value))));
        round_trip(&LivenessMsg::Vote(signed(vote(VoteType::Precommit, value))));
    }
    let (height, round) = (Height(7), Round::new(1));
    let proposal = Proposal { height, round, value: BLOCK, pol_round: Round::Nil, proposer: address(1) };
    round_trip(&SignedConsensusMsg::Proposal(signed(proposal)));
    let signature = Signature([4; 64]);
    let polka = PolkaCertificate {
        height,
        round,
        value_id: BLOCK,
        polka_signatures: vec![PolkaSignature::new(address(1), signature)],
    };
    round_trip(&polka);
    round_trip(&LivenessMsg::PolkaCertificate(polka));
    let round_signature = RoundSignature::new(VoteType::Precommit, NilOrVal::Nil, address(2), signature);
    round_trip(&LivenessMsg::SkipRoundCertificate(RoundCertificate {
        height,
        round,
        cert_type: RoundCertificateType::Precommit,
        round_signatures: vec![round_signature],
    }));
    let init = Init {
        height,
        round,
        valid_round: Round::Nil,
        proposer: address(1),
        block: BLOCK.0,
        bytes: 3,
        signature,
    };
    for content in [
        StreamContent::Data(Part::Init(init.clone())),
        StreamContent::Data(Part::Data(vec![1, 2, 3])),
        StreamContent::Fin,
    ] {
        round_trip(&StreamMessage::new(StreamId::new(Bytes::from_static(b"id")), 1, content));
    }
    round_trip(&Part::Init(init));
    round_trip(&ValidatorProof::<Ctx>::new(vec![1; 32], vec![2; 38], signature));
    round_trip(&ProposedValue::<Ctx> {
        height,
        round,
        valid_round: Round::new(0),
        proposer: address(1),
        value: BLOCK,
        validity: Validity::Invalid,
    });
    round_trip(&Request::<Ctx>::ValueRequest(ValueRequest::new(height..=Height(9))));
}

#[test]
fn an_answer_is_as_long_as_it_says_and_no_longer_than_allowed() {
    let certificate = ExtendedCommitCertificate {
        height: Height(7),
        round: Round::new(1),
        value_id: BLOCK,
        commit_signatures: vec![ExtendedCommitSignature::new(address(1), Signature([4; 64]), None)],
    };
    let answer = |bytes: usize, n: usize| {
        let value = RawDecidedValue { value_bytes: vec![1; bytes].into(), certificate: certificate.clone() };
        Response::<Ctx>::ValueResponse(ValueResponse::new(Height(7), vec![value; n]))
    };
    let good = answer(1000, 2);
    round_trip(&good);
    assert_eq!(WIRE.encoded_len(&good), WIRE.encode(&good).map(|bytes| bytes.len()));
    let decode = |answer| Codec::<Response<Ctx>>::decode(&WIRE, WIRE.encode(&answer).expect("encodes"));
    assert!(matches!(decode(answer(1001, 1)), Err(WireError::Length { .. })), "a block too large");
    assert!(matches!(decode(answer(0, MAX_VALUES + 1)), Err(WireError::Length { .. })), "too many");
}

/// An encoding of each kind.
fn samples() -> Vec<Vec<u8>> {
    let (height, round, signature) = (Height(7), Round::new(1), Signature([4; 64]));
    let bytes = |encoded: Result<Bytes, WireError>| encoded.expect("encodes").to_vec();
    let polka_signatures = vec![PolkaSignature::new(address(1), signature); 3];
    let polka = PolkaCertificate { height, round, value_id: BLOCK, polka_signatures };
    let (valid_round, block) = (Round::Nil, BLOCK.0);
    let init = Init { height, round, valid_round, proposer: address(1), block, bytes: 3, signature };
    let stream = |content| StreamMessage::new(StreamId::new(Bytes::from_static(b"id")), 1, content);
    let certificate = ExtendedCommitCertificate {
        height,
        round,
        value_id: BLOCK,
        commit_signatures: vec![ExtendedCommitSignature::new(address(1), signature, None); 3],
    };
    let value = RawDecidedValue { value_bytes: vec![1; 50].into(), certificate };
    let round_signature =
        RoundSignature::new(VoteType::Precommit, NilOrVal::Val(BLOCK), address(2), signature);
    let value_of = ProposedValue::<Ctx> {
        height,
        round,
        valid_round,
        proposer: address(1),
        value: BLOCK,
        validity: Validity::Valid,
    };
    let proposal = Proposal { height, round, value: BLOCK, pol_round: Round::Nil, proposer: address(1) };
    let peer_id = PeerId::from_bytes(&PEER).expect("a peer");
    let status = Status::<Ctx> { peer_id, tip_height: height, history_min_height: Height(1) };
    vec![
        bytes(WIRE.encode(&SignedConsensusMsg::Vote(signed(vote(VoteType::Prevote, NilOrVal::Nil))))),
        bytes(WIRE.encode(&SignedConsensusMsg::Proposal(signed(proposal)))),
        bytes(WIRE.encode(&polka)),
        bytes(WIRE.encode(&LivenessMsg::PolkaCertificate(polka))),
        bytes(WIRE.encode(&LivenessMsg::SkipRoundCertificate(RoundCertificate {
            height,
            round,
            cert_type: RoundCertificateType::Skip,
            round_signatures: vec![round_signature; 3],
        }))),
        bytes(WIRE.encode(&stream(StreamContent::Data(Part::Init(init))))),
        bytes(WIRE.encode(&stream(StreamContent::Data(Part::Data(vec![1; 40]))))),
        bytes(WIRE.encode(&Part::Data(vec![1; 40]))),
        bytes(WIRE.encode(&ValidatorProof::<Ctx>::new(vec![1; 32], vec![2; 38], signature))),
        bytes(WIRE.encode(&value_of)),
        bytes(WIRE.encode(&Request::<Ctx>::ValueRequest(ValueRequest::new(height..=Height(9))))),
        bytes(WIRE.encode(&status)),
        bytes(WIRE.encode(&Response::<Ctx>::ValueResponse(ValueResponse::new(height, vec![value; 3])))),
    ]
}

/// Bytes that are read are a value's one encoding, so no value is larger than what was paid for.
fn reads<T>(bytes: &[u8]) -> Option<T>
where
    Wire: Codec<T, Error = WireError>,
{
    let value: T = WIRE.decode(Bytes::copy_from_slice(bytes)).ok()?;
    assert_eq!(WIRE.encode(&value).as_deref(), Ok(bytes));
    Some(value)
}

/// Every reader of bytes from the network or the log over the same bytes. Says how many took them.
fn all_read(bytes: &[u8]) -> usize {
    let part =
        |part: Option<Part>| part.is_some_and(|part| !matches!(part, Part::Data(d) if d.len() > PART_BYTES));
    let stream = reads::<StreamMessage<Part>>(bytes).map(|message| {
        assert!(message.stream_id.to_bytes().len() <= STREAM_ID_BYTES);
        if let StreamContent::Data(Part::Data(data)) = &message.content {
            assert!(data.len() <= PART_BYTES);
        }
    });
    let polka = reads::<PolkaCertificate<Ctx>>(bytes);
    assert!(polka.as_ref().is_none_or(|p| p.polka_signatures.len() <= 2 * MAX_VALIDATORS));
    let answer = reads::<Response<Ctx>>(bytes).map(|Response::ValueResponse(answer)| {
        assert!(answer.values.len() <= MAX_VALUES);
        for value in answer.values {
            assert!(value.value_bytes.len() <= WIRE.most);
            assert!(value.certificate.commit_signatures.len() <= 2 * MAX_VALIDATORS);
        }
    });
    let read = [
        part(reads(bytes)),
        stream.is_some(),
        polka.is_some(),
        answer.is_some(),
        reads::<SignedConsensusMsg<Ctx>>(bytes).is_some(),
        reads::<LivenessMsg<Ctx>>(bytes).is_some(),
        reads::<ValidatorProof<Ctx>>(bytes).is_some(),
        reads::<ProposedValue<Ctx>>(bytes).is_some(),
        reads::<Status<Ctx>>(bytes).is_some(),
        reads::<Request<Ctx>>(bytes).is_some(),
    ];
    read.into_iter().filter(|read| *read).count()
}

#[test]
fn whatever_the_bytes_are_nothing_panics_and_nothing_larger_than_allowed_is_read() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let seeds = samples();
    assert!(seeds.iter().all(|seed| all_read(seed) >= 1), "each is somebody's encoding");
    let mut read = 0;
    for turn in 0..40_000_usize {
        let mut bytes = seeds[turn % seeds.len()].clone();
        match turn / seeds.len() % 5 {
            // A few bytes changed.
            0 => (0..rng.random_range(1..4)).for_each(|_| {
                let at = rng.random_range(0..bytes.len());
                bytes[at] = rng.random();
            }),
            // A length, or what may be one, made huge.
            1 => {
                let at = rng.random_range(0..bytes.len());
                bytes[at..].iter_mut().take(4).for_each(|b| *b = 0xff);
            }
            // Cut, and something of another message after it.
            2 => {
                bytes.truncate(rng.random_range(0..bytes.len()));
                let other = &seeds[rng.random_range(0..seeds.len())];
                bytes.extend(&other[rng.random_range(0..other.len())..]);
            }
            // Something twice.
            3 => {
                let from = rng.random_range(0..bytes.len());
                let again = bytes[from..].to_vec();
                bytes.extend(again);
            }
            _ => {
                bytes.resize(rng.random_range(0..400), 0);
                rng.fill_bytes(&mut bytes);
            }
        }
        read += all_read(&bytes);
    }
    assert!(read > 1000, "some of it is read: {read}");
}

#[test]
fn no_list_is_longer_than_allowed_however_long_it_says_it_is() {
    let polka = |n: usize| PolkaCertificate::<Ctx> {
        height: Height(7),
        round: Round::new(1),
        value_id: BLOCK,
        polka_signatures: vec![PolkaSignature::new(address(1), Signature([4; 64])); n],
    };
    let bytes = |n| WIRE.encode(&polka(n)).expect("encodes");
    assert!(reads::<PolkaCertificate<Ctx>>(&bytes(2 * MAX_VALIDATORS)).is_some());
    assert!(reads::<PolkaCertificate<Ctx>>(&bytes(2 * MAX_VALIDATORS + 1)).is_none());
    let part = |n| WIRE.encode(&Part::Data(vec![1; n])).expect("encodes");
    assert!(reads::<Part>(&part(PART_BYTES)).is_some());
    assert!(reads::<Part>(&part(PART_BYTES + 1)).is_none());
}
