//! What holds now, out of settings, command line, pauses and surroundings: pure.

use std::num::NonZeroU64;

use jiff::civil::DateTime;
use p2p::rate::{LOWEST, Rate, Rates};

use super::pause::{Pauses, Until};
use crate::api::limits::CallLimits;
use crate::config::Limits;
use crate::config::limits::Then;

/// The limited speed where none is set, in bytes per second.
const MODEST: u64 = 512 * 1024;
/// What is left of a speed when something is scarce: one part of so many.
const PART: u64 = 4;

/// What the limits depend on, beside the settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// Seconds since 1970.
    pub(crate) secs: u64,
    /// The wall clock's time.
    pub(crate) at: DateTime,
    /// Whether a battery feeds the machine; none when unknown.
    pub(crate) on_battery: Option<bool>,
    /// Whether the network costs by the byte; none when unknown.
    pub(crate) metered: Option<bool>,
}

/// Why something waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Somebody asked for it.
    Asked(Until),
    /// A battery feeds the machine.
    Battery,
    /// The network costs by the byte.
    Metered,
}

/// What holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) rates: Rates,
    /// Why backups wait, if they do.
    pub(crate) backups: Option<Why>,
    /// Why others are not served, if they are not.
    pub(crate) serving: Option<Why>,
    /// What makes the speeds differ from the settings', for people.
    pub(crate) reasons: Vec<String>,
}

/// What holds now. Of several limits the lowest counts.
pub(crate) fn holding(
    limits: &Limits,
    given: CallLimits,
    calls: impl Iterator<Item = CallLimits>,
    pauses: &Pauses,
    now: &Now,
) -> Holding {
    let mut reasons = Vec::new();
    let mut rates = windowed(limits, now.at, &mut reasons);
    for (place, said) in [(&mut rates.up, given.up), (&mut rates.down, given.down)] {
        if let Some(bytes) = said {
            *place = NonZeroU64::new(bytes);
            reasons.push("the command line".to_owned());
        }
    }
    let scarce = [
        (now.on_battery, limits.on_battery, "on battery"),
        (now.metered, limits.on_metered, "on a metered network"),
    ];
    for (is, then, why) in scarce {
        if is == Some(true) && then == Then::Limit {
            (rates.up, rates.down) = (part(rates.up), part(rates.down));
            reasons.push(format!("{why}: a quarter"));
        }
    }
    for call in calls {
        rates.up = lower(rates.up, call.up);
        rates.down = lower(rates.down, call.down);
    }
    reasons.dedup();
    let battery =
        (now.on_battery == Some(true) && limits.on_battery == Then::Pause).then_some(Why::Battery);
    let metered =
        (now.metered == Some(true) && limits.on_metered == Then::Pause).then_some(Why::Metered);
    let backups = pauses.backups(now.secs).map(Why::Asked);
    let serving = pauses.serving(now.secs).map(Why::Asked);
    Holding {
        rates,
        backups: backups.or(battery).or(metered),
        // Lending costs a battery little, and others count on it.
        serving: serving.or(metered),
        reasons,
    }
}

/// The settings' speeds at this time of day: of the windows that hold, the first that says
/// something counts.
fn windowed(limits: &Limits, at: DateTime, reasons: &mut Vec<String>) -> Rates {
    let mut rates = limits.rates();
    let holding = || limits.windows.iter().filter(|window| window.holds(at));
    if let Some(up) = holding().find_map(|window| window.up) {
        rates.up = up.0;
    }
    if let Some(down) = holding().find_map(|window| window.down) {
        rates.down = down.0;
    }
    reasons.extend(holding().next().map(|window| format!("the window {window}")));
    rates
}

fn part(rate: Rate) -> Rate {
    NonZeroU64::new(rate.map_or(MODEST, |rate| (rate.get() / PART).max(LOWEST)))
}

fn lower(rate: Rate, other: Option<u64>) -> Rate {
    other.and_then(NonZeroU64::new).into_iter().chain(rate).min()
}

#[cfg(test)]
mod tests;
