//! The agent: serves the control socket, catches up on what is queued whenever peers are there,
//! cares for what is stored ([`caring`]), moves away what holders cannot keep ([`moving`]), reads
//! what it holds for others again ([`scrubbing`]), counts it ([`counting`]), asks what they keep
//! ([`comparing`]), and tells holders every day what is still wanted.
//!
//! Offers and roster are the engine's own upkeep, since they are due without an agent as well.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use p2p::{Grid, PeerId, PeerState};
use tokio_util::sync::CancellationToken;

use super::control::{Control, Desk, Ready};
use super::engine::{Engine, EngineError};
use super::events::EventMonitor;
use super::failure::told;
use super::guarding::keep_guarding;
use super::measuring::keep_measuring;
use super::mounts::mount_again;
use crate::api::limits::CallLimits;
use crate::api::{Answer, Call, DrillArgs, Failure};
use crate::flow::backup::{catch_up, is_shortage};
use crate::flow::retain::{self, RetainPlan};
use crate::flow::{Ctx, FlowError, drill, publish};

mod caring;
mod comparing;
mod counting;
mod moving;
pub(super) mod scheduling;
mod scrubbing;

/// Between two looks whether something is queued, while nobody comes or goes.
const CATCH_UP: Duration = Duration::from_secs(20);
/// Between the end of one look and the next, whoever comes and goes.
const BREATHER: Duration = Duration::from_secs(2);
/// Between two retain sets for one holder.
const RETAIN: Duration = Duration::from_secs(24 * 3600);
/// Between two looks whose turn it is.
const RETAIN_LOOK: Duration = Duration::from_secs(600);
/// Between two looks whether a drill is due.
const DRILL_LOOK: Duration = Duration::from_secs(3600);
/// How long to wait for the first peers before the agent says that it is ready.
const FIRST_PEERS: Duration = Duration::from_secs(3);

/// Runs the agent on an engine until `stop`, then stops the engine. `ready` is called once, when
/// the socket answers, the network listens, and the peers known so far were greeted or did not
/// answer. Not cancel-safe.
pub async fn run(
    engine: Arc<Engine>,
    stop: CancellationToken,
    ready: impl FnOnce(&Ready),
) -> Result<(), EngineError> {
    let path = engine.home.control_sock();
    let control = match Control::bind(&path) {
        Ok(control) => control,
        Err(source) => {
            engine.stop().await;
            return Err(EngineError::Io { path, source });
        }
    };
    engine.becomes_agent();
    let desk = Arc::new(FrontDesk { engine: engine.clone() });
    let serving = control.serve(desk.clone(), stop.clone());
    let catching = Box::pin(keep_catching_up(&engine, stop.clone()));
    let caring = Box::pin(caring::keep_caring(&engine, stop.clone()));
    let retaining = Box::pin(keep_retaining(&engine, stop.clone()));
    let drilling = Box::pin(keep_drilling(&engine, stop.clone()));
    let moving = Box::pin(moving::keep_moving(&engine, stop.clone()));
    let guarding = Box::pin(keep_guarding(&engine, stop.clone()));
    let scrubbing = Box::pin(scrubbing::keep_scrubbing(&engine, stop.clone()));
    let counting = Box::pin(counting::keep_counting(&engine, stop.clone()));
    let greeting = async {
        tokio::select! { biased;
            () = stop.cancelled() => {}
            () = engine.swarm.settle(FIRST_PEERS) => ready(&desk.ready()),
        }
    };
    let measuring = keep_measuring(&engine, stop.clone());
    let mounting = Box::pin(mount_again(&engine, stop.clone()));
    let comparing = Box::pin(comparing::keep_comparing(&engine, stop.clone()));
    let scheduling = Box::pin(scheduling::keep_scheduling(&engine, stop.clone()));
    // All of them end with `stop`.
    tokio::join!(
        serving, catching, caring, retaining, drilling, guarding, measuring, moving, scrubbing,
        comparing, counting, scheduling, mounting, greeting
    );
    engine.stop().await;
    Ok(())
}

/// The engine behind the socket.
struct FrontDesk {
    engine: Arc<Engine>,
}

