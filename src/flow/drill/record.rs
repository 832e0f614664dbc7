//! When a restore was last rehearsed, and what came of it.

use chunker::Record;
use p2p::Grid;
use serde::{Deserialize, Serialize};

use crate::flow::{Ctx, FlowError};

/// Catalog key.
pub(crate) const DRILLS: &str = "drills";
const DAY_SECS: u64 = 24 * 3600;
/// A good drill is good for so long.
const MONTH_SECS: u64 = 30 * DAY_SECS;

/// What is remembered of drills. A record that cannot be read counts as none.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drills {
    /// When the last one was tried, in seconds since 1970, and whether all of it was well.
    #[serde(rename = "t")]
    pub tried: Option<(u64, bool)>,
    /// The last one that proved something.
    #[serde(rename = "p")]
    pub proved: Option<Proof>,
}

/// A restore that worked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// When, in seconds since 1970.
    #[serde(rename = "t")]
    pub secs: u64,
    /// Files restored.
    #[serde(rename = "f")]
    pub files: u64,
    /// Bytes of them.
    #[serde(rename = "b")]
    pub bytes: u64,
    /// Of those, files that were compared with the live ones and are the same.
    #[serde(rename = "i")]
    pub identical: u64,
    /// What restoring everything would take, in seconds.
    #[serde(rename = "e")]
    pub full_seconds: f64,
}

impl Record for Drills {
    const NAME: &'static str = "drills";
    const VERSION: u8 = 1;
    const LIMIT: usize = 4096;
}

impl Drills {
    /// Whether another one is due: a month after the last good one, and a day after one that failed
    /// or could not be done. A clock that was set back makes none due for longer than that.
    pub fn is_due(&self, now: u64) -> bool {
        let since = |secs: u64| now.checked_sub(secs).unwrap_or(u64::MAX);
        match self.tried {
            None => true,
            Some((secs, true)) => since(secs) >= MONTH_SECS,
            Some((secs, false)) => since(secs) >= DAY_SECS,
        }
    }
}

/// What is remembered.
pub fn drills<G: Grid>(ctx: &Ctx<G>) -> Result<Drills, FlowError> {
    let bytes = ctx.catalog.get(DRILLS)?;
    Ok(bytes.and_then(|bytes| Drills::decode(&bytes).ok()).unwrap_or_default())
}

/// Remembers that one was tried, and what it proved.
pub(super) fn note<G: Grid>(ctx: &Ctx<G>, proof: Option<Proof>) -> Result<(), FlowError> {
    let mut all = drills(ctx)?;
    all.tried = Some((ctx.clock.now_secs(), proof.is_some()));
    all.proved = proof.or(all.proved);
    Ok(ctx.catalog.set(DRILLS, &all.encode())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_drill_is_good_for_a_month_and_a_bad_one_for_a_day() {
        let tried = |at, well| Drills { tried: Some((at, well)), proved: None };
        assert!(Drills::default().is_due(5));
        assert!(!tried(0, true).is_due(MONTH_SECS - 1) && tried(0, true).is_due(MONTH_SECS));
        assert!(!tried(0, false).is_due(DAY_SECS - 1) && tried(0, false).is_due(DAY_SECS));
        assert!(tried(1000, true).is_due(5), "tried in the future: the clock was wrong then");
    }
}
