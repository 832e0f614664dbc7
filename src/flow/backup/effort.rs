//! How hard data is compressed when nobody said: as hard as what comes after lets us.
//!
//! Whoever waits for the network or the disk has time to compress well. Where packs leave as fast
//! as they are made, large files are compressed at the fastest level: that takes half the time and
//! gives a twentieth more bytes. Small files are few bytes and much to gain: they stay at the
//! steady level. It cannot fail.

use std::sync::Arc;

/// What suits most: half of level 6's time for nine tenths of its saving.
const STEADY: i32 = 3;
/// The fastest level there is a name for.
const FAST: i32 = 1;

/// How hard to compress, in one run.
#[derive(Debug)]
pub(super) struct Effort {
    asked: Option<i32>,
    /// Each pack being sealed has a share of it.
    sealing: Arc<()>,
    /// The last pack had to wait while all before it were sealed.
    held_up: bool,
}

/// A pack is being sealed as long as this is there.
#[derive(Debug)]
pub(super) struct Sealing {
    _share: Arc<()>,
}

impl Effort {
    /// At the level that was asked for, or as fits.
    pub(super) fn new(asked: Option<i32>) -> Self {
        Self { asked, sealing: Arc::default(), held_up: false }
    }

    /// The level for a block of `raw` bytes, of which `large` are of large files.
    pub(super) fn level(&self, raw: usize, large: usize) -> i32 {
        let fast = !self.held_up && 2 * large > raw;
        self.asked.unwrap_or(if fast { FAST } else { STEADY })
    }

    /// A pack begins to be sealed.
    pub(super) fn sealing(&self) -> Sealing {
        Sealing { _share: Arc::clone(&self.sealing) }
    }

    /// The next pack found room at once, or did not.
    pub(super) fn note(&mut self, at_once: bool) {
        self.held_up = !at_once && Arc::strong_count(&self.sealing) == 1;
    }
}

#[cfg(test)]
mod tests;
