//! A proposed block on its way: an announcement that the proposer signed, then the block in parts.
//!
//! Parts may come in any order and from anyone the network lets in, so what is gathered is bounded:
//! per part, per block, per publisher and in all. A block that does not have the hash of its
//! announcement is nobody's word for anything and is dropped.

use crate::types::{Init, Part};
use amanat_ledger::Limits;
use arc_malachitebft_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use std::collections::BTreeMap;

/// Bytes of a block in one part.
pub(crate) const PART_BYTES: usize = 128 * 1024;
/// Most bytes of a stream's id.
pub(crate) const STREAM_ID_BYTES: usize = 64;
/// Largest block this engine carries: several fit into an answer to a validator that catches up.
pub(crate) const MAX_BLOCK_BYTES: u32 = 4 * 1024 * 1024;
/// Streams one publisher may have open; the oldest goes.
const STREAMS: usize = 2;

/// Most bytes of a block's encoding under these limits: header, count, and a length before each
/// transaction.
pub(crate) const fn most_bytes(limits: &Limits) -> usize {
    limits.bytes as usize + 4 * limits.transactions as usize + 512
}

/// The messages of a stream that carries a block.
pub(crate) fn split(id: &StreamId, init: Init, bytes: &[u8]) -> Vec<StreamMessage<Part>> {
    let parts =
        std::iter::once(Part::Init(init)).chain(bytes.chunks(PART_BYTES).map(|c| Part::Data(c.to_vec())));
    let contents = parts.map(StreamContent::Data).chain([StreamContent::Fin]);
    (0..).zip(contents).map(|(sequence, content)| StreamMessage::new(id.clone(), sequence, content)).collect()
}

/// Streams that are being gathered, by publisher.
pub(crate) struct Assembly {
    /// Most bytes of a block.
    most: usize,
    /// Most bytes of all streams together.
    budget: usize,
    bytes: usize,
    next: u64,
    publishers: BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, Stream>>,
}

#[derive(Default)]
struct Stream {
    begun: u64,
    init: Option<Init>,
    parts: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
    /// Number of messages before the last.
    fin: Option<u64>,
}

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PartRefusal {
    #[error("the announcement is not signed by the proposer of its round")]
    Unsigned,
    #[error("the stream is longer than a block may be")]
    TooLong,
    #[error("the stream contradicts itself")]
    Contradiction,
}

impl Assembly {
    /// For blocks of at most `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        let budget = (4 * most).max(32 * 1024 * 1024);
        Self { most, budget, bytes: 0, next: 0, publishers: BTreeMap::new() }
    }

    /// Takes a message. Gives the announcement and the bytes once they are complete. A stream with
    /// a message that is refused is dropped whole.
    pub(crate) fn add(
        &mut self,
        publisher: &[u8],
        message: StreamMessage<Part>,
        signed: impl FnOnce(&Init) -> bool,
    ) -> Result<Option<(Init, Vec<u8>)>, PartRefusal> {
        let id = message.stream_id.to_bytes().to_vec();
        self.open(publisher, &id);
        let streams = self.publishers.entry(publisher.to_vec()).or_default();
        let stream = streams.get_mut(&id).expect("just opened");
        let before = stream.bytes;
        let taken = stream.take(message, self.most, signed);
        self.bytes = self.bytes + stream.bytes - before;
        let complete = stream.complete();
        match taken {
            Err(refusal) => {
                self.close(publisher, &id);
                Err(refusal)
            }
            Ok(()) if complete => {
                let whole = self.close(publisher, &id).and_then(Stream::join);
                whole.map(Some).ok_or(PartRefusal::Contradiction)
            }
            Ok(()) => {
                self.shrink();
                Ok(None)
            }
        }
    }

    /// Drops streams for heights that are decided.
    pub(crate) fn forget(&mut self, decided: u64) {
        for streams in self.publishers.values_mut() {
            streams.retain(|_, s| s.init.as_ref().is_none_or(|init| init.height.0 > decided));
        }
        self.publishers.retain(|_, streams| !streams.is_empty());
        self.bytes = self.publishers.values().flat_map(BTreeMap::values).map(|s| s.bytes).sum();
    }

    fn open(&mut self, publisher: &[u8], id: &[u8]) {
        let streams = self.publishers.entry(publisher.to_vec()).or_default();
        if streams.contains_key(id) {
            return;
        }
        let oldest = streams.iter().min_by_key(|(_, s)| s.begun).map(|(id, _)| id.clone());
        let full = streams.len() >= STREAMS;
        streams.insert(id.to_vec(), Stream { begun: self.next, ..Stream::default() });
        self.next += 1;
        if let Some(oldest) = oldest.filter(|_| full) {
            self.close(publisher, &oldest);
        }
    }

    fn close(&mut self, publisher: &[u8], id: &[u8]) -> Option<Stream> {
        let streams = self.publishers.get_mut(publisher)?;
        let stream = streams.remove(id)?;
        if streams.is_empty() {
            self.publishers.remove(publisher);
        }
        self.bytes -= stream.bytes;
        Some(stream)
    }

    /// The sender with the most room loses its oldest stream.
    fn shrink(&mut self) {
        // A flood costs its own sender: others hold less, and keep their streams.
        while self.bytes > self.budget {
            let held = |streams: &BTreeMap<Vec<u8>, Stream>| streams.values().map(|s| s.bytes).sum::<usize>();
            let Some((publisher, streams)) = self.publishers.iter().max_by_key(|(_, s)| held(s)) else {
                return;
            };
            let Some((id, _)) = streams.iter().min_by_key(|(_, s)| s.begun) else { return };
            let (publisher, id) = (publisher.clone(), id.clone());
            self.close(&publisher, &id);
        }
    }
}

