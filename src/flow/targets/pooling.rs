//! How much the peers that are here can still take of this member, after redundancy: what a drive
//! promises.
//!
//! The code is the one that a commit made now would use. A peer, or a domain where those are what
//! shards are kept apart by, has at most one shard of a pack. With fewer of them than a pack has
//! shards, packs get as many shards as there are places, and are safe with one more than they need.

use chunker::Code;
use p2p::Grid;

use super::Targets;
use crate::flow::Ctx;
use crate::placement::{Domain, redundancy};
use crate::pool::{self, Room};

/// Fewest places that are planned for: those missing are expected to come.
const PLANNED: usize = 3;

impl Targets {
    /// The code for packs that may wait until all places are here.
    pub(crate) fn planned<G: Grid>(&self, ctx: &Ctx<G>) -> Option<Code> {
        redundancy::auto(self.known_domains().max(self.places(ctx)).max(PLANNED))
    }

    /// That code, and how many bytes of files still fit.
    pub(crate) fn pooled<G: Grid>(&self, ctx: &Ctx<G>, asked: Option<Code>) -> (Option<Code>, u64) {
        let Some(code) = asked.or_else(|| self.planned(ctx)) else { return (None, 0) };
        let near = || self.usable().filter(|target| self.is_near(&target.peer));
        let domains: std::collections::BTreeSet<Domain> =
            near().map(|target| target.domain).collect();
        let places = near().count();
        // Where there are too few domains each peer is a place of its own.
        let apart = domains.len() < code.n().min(places);
        let rooms: Vec<Room<Domain>> = near()
            .map(|target| Room {
                domain: if apart { Domain::of_group(target.peer) } else { target.domain },
                free_bytes: target.free_bytes,
            })
            .collect();
        let places = if apart { places } else { domains.len() };
        let (k, n) = (usize::from(code.k()), code.n().min(places));
        let spare = n.saturating_sub(k);
        if spare == 0 {
            return (Some(code), 0);
        }
        // Fits: it is at most the code's own.
        (Some(code), pool::capacity(rooms, code.k(), spare as u8))
    }
}
