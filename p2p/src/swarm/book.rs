//! Whom to dial, and when: pure, told the time and the events by the driver.
//!
//! ```text
//! Waiting --due--> Dialing --connected--> Connected --closed--> Waiting
//!                     |                       |
//!                     +--failed--> Waiting    +--refused--> Waiting, for a long while
//! ```
//!
//! A goal is a device, or an address where somebody of the grid should be (a bootstrap address that
//! names nobody). Failures back off from [`FIRST_PAUSE`] to [`LONGEST_PAUSE`], with a jitter that
//! differs for every pair of devices. Members are dialled for ever; devices that were merely heard
//! of (local network, Kademlia) are forgotten after [`STRANGER_TRIES`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chunker::PeerId;
use libp2p::Multiaddr;
use libp2p::swarm::ConnectionId;
use tokio::time::Instant;

use crate::Refusal;

/// Pause after the first failure.
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between two tries.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Pause after a refusal: certificates do not change quickly.
pub(super) const REFUSED_PAUSE: Duration = Duration::from_mins(5);
/// Failures after which a device that is not a member is forgotten.
const STRANGER_TRIES: u32 = 3;
/// Devices that are no members, kept at most.
const STRANGERS: usize = 256;
/// Addresses tried for one device.
const ADDRESSES: usize = 24;
/// Dials under way at once.
const DIALS: usize = 32;

/// What a dial is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Goal {
    /// This device, wherever it is.
    Peer(PeerId),
    /// Whoever of the grid is there.
    Address(Multiaddr),
}

/// Why we want to reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Heard of on the local network or in the table; perhaps of no grid at all.
    Stranger,
    /// In the roster.
    Member,
    /// The user named it.
    Configured,
}

#[derive(Debug)]
struct Entry {
    standing: Standing,
    /// Found outside the roster: configured, or seen on the network.
    found: BTreeSet<Multiaddr>,
    /// As the roster has them.
    announced: Vec<Multiaddr>,
    phase: Phase,
    failures: u32,
    /// Whether a try has ended since the start, one way or the other.
    tried: bool,
    /// Who declined whom, last time.
    refused: Option<Refusal>,
    /// Who was found at an address.
    found_there: Option<PeerId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting {
        until: Instant,
    },
    Dialing,
    Connected,
    /// It is ourselves.
    Never,
}

/// What is known of reaching a device, for someone who wants to ask it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlook {
    /// A try is under way, or can begin now.
    Open,
    /// No address, or the last try failed a moment ago.
    Unreachable,
    /// Not accepted.
    Refused(Refusal),
}

/// The goals and how far each has come.
#[derive(Debug)]
pub(super) struct Book {
    me: PeerId,
    entries: BTreeMap<Goal, Entry>,
    dials: BTreeMap<ConnectionId, Goal>,
}

impl Book {
    pub(super) fn new(me: PeerId) -> Self {
        Self { me, entries: BTreeMap::new(), dials: BTreeMap::new() }
    }

    /// Adds a goal, or an address to one.
    pub(super) fn add(
        &mut self,
        standing: Standing,
        peer: Option<PeerId>,
        address: Multiaddr,
        now: Instant,
    ) {
        if peer == Some(self.me) {
            return;
        }
        let goal = peer.map_or_else(|| Goal::Address(address.clone()), Goal::Peer);
        if standing == Standing::Stranger && !self.entries.contains_key(&goal) {
            let strangers = self.entries.values().filter(|it| it.standing == standing).count();
            if strangers >= STRANGERS {
                return;
            }
        }
        let entry = self.entries.entry(goal).or_insert_with(|| Entry::new(standing, now));
        entry.standing = entry.standing.max(standing);
        if entry.found.len() < ADDRESSES && entry.found.insert(address) {
            entry.look_again(now);
        }
    }

