//! Who was here when: what this device saw of the others, ten minutes at a time, for two months.
//!
//! From it come measured availability, shared fate and who is new. All of it is our own observation
//! and nobody's word. It is read from what is known of holders ([`health`]), filled by the agent's
//! looks; nothing is noted there for the time in which nobody looked, or nobody at all answered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chunker::PeerId;
use p2p::Grid;

use crate::care::{Churn, Rules};
use crate::flow::health::Holder;
use crate::flow::{Ctx, FlowError, health};
use crate::placement::domains::{Presence, WINDOW, window_at};

/// How long somebody has to have been around before what it holds counts as safe. Nobody is new to
/// a device that has not watched the grid for as long itself.
pub const PROBATION: Duration = Duration::from_secs(7 * 86_400);

/// What was seen of all devices.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Presences {
    peers: BTreeMap<PeerId, Presence>,
    /// The window in which anybody was first seen.
    since: Option<u64>,
    /// Whom the user declared lost.
    lost: BTreeSet<PeerId>,
    churn: Churn,
}

/// How long an absence is taken to last on average, before any was seen.
const ABSENCE: Duration = Duration::from_secs(86_400);

impl Presences {
    /// What was seen so far.
    pub fn load<G: Grid>(ctx: &Ctx<G>) -> Result<Self, FlowError> {
        let (holders, now, rules) = (health::holders(ctx)?, ctx.clock.now_secs(), Rules::default());
        let is_lost = |known: &Holder| known.standing.is_declared_lost(now, &rules);
        let lost = holders.iter().filter(|(_, known)| is_lost(known)).map(|(peer, _)| *peer);
        let churn = health::churn(&holders);
        let (lost, holders) = (lost.collect(), holders.into_iter());
        let peers: BTreeMap<PeerId, Presence> =
            holders.map(|(peer, known)| (peer, known.standing.into_presence())).collect();
        let since = peers.values().filter_map(Presence::first_seen).min();
        Ok(Self { peers, since, lost, churn })
    }

    /// What was seen of one device.
    pub fn of(&self, peer: &PeerId) -> Option<&Presence> {
        self.peers.get(peer)
    }

    /// How holders come and go.
    pub const fn churn(&self) -> &Churn {
        &self.churn
    }

    /// How long an absence lasts: the mean over the peers that had any; none seen, none returned.
    pub fn absence(&self) -> Option<Duration> {
        let seen: Vec<Duration> = self.peers.values().filter_map(Presence::mean_absence).collect();
        seen.iter().sum::<Duration>().checked_div(u32::try_from(seen.len()).ok()?)
    }

    /// The same, or what is assumed.
    pub fn absence_or_assumed(&self) -> Duration {
        self.absence().unwrap_or(ABSENCE)
    }

    /// Whether the user said that it is gone for good: then it is given nothing.
    pub fn is_declared_lost(&self, peer: &PeerId) -> bool {
        self.lost.contains(peer)
    }

    /// Whether `peer` has not been around for long, as far as we have.
    pub fn is_new(&self, peer: &PeerId, now_secs: u64) -> bool {
        let trial = PROBATION.as_secs() / WINDOW.as_secs();
        let since = window_at(now_secs).saturating_sub(trial);
        if self.since.is_none_or(|first| first > since) {
            return false;
        }
        let first = self.peers.get(peer).and_then(Presence::first_seen);
        first.is_none_or(|first| first > since)
    }
}