impl Stream {
    fn take(
        &mut self,
        message: StreamMessage<Part>,
        most: usize,
        signed: impl FnOnce(&Init) -> bool,
    ) -> Result<(), PartRefusal> {
        let longest = most.div_ceil(PART_BYTES) as u64 + 1;
        if message.sequence > longest {
            return Err(PartRefusal::TooLong);
        }
        match message.content {
            // The same end again is no contradiction: a network may deliver a message twice.
            StreamContent::Fin if self.fin.is_none_or(|fin| fin == message.sequence) => {
                self.fin = Some(message.sequence);
                Ok(())
            }
            StreamContent::Data(Part::Init(init)) if message.sequence == 0 => {
                if self.init.as_ref().is_some_and(|known| *known != init) {
                    return Err(PartRefusal::Contradiction);
                }
                if init.bytes as usize > most {
                    return Err(PartRefusal::TooLong);
                }
                if !signed(&init) {
                    return Err(PartRefusal::Unsigned);
                }
                self.init = Some(init);
                Ok(())
            }
            StreamContent::Data(Part::Data(data)) if message.sequence > 0 => {
                if data.len() > PART_BYTES || self.bytes + data.len() > most {
                    return Err(PartRefusal::TooLong);
                }
                // The same part again, as a network may deliver it.
                if !self.parts.contains_key(&message.sequence) {
                    self.bytes += data.len();
                    self.parts.insert(message.sequence, data);
                }
                Ok(())
            }
            _ => Err(PartRefusal::Contradiction),
        }
    }

    fn complete(&self) -> bool {
        self.init.is_some() && self.fin.is_some_and(|fin| self.parts.len() as u64 + 1 >= fin)
    }