    /// Takes over a member's announced addresses.
    pub(super) fn member(&mut self, peer: PeerId, announced: Vec<Multiaddr>, now: Instant) {
        let entry = Entry::new(Standing::Member, now);
        let entry = self.entries.entry(Goal::Peer(peer)).or_insert(entry);
        entry.standing = entry.standing.max(Standing::Member);
        if entry.announced != announced {
            entry.announced = announced;
            entry.look_again(now);
        }
    }

    /// Goals whose time has come, with the addresses to try.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(Goal, Vec<Multiaddr>)> {
        let room = DIALS.saturating_sub(self.dials.len());
        let connected: BTreeSet<PeerId> = self.connected().collect();
        let due = self.entries.iter_mut().filter(|(_, entry)| entry.is_due(now, &connected));
        let due = due.take(room).map(|(goal, entry)| {
            entry.phase = Phase::Dialing;
            (goal.clone(), entry.addresses(goal))
        });
        due.collect()
    }

    /// The dial for `goal` runs under this number.
    pub(super) fn dialing(&mut self, goal: Goal, connection: ConnectionId) {
        self.dials.insert(connection, goal);
    }

    /// A dial failed. Says for whom.
    pub(super) fn failed(&mut self, connection: ConnectionId, now: Instant) -> Option<Goal> {
        let goal = self.dials.remove(&connection)?;
        // The other side may have reached us in the meantime.
        if self.entries.get(&goal).is_some_and(|entry| entry.phase == Phase::Dialing) {
            self.fail(&goal, now);
        }
        Some(goal)
    }

    /// Reaching `goal` failed before or after there was a connection.
    pub(super) fn fail(&mut self, goal: &Goal, now: Instant) {
        let me = self.me;
        let Some(entry) = self.entries.get_mut(goal) else { return };
        entry.failures = entry.failures.saturating_add(1);
        entry.tried = true;
        entry.phase = Phase::Waiting { until: now + pause(&me, goal, entry.failures) };
        if entry.standing == Standing::Stranger && entry.failures >= STRANGER_TRIES {
            self.entries.remove(goal);
        }
    }

    /// What was dialled is ourselves.
    pub(super) fn is_me(&mut self, connection: ConnectionId) {
        let Some(goal) = self.dials.remove(&connection) else { return };
        if let Some(entry) = self.entries.get_mut(&goal) {
            (entry.phase, entry.tried) = (Phase::Never, true);
        }
    }

    /// There is a connection with `peer`, dialled by either side.
    pub(super) fn connected_to(&mut self, peer: PeerId, connection: ConnectionId, now: Instant) {
        if let Some(goal @ Goal::Address(_)) = self.dials.remove(&connection)
            && let Some(entry) = self.entries.get_mut(&goal)
        {
            // From now on the device is the goal, and this address one of its own.
            entry.found_there = Some(peer);
            entry.phase = Phase::Waiting { until: now };
            (entry.failures, entry.tried) = (0, true);
            let (standing, Goal::Address(address)) = (entry.standing, goal) else { return };
            self.add(standing, Some(peer), address, now);
        }
        if let Some(entry) = self.entries.get_mut(&Goal::Peer(peer)) {
            entry.phase = Phase::Connected;
        }
    }

    /// `peer` is admitted.
    pub(super) fn admitted(&mut self, peer: PeerId, now: Instant) {
        let entry = Entry::new(Standing::Member, now);
        let entry = self.entries.entry(Goal::Peer(peer)).or_insert(entry);
        (entry.phase, entry.tried) = (Phase::Connected, true);
        (entry.failures, entry.refused) = (0, None);
    }

    /// One of us does not accept the other.
    pub(super) fn refused(&mut self, peer: PeerId, reason: Refusal, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&Goal::Peer(peer)) {
            (entry.refused, entry.tried) = (Some(reason), true);
            entry.phase = Phase::Waiting { until: now + REFUSED_PAUSE };
        }
    }

    /// The last connection with `peer` is gone; `worked` if it had been admitted.
    pub(super) fn closed(&mut self, peer: PeerId, worked: bool, now: Instant) {
        let goal = Goal::Peer(peer);
        let me = self.me;
        match self.entries.get_mut(&goal) {
            Some(entry) if entry.phase == Phase::Connected && worked => {
                // Half the first pause, so that an ask in between need not wait for it.
                entry.phase = Phase::Waiting { until: now + pause(&me, &goal, 1) / 2 };
            }
            Some(entry) if entry.phase == Phase::Connected => self.fail(&goal, now),
            _ => {}
        }
    }

    /// Whether it makes sense to wait for `peer`. A rested goal becomes due at once.
    pub(super) fn outlook(&mut self, peer: PeerId, now: Instant) -> Outlook {
        let goal = Goal::Peer(peer);
        let Some(entry) = self.entries.get_mut(&goal) else { return Outlook::Unreachable };
        match entry.phase {
            Phase::Never => Outlook::Unreachable,
            Phase::Dialing | Phase::Connected => Outlook::Open,
            Phase::Waiting { until } => match entry.refused {
                Some(reason) if until > now => Outlook::Refused(reason),
                _ if entry.addresses(&goal).is_empty() => Outlook::Unreachable,
                _ if entry.failures > 0 && until > now => Outlook::Unreachable,
                _ => {
                    entry.phase = Phase::Waiting { until: now };
                    Outlook::Open
                }
            },
        }
    }

    /// Whether every member and configured address has been tried, and nothing is under way.
    pub(super) fn is_settled(&self) -> bool {
        self.entries.iter().filter(|(_, it)| it.standing > Standing::Stranger).all(|(goal, it)| {
            it.phase != Phase::Dialing && (it.tried || it.addresses(goal).is_empty())
        })
    }

    fn connected(&self) -> impl Iterator<Item = PeerId> {
        self.entries.iter().filter_map(|(goal, entry)| match goal {
            Goal::Peer(peer) if entry.phase == Phase::Connected => Some(*peer),
            _ => None,
        })
    }
}

