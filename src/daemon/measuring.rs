//! Where we are: the coordinate that the network finds by itself, kept over restarts.

use std::time::Duration;

use chunker::Record;
use p2p::Members;
use p2p::coords::Coord;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::duties::repeat;
use super::engine::Engine;
use crate::flow::FlowError;

/// Between two notes.
const NOTE: Duration = Duration::from_secs(200);
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

/// Notes where we are, again and again until `stop`.
pub(super) async fn keep_measuring(engine: &Engine, stop: CancellationToken) {
    repeat(&stop, "note where we are", || tokio::time::sleep(NOTE), || note(engine)).await;
}

async fn note(engine: &Engine) -> Result<(), FlowError> {
    let Some(coord) = engine.swarm.members().chart().me else { return Ok(()) };
    let (ctx, catalog) = (engine.ctx(), engine.ctx().catalog.clone());
    Ok(ctx.work(move || catalog.set(COORD, &Place { coord }.encode())).await??)
}
