//! When backup sets ran last and are due next: kept in the home, so that a restart neither repeats
//! a run nor forgets one that was missed.
//!
//! A file that cannot be read counts as none: every set is then due at once, which costs a look at
//! its files. Times are wall-clock seconds; one that is ahead of the clock by more than a schedule
//! can be (somebody set it back) counts as due.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use chunker::Record;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::config::BackupSet;
use crate::config::when::When;

/// A run that failed is tried again after so long, unless it is due before.
const RETRY_SECS: u64 = 600;
/// No schedule is further ahead: what is said to be was noted by a wrong clock.
const FURTHEST_SECS: u64 = 8 * 366 * 86_400;

/// One set's runs, in seconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Turn {
    /// When the last one began; 0 never.
    #[serde(rename = "s")]
    pub(crate) started_secs: u64,
    /// How it ended.
    #[serde(rename = "x")]
    pub(crate) exit: u8,
    /// When the last one began that made a snapshot; 0 never.
    #[serde(rename = "g")]
    pub(crate) good_secs: u64,
    /// Up to when runs are left out; 0 none.
    #[serde(rename = "k")]
    pub(crate) skipped_secs: u64,
}

/// All sets' runs, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Turns {
    #[serde(rename = "t")]
    turns: BTreeMap<String, Turn>,
}

impl Record for Turns {
    const NAME: &'static str = "turns of backup sets";
    const VERSION: u8 = 1;
    const LIMIT: usize = 256 * 1024;
}

fn file(home: &Path) -> PathBuf {
    home.join("turns")
}

impl Turns {
    /// What the home says. Blocks.
    pub(crate) fn load(home: &Path) -> Self {
        let bytes = match std::fs::read(file(home)) {
            Ok(bytes) => bytes,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(%error, "when backup sets ran cannot be read");
                }
                return Self::default();
            }
        };
        Self::decode(&bytes).unwrap_or_else(|error| {
            tracing::warn!(%error, "when backup sets ran cannot be read");
            Self::default()
        })
    }

    /// Keeps it durably, of sets that are still there. Blocks.
    pub(crate) fn save(mut self, home: &Path, sets: &[BackupSet]) -> io::Result<()> {
        self.turns.retain(|name, _| sets.iter().any(|set| set.name == *name));
        store::write_file_durable(&file(home), &self.encode())
    }

    /// One set's.
    pub(crate) fn of(&self, name: &str) -> Turn {
        self.turns.get(name).copied().unwrap_or_default()
    }

    /// A run ended.
    pub(crate) fn ran(&mut self, name: &str, started_secs: u64, exit: u8) {
        let turn = self.turns.entry(name.to_owned()).or_default();
        (turn.started_secs, turn.exit) = (started_secs, exit);
        if saved(exit) {
            turn.good_secs = started_secs;
        }
    }

    /// Runs up to then are left out.
    pub(crate) fn skip(&mut self, name: &str, through_secs: u64) {
        self.turns.entry(name.to_owned()).or_default().skipped_secs = through_secs;
    }
}

/// How runs are spread, and whether those that were missed are made up for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habit {
    /// Runs begin up to so many seconds late, each set always by the same.
    pub(crate) jitter_secs: u64,
    /// Of this device, so that not all of a grid begin at once.
    pub(crate) seed: [u8; 32],
    /// Whether a run whose time came while no agent was there is made up for.
    pub(crate) run_missed: bool,
    /// Since when the agent is there.
    pub(crate) since_secs: u64,
}

impl Turn {
    /// When the set is due; none when it is not scheduled. A time that is over means now.
    pub(crate) fn due_secs(
        &self,
        set: &BackupSet,
        habit: &Habit,
        (now_secs, zone): (u64, &TimeZone),
    ) -> Option<u64> {
        let when = set.schedule.as_ref()?;
        let sane = |secs: u64| if secs > now_secs.saturating_add(FURTHEST_SECS) { 0 } else { secs };
        let (started, skipped) = (sane(self.started_secs.min(now_secs)), sane(self.skipped_secs));
        let first = if started > 0 { next(when, started, zone)? } else { 0 };
        let mut due = if first == 0 { 0 } else { first.saturating_add(late_by(set, habit)) };
        if !saved(self.exit) && started > 0 {
            due = due.min(started.saturating_add(RETRY_SECS));
        }
        if !habit.run_missed && due < habit.since_secs {
            due = next(when, habit.since_secs, zone)?.saturating_add(late_by(set, habit));
        }
        if due <= skipped {
            due = next(when, skipped, zone)?.saturating_add(late_by(set, habit));
        }
        Some(due)
    }
}

/// Whether a backup that ended so made a snapshot: whole (0), without files that could not be read
/// (3), or below the wanted redundancy (4).
const fn saved(exit: u8) -> bool {
    matches!(exit, 0 | 3 | 4)
}

/// The first time after this one, in seconds.
fn next(when: &When, after_secs: u64, zone: &TimeZone) -> Option<u64> {
    let after = Timestamp::from_second(i64::try_from(after_secs).ok()?).ok()?;
    u64::try_from(when.next(after, zone)?.as_second()).ok()
}

/// The same for a set at every time on this device. What runs so long after its last run needs
/// none.
fn late_by(set: &BackupSet, habit: &Habit) -> u64 {
    if habit.jitter_secs == 0 || matches!(set.schedule, Some(When::Every(_))) {
        return 0;
    }
    let hash = blake3::keyed_hash(&habit.seed, set.name.as_bytes());
    let drawn: [u8; 8] = std::array::from_fn(|at| hash.as_bytes()[at]);
    u64::from_le_bytes(drawn) % habit.jitter_secs
}

#[cfg(test)]
mod tests;
