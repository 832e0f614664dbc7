//! Tests of the odds: against exact sums, against each other, and against dice.

use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn code(k: u8, m: u8) -> Code {
    Code::new(k, m).unwrap()
}

fn close(one: f64, other: f64, relative: f64) -> bool {
    (one - other).abs() <= relative * one.abs().max(other.abs()).max(f64::MIN_POSITIVE)
}

/// Every subset of answering holders, one by one.
fn answering_by_hand(chances: &[f64], least: usize) -> f64 {
    (0..1_u32 << chances.len())
        .filter(|who| who.count_ones() as usize >= least)
        .map(|who| {
            let odds = chances.iter().enumerate();
            odds.map(|(i, p)| if who >> i & 1 == 1 { *p } else { 1.0 - p }).product::<f64>()
        })
        .sum()
}

proptest! {
    #[test]
    fn answering_holders_are_counted_exactly(
        chances in prop::collection::vec(0.0..=1.0_f64, 0..10), least in 0_usize..11,
    ) {
        let ours = at_least(&answering(&chances), least);
        prop_assert!((ours - answering_by_hand(&chances, least)).abs() < 1e-12);
    }

    #[test]
    fn a_random_choice_is_the_mean_of_all_choices(
        chances in prop::collection::vec(0.0..=1.0_f64, 1..8), n in 1_usize..8, least in 0_usize..8,
    ) {
        let n = n.min(chances.len());
        let all: Vec<f64> = (0..1_u32 << chances.len())
            .filter(|who| who.count_ones() as usize == n)
            .map(|who| {
                let drawn = chances.iter().enumerate().filter(|(i, _)| who >> i & 1 == 1);
                answering_by_hand(&drawn.map(|(_, p)| *p).collect::<Vec<_>>(), least)
            })
            .collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let ours = Subsets::new(&chances, n).at_least(n, least);
        prop_assert!((ours - mean).abs() < 1e-12, "{ours} {mean}");
    }

    #[test]
    fn nothing_makes_a_chance_that_is_none(
        k in 1_u8..20, m in 0_u8..20, missing in 0_usize..50,
        rate in prop_oneof![Just(f64::NAN), Just(-1.0), Just(f64::INFINITY), 0.0..100.0_f64],
        delay_days in 0_u64..4000,
    ) {
        let (code, delay) = (code(k, m), DAY * delay_days as u32);
        let lost = lost_within(code, missing, rate, delay, YEAR);
        for chance in [lost, within(closed_rate(code, rate, delay), YEAR)] {
            prop_assert!((0.0..=1.0).contains(&chance), "{chance}");
        }
        prop_assert!(chain_rate(code, rate, delay) >= 0.0);
    }

    #[test]
    fn more_missing_and_more_time_are_more_risk(
        k in 1_u8..9, m in 1_u8..9, rate in 0.01..1.0_f64, days in 1_u32..60,
    ) {
        let code = code(k, m);
        let lost = |missing, time| lost_within(code, missing, rate, DAY * days, time);
        for missing in 0..usize::from(m) {
            // Up to rounding: nearly certain losses are equally likely.
            prop_assert!(lost(missing, YEAR) <= lost(missing + 1, YEAR) * (1.0 + 1e-9));
            prop_assert!(lost(missing, YEAR / 4) <= lost(missing, YEAR) * (1.0 + 1e-9));
        }
    }
}

#[test]
fn closed_form_and_chain_agree_where_losses_are_rare() {
    let rate = rate_of(0.2);
    for (k, m, days) in [(1, 1, 5), (2, 3, 17), (4, 4, 17), (4, 8, 33), (8, 8, 17), (8, 12, 17)] {
        let closed = closed_rate(code(k, m), rate, DAY * days);
        let chain = chain_rate(code(k, m), rate, DAY * days);
        assert!(close(closed, chain, 0.08), "{k}+{m}: {closed:e} {chain:e}");
    }
}

#[test]
fn the_figures_of_the_literature_come_out() {
    // Backblaze, 17+3, 0.405 % a year, 6.5 days: 2.94e-11 exactly, 7.35e-12 by a fixed window.
    let backblaze = closed_rate(code(17, 3), rate_of(0.00405), DAY * 13 / 2);
    assert!(close(backblaze, 2.94e-11, 0.01), "{backblaze:e}");
    // 4+8 at 50 % a year and 33 days, by the closed form and by an exact chain.
    let closed = closed_rate(code(4, 8), rate_of(0.5), DAY * 33);
    let chain = chain_rate(code(4, 8), rate_of(0.5), DAY * 33);
    assert!(close(closed, 1.57e-7, 0.01) && close(chain, 1.52e-7, 0.01), "{closed:e} {chain:e}");
}

#[test]
fn the_small_form_is_the_limit() {
    // R ~ k * rate * C(n,m) * (rate * delay)^m
    let (rate, delay) = (rate_of(0.001), DAY * 5);
    let load = rate * years(delay);
    let small = 3.0 * rate * 10.0 * load.powi(2);
    assert!(close(closed_rate(code(3, 2), rate, delay), small, 1e-3));
}

