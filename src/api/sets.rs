//! Backup sets and when they are backed up: questions and answers.

use serde::{Deserialize, Serialize};

use super::PathBytes;

/// What to do about the schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleArgs {
    /// Show it.
    #[default]
    Show,
    /// Leave the next run of this set out.
    Skip(String),
}

/// The sets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScheduleView {
    /// `gbak.schedule/1`.
    pub schema: String,
    /// Whether an agent runs, which is who keeps to the schedule.
    pub agent: bool,
    /// Each set, in the order of the settings.
    pub sets: Vec<SetView>,
}

/// One set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SetView {
    /// Its name.
    pub name: String,
    /// What it backs up.
    pub sources: Vec<PathBytes>,
    /// When, as in the settings; none: only when asked.
    pub schedule: Option<String>,
    /// When next, RFC 3339; none when nothing is scheduled.
    pub next: Option<String>,
    /// When the last run began, RFC 3339; none before the first.
    pub last_started: Option<String>,
    /// How it ended: the exit code of `gbak backup`.
    pub last_exit: Option<u8>,
    /// When the last run began that made a snapshot (exit 0, 3 or 4), RFC 3339.
    pub last_good: Option<String>,
    /// How old that may become, in seconds.
    pub max_age_secs: Option<u64>,
    /// Whether it is older, or there is none.
    pub late: bool,
}
