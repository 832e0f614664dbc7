//! An announced absence: kept in the home, so that a restart does not end it, and told with every
//! hello and ping.
//!
//! A file that cannot be read announces nothing: then the others wait as for anybody.

use std::io;
use std::path::{Path, PathBuf};

use chunker::Record;
use p2p::members::Members;
use serde::{Deserialize, Serialize};

/// The longest that is believed, in seconds: longer ones would keep a dead machine counted.
pub(crate) const LONGEST: u64 = 30 * 24 * 3600;

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Absence {
    until_secs: u64,
}

impl Record for Absence {
    const NAME: &'static str = "absence";
    const VERSION: u8 = 1;
    const LIMIT: usize = 256;
}

fn file(home: &Path) -> PathBuf {
    home.join("away")
}

/// Announces again what was announced before. Blocks.
pub(crate) fn resume(home: &Path, members: &Members) {
    match std::fs::read(file(home)) {
        Ok(bytes) => match Absence::decode(&bytes) {
            Ok(absence) => members.set_away(absence.until_secs),
            Err(error) => tracing::warn!(%error, "an announced absence cannot be read"),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(%error, "an announced absence cannot be read"),
    }
}

/// Announces an absence until then, in seconds since 1970; 0 takes it back. Kept durably before
/// anybody hears of it. Blocks.
pub(crate) fn announce(home: &Path, members: &Members, until_secs: u64) -> io::Result<()> {
    store::write_file_durable(&file(home), &Absence { until_secs }.encode())?;
    members.set_away(until_secs);
    Ok(())
}

#[cfg(test)]
mod tests;
