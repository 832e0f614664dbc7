//! What a simulated grid promises: the same history for the same plan, and the engine's figures.

use std::collections::BTreeSet;

use chunker::PeerId;

use super::*;
use crate::placement::proximity::{Range, Verdict};

/// Little enough for a test, and nothing of it tries how a grid fills.
fn plan(peers: u32, years: f64) -> Plan {
    Plan { peers, years, data_bytes: 1 << 34, fill_sample: 4, ..Plan::default() }
}

#[test]
fn a_plan_replays_its_history_and_another_seed_has_another() {
    let once = run(&plan(120, 0.5));
    assert_eq!(once, run(&plan(120, 0.5)));
    let other = run(&Plan { seed: 2, ..plan(120, 0.5) });
    assert_ne!(once.history, other.history);
    assert!(once.departures > 5 && once.uploads_bytes > 0, "{once:?}");
}

#[test]
fn default_settings_lose_nothing_and_send_little_more_than_they_must() {
    let outcome = run(&Plan { seed: 3, ..plan(150, 2.0) });
    assert_eq!((outcome.packs, outcome.packs_lost, outcome.packs_unplaced), (4096, 0, 0));
    let least = outcome.history.iter().map(|day| day.least_shards).fold(f64::MAX, f64::min);
    assert!(least >= f64::from(outcome.code.k()) + 1.0, "{least}");
    let over = outcome.uploads_bytes as f64 / outcome.repair_minimum_bytes;
    assert!((0.3..1.5).contains(&over), "{over}");
    assert_eq!(outcome.reads_bytes, 0, "the source has its files");
}

#[test]
fn a_failure_that_ends_moves_nothing() {
    let outage = Outage {
        after: Duration::from_secs(20 * 86_400),
        lasts: Duration::from_secs(3 * 3600),
        share: 0.4,
    };
    let calm = Plan { departures: 0.0, ..plan(100, 0.2) };
    let outcome = run(&Plan { outage: Some(outage), ..calm.clone() });
    assert_eq!((outcome.uploads_bytes, outcome.packs_lost, outcome.departures), (0, 0, 0));
    // One that does not end is another matter.
    let for_good = Outage { lasts: Duration::from_secs(40 * 86_400), ..outage };
    let outcome = run(&Plan { outage: Some(for_good), ..calm });
    assert!(outcome.uploads_bytes > 0 && outcome.shards_made == outcome.shards_made_in_vain);
}

#[test]
fn as_much_is_lost_as_the_odds_say() {
    // One copy to lose, and nine of ten leave within a year: something is lost all the time.
    let (mut lanes, mut years, mut lost) = (0.0, 0.0, 0.0);
    let code = Code::new(1, 1).unwrap();
    for seed in 0..6 {
        let plan = Plan {
            seed,
            departures: 0.9,
            availability: 0.999,
            code: Some(code),
            repair_up: 1 << 40,
            years: 4.0,
            ..plan(64, 4.0)
        };
        let outcome = run(&plan);
        lanes = f64::from(outcome.lanes);
        years += plan.years;
        lost += outcome.packs_lost as f64 / (outcome.packs as f64 / lanes);
    }
    // From silence to another holder: three days, and up to two hours more.
    let delay = Rules::default().presume_after + Duration::from_secs(5400);
    let expected = odds::chain_rate(code, odds::rate_of(0.9), delay) * years * lanes;
    // Each lane's packs are lost together.
    assert!((lost - expected).abs() < 3.3 * expected.sqrt(), "{lost} {expected}");
    assert!(expected > 25.0);
}

#[test]
fn without_the_source_repair_reads_what_it_makes_new_shards_from() {
    let outcome = run(&Plan { source_gone: true, ..plan(150, 1.0) });
    assert_eq!(outcome.packs_lost, 0);
    assert!(outcome.uploads_bytes > 0 && outcome.reads_bytes >= outcome.uploads_bytes / 4);
}

