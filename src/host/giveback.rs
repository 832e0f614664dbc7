//! Giving disk back, pure: what to do about a disk on which somebody else takes room, or of which
//! less is lent than is stored.
//!
//! The order is fixed, and each step goes only as far as those before it left to do: refuse new
//! shards; free what is in quarantine; offer less; ask owners to move shards, those first that
//! their owners can best do without. A shard that is held is never deleted here: what is asked for
//! goes when its owner, or the peer it was handed to, has confirmed that it is elsewhere (I7).
//!
//! How far: until the floor is free again, and until no more is stored than lent. The safe area
//! above the floor is for the work that this needs, so it is not restored by moving shards: new
//! ones just stay out of it.

use chunker::{OwnerId, ShardId};
use store::{DiskSpace, Donation, Movable};

/// A disk as it is now. All in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lent {
    /// Its room.
    pub space: DiskSpace,
    /// What is lent of it.
    pub donation: Donation,
    /// Taken by files of shards, those in quarantine too.
    pub used_bytes: u64,
    /// Of them, those that nobody holds any more.
    pub quarantined_bytes: u64,
}

/// What to do. All in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Steps {
    /// Whether new shards are refused.
    pub refuse_new: bool,
    /// How much of the quarantine to free.
    pub free_bytes: u64,
    /// What can still be promised to the grid.
    pub offer_bytes: u64,
    /// How much owners are asked to move away.
    pub move_bytes: u64,
}

/// What to do about this disk.
pub fn steps(lent: &Lent) -> Steps {
    let Lent { space, donation, used_bytes, quarantined_bytes } = *lent;
    let below_floor = donation.min_free_bytes.saturating_sub(space.free_bytes);
    let over = used_bytes.saturating_sub(donation.size_bytes);
    let needed = below_floor.max(over).min(used_bytes);
    let free_bytes = needed.min(quarantined_bytes);
    let kept_empty = donation.min_free_bytes.saturating_add(donation.safe_area_bytes);
    let room = space.free_bytes.saturating_sub(kept_empty);
    // What is above the floor already can be promised; what has to go cannot.
    let carried = (used_bytes - needed).saturating_add(room);
    Steps {
        refuse_new: room == 0 || used_bytes >= donation.size_bytes,
        free_bytes,
        offer_bytes: donation.size_bytes.min(space.total_bytes).min(carried),
        move_bytes: needed - free_bytes,
    }
}

/// The less, the better to go: what its owner can spare most, then what frees most.
fn harm(one: &Movable) -> (u16, u64, OwnerId, ShardId) {
    // Of a shard whose owner said nothing, the worst has to be assumed.
    let spare = one.others.map_or(0, |others| u16::from(others) + 1);
    (u16::MAX - spare, u64::MAX - one.len, one.owner, one.shard)
}

/// The shards that go first, as few as make up `bytes`.
pub fn pick(mut movable: Vec<Movable>, bytes: u64) -> Vec<Movable> {
    movable.sort_by_key(harm);
    let mut picked: u64 = 0;
    let wanted = |one: &Movable| {
        let wanted = picked < bytes;
        picked = picked.saturating_add(one.len);
        wanted
    };
    movable.into_iter().take_while(wanted).collect()
}

/// By how much a donation grows when its disk did.
pub fn grown(donation_bytes: u64, added_bytes: u64, percent: f64, ceiling_bytes: u64) -> u64 {
    let share = (added_bytes as f64 * percent.clamp(0.0, 100.0) / 100.0) as u64;
    donation_bytes.max(donation_bytes.saturating_add(share).min(ceiling_bytes))
}

#[cfg(test)]
mod tests;
