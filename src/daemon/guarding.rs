//! The agent as guardian of others' shards, and as owner of shards that have guardians.

use std::time::Duration;

use futures::FutureExt;
use p2p::{Grid, PeerState};
use tokio_util::sync::CancellationToken;

use super::duties::repeat;
use super::engine::Engine;
use super::failure::told;
use crate::flow::guard::{self, Round};
use crate::flow::{Ctx, FlowError};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(3600);
/// How old a list may be at a guardian, in seconds.
const LIST_SECS: u64 = 24 * 3600;

/// Looks after the wards, and keeps the own guardians up to date, until the agent stops.
pub(super) async fn keep_guarding(engine: &Engine, stop: CancellationToken) {
    let both = async || {
        watch(engine).await?;
        inform(engine).await
    };
    repeat(&stop, "guard", || tokio::time::sleep(LOOK), both).await;
}

/// One round for every owner who made this device a guardian. One that fails keeps no other from
/// its turn.
pub(super) async fn watch(engine: &Engine) -> Result<(), FlowError> {
    let (ctx, wards) = (engine.ctx(), engine.wards.clone());
    let owners = {
        let wards = wards.clone();
        ctx.work(move || wards.owners()).await??
    };
    for owner in owners {
        match guard::round(ctx, &wards, owner).boxed().await {
            Ok(Round { owner_about: true, .. }) => {}
            Ok(Round { packs, short, repaired, .. }) => {
                let owner = owner.short();
                tracing::info!(%owner, packs, short, repaired, "looked after an absent owner");
            }
            Err(error) => {
                tracing::warn!(owner = %owner.short(), error = %told(&error), "cannot guard");
            }
        }
    }
    Ok(())
}

/// Takes over what the guardians did, and gives them the list as it is, unless a backup runs.
async fn inform(engine: &Engine) -> Result<(), FlowError> {
    let Some(_writing) = engine.try_write() else { return Ok(()) };
    inform_all(engine.ctx()).boxed().await
}

async fn inform_all<G: Grid>(ctx: &Ctx<G>) -> Result<(), FlowError> {
    let now = ctx.clock.now_secs();
    let online = ctx.grid.peers().into_iter().filter(|peer| peer.state == PeerState::Online);
    let online: Vec<_> = online.map(|peer| peer.peer).collect();
    for (peer, entry) in guard::guardians(ctx)?.all {
        if online.contains(&peer) && now.saturating_sub(entry.entrusted_secs) >= LIST_SECS {
            let moved = guard::collect(ctx, peer).await?.len();
            let listed = guard::entrust(ctx, peer).await?.packs;
            tracing::info!(guardian = %peer.short(), moved, listed, "told a guardian");
        }
    }
    Ok(())
}
