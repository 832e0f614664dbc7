//! The grid as one disk: who contributes what, and how much of it can really be used. Pure.
//!
//! Every pack puts its n shards in n different domains. So the sum of what is free says little: one
//! large donor among small ones cannot be filled. With packs of shards of one unit, P packs fit
//! exactly when the domains together have room for n * P shards of which none takes more than P:
//! `sum(min(free, P)) >= n * P`. The largest such P is found by halving; k of n shards are data.

use std::collections::BTreeMap;

#[cfg(test)]
mod tests;

/// Part of a pack that is not the files': headers, padding, listings. 1/16: measured is 6% with
/// files that cannot be compressed (`tests/it/drive/space.rs`).
const OVERHEAD: u64 = 16;

/// What one domain can still take, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room<D> {
    /// Whoever shares its fate.
    pub domain: D,
    /// Free for new shards.
    pub free_bytes: u64,
}

/// How many bytes of files still fit when every pack needs k + m domains.
pub fn capacity<D: Ord>(rooms: impl IntoIterator<Item = Room<D>>, k: u8, m: u8) -> u64 {
    let mut by_domain: BTreeMap<D, u64> = BTreeMap::new();
    for room in rooms {
        let free = by_domain.entry(room.domain).or_default();
        *free = free.saturating_add(room.free_bytes);
    }
    let free: Vec<u64> = by_domain.into_values().collect();
    let n = u128::from(k) + u128::from(m);
    if n == 0 || (free.len() as u128) < n {
        return 0;
    }
    let fits = |each: u64| {
        let room: u128 = free.iter().map(|free| u128::from((*free).min(each))).sum();
        room >= n * u128::from(each)
    };
    // The largest number of shard bytes per pack position that fits.
    let all: u128 = free.iter().map(|free| u128::from(*free)).sum();
    let (mut low, mut high) = (0, u64::try_from(all / n).unwrap_or(u64::MAX));
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(middle) { low = middle } else { high = middle - 1 }
    }
    let net = u64::try_from(u128::from(low) * u128::from(k)).unwrap_or(u64::MAX);
    net - net / OVERHEAD
}
