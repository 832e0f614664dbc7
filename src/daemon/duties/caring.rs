//! Care without being asked: looks who is there every few minutes, and audits the holders every few
//! hours.
//!
//! Looks and audits exclude each other, since both change what is known of holders. Both may be cut
//! off anywhere: what they find is noted whole or not at all.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::daemon::duties::repeat;
use crate::daemon::engine::Engine;
use crate::daemon::patience;
use crate::entropy;
use crate::flow::{FlowError, audit, health};

/// Cares until `stop`.
pub(super) async fn keep_caring(engine: &Engine, stop: CancellationToken) {
    tokio::join!(keep_looking(engine, &stop), keep_auditing(engine, &stop));
}

/// Notes who is there again and again.
async fn keep_looking(engine: &Engine, stop: &CancellationToken) {
    let reason = || tokio::time::sleep(engine.config.schedule.look.0);
    repeat(stop, "note who is there", reason, || look(engine)).await;
}

async fn look(engine: &Engine) -> Result<(), FlowError> {
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
    let reason = || {
        let random = u64::from_le_bytes(entropy::bytes(&*engine.ctx().entropy));
        tokio::time::sleep(audit_pause(engine.config.schedule.audit.0, random))
    };
    repeat(stop, "audit", reason, || audit(engine)).await;
}

async fn audit(engine: &Engine) -> Result<(), FlowError> {
    let _caring = engine.auditing.lock().await;
    let report = audit::audit(engine.ctx(), None, &patience::rules(&engine.config)).await?;
    let bad = report.findings.iter().filter(|found| found.verdict.is_failure()).count();
    tracing::info!(challenges = report.findings.len(), bad, "audited the holders");
    Ok(())
}

/// From half of the period to one and a half: so that nobody can prepare for an audit.
fn audit_pause(period: Duration, random: u64) -> Duration {
    let millis = u64::try_from(period.as_millis()).unwrap_or(u64::MAX).max(1);
    period / 2 + Duration::from_millis(random % millis)
}

#[cfg(test)]
mod tests;
