//! The agent: serves the control socket, and catches up on what is queued whenever peers are there.
//!
//! Offers and roster are the engine's own upkeep, since they are due without an agent as well.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use p2p::Grid;
use tokio_util::sync::CancellationToken;

use super::control::{Control, Desk, Ready};
use super::engine::{Engine, EngineError};
use super::events::EventMonitor;
use super::failure::told;
use crate::api::{Answer, Call, Failure};
use crate::flow::backup::{catch_up, is_shortage};
use crate::flow::{Ctx, FlowError, look, publish};

/// Between two looks whether something is queued.
const CATCH_UP: Duration = Duration::from_secs(20);

/// Runs the agent on an engine until `stop`, then stops the engine. `ready` is called once, when
/// the socket is bound and the network listens. Not cancel-safe.
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
    ready(&desk.ready());
    let catching = tokio::spawn(keep_catching_up(engine.clone(), stop.clone()));
    control.serve(desk, stop).await;
    if let Err(error) = catching.await {
        tracing::error!(%error, "catching up ended badly");
    }
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

    fn ready(&self) -> Ready {
        Ready {
            name: self.engine.ctx.device.cert.name.clone(),
            peer_id: self.engine.me().to_string(),
            listen: self.engine.swarm.listen_addresses(),
            pid: std::process::id(),
        }
    }
}

async fn keep_catching_up(engine: Arc<Engine>, stop: CancellationToken) {
    loop {
        tokio::select! { biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(CATCH_UP) => {}
        }
        let work = catch_up_once(&engine);
        let result = tokio::select! { biased;
            // Placing and publishing are safe to cut anywhere.
            () = stop.cancelled() => return,
            result = work => result,
        };
        match result {
            Ok(()) => {}
            Err(error) if is_shortage(&error) => tracing::debug!(%error, "still queued"),
            Err(error) => tracing::warn!(error = %told(&error), "cannot catch up"),
        }
    }
}

/// Places and publishes what is queued, unless a backup is at it.
async fn catch_up_once(engine: &Engine) -> Result<(), FlowError> {
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
    Ok(!ctx.spool.list().is_empty()
        || publish::pending_head(ctx)?.is_some()
        || look::snapshots(ctx)?.iter().any(|listed| listed.queued))
}
