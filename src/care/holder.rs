//! What a holder's silence means: present -> suspect -> away -> presumed lost -> lost.
//!
//! Silence is counted only while somebody looked: each look adds what passed since the last one,
//! but never more than [`Rules::look_gap`], so that a machine that was itself off for a week finds
//! nobody a week late.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::placement::domains::{Presence, window_at};

/// Absences that are remembered of a holder.
const ABSENCES: usize = 16;

/// The most that one look adds to the time for which a holder was watched: as long as somebody's
/// machine may be off, though not what a clock may jump.
const WATCH_GAP: u64 = 3 * DAY;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// How silence is read. The defaults are what a grid of homes and offices needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Silent for so long: suspect. It is shown, and changes nothing.
    pub suspect_after: Duration,
    /// Silent for so long: away. It is shown, and changes nothing.
    pub away_after: Duration,
    /// Silent for so long: its shards are made again elsewhere. Longer for a holder that came back
    /// from longer absences before, up to [`Self::presume_most`].
    pub presume_after: Duration,
    /// However long its absences were: after this it is presumed lost.
    pub presume_most: Duration,
    /// Silent for so long: nobody asks for it any more.
    pub lost_after: Duration,
    /// The most that one look adds to a silence.
    pub look_gap: Duration,
    /// The longest absence that may be announced.
    pub announce_most: Duration,
    /// How long a holder that its user declared lost stays so, whatever it proves.
    pub declared_for: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            suspect_after: Duration::from_secs(HOUR),
            away_after: Duration::from_secs(12 * HOUR),
            presume_after: Duration::from_secs(3 * DAY),
            presume_most: Duration::from_secs(10 * DAY),
            lost_after: Duration::from_secs(30 * DAY),
            look_gap: Duration::from_secs(1200),
            announce_most: Duration::from_secs(30 * DAY),
            declared_for: Duration::from_secs(7 * DAY),
        }
    }
}

/// What a holder is thought to be, the worst last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It answers, or did a moment ago.
    #[default]
    Present,
    /// It has not answered for a while.
    Suspect,
    /// It has not answered for long, or said that it would not.
    Away,
    /// It has been silent for so long that what it holds is made again elsewhere.
    PresumedLost,
    /// It was given up.
    Lost,
}

impl State {
    /// Whether a shard there counts as being there when it is decided what to make again.
    pub const fn counts(self) -> bool {
        matches!(self, Self::Present | Self::Suspect | Self::Away)
    }

    /// In words.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Suspect => "suspect",
            Self::Away => "away",
            Self::PresumedLost => "presumed lost",
            Self::Lost => "lost",
        }
    }
}

/// What many silent holders at once say about one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crowd {
    /// Few are silent: each for its own reasons.
    Few,
    /// More than a third are: some network or power failure more likely than so many departures, so
    /// silence counts half.
    Many,
    /// Nobody answers: it is we who are cut off, and silence says nothing.
    All,
}

impl Crowd {
    /// What it is when of so many holders, those given up apart, so many are silent.
    pub const fn of(silent: usize, holders: usize) -> Self {
        if holders > 0 && silent >= holders {
            Self::All
        } else if silent >= 3 && silent * 3 > holders {
            Self::Many
        } else {
            Self::Few
        }
    }
}

/// What is known of a holder's presence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// In which windows it answered.
    #[serde(rename = "p")]
    presence: Presence,
    /// When it was last looked for; 0 never.
    #[serde(rename = "l")]
    looked_secs: u64,
    /// When it was last there; 0 never.
    #[serde(rename = "s")]
    seen_secs: u64,
    /// How long it has been silent, as far as somebody looked.
    #[serde(rename = "q")]
    silent_secs: u64,
    /// How long its absences were, the newest last.
    #[serde(rename = "b")]
    absences: Vec<u64>,
    /// Until when it announced to be away; 0 when it did not.
    #[serde(rename = "w")]
    away_until_secs: u64,
    /// When its user declared it lost; 0 when nobody did.
    #[serde(rename = "d")]
    declared_secs: u64,
    #[serde(rename = "t")]
    state: State,
    /// For how long it was watched while it counted.
    #[serde(rename = "n", default)]
    watched_secs: u64,
}

impl Standing {
    /// What it counts for.
    pub const fn state(&self) -> State {
        self.state
    }

    /// When it was last there; none before the first time.
    pub fn seen_secs(&self) -> Option<u64> {
        Some(self.seen_secs).filter(|secs| *secs > 0)
    }

