//! The one encoding of everything the engine sends or logs, over the ledger's own wire format: total, canonical, bounded. Bytes from
//! the network never panic and are paid for before anything is allocated.

use crate::body::{Init, PART_BYTES, Part, STREAM_ID_BYTES, read_round};
use crate::context::{Address, BlockId, Ctx, Height, Proposal, Vote};
use crate::signing::{Signature, write_round};
use amanat_domain::quorum::{MAX_VALIDATORS, ValidatorKey};
use amanat_domain::wire::{Reader, WireError, Writer};
use amanat_ledger::BlockHash;
use arc_malachitebft_app_channel::app::consensus::LivenessMsg;
use arc_malachitebft_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use arc_malachitebft_app_channel::app::types::codec::{Codec, HasEncodedLen};
use arc_malachitebft_app_channel::app::types::core::{
    ExtendedCommitCertificate, ExtendedCommitSignature, NilOrVal, PolkaCertificate, PolkaSignature,
    RoundCertificate, RoundCertificateType, RoundSignature, SignedMessage, ValidatorProof, Validity,
    VoteType,
};
use arc_malachitebft_app_channel::app::types::sync::{RawDecidedValue, Request, Response, Status};
use arc_malachitebft_app_channel::app::types::{PeerId, ProposedValue, SignedConsensusMsg};
use arc_malachitebft_sync::{ValueRequest, ValueResponse};
use bytes::Bytes;

/// Most bytes of a network peer's id.
const PEER_ID_BYTES: usize = 64;
/// Most blocks of an answer to a validator that catches up.
pub(crate) const MOST_VALUES: usize = 64;

/// Reads and writes blocks of at most `most` bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wire {
    pub(crate) most: usize,
}

/// Encodings with a fixed shape: everything but blocks.
trait Message: Sized {
    fn write(&self, w: &mut Writer);
    fn read(r: &mut Reader<'_>) -> Result<Self, WireError>;
}

macro_rules! codec {
    ($($message:ty),* $(,)?) => {$(
        impl Codec<$message> for Wire {
            type Error = WireError;
            fn decode(&self, bytes: Bytes) -> Result<$message, WireError> {
                whole(&bytes, <$message>::read)
            }
            fn encode(&self, message: &$message) -> Result<Bytes, WireError> {
                let mut w = Writer::new();
                message.write(&mut w);
                Ok(w.finish().into())
            }
        }
    )*};
}

codec!(
    Part,
    SignedConsensusMsg<Ctx>,
    LivenessMsg<Ctx>,
    StreamMessage<Part>,
    PolkaCertificate<Ctx>,
    ValidatorProof<Ctx>,
    ProposedValue<Ctx>,
    Status<Ctx>,
    Request<Ctx>,
);

fn whole<T>(
    bytes: &[u8],
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, WireError>,
) -> Result<T, WireError> {
    let mut r = Reader::new(bytes);
    let value = read(&mut r)?;
    r.finish()?;
    Ok(value)
}

fn tag<T>(what: &'static str, got: u8) -> Result<T, WireError> {
    Err(WireError::Unknown { what, got: got.into() })
}

fn read_height(r: &mut Reader<'_>) -> Result<Height, WireError> {
    r.u64("height").map(Height)
}

fn read_address(r: &mut Reader<'_>) -> Result<Address, WireError> {
    r.array("validator").map(|key| Address(ValidatorKey(key)))
}

fn read_block(r: &mut Reader<'_>) -> Result<BlockId, WireError> {
    r.array("block").map(|hash| BlockId(BlockHash(hash)))
}

fn read_signature(r: &mut Reader<'_>) -> Result<Signature, WireError> {
    r.array("signature").map(Signature)
}

fn write_value(w: &mut Writer, value: &NilOrVal<BlockId>) {
    let hash = match value {
        NilOrVal::Nil => None,
        NilOrVal::Val(BlockId(hash)) => Some(hash.0),
    };
    w.u8(hash.is_some().into());
    w.fixed(&hash.unwrap_or_default());
}

fn read_value(r: &mut Reader<'_>) -> Result<NilOrVal<BlockId>, WireError> {
    match (r.u8("value")?, read_block(r)?) {
        (1, block) => Ok(NilOrVal::Val(block)),
        (0, BlockId(BlockHash(zero))) if zero == [0; 32] => Ok(NilOrVal::Nil),
        (got, _) => tag("value", got),
    }
}

fn write_kind(w: &mut Writer, kind: VoteType) {
    w.u8(match kind {
        VoteType::Prevote => 1,
        VoteType::Precommit => 2,
    });
}

fn read_kind(r: &mut Reader<'_>) -> Result<VoteType, WireError> {
    match r.u8("kind of vote")? {
        1 => Ok(VoteType::Prevote),
        2 => Ok(VoteType::Precommit),
        got => tag("kind of vote", got),
    }
}

fn write_list<T>(w: &mut Writer, list: &[T], mut write: impl FnMut(&mut Writer, &T)) {
    w.u32(u32::try_from(list.len()).expect("at most one a validator"));
    list.iter().for_each(|item| write(w, item));
}

/// A list with at most two entries a validator: prevote and precommit.
fn read_list<T>(
    r: &mut Reader<'_>,
    read: impl Fn(&mut Reader<'_>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    let n = r.count(0, 2 * MAX_VALIDATORS, "signatures")?;
    (0..n).map(|_| read(r)).collect()
}

impl Message for Part {
    fn write(&self, w: &mut Writer) {
        match self {
            Self::Init(init) => {
                w.u8(1);
                init.write(w);
            }
            Self::Data(data) => {
                w.u8(2);
                w.bytes(data);
            }
        }
    }
    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        match r.u8("part")? {
            1 => Init::read(r).map(Self::Init),
            2 => r.bytes(PART_BYTES, "part").map(|data| Self::Data(data.to_vec())),
            got => tag("part", got),
        }
    }
}

impl Message for Vote {
    fn write(&self, w: &mut Writer) {
        write_kind(w, self.kind);
        w.u64(self.height.0);
        write_round(w, self.round);
        write_value(w, &self.value);
        w.fixed(&self.voter.0.0);
    }
    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            kind: read_kind(r)?,
            height: read_height(r)?,
            round: read_round(r)?,
            value: read_value(r)?,
            voter: read_address(r)?,
        })
    }
}

