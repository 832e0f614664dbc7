//! What a person has paused, and until when: kept in the home, so that a restart does not end it.
//!
//! A file that cannot be read pauses nothing: forgetting a pause costs traffic, keeping one that
//! nobody can end costs a backup.

use std::io;
use std::path::Path;

use chunker::Record;
use serde::{Deserialize, Serialize};

/// For good, or until somebody says otherwise.
const FOR_GOOD: u64 = u64::MAX;

/// When pauses end, in seconds since 1970; none where nothing is paused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Pauses {
    backups: Option<u64>,
    serving: Option<u64>,
}

impl Record for Pauses {
    const NAME: &'static str = "pauses";
    const VERSION: u8 = 1;
    const LIMIT: usize = 1024;
}

/// Until when something is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// Seconds since 1970.
    Time(u64),
    /// Somebody says otherwise.
    Resumed,
}

impl Pauses {
    /// What the file says. Blocks.
    pub(crate) fn load(file: &Path) -> Self {
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(%error, "pauses cannot be read, nothing is paused");
                }
                return Self::default();
            }
        };
        Self::decode(&bytes).unwrap_or_else(|error| {
            tracing::warn!(%error, "pauses cannot be read, nothing is paused");
            Self::default()
        })
    }

    /// Keeps this durably. Blocks.
    pub(crate) fn save(&self, file: &Path) -> io::Result<()> {
        store::write_file_durable(file, &self.encode())
    }

    /// Pauses backups, or serving, for so many seconds from now; for good when that is absent.
    pub(crate) fn pause(&mut self, serving: bool, now_secs: u64, secs: Option<u64>) {
        let until = secs.map_or(FOR_GOOD, |secs| now_secs.saturating_add(secs));
        let place = if serving { &mut self.serving } else { &mut self.backups };
        *place = Some(until);
    }

    /// Until when backups are paused, if they are now.
    pub(crate) fn backups(&self, now_secs: u64) -> Option<Until> {
        until(self.backups, now_secs)
    }

    /// Until when serving is paused, if it is now.
    pub(crate) fn serving(&self, now_secs: u64) -> Option<Until> {
        until(self.serving, now_secs)
    }
}

fn until(end: Option<u64>, now_secs: u64) -> Option<Until> {
    match end? {
        FOR_GOOD => Some(Until::Resumed),
        end => (end > now_secs).then_some(Until::Time(end)),
    }
}

#[cfg(test)]
mod tests;