#[test]
fn the_chain_followed_in_time_gives_its_rate() {
    let (rate, delay) = (rate_of(0.2), DAY * 10);
    for (k, m) in [(1, 1), (2, 2), (3, 5), (8, 12)] {
        let slow = chain_rate(code(k, m), rate, delay);
        let followed = lost_within(code(k, m), 0, rate, delay, YEAR * 20);
        let expected = within(slow, YEAR * 20);
        assert!(close(followed, expected, 0.02), "{k}+{m}: {followed:e} {expected:e}");
    }
}

#[test]
fn without_repair_a_pack_lasts_as_long_as_its_holders() {
    // 2 of 3 with one departure a year each: 1/3 + 1/2 years.
    let time = unrepaired(3, 2, 1.0).unwrap();
    assert!(close(years(time), 5.0 / 6.0, 1e-9));
    assert_eq!(unrepaired(1, 2, 1.0), Some(Duration::ZERO));
    assert_eq!(unrepaired(3, 2, 0.0), None);
}

#[test]
fn who_is_away_half_of_the_time_is_seen_in_time() {
    assert!(close(seen_within(0.5, DAY, Duration::ZERO), 0.5, 1e-12));
    assert!(close(seen_within(0.5, DAY, DAY), 1.0 - 0.5 * (-1.0_f64).exp(), 1e-12));
    assert!(seen_within(0.5, DAY, DAY * 7) > 0.999);
    assert!(close(seen_within(0.9, Duration::ZERO, DAY), 1.0, 1e-12));
    assert!(seen_within(0.0, DAY, DAY * 700) <= 0.0, "who was never there does not come back");
}

#[test]
fn many_small_chances_add_up() {
    assert!(close(any_of(1e-18, 16.0), 1.6e-17, 1e-9));
    assert!(close(any_of(0.0511, 16.0), 0.568, 0.01));
    assert!(close(rate_of(0.2), 0.223_143_55, 1e-6));
}

/// One pack in a grid whose holders leave and are replaced, lived through again and again: losses
/// per year, with its standard error.
fn losses_by_dice(code: Code, rate: f64, delay: Duration, losses: u32, seed: u64) -> (f64, f64) {
    let mut dice = StdRng::seed_from_u64(seed);
    let repair = 1.0 / years(delay);
    let (mut missing, mut seen, mut time) = (0_usize, 0, 0.0);
    while seen < losses {
        let up = (code.n() - missing) as f64 * rate;
        let down = missing as f64 * repair;
        time -= (1.0 - dice.random::<f64>()).ln() / (up + down);
        if dice.random::<f64>() * (up + down) < up {
            missing += 1;
        } else {
            missing -= 1;
        }
        if missing > usize::from(code.m()) {
            (seen, missing) = (seen + 1, 0);
        }
    }
    let met = f64::from(losses) / time;
    (met, met / f64::from(losses).sqrt())
}

/// Settings of code, availability, departures a year and days until repaired.
const SETTINGS: [(u8, u8, f64, f64, u32); 10] = [
    (1, 1, 0.99, 0.3, 5),
    (1, 2, 0.95, 0.5, 20),
    (2, 2, 0.9, 0.4, 20),
    (3, 2, 0.8, 0.3, 14),
    (2, 3, 0.75, 0.6, 33),
    (3, 3, 0.9, 0.6, 33),
    (4, 3, 0.6, 0.5, 33),
    (3, 5, 0.5, 0.8, 60),
    (4, 4, 0.7, 0.6, 60),
    (8, 4, 0.85, 0.4, 33),
];

#[test]
fn dice_lose_as_much_as_the_chain_says() {
    for (seed, (k, m, _, departures, days)) in (1..).zip(SETTINGS) {
        let (code, rate, delay) = (code(k, m), rate_of(departures), DAY * days);
        let (met, error) = losses_by_dice(code, rate, delay, 600, seed);
        let expected = chain_rate(code, rate, delay);
        // 3.3 standard errors: of ten settings none is outside but once in a hundred seeds.
        assert!((met - expected).abs() < 3.3 * error, "{code}: {met:e} {expected:e} {error:e}");
    }
}

#[test]
fn dice_restore_as_often_as_the_odds_say() {
    for (seed, (k, m, availability, departures, days)) in (100..).zip(SETTINGS) {
        let code = code(k, m);
        let mut dice = StdRng::seed_from_u64(seed);
        let there = 1.0 - empty(rate_of(departures), DAY * days);
        // Holders differ: around the setting's availability.
        let own = |i: usize| unit(availability + 0.1 * (i as f64 / code.n() as f64 - 0.5));
        let chances: Vec<f64> = (0..code.n())
            .map(|i| there * seen_within(own(i), DAY, Duration::from_secs(6 * 3600)))
            .collect();
        let tries = 40_000;
        let met = (0..tries)
            .filter(|_| {
                let up = (0..code.n()).filter(|i| {
                    let gone = dice.random::<f64>() >= there;
                    let back = -(1.0 - dice.random::<f64>()).ln() < 0.25;
                    !gone & ((dice.random::<f64>() < own(*i)) | back)
                });
                up.count() >= usize::from(k)
            })
            .count();
        let met = f64::from(met as u32) / f64::from(tries);
        let expected = at_least(&answering(&chances), usize::from(k));
        let error = (expected * (1.0 - expected) / f64::from(tries)).sqrt().max(1e-5);
        assert!((met - expected).abs() < 3.3 * error, "{code}: {met} {expected}");
    }
}
