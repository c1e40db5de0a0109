//! What a node does for development alone: its epochs are advanced by hand, so a test decides when
//! one begins.

use super::refusal::HttpRefusal;
use super::{Shared, blocking, faulty};
use amanat_api::view::EpochView;
use amanat_ledger::Fault;
use axum::Json;
use axum::extract::State;
use std::sync::Arc;

/// `POST /v1/dev/epoch`: answers when the bundle of the next epoch is sealed.
pub(super) async fn next_epoch(State(shared): State<Arc<Shared>>) -> Result<Json<EpochView>, HttpRefusal> {
    blocking(&shared, |shared| {
        let absent = || faulty(&Fault::Bug("a path for development without its clock".into()));
        let clock = shared.by_hand.as_ref().ok_or_else(absent)?;
        let epoch = clock.next_epoch()?;
        shared.consensus.settle(shared.clock.now()).map_err(|why| faulty(&Fault::Bug(why)))?;
        shared.announce();
        Ok(Json(EpochView { epoch }))
    })
    .await
}
