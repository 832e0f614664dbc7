//! When a peer was seen: one bit for each fixed window of time.
//!
//! A window is ten minutes of the Unix clock, and two months of them are kept. Each window was seen
//! up, seen down, or tells nothing, because nobody looked or because we ourselves were cut off.
//! Total; a record from outside is bounded before it is believed ([`BadPresence`]).

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// How long a window is. Shorter than most outages, longer than it takes to notice one.
pub const WINDOW: Duration = Duration::from_secs(600);
/// Windows that are kept: two months.
pub const HISTORY: u64 = WORDS as u64 * 64;

const WORDS: usize = 135;

/// A record of windows that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadPresence {
    /// More than two months of windows.
    #[error("A record of presence has more than {WORDS} words")]
    TooLong,
    /// Windows seen up that were not seen.
    #[error("A record of presence contradicts itself")]
    Contradiction,
}

/// The windows in which a peer was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Presence {
    /// The number of the first word; window `w` is bit `w % 64` of word `w / 64`.
    first: u64,
    words: VecDeque<Word>,
}

/// 64 windows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Word {
    /// Of which something is known.
    known: u64,
    /// In which the peer answered.
    up: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "Presence")]
struct Raw {
    first: u64,
    words: Vec<(u64, u64)>,
}

impl TryFrom<Raw> for Presence {
    type Error = BadPresence;

    fn try_from(raw: Raw) -> Result<Self, BadPresence> {
        if raw.words.len() > WORDS || raw.first > u64::MAX / 64 - WORDS as u64 {
            return Err(BadPresence::TooLong);
        }
        if raw.words.iter().any(|(known, up)| up & !known != 0) {
            return Err(BadPresence::Contradiction);
        }
        let words = raw.words.into_iter().map(|(known, up)| Word { known, up }).collect();
        Ok(Self { first: raw.first, words })
    }
}

impl From<Presence> for Raw {
    fn from(presence: Presence) -> Self {
        let words = presence.words.into_iter().map(|word| (word.known, word.up)).collect();
        Self { first: presence.first, words }
    }
}

/// The window at `secs` since the Unix epoch.
pub const fn window_at(secs: u64) -> u64 {
    secs / WINDOW.as_secs()
}

impl Presence {
    /// The peer answered in `window`, or was asked and did not. One answer makes it up.
    pub fn note(&mut self, window: u64, up: bool) {
        if let Some(word) = self.word_for(window / 64) {
            let bit = 1 << (window % 64);
            word.known |= bit;
            word.up |= if up { bit } else { 0 };
        }
    }

    /// `window` tells nothing after all: we were cut off ourselves.
    pub fn forget(&mut self, window: u64) {
        if let Some(word) = self.word_for(window / 64) {
            word.known &= !(1 << (window % 64));
            word.up &= word.known;
        }
    }

    /// The share of known windows in which it was up; none before a day is known.
    pub fn availability(&self) -> Option<f64> {
        let count = |bits: fn(&Word) -> u64| -> u32 {
            self.words.iter().map(|word| bits(word).count_ones()).sum()
        };
        let (known, up) = (count(|word| word.known), count(|word| word.up));
        let day = 86_400 / WINDOW.as_secs() as u32;
        (known >= day).then(|| f64::from(up) / f64::from(known))
    }

    /// The first window in which it was up, as far back as is kept.
    pub fn first_seen(&self) -> Option<u64> {
        self.windows().find(|window| self.is_up(*window))
    }

    /// How long an absence is on average; none before the first.
    pub fn mean_absence(&self) -> Option<Duration> {
        let falls = u32::try_from(self.falls().count()).ok().filter(|falls| *falls > 0)?;
        let down: u32 = self.words.iter().map(|word| (word.known & !word.up).count_ones()).sum();
        Some(WINDOW * down / falls)
    }

    /// The windows in which it went down.
    pub fn falls(&self) -> impl Iterator<Item = u64> {
        self.windows().filter(|window| self.could_fall(*window) && !self.is_up(*window))
    }

    /// Whether it could have gone down in `window`: it was up before, and somebody looked.
    pub fn could_fall(&self, window: u64) -> bool {
        let before = window.checked_sub(1);
        self.is_known(window) && before.is_some_and(|before| self.is_up(before))
    }

    /// Whether it answered in `window`.
    pub fn is_up(&self, window: u64) -> bool {
        self.word(window).up >> (window % 64) & 1 == 1
    }

    fn is_known(&self, window: u64) -> bool {
        self.word(window).known >> (window % 64) & 1 == 1
    }

    /// All windows there is room for.
    pub(super) fn windows(&self) -> std::ops::Range<u64> {
        self.first * 64..(self.first + self.words.len() as u64) * 64
    }

    fn word(&self, window: u64) -> Word {
        let at = (window / 64).checked_sub(self.first);
        at.and_then(|at| self.words.get(at as usize)).copied().unwrap_or_default()
    }

    /// The word with that number, made when it is newer than all; none when it is too old.
    fn word_for(&mut self, number: u64) -> Option<&mut Word> {
        let newest = number.min(u64::MAX / 64 - WORDS as u64);
        if self.words.is_empty() || newest >= self.first + 2 * WORDS as u64 {
            self.words.clear();
            self.first = newest.saturating_sub(WORDS as u64 - 1);
        }
        while self.first + (self.words.len() as u64) <= newest {
            self.words.push_back(Word::default());
            if self.words.len() > WORDS {
                self.words.pop_front();
                self.first += 1;
            }
        }
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.words.get_mut(at)
    }
}
