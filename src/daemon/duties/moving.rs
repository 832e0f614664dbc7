//! Moves our shards away from holders that ask for it, as soon as they do.

use std::time::Duration;

use p2p::Grid;
use tokio_util::sync::CancellationToken;

use crate::daemon::duties::repeat;
use crate::daemon::engine::Engine;
use crate::flow::{FlowError, moving};

/// Between two looks whether a holder asks, while no peer has anything new.
const LOOK: Duration = Duration::from_secs(20);
/// Between the end of one look and the next, whatever peers have to say.
const BREATHER: Duration = Duration::from_secs(1);

/// Moves what holders ask for until `stop`. A move is safe to cut anywhere: at worst there is a
/// copy too many.
pub(super) async fn keep_moving(engine: &Engine, stop: CancellationToken) {
    let changed = engine.swarm.members().changed();
    let reason = || {
        let mut changed = changed.clone();
        async move {
            tokio::time::sleep(BREATHER).await;
            // That nobody had news is a reason as well.
            drop(tokio::time::timeout(LOOK, changed.changed()).await);
        }
    };
    repeat(&stop, "move what a holder asks for", reason, || oblige_all(engine)).await;
}

/// Obliges every holder that asks, unless somebody else writes the backup just now.
async fn oblige_all(engine: &Engine) -> Result<(), FlowError> {
    let ctx = engine.ctx();
    let asking = moving::asking(ctx);
    if asking.is_empty() {
        return Ok(());
    }
    let Some(_writing) = engine.try_write() else { return Ok(()) };
    for holder in asking {
        let report = moving::oblige(ctx, holder).await?;
        if report != moving::MoveReport::default() {
            let me = ctx.grid.me();
            tracing::info!(me = %me.short(), holder = %holder.short(), ?report, "moved shards");
        }
    }
    Ok(())
}
