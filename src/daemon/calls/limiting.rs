//! `limits`: what holds now, and other limits while everything goes on.
//!
//! Invariant: the settings are durable before the network goes by them.

use std::sync::{Arc, PoisonError};

use p2p::rate::{Rate, Rates};

use super::Run;
use crate::api::limits::{LimitsArgs, LimitsView, SpeedsView};
use crate::api::{Failure, codes};
use crate::config::Config;
use crate::daemon::engine::Engine;
use crate::daemon::regulator::apply;

impl Run {
    pub(super) fn limits(&self) -> LimitsView {
        let swarm = &self.engine.swarm;
        let counters = swarm.counters();
        let (held, paused) = (self.engine.regulator.holding(), self.paused());
        LimitsView {
            schema: "gbak.limits/1".to_owned(),
            in_force: speeds(held.rates),
            configured: speeds(self.engine.regulator.configured().rates()),
            reasons: held.reasons,
            backups_paused: paused.backups,
            serving_paused: paused.serving,
            sent_bytes: counters.sent_bytes,
            received_bytes: counters.received_bytes,
        }
    }

    pub(super) async fn limit(&self, args: LimitsArgs) -> Result<LimitsView, Failure> {
        let engine = Arc::clone(&self.engine);
        self.ctx.work(move || set(&engine, args)).await??;
        Ok(self.limits())
    }
}

/// Keeps the limits, and goes by them from now on. Blocks.
fn set(engine: &Engine, args: LimitsArgs) -> Result<(), Failure> {
    let _changing = engine.changing.lock().unwrap_or_else(PoisonError::into_inner);
    let file = engine.home.config();
    let mut config = Config::load(&file)?;
    apply(&mut config.limits, &args).map_err(|wrong| codes::USAGE.failure(wrong.to_string()))?;
    config.save(&file)?;
    engine.regulator.overrule(&args);
    engine.regulator.configure(config.limits);
    Ok(())
}

fn speeds(rates: Rates) -> SpeedsView {
    let bytes = |rate: Rate| rate.map(std::num::NonZeroU64::get);
    SpeedsView {
        up: bytes(rates.up),
        down: bytes(rates.down),
        per_peer_up: bytes(rates.peer_up),
        per_peer_down: bytes(rates.peer_down),
        limit_lan: rates.limit_lan,
    }
}
