//! The history of a simulated network: a hash over every message, and counts.

use std::time::Duration;

use chunker::PeerId;

/// How often what happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages sent, questions and answers.
    pub sent: u64,
    /// Of these, lost on the way.
    pub lost: u64,
    /// Of these, questions that arrived twice.
    pub doubled: u64,
    /// Questions that found nobody there, or answers whose asker had gone.
    pub unreachable: u64,
    /// Bytes of bodies sent.
    pub body_bytes: u64,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Arrives = 1,
    ArrivesTwice = 2,
    Lost = 3,
    Unreachable = 4,
}

/// One message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message {
    pub(super) from: PeerId,
    pub(super) to: PeerId,
    pub(super) name: &'static str,
    pub(super) body_len: usize,
}

/// Every message so far.
#[derive(Debug, Default)]
pub(super) struct Trace {
    hasher: blake3::Hasher,
    pub(super) counts: Counts,
}

impl Trace {
    /// Adds a message that is sent `at` this time of the simulation and is under way for `after`.
    pub(super) fn note(
        &mut self,
        message: &Message,
        outcome: Outcome,
        at: Duration,
        after: Duration,
    ) {
        let Message { from, to, name, body_len } = *message;
        self.hasher.update(from.as_bytes()).update(to.as_bytes());
        self.hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
        self.hasher.update(&(body_len as u64).to_le_bytes()).update(&[outcome as u8]);
        for time in [at, after] {
            self.hasher.update(&time.as_nanos().to_le_bytes());
        }
        let counts = &mut self.counts;
        counts.sent += 1;
        counts.body_bytes += body_len as u64;
        match outcome {
            Outcome::Arrives => {}
            Outcome::ArrivesTwice => counts.doubled += 1,
            Outcome::Lost => counts.lost += 1,
            Outcome::Unreachable => counts.unreachable += 1,
        }
    }

    /// One history, one hash.
    pub(super) fn hash(&self) -> [u8; 32] {
        *self.hasher.finalize().as_bytes()
    }
}