impl Desk for FrontDesk {
    fn call(
        self: Arc<Self>,
        call: Call,
        monitor: Arc<EventMonitor>,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, Result<Answer, Failure>> {
        Box::pin(async move { self.engine.call(call, monitor, cancel).await })
    }

    fn limit(&self, limits: CallLimits) -> Box<dyn std::any::Any + Send> {
        Box::new(self.engine.regulator.during(limits))
    }

    fn ready(&self) -> Ready {
        Ready {
            name: self.engine.ctx.device.cert.name.clone(),
            peer_id: self.engine.me().to_string(),
            listen: self.engine.swarm.listen_addresses(),
            pid: std::process::id(),
        }
    }
}

/// Places and publishes what is queued, which is safe to cut anywhere.
async fn keep_catching_up(engine: &Engine, stop: CancellationToken) {
    let work = async || match catch_up_once(engine).await {
        Err(error) if is_shortage(&error) => {
            tracing::debug!(%error, "still queued");
            Ok(())
        }
        result => result,
    };
    repeat(&stop, "catch up", || reason_to_look(engine), work).await;
}

/// Waits for a reason and then works, again and again until `stop`. Both may be cut off anywhere;
/// what goes wrong is logged as something the agent cannot do, and tried again.
pub(super) async fn repeat<R, W>(
    stop: &CancellationToken,
    cannot: &str,
    mut reason: impl FnMut() -> R,
    mut work: impl FnMut() -> W,
) where
    R: Future<Output = ()>,
    W: Future<Output = Result<(), FlowError>>,
{
    loop {
        let turn = async {
            reason().await;
            work().await
        };
        let result = tokio::select! { biased;
            () = stop.cancelled() => return,
            result = turn => result,
        };
        if let Err(error) = result {
            tracing::warn!(error = %told(&error), "cannot {cannot}");
        }
    }
}

/// Tells holders every day what is wanted, which renews the lease there and lets them free the
/// rest. Each range of a set is applied whole or not at all.
async fn keep_retaining(engine: &Engine, stop: CancellationToken) {
    let reason = || tokio::time::sleep(RETAIN_LOOK);
    repeat(&stop, "tell holders what is wanted", reason, || retain_once(engine)).await;
}

/// Tells the holders whose turn it is.
async fn retain_once(engine: &Engine) -> Result<(), FlowError> {
    let due = retain::due(engine.ctx(), RETAIN.as_secs())?;
    if due.is_empty() {
        return Ok(());
    }
    // A backup may be publishing beside it.
    let plan = RetainPlan { only: Some(due), settle_secs: RETAIN.as_secs() };
    let report = retain::retain(engine.ctx(), &plan).await?;
    let (told, sum) = (report.told.len(), report.sum());
    tracing::info!(told, missed = report.missed.len(), left = sum.left, "told what is wanted");
    Ok(())
}

/// Rehearses a restore whenever one is due.
async fn keep_drilling(engine: &Engine, stop: CancellationToken) {
    loop {
        tokio::select! { biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(DRILL_LOOK) => {}
        }
        // Stopped through its token, so that it tidies up.
        match drill_if_due(engine, &stop).await {
            Ok(None) => {}
            Ok(Some(good)) => tracing::info!(good, "rehearsed a restore"),
            Err(FlowError::Cancelled) => return,
            Err(error) => tracing::warn!(error = %told(&error), "cannot rehearse a restore"),
        }
    }
}

/// Whether it went well, when one was due and there is something to restore.
pub(super) async fn drill_if_due(
    engine: &Engine,
    stop: &CancellationToken,
) -> Result<Option<bool>, FlowError> {
    let ctx = engine.ctx();
    let due = drill::drills(ctx)?.is_due(ctx.clock.now_secs());
    if !due || publish::current_head(ctx)?.is_none() || online(engine).is_empty() {
        return Ok(None);
    }
    let _drilling = engine.drilling.lock().await;
    let plan = super::calls::drill_plan(engine, &DrillArgs::default());
    Ok(Some(drill::drill(ctx, &plan, stop).await?.is_good()))
}

/// Waits until somebody came or went, or it has been a while.
async fn reason_to_look(engine: &Engine) {
    let before = online(engine);
    tokio::time::sleep(BREATHER).await;
    let mut changed = engine.swarm.members().changed();
    let others = async {
        while online(engine) == before {
            if changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    // Whichever comes first: that the deadline passed is a reason as well.
    tokio::time::timeout(CATCH_UP, others).await.unwrap_or_default();
}

fn online(engine: &Engine) -> Vec<PeerId> {
    let peers = engine.swarm.peers().into_iter();
    peers.filter(|peer| peer.state == PeerState::Online).map(|peer| peer.peer).collect()
}

/// Places and publishes what is queued, unless a backup is at it.
pub(super) async fn catch_up_once(engine: &Engine) -> Result<(), FlowError> {
    if engine.regulator.holding().backups.is_some() {
        return Ok(());
    }
    let Some(_writing) = engine.try_write() else { return Ok(()) };
    let ctx = engine.ctx();
    if ctx.grid.peers().is_empty() || !is_queued(ctx)? {
        return Ok(());
    }
    tracing::info!("placing what is queued");
    let queued = catch_up(ctx).await?;
    tracing::info!(still_queued = queued, "placed what could be");
    Ok(())
}

/// Whether there is anything to catch up on.
fn is_queued<G: Grid>(ctx: &Ctx<G>) -> Result<bool, FlowError> {
    if !ctx.spool.list().is_empty() || publish::pending_head(ctx)?.is_some() {
        return Ok(true);
    }
    let snapshots = ctx.catalog.snapshots()?;
    Ok(snapshots.iter().any(|(_, state, _)| *state == publish::SNAPSHOT_PENDING))
}
