//! Where shards go: pure functions of the placement key and of the peers that could take something.
//!
//! A vault has a few [`Lane`]s. Each lane has a [`Walk`], a keyed sequence of peers; a pack's
//! shards go to the first peers of its lane's walk that take them, so that few sets of peers carry
//! everything (each further set is one more whose joint loss would cost data). Without the
//! placement key none of it can be computed from anything public (I5); with it, every device of the
//! owner computes the same.
//!
//! [`domains`] says who fails together, [`proximity`] how far peers are apart, [`choose`] finds
//! targets that keep the owner's limits; [`fill`] weighs peers, [`solver`] picks the redundancy
//! from what was measured ([`redundancy`] where nothing was), and [`risk`] reckons what it is all
//! worth. docs/PLACEMENT.md has the formulas and their sources.
//!
//! Nothing here knows the network: who is alive, has room and may be trusted is decided by whoever
//! makes the candidates. All functions are total: no input makes them fail.

use std::fmt;

use chunker::{OwnerId, PeerId};
use zeroize::{Zeroize, ZeroizeOnDrop};

pub mod choose;
pub mod domains;
pub mod fill;
pub mod odds;
pub mod proximity;
pub mod redundancy;
pub mod risk;
pub mod solver;
mod walk;

#[cfg(test)]
mod tests;

pub use walk::{REGION, Steps, Walk};

/// Most lanes of data packs. More would not shorten look-ups, only add sets of peers.
pub const MAX_LANES: u8 = 16;

/// What the walk is keyed with. Whoever has it can tell which peers hold the vault's packs.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PlacementKey([u8; 32]);

impl PlacementKey {
    /// The key with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A keyed hash of `parts` for one purpose. Tags differ from each other and have no common
    /// beginnings, and each purpose's parts have fixed lengths, so no two messages coincide.
    fn hash(&self, tag: Tag, parts: &[&[u8]]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&[tag as u8]);
        for part in parts {
            hasher.update(part);
        }
        hasher.finalize()
    }
}

impl fmt::Debug for PlacementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlacementKey(..)")
    }
}

/// What a keyed hash is for: its first byte.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
enum Tag {
    Point = 1,
    Rank = 2,
    Rotation = 3,
    Lane = 4,
}

/// One of a vault's sequences of targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane(u8);

impl Lane {
    /// The lane of metadata: listings, index, snapshots, manifests.
    pub const META: Self = Self(0);

    /// As it is recorded.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The lane that was recorded as `number`.
    pub const fn from_number(number: u8) -> Self {
        Self(number)
    }
}

/// What may fail as one: two shards in one domain count once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Domain([u8; 32]);

impl Domain {
    /// All devices of one member.
    pub const fn of_owner(owner: OwnerId) -> Self {
        Self(*owner.as_bytes())
    }

    /// A group of devices, named after the one with the smallest id.
    pub const fn of_group(first: PeerId) -> Self {
        Self(*first.as_bytes())
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// A peer that could take shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The device.
    pub peer: PeerId,
    /// Whose it is.
    pub owner: OwnerId,
    /// What it fails together with.
    pub domain: Domain,
    /// What it can still take: its weight.
    pub free_bytes: u64,
}

/// One target of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The device.
    pub peer: PeerId,
    /// Which point of the walk chose it; also its position in the sequence.
    pub j: u32,
    /// Its failure domain.
    pub domain: Domain,
}

/// How far a pack's shards are turned against its walk: below `n`, drawn with the key from the
/// pack's salt. Without it the first peers of a walk would get all first shards, which cost no
/// decoding to read and so would be asked most.
pub fn rotation(key: &PlacementKey, salt: &[u8; 32], n: usize) -> usize {
    below(&key.hash(Tag::Rotation, &[salt]), n as u64) as usize
}

/// How many lanes a source should have on a grid of `peers` when packs have `n` shards: as many as
/// fit side by side, `peers / n`, at least 1 and at most [`MAX_LANES`].
///
/// With so many lanes each peer serves about one, so that the whole grid is used. With more, lanes
/// would only be other choices of the same peers: with 20 peers, 8+4 and 5 of them lost, some pack
/// is lost with 5% for 1 lane and 57% for 16, while the expected loss stays the same.
pub fn lane_count(peers: usize, n: usize) -> u8 {
    let fitting = peers / n.max(1);
    fitting.clamp(1, usize::from(MAX_LANES)) as u8
}

/// Which of `lanes` data lanes a pack goes to, drawn with the key from its random `seed`.
pub fn lane_of(key: &PlacementKey, seed: &[u8; 32], lanes: u8) -> Lane {
    let drawn = below(&key.hash(Tag::Lane, &[seed]), u64::from(lanes)) as u8;
    // Number 0 is the lane of metadata; a recorded lane count is at most 16, but any is accepted.
    Lane(drawn.saturating_add(1))
}

/// A number below `bound` (0 for a bound of 0): a hash's number scaled down. For bounds as small as
/// ours the bias is far below anything that could be noticed.
fn below(hash: &blake3::Hash, bound: u64) -> u64 {
    ((u128::from(number(hash)) * u128::from(bound)) >> 64) as u64
}

/// 64 uniform bits of a hash.
fn number(hash: &blake3::Hash) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(bytes)
}
