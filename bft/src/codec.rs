//! The one encoding of everything the engine sends or logs, over the ledger's own wire format:
//! total, canonical, bounded. Bytes from the network never panic and are paid for before anything
//! is allocated.

use crate::body::{PART_BYTES, STREAM_ID_BYTES};
use crate::context::Ctx;
use crate::types::{
    Address, BlockId, Height, Init, Part, Proposal, Signature, Vote, read_round, write_round,
};
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
pub(crate) const MAX_VALUES: usize = 64;

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
        // Nothing but zeros: a vote has one encoding.
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
            let n = r.count(0, MAX_VALUES, "blocks")?;
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
mod tests;
