//! Which limits hold now, out of the settings, the command line and the calls under way; and the
//! network told of every change.
//!
//! The command line an engine was started with wins over its settings, until somebody sets a limit
//! anew. A call's own limits hold beside those while it runs: the lowest counts.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use p2p::rate::{Rate, Rates};
use p2p::swarm::Swarm;
use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use super::failure::told;
use crate::api::limits::{CallLimits, LimitsArgs, NotASpeed};
use crate::config::{Config, Limits, Speed};
use crate::offload::offload;

/// Between two looks whether a person has edited the settings.
const LOOK: Duration = Duration::from_secs(2);

/// Tells the network how fast it may be.
pub(super) struct Regulator {
    swarm: Swarm,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    configured: Limits,
    /// The command line's, of an agent or an engine in this process.
    given: CallLimits,
    /// Those of calls under way.
    calls: BTreeMap<u64, CallLimits>,
    next_call: u64,
}

impl Regulator {
    /// Puts the settings and the command line in force.
    pub(super) fn new(swarm: Swarm, configured: Limits, given: CallLimits) -> Self {
        let state = Mutex::new(State { configured, given, ..State::default() });
        let regulator = Self { swarm, state };
        regulator.change(|_| ());
        regulator
    }

    /// Other settings, from now on.
    pub(super) fn configure(&self, limits: Limits) {
        self.change(|state| state.configured = limits);
    }

    /// The command line's limits count no more where `args` says something else.
    pub(super) fn overrule(&self, args: &LimitsArgs) {
        self.change(|state| {
            state.given.up = state.given.up.filter(|_| args.up.is_none());
            state.given.down = state.given.down.filter(|_| args.down.is_none());
        });
    }

    /// Limits that hold until the guard is dropped.
    pub(super) fn during(self: &Arc<Self>, limits: CallLimits) -> CallGuard {
        let mut call = 0;
        self.change(|state| {
            call = state.next_call;
            state.next_call += 1;
            state.calls.insert(call, limits);
        });
        CallGuard { regulator: self.clone(), call }
    }

    /// What the settings say.
    pub(super) fn configured(&self) -> Limits {
        self.state().configured.clone()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        // Under the lock, so that the last change is the one in force.
        self.swarm.set_rates(effective(&state));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Regulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Regulator").field("state", &*self.state()).finish_non_exhaustive()
    }
}

/// A call's limits, until dropped.
#[derive(Debug)]
pub(super) struct CallGuard {
    regulator: Arc<Regulator>,
    call: u64,
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.regulator.change(|state| {
            state.calls.remove(&self.call);
        });
    }
}

fn effective(state: &State) -> Rates {
    let configured = state.configured.rates();
    let given = |said: Option<u64>, else_: Rate| said.map_or(else_, NonZeroU64::new);
    let up = given(state.given.up, configured.up);
    let down = given(state.given.down, configured.down);
    let calls = || state.calls.values();
    let lowest = |rate: Rate, calls: &mut dyn Iterator<Item = u64>| {
        calls.filter_map(NonZeroU64::new).chain(rate).min()
    };
    Rates {
        up: lowest(up, &mut calls().filter_map(|call| call.up)),
        down: lowest(down, &mut calls().filter_map(|call| call.down)),
        ..configured
    }
}

/// Takes over what was said; the rest stays.
pub(super) fn apply(limits: &mut Limits, args: &LimitsArgs) -> Result<(), NotASpeed> {
    let places = [
        (&mut limits.up, args.up),
        (&mut limits.down, args.down),
        (&mut limits.per_peer_up, args.per_peer_up),
        (&mut limits.per_peer_down, args.per_peer_down),
    ];
    for (place, said) in places {
        if let Some(bytes) = said {
            *place = Speed::from_bytes(bytes)?;
        }
    }
    limits.limit_lan = args.limit_lan.unwrap_or(limits.limit_lan);
    Ok(())
}

/// Puts limits in force that a person writes into the settings while the agent runs. What else is
/// changed there counts from the next start.
pub(super) async fn follow_settings(engine: &Engine, stop: CancellationToken) {
    let path = engine.home.config();
    let mut seen = None;
    loop {
        let (file, last) = (path.clone(), seen);
        let look = offload(&engine.ctx().offload, move || changed(file, last));
        match look.await {
            Ok(Some((at, Ok(config)))) => {
                seen = Some(at);
                engine.regulator.configure(config.limits);
            }
            Ok(Some((at, Err(error)))) => {
                seen = Some(at);
                tracing::warn!(error = %told(&error), "settings not taken over");
            }
            Ok(None) => {}
            Err(_) => return,
        }
        tokio::select! { biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

type Look = Option<((SystemTime, u64), Result<Config, crate::config::ConfigError>)>;

/// The settings, if the file is another one than was `seen` last. Blocks.
fn changed(file: PathBuf, seen: Option<(SystemTime, u64)>) -> Look {
    let found = std::fs::metadata(&file).ok()?;
    let mark = (found.modified().ok()?, found.len());
    (seen != Some(mark)).then(|| (mark, Config::load(&file)))
}

#[cfg(test)]
mod tests;
