//! Measuring the grid while the agent runs: who is here, every few minutes, and where we are.
//!
//! Round trips and coordinates are the network's own upkeep; here they are kept over restarts.
//! Invariant: an agent that stops or sleeps leaves no trace in what was seen of others; nothing is
//! noted for the time in which nobody looked.

use std::time::Duration;

use chunker::Record;
use p2p::Members;
use p2p::coords::Coord;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use super::failure::told;
use crate::flow::{FlowError, presence};

/// Between two looks: three in each window, so that one missed answer is no absence.
const LOOK: Duration = Duration::from_secs(200);
/// Catalog key.
const COORD: &str = "coord";

/// Where this device was last.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    #[serde(rename = "c")]
    coord: Coord,
}

impl Record for Place {
    const NAME: &'static str = "coordinate";
    const VERSION: u8 = 1;
    const LIMIT: usize = 256;
}

/// Goes on at the coordinate of the last run. One that cannot be read is found anew.
pub(super) fn resume(catalog: &store::Catalog, members: &Members) {
    let kept = catalog.get(COORD).ok().flatten();
    if let Some(Ok(place)) = kept.map(|bytes| Place::decode(&bytes)) {
        members.resume_at(place.coord);
    }
}

/// Looks again and again until `stop`.
pub(super) async fn keep_measuring(engine: &Engine, stop: CancellationToken) {
    loop {
        tokio::select! { biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        if let Err(error) = look(engine).await {
            tracing::warn!(error = %told(&error), "cannot note who is here");
        }
    }
}

async fn look(engine: &Engine) -> Result<(), FlowError> {
    let ctx = engine.ctx();
    presence::observe(ctx).await?;
    let Some(coord) = engine.swarm.members().chart().me else { return Ok(()) };
    let catalog = ctx.catalog.clone();
    Ok(ctx.work(move || catalog.set(COORD, &Place { coord }.encode())).await??)
}