impl Message for Proposal {
    fn write(&self, w: &mut Writer) {
        w.u64(self.height.0);
        write_round(w, self.round);
        w.fixed(&self.value.0.0);
        write_round(w, self.pol_round);
        w.fixed(&self.proposer.0.0);
    }
    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            height: read_height(r)?,
            round: read_round(r)?,
            value: read_block(r)?,
            pol_round: read_round(r)?,
            proposer: read_address(r)?,
        })
    }
}

fn write_signed<M: Message>(w: &mut Writer, signed: &SignedMessage<Ctx, M>) {
    signed.message.write(w);
    w.fixed(&signed.signature.0);
}

fn read_signed<M: Message>(r: &mut Reader<'_>) -> Result<SignedMessage<Ctx, M>, WireError> {
    Ok(SignedMessage::new(M::read(r)?, read_signature(r)?))
}

impl Message for SignedConsensusMsg<Ctx> {
    fn write(&self, w: &mut Writer) {
        match self {
            Self::Vote(vote) => {
                w.u8(1);
                write_signed(w, vote);
            }
            Self::Proposal(proposal) => {
                w.u8(2);
                write_signed(w, proposal);
            }
        }
    }
    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        match r.u8("message")? {
            1 => read_signed(r).map(Self::Vote),
            2 => read_signed(r).map(Self::Proposal),
            got => tag("message", got),
        }
    }
}

impl Message for PolkaCertificate<Ctx> {
    fn write(&self, w: &mut Writer) {
        w.u64(self.height.0);
        write_round(w, self.round);
        w.fixed(&self.value_id.0.0);
        write_list(w, &self.polka_signatures, |w, s| {
            w.fixed(&s.address.0.0);
            w.fixed(&s.signature.0);
        });
    }
    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            height: read_height(r)?,
            round: read_round(r)?,
            value_id: read_block(r)?,
            polka_signatures: read_list(r, |r| {
                Ok(PolkaSignature::new(read_address(r)?, read_signature(r)?))
            })?,
        })
    }
}