    /// Until when it announced to be away, if that is not over.
    pub fn away_until(&self, now_secs: u64) -> Option<u64> {
        Some(self.away_until_secs).filter(|until| *until > now_secs)
    }

    /// The windows in which it was seen: one of its two scores.
    pub const fn presence(&self) -> &Presence {
        &self.presence
    }

    /// The windows alone.
    pub fn into_presence(self) -> Presence {
        self.presence
    }

    /// For how long it was watched while it counted: what [`Churn`](crate::care::Churn) rests on.
    pub const fn watched(&self) -> Duration {
        Duration::from_secs(self.watched_secs)
    }

    /// How long it may be silent before it is presumed lost: twice its longest absence so far, but
    /// within the rules.
    pub fn patience(&self, rules: &Rules) -> Duration {
        let longest = self.absences.iter().copied().max().unwrap_or_default();
        let most = rules.presume_most.max(rules.presume_after);
        Duration::from_secs(longest.saturating_mul(2)).clamp(rules.presume_after, most)
    }

    /// It was looked for at `now_secs`. A clock that was set back adds nothing.
    pub fn look(&mut self, now_secs: u64, online: bool, crowd: Crowd, rules: &Rules) {
        let since = match self.looked_secs {
            0 => 0,
            before => now_secs.saturating_sub(before),
        };
        let passed = since.min(rules.look_gap.as_secs());
        if self.state.counts() {
            self.watched_secs = self.watched_secs.saturating_add(since.min(WATCH_GAP));
        }
        self.looked_secs = now_secs;
        if online {
            self.presence.note(window_at(now_secs), true);
            self.is_here(now_secs, rules);
        } else if crowd != Crowd::All {
            self.presence.note(window_at(now_secs), false);
            self.is_silent(now_secs, if crowd == Crowd::Many { passed / 2 } else { passed }, rules);
        }
    }

    fn is_here(&mut self, now_secs: u64, rules: &Rules) {
        if self.silent_secs >= rules.suspect_after.as_secs() {
            self.absences.push(self.silent_secs);
            self.absences.drain(..self.absences.len().saturating_sub(ABSENCES));
        }
        (self.silent_secs, self.seen_secs) = (0, now_secs);
        if self.state.counts() {
            self.state = State::Present;
        }
    }

    fn is_silent(&mut self, now_secs: u64, passed: u64, rules: &Rules) {
        if self.away_until(now_secs).is_some() {
            // It said so. The silence begins when it should have been back.
            self.state = self.state.max(State::Away);
            return;
        }
        self.silent_secs = self.silent_secs.saturating_add(passed);
        let silent = Duration::from_secs(self.silent_secs);
        let reached = if silent >= rules.lost_after.max(self.patience(rules)) {
            State::Lost
        } else if silent >= self.patience(rules) {
            State::PresumedLost
        } else if silent >= rules.away_after {
            State::Away
        } else if silent >= rules.suspect_after {
            State::Suspect
        } else {
            State::Present
        };
        self.state = self.state.max(reached);
    }

    /// It proved to have a shard: whoever was given up counts again, unless its user said that it
    /// is gone, and not long ago.
    pub fn proved(&mut self, now_secs: u64, rules: &Rules) {
        if self.is_declared_lost(now_secs, rules) {
            return;
        }
        self.declared_secs = 0;
        self.silent_secs = 0;
        self.seen_secs = self.seen_secs.max(now_secs);
        self.state = State::Present;
    }

    /// Whether its user said, not long ago, that it is gone for good.
    pub const fn is_declared_lost(&self, now_secs: u64, rules: &Rules) -> bool {
        let until = self.declared_secs.saturating_add(rules.declared_for.as_secs());
        self.declared_secs > 0 && now_secs < until
    }

    /// It says that it will be away until then. More than the rules allow is not believed, and a
    /// time that has passed takes the announcement back.
    pub fn announced(&mut self, now_secs: u64, until_secs: u64, rules: &Rules) {
        let most = now_secs.saturating_add(rules.announce_most.as_secs());
        self.away_until_secs = until_secs.min(most);
    }

    /// Its user says that it is gone for good.
    pub const fn declare_lost(&mut self, now_secs: u64) {
        self.declared_secs = now_secs;
        self.state = State::Lost;
    }
}

#[cfg(test)]
mod tests;
