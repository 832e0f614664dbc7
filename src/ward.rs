//! What an owner entrusts to a guardian, and what the guardian keeps beside it: formats and files.
//!
//! A guardian learns which shards make up each pack, who holds them and where they may go: enough
//! to notice losses and to rebuild from ciphertext. It learns no key, no name and no content, and
//! of the walk only the peers of the lanes in use. All of it is bounded.

use std::collections::BTreeMap;

use chunker::{Code, PackId, PeerId, Record, ShardId};
use p2p::Mandate;
use serde::{Deserialize, Serialize};

mod kept;

pub use kept::Kept;

/// Shard bytes of a list that fit one part, estimated: parts stay below the wire's largest body.
const PART_BYTES: usize = 12 * 1024 * 1024;
/// Encoded bytes of a pack beside its shards, and of a shard, at most.
const PACK_BYTES: usize = 64;
const SHARD_BYTES: usize = 40;
/// Peers of a walk that are passed on: a guardian needs the next few, not all of it.
pub const WALK_PEERS: usize = 64;

/// A part of the list of an owner's shards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ward {
    /// Everybody the rest refers to by number.
    #[serde(rename = "h")]
    pub peers: Vec<PeerId>,
    /// By lane: where new shards go, the first choice first.
    #[serde(rename = "w")]
    pub walks: BTreeMap<u8, Vec<u16>>,
    /// The packs.
    #[serde(rename = "p")]
    pub packs: Vec<WardPack>,
}

/// A pack as its guardian knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WardPack {
    /// BLAKE3 of the sealed bytes.
    #[serde(rename = "i")]
    pub id: PackId,
    /// Their length.
    #[serde(rename = "l")]
    pub len: u32,
    /// How they are coded.
    #[serde(rename = "c")]
    pub code: Code,
    /// The lane.
    #[serde(rename = "n")]
    pub lane: u8,
    /// In order: each shard's name, and its holder's number if it has one.
    #[serde(rename = "s")]
    pub shards: Vec<(ShardId, Option<u16>)>,
}

impl Record for Ward {
    const NAME: &'static str = "ward";
    const VERSION: u8 = 1;
    const LIMIT: usize = p2p::wire::BODY_LIMIT;
}

/// That an owner is cared for, and under which mandate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The newest mandate whose parts are all here.
    pub mandate: Mandate,
    /// How many parts there are.
    pub parts: u32,
}

impl Record for Charge {
    const NAME: &'static str = "charge";
    const VERSION: u8 = 1;
    const LIMIT: usize = 16 * 1024;
}

/// What a guardian saw and did since it was entrusted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// When a device of the owner was last connected, in seconds since the Unix epoch.
    #[serde(rename = "o")]
    pub owner_seen_secs: u64,
    /// When the last round ended.
    #[serde(rename = "r")]
    pub round_secs: u64,
    /// Holders that did not answer, and since when.
    #[serde(rename = "a")]
    pub absent: BTreeMap<PeerId, u64>,
    /// Shards put somewhere else than entrusted.
    #[serde(rename = "m")]
    pub moves: Vec<Move>,
}

/// A shard that was put somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Of which pack.
    #[serde(rename = "p")]
    pub pack: PackId,
    /// Which of its shards.
    #[serde(rename = "i")]
    pub index: u8,
    /// Who has it durably.
    #[serde(rename = "h")]
    pub holder: PeerId,
}

impl Record for Watch {
    const NAME: &'static str = "watch";
    const VERSION: u8 = 1;
    const LIMIT: usize = p2p::wire::BODY_LIMIT;
}

/// Gathers packs into parts.
#[derive(Debug, Default)]
pub struct Parts {
    done: Vec<Ward>,
    open: Ward,
    numbers: BTreeMap<PeerId, u16>,
    open_bytes: usize,
}

impl Parts {
    /// Adds a pack: its shards and holders, and its lane's walk.
    pub fn add(
        &mut self,
        (id, len, code, lane): (PackId, u32, Code, u8),
        shards: &[(ShardId, Option<PeerId>)],
        walk: &[PeerId],
    ) {
        let bytes = PACK_BYTES + SHARD_BYTES * shards.len();
        let crowded = self.numbers.len() + shards.len() + WALK_PEERS > usize::from(u16::MAX);
        if self.open_bytes + bytes > PART_BYTES || crowded {
            self.close();
        }
        self.open_bytes += bytes;
        let numbered = |parts: &mut Self, peer: &PeerId| parts.number(*peer);
        let shards =
            shards.iter().map(|(id, holder)| (*id, holder.map(|peer| numbered(self, &peer))));
        let shards = shards.collect();
        self.open.packs.push(WardPack { id, len, code, lane, shards });
        if !self.open.walks.contains_key(&lane) {
            let walk = walk.iter().take(WALK_PEERS).map(|peer| self.number(*peer)).collect();
            self.open.walks.insert(lane, walk);
        }
    }

    /// All parts; one, empty, when nothing was added.
    pub fn finish(mut self) -> Vec<Ward> {
        if !self.open.packs.is_empty() || self.done.is_empty() {
            self.close();
        }
        self.done
    }

    fn close(&mut self) {
        self.done.push(std::mem::take(&mut self.open));
        self.numbers.clear();
        self.open_bytes = 0;
    }

    fn number(&mut self, peer: PeerId) -> u16 {
        let next = self.numbers.len() as u16;
        let number = *self.numbers.entry(peer).or_insert(next);
        if number == next {
            self.open.peers.push(peer);
        }
        number
    }
}

impl Ward {
    /// Who has this number.
    pub fn peer(&self, number: u16) -> Option<PeerId> {
        self.peers.get(usize::from(number)).copied()
    }

    /// Whether it makes sense: as many shards as the code says, and no number without a peer.
    pub fn is_sound(&self) -> bool {
        let known = |number: &u16| usize::from(*number) < self.peers.len();
        let pack = |pack: &WardPack| {
            pack.shards.len() == pack.code.n()
                && pack.shards.iter().filter_map(|(_, holder)| holder.as_ref()).all(known)
        };
        self.packs.iter().all(pack) && self.walks.values().flatten().all(known)
    }

    /// Where new shards of a lane may go, in order.
    pub fn walk(&self, lane: u8) -> impl Iterator<Item = PeerId> {
        let walk = self.walks.get(&lane).map(Vec::as_slice).unwrap_or_default();
        walk.iter().filter_map(|number| self.peer(*number))
    }
}

#[cfg(test)]
mod tests;