#[test]
fn a_lost_site_costs_each_pack_one_shard() {
    let plan = Plan { sites: Some(20), site_losses: 6.0, departures: 0.0, ..plan(200, 0.5) };
    let outcome = run(&plan);
    assert!(outcome.departures > 0 && outcome.departures.is_multiple_of(10), "{outcome:?}");
    assert_eq!((outcome.packs_lost, outcome.code.n() <= 20), (0, true));
    let n = outcome.code.n() as f64;
    let least = outcome.history.iter().map(|day| day.least_shards).fold(f64::MAX, f64::min);
    assert!(least < n && least >= n - 4.0, "{least} of {n}");
}

#[test]
fn no_shard_of_the_model_violates_a_limit() {
    let mut plan = plan(300, 0.0);
    let range = |text: &str| text.parse::<Range>().unwrap();
    plan.limits.proximity.latency = range("20ms..90ms");
    plan.limits.proximity.spread = range("10ms..120ms");
    plan.code = Some(Code::new(3, 3).unwrap());
    let (code, lanes) = redundancy(&plan);
    let (mut grid, mut holders) = (Grid::new(&plan), Holders::new(&plan));
    let mut vault = Vault::new(&plan, code);
    vault.back_up(plan.data_bytes, lanes, &mut grid, &mut holders, &plan.rules);
    assert!(!vault.batches.is_empty() && vault.unplaced == 0);
    for batch in &vault.batches {
        let slots: Vec<usize> = batch.shards.iter().flatten().map(|who| who.slot).collect();
        let peers: BTreeSet<PeerId> = slots.iter().map(|slot| grid.peers[*slot].id).collect();
        assert_eq!(peers.len(), 6);
        for (at, one) in slots.iter().enumerate() {
            let latency = plan.limits.proximity.latency.judge(Some(&grid.to_source(*one)));
            assert_eq!(latency, Verdict::Inside);
            for other in &slots[at + 1..] {
                let spread = plan.limits.proximity.spread.judge(Some(&grid.between(*one, *other)));
                assert_eq!(spread, Verdict::Inside);
            }
        }
    }
}

#[test]
fn ten_thousand_peers_cost_one_look_up_for_each_lane_and_refresh() {
    let plan = Plan { data_bytes: 1 << 40, ..plan(10_000, 0.02) };
    let outcome = run(&plan);
    assert_eq!((outcome.lanes, outcome.packs, outcome.packs_lost), (16, 262_144, 0));
    assert!(outcome.lookups_per_refresh > 0.0 && outcome.lookups_per_refresh <= 1.0);
    assert!(outcome.holders >= 16 * outcome.code.n() as u64 / 2, "{}", outcome.holders);
}

#[test]
fn a_grid_fills_evenly_whatever_the_seed() {
    // Large ones where it takes no time.
    let (seeds, sample, n) = if cfg!(debug_assertions) { (1, 80, 8) } else { (20, 200, 15) };
    for seed in 0..seeds {
        let plan = Plan { seed, fill_sample: sample, ..Plan::default() };
        let spread = filling::spread(&plan, n);
        println!("seed {seed}: {:.1} %", spread * 100.0);
        assert!(spread > 0.0 && spread <= 0.05, "seed {seed}: {spread}");
    }
}

#[test]
fn a_run_is_drawn() {
    let picture = svg(&run(&plan(60, 0.1)));
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
    assert_eq!(picture.matches("<polyline").count(), 5);
    assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
    assert_eq!(picture.matches("<text").count(), picture.matches("</text>").count());
}

#[test]
fn a_tiny_grid_and_no_time_are_fine() {
    for (peers, years) in [(1, 0.0), (2, 0.1), (3, 0.1)] {
        let outcome = run(&plan(peers, years));
        assert!(outcome.packs + outcome.packs_unplaced == 4096, "{outcome:?}");
    }
}
