//! The arithmetic of lending disk. Pure: no I/O, no state.
//!
//! Invariant (I8): as long as nothing larger than [`Figures::free_bytes`] is accepted at a time,
//! the disk's free space never falls below floor plus safe area through what we accept. Somebody
//! else's data can still push it there; then `free_bytes` is zero and [`Figures::floor_ok`] tells.

use serde::{Deserialize, Serialize};

use crate::gauge::DiskSpace;

/// How much of a disk its user lends, and what must stay empty. All in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Donation {
    /// The most that shards may take.
    pub size_bytes: u64,
    /// The floor: free space of the disk below which we give disk back.
    pub min_free_bytes: u64,
    /// Kept empty above the floor, so that moves, the database and recovery have room to work.
    pub safe_area_bytes: u64,
}

/// A disk split in reserve and donation, as it is now. All in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Size of the disk.
    pub total_bytes: u64,
    /// Kept for the computer's own use: the disk without the donation.
    pub reserved_bytes: u64,
    /// Lent; never more than the disk.
    pub donated_bytes: u64,
    /// Taken by shards.
    pub used_bytes: u64,
    /// What new shards may still take.
    pub free_bytes: u64,
    /// Whether the disk's free space is at or above the floor.
    pub floor_ok: bool,
}

/// A donation that the disk cannot carry. All in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The disk carries a donation of {carried_bytes} bytes, not of {wanted_bytes}")]
pub struct CannotCarry {
    /// What should have been lent.
    pub wanted_bytes: u64,
    /// The most that can be.
    pub carried_bytes: u64,
}

impl Figures {
    /// Both disks as one.
    #[must_use]
    pub const fn and(self, other: &Self) -> Self {
        Self {
            total_bytes: self.total_bytes.saturating_add(other.total_bytes),
            reserved_bytes: self.reserved_bytes.saturating_add(other.reserved_bytes),
            donated_bytes: self.donated_bytes.saturating_add(other.donated_bytes),
            used_bytes: self.used_bytes.saturating_add(other.used_bytes),
            free_bytes: self.free_bytes.saturating_add(other.free_bytes),
            floor_ok: self.floor_ok && other.floor_ok,
        }
    }
}

impl Donation {
    /// The most that a disk with this much room, of which shards take `used_bytes`, can keep as a
    /// promise: what is free or lent already, less floor and safe area.
    pub fn carried_bytes(&self, space: DiskSpace, used_bytes: u64) -> u64 {
        let kept_empty = self.min_free_bytes.saturating_add(self.safe_area_bytes);
        let ours = space.free_bytes.saturating_add(used_bytes).min(space.total_bytes);
        ours.saturating_sub(kept_empty)
    }

    /// Refuses what the disk cannot carry. Lending less than is stored is fine: it takes no more.
    pub fn check(&self, space: DiskSpace, used_bytes: u64) -> Result<(), CannotCarry> {
        let carried_bytes = self.carried_bytes(space, used_bytes);
        if self.size_bytes > carried_bytes {
            return Err(CannotCarry { wanted_bytes: self.size_bytes, carried_bytes });
        }
        Ok(())
    }

    /// The split of a disk with this much room, of which shards take `used_bytes`.
    pub fn figures(&self, space: DiskSpace, used_bytes: u64) -> Figures {
        let donated_bytes = self.size_bytes.min(space.total_bytes);
        let kept_empty = self.min_free_bytes.saturating_add(self.safe_area_bytes);
        let room_in_donation = donated_bytes.saturating_sub(used_bytes);
        let room_on_disk = space.free_bytes.saturating_sub(kept_empty);
        Figures {
            total_bytes: space.total_bytes,
            reserved_bytes: space.total_bytes - donated_bytes,
            donated_bytes,
            used_bytes,
            free_bytes: room_in_donation.min(room_on_disk),
            floor_ok: space.free_bytes >= self.min_free_bytes,
        }
    }
}

#[cfg(test)]
mod tests;
