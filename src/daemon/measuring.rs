//! Measuring the grid while the agent runs: who is here, every few minutes.
//!
//! Invariant: an agent that stops or sleeps leaves no trace in what was seen of others; nothing is
//! noted for the time in which nobody looked.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use super::failure::told;
use crate::flow::presence;

/// Between two looks: three in each window, so that one missed answer is no absence.
const LOOK: Duration = Duration::from_secs(200);

/// Looks again and again until `stop`.
pub(super) async fn keep_measuring(engine: &Engine, stop: CancellationToken) {
    loop {
        tokio::select! { biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        if let Err(error) = presence::observe(engine.ctx()).await {
            tracing::warn!(error = %told(&error), "cannot note who is here");
        }
    }
}
