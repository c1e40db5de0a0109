//! Catching up: decided blocks that other validators send, and those that they ask for.

use super::{ANSWER_BYTES, ConsensusHost, blocking};
use crate::codec::MAX_VALUES;
use crate::context::Ctx;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::types::{Address, BlockId, Height};
use crate::validation;
use amanat_ledger::Fault;
use arc_malachitebft_app_channel::app::engine::host::SyncedValueOutcome;
use arc_malachitebft_app_channel::app::types::ProposedValue;
use arc_malachitebft_app_channel::app::types::core::{Round, Validity};
use arc_malachitebft_app_channel::app::types::sync::RawDecidedValue;
use bytes::Bytes;
use std::ops::RangeInclusive;

impl ConsensusHost {
    /// A decided block from another validator.
    pub(super) async fn fetched(
        &mut self,
        height: Height,
        round: Round,
        proposer: Address,
        bytes: Bytes,
    ) -> Result<SyncedValueOutcome<Ctx>, Error> {
        // This validator has moved on since it asked: the peer is not to blame.
        let Some(n) = round.as_u32().filter(|_| height == self.next()) else {
            return Ok(SyncedValueOutcome::LocalTransientError);
        };
        // No hash is expected: which block was decided is for the certificate to say, and Malachite
        // checks that one.
        let block = match validation::read_block(&bytes, None, self.limits.transactions) {
            Ok(block) => block,
            Err(reason) => {
                tracing::warn!(target: "audit", height = height.0, %reason, "a peer answered with bytes that are not a block");
                return Ok(SyncedValueOutcome::PeerFault);
            }
        };
        let hash = block.header.hash();
        // A quorum's certificate does not replace our rules: every transaction is verified here.
        // The clock is not asked, because the block is old.
        let validity = match self.validate(&block, false).await? {
            Ok(()) => {
                self.keep(&block, n, Vec::new()).await?;
                #[cfg(feature = "insecure_tamper")]
                crate::crash::crash_at("fetched", height.0);
                self.fetched = Some((height.0, hash));
                Metrics::one(&self.app.metrics.fetched);
                Validity::Valid
            }
            Err(reason) => {
                tracing::warn!(target: "audit", %proposer, height = height.0, block = %hash, reason, "fetched block refused");
                Validity::Invalid
            }
        };
        let (value, valid_round) = (BlockId(hash), Round::Nil);
        Ok(SyncedValueOutcome::Verdict(ProposedValue {
            height,
            round,
            valid_round,
            proposer,
            value,
            validity,
        }))
    }

    /// Blocks of a range with their certificates, as many as one answer holds.
    pub(super) async fn history(
        &self,
        range: RangeInclusive<Height>,
    ) -> Result<Vec<RawDecidedValue<Ctx>>, Error> {
        let chain = self.app.chain.clone();
        let values = blocking(move || -> Result<_, Fault> {
            let (mut values, mut bytes) = (Vec::new(), 0);
            for height in (range.start().0..=range.end().0).take(MAX_VALUES) {
                let block = match chain.block(height) {
                    // The asking validator was told the first height that is kept: what it lacks it
                    // asks elsewhere.
                    Err(Fault::Pruned { .. }) => break,
                    block => block?,
                };
                let (Some(block), Some(certificate)) = (block, chain.certificate(height)?) else { break };
                let block = block.to_bytes();
                bytes += block.len();
                // At least one block, however large: an empty answer would be asked for again
                // without end.
                if bytes > ANSWER_BYTES && !values.is_empty() {
                    break;
                }
                let certificate = validation::extended(&certificate);
                values.push(RawDecidedValue { value_bytes: block.into(), certificate });
            }
            Ok(values)
        });
        Ok(values.await??)
    }
}
