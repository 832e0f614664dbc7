//! Reads the shelf's own files again at a low rate, and tells owners what turned out lost.
//!
//! The settings say how fast (`scrub`, bytes a second; 0 is never) and how often (`scrub-every`);
//! they are read before every step, so that both can change while the agent runs. While serving is
//! paused, by a person or by the limits, nothing is read. A step is a few seconds' worth of bytes,
//! and the pause after it makes the rate; it can be cut off anywhere.

use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Donate, Rate};
use crate::daemon::engine::Engine;
use crate::daemon::failure::told;
use crate::host::OfferError;
use crate::host::lost::{Told, tell};
use crate::offload::offload;

/// How many seconds' worth of bytes a step reads.
const STEP_SECS: u64 = 4;
/// Between two looks whether a pass is due, or allowed again.
const LOOK: Duration = Duration::from_secs(10);
/// The shortest pause after a step.
const BREATHER: Duration = Duration::from_secs(1);
/// Between two looks whom to tell: devices come and go.
const TELL: Duration = Duration::from_secs(30);

/// Scrubs and tells until `stop`.
pub(super) async fn keep_scrubbing(engine: &Engine, stop: CancellationToken) {
    let found = Notify::new();
    tokio::join!(keep_reading(engine, &stop, &found), keep_telling(engine, &stop, &found));
}

async fn keep_reading(engine: &Engine, stop: &CancellationToken, found: &Notify) {
    loop {
        let pause = tokio::select! { biased;
            () = stop.cancelled() => return,
            pause = step(engine, found) => pause,
        };
        let pause = pause.unwrap_or_else(|error| {
            tracing::warn!(error = %told(&error), "stored shards are not read again");
            LOOK
        });
        tokio::select! { biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Reads a little, if it is time. Returns how long to rest after that.
async fn step(engine: &Engine, found: &Notify) -> Result<Duration, OfferError> {
    let file = engine.home.config();
    let config = offload(&engine.ctx().offload, move || Config::load(&file)).await?;
    let donate = config.map_or_else(|_| Donate::default(), |config| config.donate);
    let Rate(rate @ 1..) = donate.scrub else { return Ok(LOOK) };
    if engine.regulator.holding().serving.is_some() {
        return Ok(LOOK);
    }
    let budget = rate.saturating_mul(STEP_SECS);
    let Some(step) = engine.host().scrub(budget, donate.scrub_every.0).await? else {
        return Ok(LOOK.min(Duration::from_secs(donate.scrub_every.0.max(1))));
    };
    if step.lost > 0 {
        tracing::error!(shards = step.lost, "stored shards are damaged or gone");
        found.notify_one();
    }
    Ok(Duration::from_secs_f64(step.bytes as f64 / rate as f64).max(BREATHER))
}

async fn keep_telling(engine: &Engine, stop: &CancellationToken, found: &Notify) {
    let mut told_so_far = Told::default();
    loop {
        let said = tokio::select! { biased;
            () = stop.cancelled() => return,
            said = tell(engine.host(), engine.swarm(), &mut told_so_far) => said,
        };
        let more = match said {
            Ok((_, more)) => more,
            Err(error) => {
                tracing::warn!(error = %told(&error), "owners are not told what is lost");
                false
            }
        };
        let pause = if more { BREATHER } else { TELL };
        tokio::select! { biased;
            () = stop.cancelled() => return,
            () = found.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}
