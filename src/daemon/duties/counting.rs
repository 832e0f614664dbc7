//! Sets the shelf's figures against what is really on its disks, slowly.
//!
//! A pass begins as often as the shelf is read again (`scrub-every`), whatever else the settings
//! say: it reads names and rows, not shards. At the rate below 5 million shards take hours. While
//! serving is paused, by a person or by the limits, nothing is counted. A step can be cut off
//! anywhere; the next one goes on where the last one ended.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::config::{Config, Donate};
use crate::daemon::engine::Engine;
use crate::daemon::failure::told;
use crate::host::OfferError;
use crate::offload::offload;

/// Names and rows looked at in one step.
const STEP: usize = 512;
/// After a step.
const BREATHER: Duration = Duration::from_secs(1);
/// Between two looks whether a pass is due, or allowed again.
const LOOK: Duration = Duration::from_secs(10);

/// Counts until `stop`.
pub(super) async fn keep_counting(engine: &Engine, stop: CancellationToken) {
    loop {
        let pause = tokio::select! { biased;
            () = stop.cancelled() => return,
            pause = step(engine) => pause,
        };
        let pause = pause.unwrap_or_else(|error| {
            tracing::warn!(error = %told(&error), "what is stored is not counted");
            LOOK
        });
        tokio::select! { biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Counts a little, if it is time. Returns how long to rest after that.
async fn step(engine: &Engine) -> Result<Duration, OfferError> {
    let file = engine.home.config();
    let config = offload(&engine.ctx().offload, move || Config::load(&file)).await?;
    let every = config.map_or_else(|_| Donate::default(), |config| config.donate).scrub_every.0;
    if engine.regulator.holding().serving.is_some() {
        return Ok(LOOK);
    }
    let Some(step) = engine.host().recount(STEP, every).await? else {
        return Ok(LOOK.min(Duration::from_secs(every.max(1))));
    };
    if step.drift > 0 {
        tracing::warn!(step.drift, "the shelf's figures were not what is on its disks");
    }
    Ok(BREATHER)
}
