//! What the source knows of those who hold something for it, and what is true of them.
//!
//! The truth is the model's: up and down in turns without memory, cut off in an outage, gone when
//! they left. What is thought of them is the engine's: each has a [`Standing`], which is told every
//! step whether somebody answered, and after an audit that something was proved.

use std::collections::BTreeMap;

use super::Plan;
use super::dice::Dice;
use super::grid::{Grid, Who};
use crate::care::{Crowd, Rules, Standing, State};

/// One holder.
#[derive(Debug)]
struct Holder {
    standing: Standing,
    up: bool,
    flips_secs: f64,
    /// Whether an outage reaches it.
    exposed: bool,
}

/// All who ever held something and were not given up long ago.
#[derive(Debug)]
pub(super) struct Holders {
    all: BTreeMap<Who, Holder>,
    dice: Dice,
    availability: f64,
    absence_secs: f64,
    outage: Option<super::Outage>,
}

impl Holders {
    pub(super) fn new(plan: &Plan) -> Self {
        let dice = Dice::new(plan.seed, "holders");
        let (availability, absence_secs) = (plan.availability, plan.absence.as_secs_f64());
        Self { all: BTreeMap::new(), dice, availability, absence_secs, outage: plan.outage }
    }

    /// Somebody takes its first shard; it is there just now.
    pub(super) fn meet(&mut self, who: Who, now_secs: u64, rules: &Rules) {
        let (mean, dice) = (self.absence_secs * self.odds_of_up(), &mut self.dice);
        let exposed = self.outage.is_some_and(|outage| dice.happens(outage.share));
        self.all.entry(who).or_insert_with(|| {
            let mut standing = Standing::default();
            standing.look(now_secs, true, Crowd::Few, rules);
            let flips_secs = now_secs as f64 + dice.wait(mean);
            Holder { standing, up: true, flips_secs, exposed }
        });
    }

    fn odds_of_up(&self) -> f64 {
        // Who is always there never flips.
        self.availability / (1.0 - self.availability).max(1e-9)
    }

    /// Lets time pass and looks at everybody once. Whether anybody counts otherwise than before.
    pub(super) fn look(&mut self, grid: &Grid, now_secs: u64, audit: bool, rules: &Rules) -> bool {
        let cut_off = self.outage.is_some_and(|outage| outage.lasts_at(now_secs));
        let (down, up) = (self.absence_secs, self.absence_secs * self.odds_of_up());
        let (mut waited, mut silent) = (0, 0);
        for (who, holder) in &mut self.all {
            while holder.flips_secs <= now_secs as f64 {
                holder.up = !holder.up;
                holder.flips_secs += self.dice.wait(if holder.up { up } else { down }).max(1.0);
            }
            let answers = holder.answers(*who, grid, cut_off);
            if holder.standing.state().counts() {
                waited += 1;
                silent += usize::from(!answers);
            }
        }
        let crowd = Crowd::of(silent, waited);
        let mut changed = false;
        for (who, holder) in &mut self.all {
            let before = holder.standing.state().counts();
            let answers = holder.answers(*who, grid, cut_off);
            holder.standing.look(now_secs, answers, crowd, rules);
            if audit && answers {
                holder.standing.proved(now_secs, rules);
            }
            changed |= holder.standing.state().counts() != before;
        }
        changed
    }

    /// What it counts for.
    pub(super) fn state(&self, who: Who) -> State {
        self.all.get(&who).map_or(State::Lost, |holder| holder.standing.state())
    }

    /// Whether it would answer just now.
    pub(super) fn answers(&self, who: Who, grid: &Grid, now_secs: u64) -> bool {
        let cut_off = self.outage.is_some_and(|outage| outage.lasts_at(now_secs));
        self.all.get(&who).is_some_and(|holder| holder.answers(who, grid, cut_off))
    }

    /// Whether it holds something, as far as the source knows.
    pub(super) fn knows(&self, who: Who) -> bool {
        self.all.contains_key(&who)
    }

    /// Forgets those that left and were given up, when nothing is known of their coming back.
    pub(super) fn forget(&mut self, grid: &Grid) {
        let gone = |who: &Who, holder: &Holder| {
            !grid.stayed(*who) && holder.standing.state() == State::Lost
        };
        self.all.retain(|who, holder| !gone(who, holder));
    }
}

impl Holder {
    fn answers(&self, who: Who, grid: &Grid, cut_off: bool) -> bool {
        self.up && grid.stayed(who) && !(cut_off && self.exposed)
    }
}