impl Entry {
    fn new(standing: Standing, now: Instant) -> Self {
        Self {
            standing,
            found: BTreeSet::new(),
            announced: Vec::new(),
            phase: Phase::Waiting { until: now },
            failures: 0,
            tried: false,
            refused: None,
            found_there: None,
        }
    }

    /// There is a new address: no need to wait out a pause earned by the old ones.
    fn look_again(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Waiting { .. }) && self.refused.is_none() {
            self.phase = Phase::Waiting { until: now };
        }
    }

    fn is_due(&self, now: Instant, connected: &BTreeSet<PeerId>) -> bool {
        let rested = matches!(self.phase, Phase::Waiting { until } if until <= now);
        // A goal that is an address has it in `found` as well.
        let somewhere = !self.found.is_empty() || !self.announced.is_empty();
        let there = self.found_there.is_some_and(|peer| connected.contains(&peer));
        rested && somewhere && !there
    }

    fn addresses(&self, goal: &Goal) -> Vec<Multiaddr> {
        match goal {
            Goal::Address(address) => vec![address.clone()],
            Goal::Peer(_) => {
                let news = self.announced.iter().filter(|it| !self.found.contains(*it));
                news.chain(&self.found).take(ADDRESSES).cloned().collect()
            }
        }
    }
}

/// The pause after so many failures in a row, between three and five quarters of the plain one.
fn pause(me: &PeerId, goal: &Goal, failures: u32) -> Duration {
    let plain = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(6));
    let plain = plain.min(LONGEST_PAUSE);
    let mut hasher = blake3::Hasher::new();
    hasher.update(me.as_bytes()).update(&failures.to_be_bytes());
    match goal {
        Goal::Peer(peer) => hasher.update(peer.as_bytes()),
        Goal::Address(address) => hasher.update(address.as_ref()),
    };
    let jitter = u32::from(hasher.finalize().as_bytes()[0]);
    plain * 3 / 4 + plain / 2 * jitter / 255
}

#[cfg(test)]
mod tests;
