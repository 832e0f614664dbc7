//! How evenly a grid fills: members back up in turn, each along the walks of its own key.
//!
//! The work grows with the square of the grid, so of large ones a sample of this size is filled.

use std::collections::BTreeMap;

use chunker::PeerId;

use super::Plan;
use super::dice::Dice;
use super::grid::Grid;
use crate::placement::{Candidate, Lane, PlacementKey, Walk, lane_count};

/// How full the sample gets, in percent; the last tenths in small backups.
const FULL: [(u128, f64); 2] = [(70, 0.003), (80, 0.0006)];
/// The 95th percentile of how far fills are from their mean, as a share of it.
pub(super) fn spread(plan: &Plan, n: usize) -> f64 {
    let mut grid =
        Grid::new(&Plan { peers: plan.fill_sample, sites: None, fill: 0.0, ..plan.clone() });
    let mut dice = Dice::new(plan.seed, "filling");
    let all: Vec<usize> = (0..grid.peers.len()).collect();
    let slots: BTreeMap<PeerId, usize> =
        all.iter().map(|slot| (grid.peers[*slot].id, *slot)).collect();
    let capacity = |grid: &Grid| -> u128 {
        grid.peers.iter().map(|peer| u128::from(peer.room.used_bytes + peer.room.free_bytes)).sum()
    };
    let used = |grid: &Grid| -> u128 {
        grid.peers.iter().map(|peer| u128::from(peer.room.used_bytes)).sum()
    };
    let total = capacity(&grid);
    let mean = total as f64 / grid.peers.len().max(1) as f64;
    for (percent, share) in FULL {
        let shard = (mean * share) as u64;
        let mut stuck = 0;
        while used(&grid) * 100 < total * percent && stuck < grid.peers.len() {
            let before = used(&grid);
            let key = PlacementKey::from_bytes(*grid.peers[dice.below(all.len())].id.as_bytes());
            let candidates = grid.candidates(&all);
            for lane in 1..=lane_count(all.len(), n) {
                let walk = Walk::new(&key, Lane::from_number(lane));
                put((&mut grid, shard, n), &walk, &candidates, &slots);
            }
            stuck = if used(&grid) == before { stuck + 1 } else { 0 };
        }
    }
    percentile(&grid, used(&grid) as f64 / total.max(1) as f64)
}

/// One lane's shards, past those that are full.
fn put(
    (grid, shard, n): (&mut Grid, u64, usize),
    walk: &Walk,
    candidates: &[Candidate],
    slots: &BTreeMap<PeerId, usize>,
) {
    let mut left = n.min(candidates.len());
    for step in walk.steps(candidates) {
        if left == 0 {
            return;
        }
        let Some(slot) = slots.get(&step.peer).copied() else { continue };
        if grid.peers[slot].room.free_bytes >= shard {
            grid.take(slot, shard);
            left -= 1;
        }
    }
}

fn percentile(grid: &Grid, mean: f64) -> f64 {
    let off = |peer: &super::grid::Peer| {
        let (used, free) = (peer.room.used_bytes as f64, peer.room.free_bytes as f64);
        (used / (used + free) / mean - 1.0).abs()
    };
    let mut off: Vec<f64> = grid.peers.iter().map(off).collect();
    off.sort_unstable_by(f64::total_cmp);
    off.get(off.len() * 95 / 100).copied().unwrap_or_default()
}