impl Message for RoundCertificate<Ctx> {
    fn write(&self, w: &mut Writer) {
        w.u64(self.height.0);
        write_round(w, self.round);
        w.u8(match self.cert_type {
            RoundCertificateType::Skip => 1,
            RoundCertificateType::Precommit => 2,
        });
        write_list(w, &self.round_signatures, |w, s| {
            write_kind(w, s.vote_type);
            write_value(w, &s.value_id);
            w.fixed(&s.address.0.0);
            w.fixed(&s.signature.0);
        });
    }
    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let (height, round) = (read_height(r)?, read_round(r)?);
        let cert_type = match r.u8("kind of certificate")? {
            1 => RoundCertificateType::Skip,
            2 => RoundCertificateType::Precommit,
            got => return tag("kind of certificate", got),
        };
        let round_signatures = read_list(r, |r| {
            Ok(RoundSignature::new(read_kind(r)?, read_value(r)?, read_address(r)?, read_signature(r)?))
        })?;
        Ok(Self { height, round, cert_type, round_signatures })
    }
}

impl Message for LivenessMsg<Ctx> {
    fn write(&self, w: &mut Writer) {
        match self {
            Self::Vote(vote) => {
                w.u8(1);
                write_signed(w, vote);
            }
            Self::PolkaCertificate(certificate) => {
                w.u8(2);
                certificate.write(w);
            }
            Self::SkipRoundCertificate(certificate) => {
                w.u8(3);
                certificate.write(w);
            }
        }
    }
    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        match r.u8("message")? {
            1 => read_signed(r).map(Self::Vote),
            2 => PolkaCertificate::read(r).map(Self::PolkaCertificate),
            3 => RoundCertificate::read(r).map(Self::SkipRoundCertificate),
            got => tag("message", got),
        }
    }
}

impl Message for StreamMessage<Part> {
    fn write(&self, w: &mut Writer) {
        w.bytes(&self.stream_id.to_bytes());
        w.u64(self.sequence);
        match &self.content {
            StreamContent::Data(part) => part.write(w),
            StreamContent::Fin => w.u8(0),
        }
    }
    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let id = StreamId::new(Bytes::copy_from_slice(r.bytes(STREAM_ID_BYTES, "stream id")?));
        let sequence = r.u64("sequence")?;
        let content = match r.u8("part")? {
            0 => StreamContent::Fin,
            1 => StreamContent::Data(Part::Init(Init::read(r)?)),
            2 => StreamContent::Data(Part::Data(r.bytes(PART_BYTES, "part")?.to_vec())),
            got => return tag("part", got),
        };
        Ok(Self::new(id, sequence, content))
    }
}

impl Message for ValidatorProof<Ctx> {
    fn write(&self, w: &mut Writer) {
        w.bytes(&self.public_key);
        w.bytes(&self.peer_id);
        w.fixed(&self.signature.0);
    }
    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let key = r.bytes(32, "public key")?.to_vec();
        let peer = r.bytes(PEER_ID_BYTES, "peer id")?.to_vec();
        Ok(Self::new(key, peer, read_signature(r)?))
    }
}

impl Message for ProposedValue<Ctx> {
    fn write(&self, w: &mut Writer) {
        w.u64(self.height.0);
        write_round(w, self.round);
        write_round(w, self.valid_round);
        w.fixed(&self.proposer.0.0);
        w.fixed(&self.value.0.0);
        w.u8(self.validity.to_bool().into());
    }
    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            height: read_height(r)?,
            round: read_round(r)?,
            valid_round: read_round(r)?,
            proposer: read_address(r)?,
            value: read_block(r)?,
            validity: match r.u8("validity")? {
                0 => Validity::Invalid,
                1 => Validity::Valid,
                got => return tag("validity", got),
            },
        })
    }
}

impl Message for Status<Ctx> {
    fn write(&self, w: &mut Writer) {
        w.bytes(&self.peer_id.to_bytes());
        w.u64(self.tip_height.0);
        w.u64(self.history_min_height.0);
    }
    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let peer = r.bytes(PEER_ID_BYTES, "peer id")?;
        Ok(Self {
            peer_id: PeerId::from_bytes(peer).map_err(|_| WireError::Invalid("peer id"))?,
            tip_height: read_height(r)?,
            history_min_height: read_height(r)?,
        })
    }
}

