//! What shards are worth: each counts in a failure domain of its own, or not at all.
//!
//! A pack's effective number of domains is the size of a maximum matching between its shards and
//! the domains that have them (as Tahoe-LAFS's servers of happiness, its docs/specifications/
//! servers-of-happiness.rst): a domain with three shards counts once, a shard on two domains counts
//! for either. Where domains are fewer than shards, the shards lie as evenly as the domains take
//! them ([`even`]), so that losing one costs the least. Total.

use std::collections::{BTreeMap, BTreeSet};

use crate::placement::Domain;

#[cfg(test)]
mod tests;

/// For each shard, the domain it counts in: as many different ones as can be. `shards` has, for
/// each shard, the domains that hold it. By augmenting paths; a pack has at most 255 shards.
pub fn matched(shards: &[BTreeSet<Domain>]) -> Vec<Option<Domain>> {
    let mut taken: BTreeMap<Domain, usize> = BTreeMap::new();
    for shard in 0..shards.len() {
        augment(shards, shard, &mut taken, &mut BTreeSet::new());
    }
    let mut matched = vec![None; shards.len()];
    for (domain, shard) in taken {
        matched[shard] = Some(domain);
    }
    matched
}

/// In how many domains the shards count.
pub fn distinct(shards: &[BTreeSet<Domain>]) -> usize {
    matched(shards).iter().flatten().count()
}

/// Finds a domain for `shard`, moving others over to their other ones where that makes room.
fn augment(
    shards: &[BTreeSet<Domain>],
    shard: usize,
    taken: &mut BTreeMap<Domain, usize>,
    visited: &mut BTreeSet<Domain>,
) -> bool {
    for domain in &shards[shard] {
        if !visited.insert(*domain) {
            continue;
        }
        let holder = taken.get(domain).copied();
        if holder.is_none_or(|other| augment(shards, other, taken, visited)) {
            taken.insert(*domain, shard);
            return true;
        }
    }
    false
}

/// How many of `shards` each domain gets when they lie as evenly as possible and domain `i` has
/// room for `room[i]`; earlier ones get what cannot be divided. The sum is less than `shards` when
/// there is not enough room.
pub fn even(shards: usize, room: &[usize]) -> Vec<usize> {
    let mut counts = vec![0; room.len()];
    let mut left = shards;
    while left > 0 {
        let open: Vec<usize> = (0..room.len()).filter(|at| counts[*at] < room[*at]).collect();
        if open.is_empty() {
            break;
        }
        // A round for everybody at once, as long as nobody fills up.
        let least = open.iter().map(|at| room[*at] - counts[*at]).min().unwrap_or(0);
        let rounds = (left / open.len()).min(least);
        if rounds == 0 {
            open.iter().take(left).for_each(|at| counts[*at] += 1);
            break;
        }
        open.iter().for_each(|at| counts[*at] += rounds);
        left -= rounds * open.len();
    }
    counts
}

/// How many whole domains may be lost, whichever they are, while of the shards in them all but
/// `spare` have to stay. `counts` are the shards in each domain.
pub fn domains_to_lose(counts: &[usize], spare: usize) -> usize {
    let mut counts: Vec<usize> = counts.iter().copied().filter(|count| *count > 0).collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    let mut lost = 0;
    counts
        .iter()
        .take_while(|count| {
            lost += **count;
            lost <= spare
        })
        .count()
}
