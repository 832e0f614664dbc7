//! How evenly a grid fills: members back up in turn, each along the walks of its own key.
//!
//! The work grows with the square of the grid, so of large ones a sample of this size is filled.

use std::collections::BTreeMap;

use chunker::PeerId;

use super::Plan;
use super::dice::Dice;
use super::grid::Grid;
use crate::placement::fill::Fill;
use crate::placement::{Lane, PlacementKey, Walk, lane_count};

/// How full the sample gets, in percent; the last tenths in small backups.
const FULL: [(u128, f64); 2] = [(70, 0.003), (80, 0.0006)];
/// Least that is put on a peer at once, in bytes: a shard or a few.
const PIECE: u64 = 4 << 20;
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
            let fill = grid.filled();
            let candidates = grid.candidates(&all, &fill);
            for lane in 1..=lane_count(all.len(), n) {
                let walk = Walk::new(&key, Lane::from_number(lane));
                let steps = walk.steps(&candidates);
                let slots = steps.filter_map(|step| slots.get(&step.peer).copied());
                put(&mut grid, &fill, slots, (shard, n));
            }
            stuck = if used(&grid) == before { stuck + 1 } else { 0 };
        }
    }
    percentile(&grid, used(&grid) as f64 / total.max(1) as f64)
}

/// One lane's shards: on the first along its walk that are not ahead of the others, until one of
/// them is.
fn put(
    grid: &mut Grid,
    fill: &Fill,
    mut walk: impl Iterator<Item = usize>,
    (mut bytes, n): (u64, usize),
) {
    let (mut holders, mut waiting): (Vec<usize>, Vec<usize>) = <_>::default();
    while bytes > 0 {
        let room = |slot: &usize| grid.peers[*slot].room;
        let fits = |slot: &usize| room(slot).free_bytes >= PIECE.min(bytes);
        let (turn, ahead): (Vec<usize>, Vec<usize>) =
            holders.into_iter().filter(fits).partition(|slot| !fill.is_ahead(room(slot)));
        (holders, waiting) = (turn, waiting.into_iter().filter(fits).chain(ahead).collect());
        while holders.len() < n
            && let Some(slot) = walk.next()
        {
            match () {
                () if !fits(&slot) => {}
                () if fill.is_ahead(room(&slot)) => waiting.push(slot),
                () => holders.push(slot),
            }
        }
        let lacking = holders.iter().map(|slot| fill.lacks(room(slot))).min();
        let piece = lacking.unwrap_or(bytes).max(PIECE).min(bytes);
        holders.extend(waiting.drain(..waiting.len().min(n - holders.len())));
        if holders.is_empty() {
            return;
        }
        for slot in &holders {
            grid.take(*slot, piece);
        }
        bytes -= piece;
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
