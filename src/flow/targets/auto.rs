//! Redundancy `auto`: solved from what was measured of the places there are.
//!
//! Availability is what this device saw ([`Presences`]); of a place with several peers, the one
//! that is here least. Departures and the time until repair are those of [`Churn`], which begins
//! with assumptions; assumed as [`risk`] does is the availability of the few that were not seen for
//! a day yet. Where most were not, nothing is solved: the table says what fits the number of
//! places, and [`By::Table`] that it did.
//!
//! [`Presences`]: crate::flow::presence::Presences
//! [`Churn`]: crate::care::Churn
//! [`risk`]: crate::flow::risk

use std::collections::{BTreeMap, BTreeSet};

use chunker::Code;
use p2p::Grid;

use super::Targets;
use crate::flow::Ctx;
use crate::flow::risk::AVAILABILITY;
use crate::placement::domains::Presence;
use crate::placement::solver::{Goal, Goals, World, solve};
use crate::placement::{Domain, lane_count, redundancy};

/// Shards of a typical pack, for how many lanes there are.
const TYPICAL_SHARDS: usize = 8;

/// How the redundancy of data came about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum By {
    /// The owner asked for it.
    Asked,
    /// Solved from measurements; these promises are out of reach in this grid.
    Solved(Vec<Goal>),
    /// Of most places nothing is measured yet: by their number alone.
    Table,
}

impl std::fmt::Display for By {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Asked => "asked for",
            Self::Solved(_) => "solved from measurements",
            Self::Table => "table: most places were not watched for a day yet",
        })
    }
}

impl Targets {
    /// The redundancy that fits the places there are; none below two.
    pub(crate) fn auto<G: Grid>(&self, ctx: &Ctx<G>) -> Option<(Code, By)> {
        if let Some(found) = self.lock().auto.clone() {
            return Some(found);
        }
        let places = self.places(ctx);
        let solved = self.world(places).and_then(|world| solve(&world, &Goals::default()));
        let found = match solved {
            Some(solution) => Some((solution.code, By::Solved(solution.unmet))),
            None => redundancy::auto(places).map(|code| (code, By::Table)),
        };
        self.lock().auto.clone_from(&found);
        found
    }

    /// What was measured, if it is of most places.
    fn world(&self, places: usize) -> Option<World> {
        let shares = self.shares(places);
        let known = shares.iter().flatten().count();
        if known * 2 <= shares.len() {
            return None;
        }
        let mut shares: Vec<f64> =
            shares.into_iter().map(|share| share.unwrap_or(AVAILABILITY)).collect();
        shares.sort_unstable_by(f64::total_cmp);
        shares.truncate(places);
        let lanes = lane_count(self.len(), TYPICAL_SHARDS);
        let (presences, churn) = (&self.seen.presences, self.seen.presences.churn());
        let absence = presences.absence_or_assumed();
        let world = World::new(shares, churn.rate(), churn.repair(), absence, lanes);
        world.inspect_err(|error| tracing::warn!(%error, "nothing is solved")).ok()
    }

    /// The lowest availability by domain, or by peer when there are more places than domains; none
    /// where nothing was measured.
    fn shares(&self, places: usize) -> Vec<Option<f64>> {
        let eligible =
            || self.usable().filter(|target| !target.probation && self.is_near(&target.peer));
        let domains: BTreeSet<Domain> = eligible().map(|target| target.domain).collect();
        let apart = domains.len() < places;
        let mut shares: BTreeMap<Domain, Option<f64>> = BTreeMap::new();
        for target in eligible() {
            let share = self.seen.presences.of(&target.peer).and_then(Presence::availability);
            let place = if apart { Domain::of_group(target.peer) } else { target.domain };
            let least = shares.entry(place).or_insert(share);
            *least = match (*least, share) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        shares.into_values().collect()
    }
}