    fn join(self) -> Option<(Init, Vec<u8>)> {
        let init = self.init?;
        let in_order = (1..).zip(self.parts.keys()).all(|(expected, got)| expected == *got);
        let bytes: Vec<u8> = self.parts.into_values().flatten().collect();
        (in_order
            && self.fin == Some(bytes.chunks(PART_BYTES).len() as u64 + 1)
            && bytes.len() == init.bytes as usize)
            .then_some((init, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Address, Height, Signature};
    use amanat_domain::block::BlockHash;
    use amanat_domain::quorum::ValidatorKey;
    use arc_malachitebft_app_channel::app::streaming::Sequence;
    use arc_malachitebft_app_channel::app::types::core::Round;

    fn init(bytes: usize) -> Init {
        Init {
            height: Height(3),
            round: Round::new(1),
            valid_round: Round::Nil,
            proposer: Address(ValidatorKey([1; 32])),
            block: BlockHash([2; 32]),
            bytes: bytes as u32,
            signature: Signature([0; 64]),
        }
    }

    fn id(n: u8) -> StreamId {
        StreamId::new(vec![n].into())
    }

    fn data(n: u8, sequence: Sequence, bytes: usize) -> StreamMessage<Part> {
        StreamMessage::new(id(n), sequence, StreamContent::Data(Part::Data(vec![7; bytes])))
    }

    #[test]
    fn parts_in_any_order_and_twice_give_the_block() {
        let body: Vec<u8> = (0..300_000u32).map(|i| i as u8).collect();
        let mut messages = split(&id(1), init(body.len()), &body);
        assert_eq!(messages.len(), 5, "announcement, three parts, end");
        messages.reverse();
        messages.insert(2, messages[1].clone());
        let mut assembly = Assembly::new(400_000);
        let last = messages.pop().expect("five");
        for message in messages {
            assert_eq!(assembly.add(b"peer", message, |_| true), Ok(None));
        }
        assert_eq!(assembly.add(b"peer", last, |_| true), Ok(Some((init(body.len()), body))));
        assert_eq!((assembly.bytes, assembly.publishers.len()), (0, 0), "nothing is left behind");
    }

    #[test]
    fn an_empty_body_is_complete_too() {
        let mut assembly = Assembly::new(10);
        let mut messages = split(&id(1), init(0), b"").into_iter();
        assert_eq!(assembly.add(b"p", messages.next().expect("one"), |_| true), Ok(None));
        assert_eq!(
            assembly.add(b"p", messages.next().expect("two"), |_| true),
            Ok(Some((init(0), Vec::new())))
        );
    }

    #[test]
    fn what_is_too_long_unsigned_or_contradicts_itself_is_dropped() {
        let mut assembly = Assembly::new(1000);
        let first = |init| StreamMessage::new(id(1), 0, StreamContent::Data(Part::Init(init)));
        assert_eq!(assembly.add(b"p", first(init(1001)), |_| true), Err(PartRefusal::TooLong));
        assert_eq!(assembly.add(b"p", first(init(9)), |_| false), Err(PartRefusal::Unsigned));
        assert_eq!(assembly.add(b"p", data(1, 1, 1001), |_| true), Err(PartRefusal::TooLong));
        assert_eq!(assembly.add(b"p", data(1, u64::MAX, 1), |_| true), Err(PartRefusal::TooLong));
        assert_eq!(assembly.add(b"p", data(1, 0, 1), |_| true), Err(PartRefusal::Contradiction));
        // More bytes, fewer bytes, or a hole.
        assert_eq!(assembly.add(b"p", first(init(5)), |_| true), Ok(None));
        assert_eq!(assembly.add(b"p", data(1, 1, 6), |_| true), Ok(None));
        let fin = |n| StreamMessage::new(id(1), n, StreamContent::Fin);
        assert_eq!(assembly.add(b"p", fin(2), |_| true), Err(PartRefusal::Contradiction));
        assert_eq!(assembly.add(b"p", first(init(5)), |_| true), Ok(None));
        assert_eq!(assembly.add(b"p", data(1, 2, 5), |_| true), Ok(None));
        assert_eq!(assembly.add(b"p", fin(2), |_| true), Err(PartRefusal::Contradiction));
        assert_eq!((assembly.bytes, assembly.publishers.len()), (0, 0));
    }

    #[test]
    fn what_is_gathered_is_bounded_per_publisher_and_in_all() {
        let mut assembly = Assembly::new(PART_BYTES);
        for n in 0..10 {
            assert_eq!(assembly.add(b"greedy", data(n, 1, PART_BYTES), |_| true), Ok(None));
        }
        assert_eq!(assembly.publishers[&b"greedy"[..]].len(), STREAMS);
        assert_eq!(assembly.bytes, STREAMS * PART_BYTES);
        assembly.budget = 3 * PART_BYTES;
        assert_eq!(assembly.add(b"modest", data(1, 1, PART_BYTES), |_| true), Ok(None));
        assert_eq!(assembly.add(b"other", data(1, 1, PART_BYTES), |_| true), Ok(None));
        assert_eq!(assembly.publishers[&b"greedy"[..]].len(), 1, "the greedy one loses the oldest");
        assert_eq!(assembly.bytes, 3 * PART_BYTES);
        let first = StreamMessage::new(id(1), 0, StreamContent::Data(Part::Init(init(5))));
        assert_eq!(assembly.add(b"modest", first, |_| true), Ok(None));
        assembly.forget(3);
        assert!(!assembly.publishers.contains_key(&b"modest"[..]));
        assert_eq!(assembly.bytes, 2 * PART_BYTES);
    }
}
