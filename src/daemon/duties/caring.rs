//! Care without being asked: looks who is there every few minutes, audits the holders every few
//! hours, and makes again what is missing.
//!
//! Looks and audits exclude each other, since both change what is known of holders; a repair is due
//! after either and excludes whoever writes the backup. All may be cut off anywhere: what a look or
//! an audit finds is noted whole or not at all, and what a repair did not note is repaired again.

use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::daemon::duties::repeat;
use crate::daemon::engine::Engine;
use crate::daemon::patience;
use crate::entropy;
use crate::flow::backup::is_shortage;
use crate::flow::{FlowError, audit, health, repair};

/// Cares until `stop`.
pub(super) async fn keep_caring(engine: &Engine, stop: CancellationToken) {
    let due = Notify::new();
    tokio::join!(
        keep_looking(engine, &stop, &due),
        keep_auditing(engine, &stop, &due),
        keep_repairing(engine, &stop, &due),
        keep_hearing(engine, &stop, &due),
    );
}

/// Notes who is there again and again.
async fn keep_looking(engine: &Engine, stop: &CancellationToken, due: &Notify) {
    let reason = || tokio::time::sleep(engine.config.schedule.look.0);
    repeat(stop, "note who is there", reason, || look(engine, due)).await;
}

async fn look(engine: &Engine, due: &Notify) -> Result<(), FlowError> {
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
        due.notify_one();
    }
    Ok(())
}

/// Audits all holders again and again.
async fn keep_auditing(engine: &Engine, stop: &CancellationToken, due: &Notify) {
    let reason = || {
        let random = u64::from_le_bytes(entropy::bytes(&*engine.ctx().entropy));
        tokio::time::sleep(audit_pause(engine.config.schedule.audit.0, random))
    };
    repeat(stop, "audit", reason, || audit(engine, due)).await;
}

async fn audit(engine: &Engine, due: &Notify) -> Result<(), FlowError> {
    let _caring = engine.auditing.lock().await;
    let report = audit::audit(engine.ctx(), None, &patience::rules(&engine.config)).await?;
    let bad = report.findings.iter().filter(|found| found.verdict.is_failure()).count();
    tracing::info!(challenges = report.findings.len(), bad, "audited the holders");
    // Found bad or not: what could not be repaired before is tried again.
    due.notify_one();
    Ok(())
}

/// What holders say that they lost counts at once.
async fn keep_hearing(engine: &Engine, stop: &CancellationToken, due: &Notify) {
    let work = async || {
        let _caring = engine.auditing.lock().await;
        let ctx = engine.ctx().clone();
        engine.ctx().work(move || health::settle(&ctx)).await??;
        due.notify_one();
        Ok(())
    };
    repeat(stop, "count what holders lost", || engine.lost.notified(), work).await;
}

/// Repairs whenever it may be due.
async fn keep_repairing(engine: &Engine, stop: &CancellationToken, due: &Notify) {
    let work = async || match repair_if_due(engine).await {
        Err(error) if is_shortage(&error) => {
            tracing::debug!(%error, "not repaired");
            Ok(())
        }
        result => result,
    };
    repeat(stop, "repair", || due.notified(), work).await;
}

async fn repair_if_due(engine: &Engine) -> Result<(), FlowError> {
    let (ctx, plan) = (engine.ctx().clone(), patience::repair(&engine.config, false));
    let health = engine.ctx().work(move || health::health(&ctx, plan.policy)).await??;
    if health.due == 0 || engine.regulator.holding().backups.is_some() {
        return Ok(());
    }
    let _writing = engine.writing.lock().await;
    let report = repair::repair(engine.ctx(), plan).await?;
    tracing::info!(?report, "repaired");
    Ok(())
}

/// From half of the period to one and a half: so that nobody can prepare for an audit.
fn audit_pause(period: Duration, random: u64) -> Duration {
    let millis = u64::try_from(period.as_millis()).unwrap_or(u64::MAX).max(1);
    period / 2 + Duration::from_millis(random % millis)
}

#[cfg(test)]
mod tests;
