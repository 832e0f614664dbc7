//! Backs sets up when they are due, one after another.
//!
//! What is paused, by a person or because of battery or network, waits without being counted as
//! failed. A run is stopped through its token, so that what it read is kept.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::api::{Answer, BackupArgs, Call};
use crate::daemon::engine::{Engine, EngineError};
use crate::daemon::failure::told;
use crate::monitor::NoMonitor;

/// Between two looks whether a set is due.
const LOOK: Duration = Duration::from_secs(5);

/// Backs up what is due until `stop`.
pub(super) async fn keep_scheduling(engine: &Arc<Engine>, stop: CancellationToken) {
    let (since, mut wrong) = (engine.ctx().clock.now_secs(), false);
    loop {
        tokio::select! { biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        match due(engine, since).await {
            Ok(None) => wrong = false,
            Ok(Some(set)) => back_up(engine, set, &stop).await,
            // Settings that a person is just writing: said once.
            Err(error) if !wrong => {
                tracing::warn!(error = %told(&error), "cannot tell which backup sets are due");
                wrong = true;
            }
            Err(_) => {}
        }
    }
}

/// The set that is due, unless backups are paused.
pub(in crate::daemon) async fn due(
    engine: &Engine,
    since: u64,
) -> Result<Option<String>, EngineError> {
    if engine.regulator.holding().backups.is_some() {
        return Ok(None);
    }
    Ok(engine.timetable(since).await?.due().map(|set| set.name.clone()))
}

async fn back_up(engine: &Arc<Engine>, set: String, stop: &CancellationToken) {
    let args = BackupArgs { set: Some(set.clone()), ..BackupArgs::default() };
    let call = engine.call(Call::Backup(args), Arc::new(NoMonitor), stop.child_token());
    match Box::pin(call).await {
        Ok(Answer::Backup(summary)) => {
            tracing::info!(set, exit = summary.exit, "backed a set up");
        }
        Ok(_) => {}
        Err(failure) => tracing::warn!(set, error = failure.message, "cannot back a set up"),
    }
}
