//! Asks every holder now and then, under its signature, how much it keeps of ours: so that the last
//! word of one that is away is not old, and one that keeps less than it took is noticed.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::daemon::duties::repeat;
use crate::daemon::engine::Engine;
use crate::flow::{FlowError, usage};

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(3600);
/// How long all holders of a round have to answer.
const WAIT: Duration = Duration::from_secs(60);

/// Asks again and again until `stop`; what was heard is kept whole or not at all.
pub(super) async fn keep_comparing(engine: &Engine, stop: CancellationToken) {
    let reason = || tokio::time::sleep(ROUND);
    repeat(&stop, "ask holders what they keep", reason, || compare(engine)).await;
}

async fn compare(engine: &Engine) -> Result<(), FlowError> {
    let heard = usage::ask(engine.ctx(), WAIT).await?;
    tracing::debug!(heard, "holders said what they keep");
    Ok(())
}
