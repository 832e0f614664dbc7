//! Tests of filling: with the real walk, few lanes, and large and small peers.

use chunker::{OwnerId, PeerId};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::placement::{Candidate, Domain, Lane, PlacementKey, Walk, lane_count};

const GB: u64 = 1_000_000_000;

/// Peers with capacities from 10 GB to 10 TB, as many in each decade, and what they have taken.
fn grid(peers: usize, seed: u64) -> Vec<(Candidate, Room)> {
    let mut dice = StdRng::seed_from_u64(seed);
    (0..peers)
        .map(|number| {
            let owner = OwnerId::from(blake3::hash(&number.to_le_bytes()));
            let capacity = 10.0 * 1000_f64.powf(dice.random::<f64>()) * GB as f64;
            let room = Room { used_bytes: 0, free_bytes: capacity as u64 };
            let peer = PeerId::from_bytes(*owner.as_bytes());
            (Candidate { peer, owner, domain: Domain::of_owner(owner), free_bytes: 0 }, room)
        })
        .collect()
}

/// How far fills are from their mean, as a share of it, in the 95th percentile.
fn relative_spread(grid: &[(Candidate, Room)]) -> f64 {
    let used: u128 = grid.iter().map(|(_, room)| u128::from(room.used_bytes)).sum();
    let capacity: u128 = grid.iter().map(|(_, room)| room.capacity()).sum();
    let mean = used as f64 / capacity as f64;
    let mut off: Vec<f64> = grid
        .iter()
        .map(|(_, room)| (room.used_bytes as f64 / room.capacity() as f64 / mean - 1.0).abs())
        .collect();
    off.sort_unstable_by(f64::total_cmp);
    off[off.len() * 95 / 100]
}

/// Lets members back up in turn, `step` bytes at a time, each over the lanes of its own key, until
/// `percent` of the grid is used. Weights are refreshed before each backup.
fn fill(
    grid: &mut [(Candidate, Room)],
    step: u64,
    percent: u128,
    weight: impl Fn(&Fill, Room) -> u64,
) {
    const K: u64 = 8;
    const N: usize = 20;
    let capacity: u128 = grid.iter().map(|(_, room)| room.capacity()).sum();
    let mut used: u128 = grid.iter().map(|(_, room)| u128::from(room.used_bytes)).sum();
    let lanes = lane_count(grid.len(), N);
    let shard = step / u64::from(lanes) / K;
    for turn in (0..grid.len()).cycle() {
        let fill = Fill::of(grid.iter().map(|(_, room)| *room));
        let weighted = |(one, room): &(Candidate, Room)| Candidate {
            free_bytes: weight(&fill, *room),
            ..*one
        };
        let candidates: Vec<Candidate> = grid.iter().map(weighted).collect();
        let key = PlacementKey::from_bytes(*grid[turn].0.peer.as_bytes());
        for lane in 1..=lanes {
            used += u128::from(backup(
                grid,
                &Walk::new(&key, Lane::from_number(lane)),
                &candidates,
                N,
                shard,
            ));
        }
        if used * 100 >= capacity * percent {
            return;
        }
    }
}

/// Puts `n` shards along a walk, past those that are full. Returns the bytes that were placed.
fn backup(
    grid: &mut [(Candidate, Room)],
    walk: &Walk,
    candidates: &[Candidate],
    n: usize,
    shard: u64,
) -> u64 {
    let (mut left, mut placed) = (n, 0);
    let mut steps = walk.steps(candidates);
    while left > 0 {
        let Some(step) = steps.next() else { break };
        let at = grid.iter_mut().find(|(one, _)| one.peer == step.peer);
        if let Some((_, room)) = at.filter(|(_, room)| room.free_bytes >= shard) {
            room.used_bytes += shard;
            room.free_bytes -= shard;
            (left, placed) = (left - 1, placed + shard);
        }
    }
    placed
}

#[test]
fn large_and_small_peers_fill_alike() {
    let mut grid = grid(200, 1);
    // Large first backups, then what is added to them.
    fill(&mut grid, 320 * GB, 70, Fill::weight);
    fill(&mut grid, 60 * GB, 80, Fill::weight);
    let spread = relative_spread(&grid);
    assert!(spread <= 0.05, "{spread}");
}

#[test]
fn free_space_alone_would_not_do() {
    let mut grid = grid(200, 1);
    fill(&mut grid, 640 * GB, 70, |_, room| room.free_bytes);
    fill(&mut grid, 160 * GB, 80, |_, room| room.free_bytes);
    let spread = relative_spread(&grid);
    assert!(spread > 0.1, "{spread}: then weights could be simpler");
}

#[test]
fn an_empty_grid_is_filled_in_proportion() {
    let rooms: Vec<Room> =
        (1..50).map(|tb| Room { used_bytes: 0, free_bytes: tb * 1000 * GB }).collect();
    let fill = Fill::of(rooms.iter().copied());
    let first = fill.weight(rooms[0]);
    for (at, room) in (1..).zip(&rooms) {
        assert!(fill.weight(*room).abs_diff(first * at) <= at, "{at}");
    }
}

proptest! {
    #[test]
    fn nobody_weighs_more_than_it_can_take(
        rooms in prop::collection::vec((any::<u64>(), any::<u64>()), 0..20),
    ) {
        let room = |(used_bytes, free_bytes)| Room { used_bytes, free_bytes };
        let rooms: Vec<Room> = rooms.into_iter().map(room).collect();
        let fill = Fill::of(rooms.iter().copied());
        for room in &rooms {
            prop_assert!(fill.weight(*room) <= room.free_bytes);
        }
        // Somebody is behind, unless all is full.
        let room_left = rooms.iter().any(|room| room.free_bytes > 1 << 20);
        prop_assert!(!room_left || rooms.iter().any(|room| fill.weight(*room) > 0));
    }
}
