//! Tests of shared fate: power cuts are found, evenings are not taken for them.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

const DAYS: u64 = 60;

fn peer(number: usize) -> PeerId {
    PeerId::from(blake3::hash(format!("peer {number}").as_bytes()))
}

/// When `peers` machines are up in two months, and which of them are behind one fuse.
fn months(peers: usize, fused: &[usize], nightly: bool, seed: u64) -> Vec<Presence> {
    let mut dice = StdRng::seed_from_u64(seed);
    let cuts: Vec<u64> = (0..8).map(|_| dice.random_range(0..DAYS * DAY)).collect();
    (0..peers)
        .map(|peer| {
            let mut down = vec![false; (DAYS * DAY) as usize];
            let mut fall = |from: u64, windows: u64| {
                (from..(from + windows).min(DAYS * DAY)).for_each(|at| down[at as usize] = true);
            };
            // Everybody's own failures, one in three days.
            for _ in 0..DAYS / 3 {
                fall(dice.random_range(0..DAYS * DAY), dice.random_range(1..20));
            }
            // Off from about eleven in the evening until about seven.
            for day in (0..DAYS).filter(|_| nightly) {
                let evening = day * DAY + 135 + dice.random_range(0..7);
                fall(evening, 45 + dice.random_range(0..9));
            }
            if fused.contains(&peer) {
                cuts.iter().for_each(|cut| fall(*cut, 3));
            }
            let mut presence = Presence::default();
            (0..).zip(&down).for_each(|(at, down)| presence.note(at, !down));
            presence
        })
        .collect()
}

fn found(months: &[Presence]) -> Vec<(PeerId, PeerId)> {
    let peers: Vec<_> = months.iter().enumerate().map(|(at, one)| (peer(at), one)).collect();
    shared(&peers).iter().map(|fate| (fate.one, fate.other)).collect()
}

#[test]
fn machines_behind_one_fuse_are_found() {
    for seed in 0..5 {
        let expected = (peer(3).min(peer(7)), peer(3).max(peer(7)));
        let met = found(&months(30, &[3, 7], false, seed));
        assert_eq!(met, [expected], "seed {seed}");
    }
}

#[test]
fn machines_that_sleep_at_night_are_not_taken_for_one() {
    for seed in 0..10 {
        assert_eq!(found(&months(20, &[], true, seed)), [], "seed {seed}");
    }
}

#[test]
fn a_time_in_which_nobody_answered_tells_about_us() {
    // We were offline five times.
    let mut all: Vec<Presence> = vec![Presence::default(); 6];
    for window in 0..5000 {
        let up = ![700, 1500, 2300, 3100, 4700].contains(&window);
        all.iter_mut().for_each(|one| one.note(window, up));
    }
    assert_eq!(found(&all), []);
}

/// All ways to put `second` falls into `days`, of which `first` are the other's.
fn by_hand(table: Table) -> Vec<f64> {
    let mut counts = vec![0.0; table.first.min(table.second) + 1];
    let first: u32 = (1 << table.first) - 1;
    for set in (0..1_u32 << table.days).filter(|set| set.count_ones() as usize == table.second) {
        counts[(set & first).count_ones() as usize] += 1.0;
    }
    let all: f64 = counts.iter().sum();
    counts.iter().map(|count| count / all).collect()
}

#[test]
fn the_distribution_is_the_share_of_all_ways() {
    for days in 1..=10 {
        for first in 0..=days {
            for second in 0..=days {
                let table = Table { days, first, second };
                for (ours, theirs) in hypergeometric(table).iter().zip(by_hand(table)) {
                    assert!((ours - theirs).abs() < 1e-12, "{table:?}");
                }
            }
        }
    }
}

#[test]
fn what_happens_by_chance_every_day_is_no_evidence() {
    let evening = Table { days: 50, first: 25, second: 25 };
    let once = Table { days: 43, first: 1, second: 1 };
    assert!(chance(&[evening], 12) > 0.1);
    assert!(chance(&[once, once, once], 3) < 1e-4);
    assert!(chance(&[evening, once], 13) > 0.1);
    assert!((chance(&[], 0) - 1.0).abs() < 1e-12);
}

#[test]
fn weekends_have_windows_of_their_own() {
    // Thursday the 1st of January 1970, one o'clock; Saturday the 3rd.
    assert_eq!(stratum(6), 6);
    assert_eq!(stratum(2 * DAY + 6), 150);
    assert_eq!(stratum(4 * DAY + 6), 6);
}
