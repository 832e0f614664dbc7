//! Where devices are in the space of round trips: our own coordinate, what others say of theirs,
//! and whom they measured near.
//!
//! One peer gets one pull at our coordinate for each new measurement of it, however often it says
//! where it is. What others say is bounded when it is decoded, kept for devices of the roster only,
//! and replaced by what the same device says later; it is a claim and proves nothing. Total.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chunker::PeerId;

use crate::coords::{Coord, Vivaldi};
use crate::wire::{SIGHTINGS_LIMIT, Sighting};

/// What is known of everybody's place.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chart {
    /// Where we are.
    pub me: Option<Coord>,
    /// Where others say they are.
    pub coords: BTreeMap<PeerId, Coord>,
    /// By witness: whom it says it measured, and how far away.
    pub seen: BTreeMap<PeerId, BTreeMap<PeerId, Duration>>,
}

/// The chart being drawn.
#[derive(Debug)]
pub(super) struct Drawing {
    vivaldi: Vivaldi,
    chart: Chart,
    /// Measured since their last pull.
    fresh: BTreeSet<PeerId>,
}

impl Drawing {
    /// Nothing is known yet; this device begins beside the origin.
    pub(super) fn new(me: &PeerId) -> Self {
        let vivaldi = Vivaldi::new(Coord::start(me.as_bytes()));
        Self { vivaldi, chart: Chart::default(), fresh: BTreeSet::new() }
    }

    /// Goes on where this device was before a restart.
    pub(super) fn resume(&mut self, coord: Coord) {
        self.vivaldi = Vivaldi::new(coord);
    }

    /// Where this device is.
    pub(super) fn me(&self) -> Coord {
        *self.vivaldi.coord()
    }

    /// All of it.
    pub(super) fn chart(&self) -> Chart {
        Chart { me: Some(self.me()), ..self.chart.clone() }
    }

    /// A new round trip to `peer` was measured.
    pub(super) fn measured(&mut self, peer: PeerId) {
        self.fresh.insert(peer);
    }

    /// `peer`, to which `rtt` is the least measured, says where it is and whom it saw.
    pub(super) fn told(
        &mut self,
        peer: PeerId,
        rtt: Option<Duration>,
        coord: Option<Coord>,
        seen: &[Sighting],
    ) {
        let Some(coord) = coord else { return };
        self.chart.coords.insert(peer, coord);
        let sightings = seen.iter().take(SIGHTINGS_LIMIT);
        let sightings =
            sightings.map(|one| (one.peer, Duration::from_micros(u64::from(one.micros))));
        let sightings: BTreeMap<PeerId, Duration> =
            sightings.filter(|(seen, _)| *seen != peer).collect();
        if !sightings.is_empty() {
            self.chart.seen.insert(peer, sightings);
        }
        if let Some(rtt) = rtt
            && self.fresh.remove(&peer)
            && let Err(error) = self.vivaldi.update(&coord, rtt)
        {
            tracing::debug!(peer = %peer.short(), %error, "no distance");
        }
    }

    /// Forgets who is not `known` any more.
    pub(super) fn retain(&mut self, known: impl Fn(&PeerId) -> bool) {
        self.chart.coords.retain(|peer, _| known(peer));
        self.chart.seen.retain(|peer, _| known(peer));
        self.fresh.retain(known);
    }
}
