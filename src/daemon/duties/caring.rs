//! Care without being asked: looks who is there every few minutes, and audits the holders every few
//! hours.
//!
//! Looks and audits exclude each other, since both change what is known of holders. Both may be cut
//! off anywhere: what they find is noted whole or not at all.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::daemon::engine::Engine;
use crate::daemon::failure::told;
use crate::daemon::patience;
use crate::entropy;
use crate::flow::audit::{self, AuditReport};
use crate::flow::{FlowError, health};

/// Cares until `stop`.
pub(super) async fn keep_caring(engine: &Engine, stop: CancellationToken) {
    tokio::join!(keep_looking(engine, &stop), keep_auditing(engine, &stop));
}

/// Notes who is there again and again.
async fn keep_looking(engine: &Engine, stop: &CancellationToken) {
    loop {
        let result = tokio::select! { biased;
            () = stop.cancelled() => return,
            result = look_after(engine, engine.config.schedule.look.0) => result,
        };
        if let Err(error) = result {
            tracing::warn!(error = %told(&error), "cannot note who is there");
        }
    }
}

async fn look_after(engine: &Engine, pause: Duration) -> Result<(), FlowError> {
    tokio::time::sleep(pause).await;
    let _caring = engine.auditing.lock().await;
    let (ctx, rules) = (engine.ctx().clone(), patience::rules(&engine.config));
    let looked = engine.ctx().work(move || {
        let changed = health::look_around(&ctx, &rules)?;
        if !changed.is_empty() {
            health::settle(&ctx)?;
        }
        Ok::<_, FlowError>(changed)
    });
    for (peer, state) in looked.await?? {
        tracing::info!(peer = %peer.short(), state = state.word(), "a holder is thought of anew");
    }
    Ok(())
}

/// Audits all holders again and again.
async fn keep_auditing(engine: &Engine, stop: &CancellationToken) {
    loop {
        let random = u64::from_le_bytes(entropy::bytes(&*engine.ctx().entropy));
        let pause = audit_pause(engine.config.schedule.audit.0, random);
        let result = tokio::select! { biased;
            () = stop.cancelled() => return,
            result = audit_after(engine, pause) => result,
        };
        match result {
            Ok(report) => {
                let bad = report.findings.iter().filter(|found| found.verdict.is_failure()).count();
                tracing::info!(challenges = report.findings.len(), bad, "audited the holders");
            }
            Err(error) => tracing::warn!(error = %told(&error), "cannot audit"),
        }
    }
}

async fn audit_after(engine: &Engine, pause: Duration) -> Result<AuditReport, FlowError> {
    tokio::time::sleep(pause).await;
    let _caring = engine.auditing.lock().await;
    audit::audit(engine.ctx(), None, &patience::rules(&engine.config)).await
}

/// From half of the period to one and a half: so that nobody can prepare for an audit.
fn audit_pause(period: Duration, random: u64) -> Duration {
    let millis = u64::try_from(period.as_millis()).unwrap_or(u64::MAX).max(1);
    period / 2 + Duration::from_millis(random % millis)
}

#[cfg(test)]
mod tests;