impl Message for Request<Ctx> {
    fn write(&self, w: &mut Writer) {
        let Self::ValueRequest(request) = self;
        w.u64(request.range.start().0);
        w.u64(request.range.end().0);
    }
    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let (from, to) = (read_height(r)?, read_height(r)?);
        Ok(Self::ValueRequest(ValueRequest::new(from..=to)))
    }
}

fn write_certificate(w: &mut Writer, certificate: &ExtendedCommitCertificate<Ctx>) {
    w.u64(certificate.height.0);
    write_round(w, certificate.round);
    w.fixed(&certificate.value_id.0.0);
    write_list(w, &certificate.commit_signatures, |w, s| {
        w.fixed(&s.address.0.0);
        w.fixed(&s.signature.0);
    });
}

fn read_certificate(r: &mut Reader<'_>) -> Result<ExtendedCommitCertificate<Ctx>, WireError> {
    Ok(ExtendedCommitCertificate {
        height: read_height(r)?,
        round: read_round(r)?,
        value_id: read_block(r)?,
        commit_signatures: read_list(r, |r| {
            Ok(ExtendedCommitSignature::new(read_address(r)?, read_signature(r)?, None))
        })?,
    })
}

impl Codec<Response<Ctx>> for Wire {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<Response<Ctx>, WireError> {
        whole(&bytes, |r| {
            let start = read_height(r)?;
            let n = r.count(0, MOST_VALUES, "blocks")?;
            let value = |_| {
                let value_bytes = Bytes::copy_from_slice(r.bytes(self.most, "block")?);
                Ok(RawDecidedValue { value_bytes, certificate: read_certificate(r)? })
            };
            let values = (0..n).map(value).collect::<Result<Vec<_>, WireError>>()?;
            Ok(Response::ValueResponse(ValueResponse::new(start, values)))
        })
    }

    fn encode(&self, response: &Response<Ctx>) -> Result<Bytes, WireError> {
        let Response::ValueResponse(response) = response;
        let mut w = Writer::new();
        w.u64(response.start_height.0);
        write_list(&mut w, &response.values, |w, value| {
            w.bytes(&value.value_bytes);
            write_certificate(w, &value.certificate);
        });
        Ok(w.finish().into())
    }
}

impl HasEncodedLen<Response<Ctx>> for Wire {
    fn encoded_len(&self, response: &Response<Ctx>) -> Result<usize, WireError> {
        let Response::ValueResponse(response) = response;
        let value = |value: &RawDecidedValue<Ctx>| {
            4 + value.value_bytes.len() + 8 + 5 + 32 + 4 + 96 * value.certificate.commit_signatures.len()
        };
        Ok(8 + 4 + response.values.iter().map(value).sum::<usize>())
    }
}

#[cfg(test)]
mod tests {
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
            let value =
                RawDecidedValue { value_bytes: vec![1; bytes].into(), certificate: certificate.clone() };
            Response::<Ctx>::ValueResponse(ValueResponse::new(Height(7), vec![value; n]))
        };
        let good = answer(1000, 2);
        round_trip(&good);
        assert_eq!(WIRE.encoded_len(&good), WIRE.encode(&good).map(|bytes| bytes.len()));
        let decode = |answer| Codec::<Response<Ctx>>::decode(&WIRE, WIRE.encode(&answer).expect("encodes"));
        assert!(matches!(decode(answer(1001, 1)), Err(WireError::Length { .. })), "a block too large");
        assert!(matches!(decode(answer(0, MOST_VALUES + 1)), Err(WireError::Length { .. })), "too many");
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
        let part = |part: Option<Part>| {
            part.is_some_and(|part| !matches!(part, Part::Data(d) if d.len() > PART_BYTES))
        };
        let stream = reads::<StreamMessage<Part>>(bytes).map(|message| {
            assert!(message.stream_id.to_bytes().len() <= STREAM_ID_BYTES);
            if let StreamContent::Data(Part::Data(data)) = &message.content {
                assert!(data.len() <= PART_BYTES);
            }
        });
        let polka = reads::<PolkaCertificate<Ctx>>(bytes);
        assert!(polka.as_ref().is_none_or(|p| p.polka_signatures.len() <= 2 * MAX_VALIDATORS));
        let answer = reads::<Response<Ctx>>(bytes).map(|Response::ValueResponse(answer)| {
            assert!(answer.values.len() <= MOST_VALUES);
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
}
