//! Keeps the network, the host and this process to the limits: out of the settings, the command
//! line, the calls under way, what a person has paused, the time of day, and what feeds the
//! machine.
//!
//! ```text
//! rules    what holds now: pure             pause    what is paused, kept in the home
//! power    battery and metered networks     machine  processors, niceness, disk priority
//! ```
//!
//! The command line an engine was started with wins over its settings, until somebody sets a limit
//! anew. A call's own limits hold beside those while it runs: the lowest counts.
//!
//! While backups wait, what is sent of them waits where it is, and goes on afterwards; a backup
//! that is told to stop may send what it has read. How it fails: what the system does not let us
//! set is logged and left; what it does not tell is unknown, and limits nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use p2p::Clock;
use p2p::swarm::{Connections, Swarm};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::failure::told;
use crate::api::limits::{CallLimits, LimitsArgs, NotASpeed};
use crate::config::{Config, ConfigError, Limits, Speed};
use crate::host::Host;
use crate::offload::{Offload, offload};

mod machine;
mod pause;
mod power;
mod rules;

use machine::Machine;
use pause::Pauses;
pub(super) use pause::Until;
pub(super) use rules::{Holding, Why};
use rules::{Now, holding};

/// Between two looks at the clock, the settings' file and the battery.
const LOOK: Duration = Duration::from_secs(2);
/// Between two questions what the network costs: another program has to be started for it.
const ASK_METER: Duration = Duration::from_secs(30);

/// What the limits are made of, and who is kept to them.
pub(super) struct Regulator {
    swarm: Swarm,
    host: Host,
    clock: Arc<dyn Clock>,
    pool: Arc<dyn Offload>,
    zone: TimeZone,
    config: PathBuf,
    paused: PathBuf,
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
    pauses: Pauses,
    on_battery: Option<bool>,
    metered: Option<bool>,
    /// Backups that were told to stop, and send what they have.
    winding_up: usize,
    machine: Machine,
    holding: Holding,
}

/// Where a home keeps what the limits are made of.
pub(super) struct Files {
    pub(super) config: PathBuf,
    pub(super) paused: PathBuf,
}

impl Regulator {
    /// Puts the settings and the command line in force. Blocks for a moment: it reads the pauses.
    pub(super) fn new(
        (swarm, host): (Swarm, Host),
        (clock, pool): (Arc<dyn Clock>, Arc<dyn Offload>),
        files: Files,
        configured: Limits,
        given: CallLimits,
    ) -> Self {
        let Files { config, paused } = files;
        let on_battery = power::on_battery(Path::new(power::SUPPLIES));
        let pauses = Pauses::load(&paused);
        let state = State { configured, given, pauses, on_battery, ..State::default() };
        let (zone, state) = (TimeZone::system(), Mutex::new(state));
        let regulator = Self { swarm, host, clock, pool, zone, config, paused, state };
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

    /// Pauses backups, or serving others, for so many seconds or until somebody says otherwise.
    /// Durable when it returns. Blocks.
    pub(super) fn pause(&self, serving: bool, secs: Option<u64>) -> std::io::Result<()> {
        let mut pauses = self.state().pauses;
        pauses.pause(serving, self.clock.now_secs(), secs);
        self.set_pauses(pauses)
    }

    /// Ends what a person has paused. Durable when it returns. Blocks.
    pub(super) fn resume(&self) -> std::io::Result<()> {
        self.set_pauses(Pauses::default())
    }

    fn set_pauses(&self, pauses: Pauses) -> std::io::Result<()> {
        pauses.save(&self.paused)?;
        self.change(|state| state.pauses = pauses);
        Ok(())
    }

    /// Lets what is paused be sent once `cancel` comes, until the guard is dropped: whoever stops a
    /// backup waits for what it has read to be safe.
    pub(super) fn lift_on(self: &Arc<Self>, cancel: CancellationToken) -> DropGuard {
        let over = CancellationToken::new();
        let (regulator, ended) = (self.clone(), over.clone());
        drop(tokio::spawn(async move {
            tokio::select! { biased;
                () = ended.cancelled() => return,
                () = cancel.cancelled() => {}
            }
            regulator.change(|state| state.winding_up += 1);
            ended.cancelled().await;
            regulator.change(|state| state.winding_up -= 1);
        }));
        over.drop_guard()
    }

    /// What the settings say.
    pub(super) fn configured(&self) -> Limits {
        self.state().configured.clone()
    }

    /// What holds now.
    pub(super) fn holding(&self) -> Holding {
        self.change(|_| ());
        self.state().holding.clone()
    }

    /// Changes what the limits are made of, and puts what follows in force.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let now = self.now(&state);
        let calls = state.calls.values().copied();
        let held = holding(&state.configured, state.given, calls, &state.pauses, &now);
        // Under the lock, so that the last change is the one in force.
        self.swarm.set_rates(held.rates);
        self.swarm.hold_puts(held.backups.is_some() && state.winding_up == 0);
        self.swarm.set_connections(Connections {
            total: state.configured.connections,
            per_peer: state.configured.connections_per_peer,
        });
        self.host.pause(held.serving.is_some());
        let (old, new) = (&state.holding, &held);
        if (old.backups, old.serving) != (new.backups, new.serving) {
            tracing::info!(backups = ?new.backups, serving = ?new.serving, "paused");
        }
        state.holding = held;
        let machine = Machine::of(&state.configured);
        let before = std::mem::replace(&mut state.machine, machine);
        if machine != before {
            // Not waited for: it takes a moment, and nothing depends on it.
            drop(offload(&self.pool, move || machine.apply(before)));
        }
    }

    fn now(&self, state: &State) -> Now {
        let secs = self.clock.now_secs();
        let at = i64::try_from(secs).ok().and_then(|secs| Timestamp::from_second(secs).ok());
        let at = at.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(self.zone.clone()).datetime();
        Now { secs, at, on_battery: state.on_battery, metered: state.metered }
    }

    /// Follows the clock, the battery, what the network costs, and a person who edits the settings,
    /// until `stop`. Of the settings, only the limits change while an engine runs.
    pub(super) async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let (mut seen, mut asked) = (None, None::<Instant>);
        loop {
            let (file, last) = (self.config.clone(), seen);
            let look =
                move || (power::on_battery(Path::new(power::SUPPLIES)), changed(&file, last));
            let Ok((on_battery, config)) = offload(&self.pool, look).await else { return };
            self.change(|state| state.on_battery = on_battery);
            if let Some((mark, config)) = config {
                seen = Some(mark);
                self.take_over(config);
            }
            let due = asked.is_none_or(|asked| asked.elapsed() >= ASK_METER);
            if due && self.configured().on_metered != crate::config::limits::Then::Run {
                asked = Some(Instant::now());
                let metered = power::metered().await;
                self.change(|state| state.metered = metered);
            }
            tokio::select! { biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    fn take_over(&self, config: Result<Config, ConfigError>) {
        match config {
            Ok(config) => self.configure(config.limits),
            Err(error) => tracing::warn!(error = %told(&error), "settings not taken over"),
        }
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

/// A file as it was: when it was written, and how long it was.
type Mark = (SystemTime, u64);

/// The settings, if the file is another one than was `seen` last. Blocks.
fn changed(file: &Path, seen: Option<Mark>) -> Option<(Mark, Result<Config, ConfigError>)> {
    let found = std::fs::metadata(file).ok()?;
    let mark = (found.modified().ok()?, found.len());
    (seen != Some(mark)).then(|| (mark, Config::load(file)))
}

#[cfg(test)]
mod tests;
