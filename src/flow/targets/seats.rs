//! Seats: where a peer may have several shards of a pack, each of them is a candidate of its own.
//!
//! Later seats have made-up ids, so that a choice can take each once; they are as near to each
//! other as can be and in one domain, so that they are taken last. Total.

use std::collections::BTreeMap;

use chunker::PeerId;

use crate::placement::choose::Target;

/// The candidates and holders of one question, seat by seat.
#[derive(Debug)]
pub(super) struct Seats {
    pub(super) candidates: Vec<Target>,
    pub(super) placed: Vec<Target>,
    /// Whose the made-up ids are.
    peers: BTreeMap<PeerId, PeerId>,
}

impl Seats {
    /// `per_peer` seats for each candidate; one for each shard that is placed.
    pub(super) fn new(
        candidates: impl Iterator<Item = Target>,
        placed: impl Iterator<Item = Target>,
        per_peer: u8,
    ) -> Self {
        let mut seats = Self { candidates: Vec::new(), placed: Vec::new(), peers: BTreeMap::new() };
        let mut taken: BTreeMap<PeerId, u8> = BTreeMap::new();
        for target in placed {
            let no = taken.entry(target.peer).or_default();
            let seat = seats.seat(&target, *no);
            *no = no.saturating_add(1);
            seats.placed.push(seat);
        }
        for target in candidates {
            for no in 0..per_peer {
                let seat = seats.seat(&target, no);
                seats.candidates.push(seat);
            }
        }
        seats
    }

    /// Whose seat it is.
    pub(super) fn peer(&self, seat: PeerId) -> PeerId {
        self.peers.get(&seat).copied().unwrap_or(seat)
    }

    fn seat(&mut self, target: &Target, no: u8) -> Target {
        if no == 0 {
            return target.clone();
        }
        let mut hasher = blake3::Hasher::new_derive_key("gbak 1 seat of a peer");
        hasher.update(target.peer.as_bytes()).update(&[no]);
        let peer = PeerId::from_bytes(*hasher.finalize().as_bytes());
        self.peers.insert(peer, target.peer);
        Target { peer, ..target.clone() }
    }
}
