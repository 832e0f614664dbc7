//! Promises of a bucket, over histories of takers on a clock of their own.

use proptest::prelude::*;

use super::*;

const PIECE: u64 = 16 * 1024;

fn at(rate: u64) -> Rate {
    NonZeroU64::new(rate)
}

/// One taker that always has more moves pieces for `span`, each timer late by up to `late`; gives
/// the bytes moved.
fn moved(rate: u64, span: Duration, late: impl Fn(u64) -> Duration) -> u64 {
    let (mut bucket, mut now, mut bytes) = (Bucket::default(), Duration::from_secs(9), 0);
    let end = now + span;
    for n in 0.. {
        let wait = bucket.take(at(rate), PIECE, now);
        if !wait.is_zero() {
            now += wait + late(n);
        }
        if now >= end {
            break;
        }
        bytes += PIECE;
    }
    bytes
}

#[test]
fn without_a_rate_nothing_waits() {
    let mut bucket = Bucket::default();
    assert_eq!(bucket.take(None, u64::MAX, Duration::ZERO), Duration::ZERO);
    assert_eq!(bucket.take(None, u64::MAX, Duration::ZERO), Duration::ZERO);
}

#[test]
fn one_mebibyte_a_second_is_one_over_twenty_seconds() {
    let late = |n| Duration::from_millis(n % 4);
    let bytes = moved(1 << 20, Duration::from_secs(20), late) as f64;
    let rate = bytes / 20.0 / f64::from(1 << 20);
    assert!((0.95..=1.05).contains(&rate), "{rate}");
}

#[test]
fn a_new_rate_forgives_old_debts() {
    let (mut bucket, now) = (Bucket::default(), Duration::from_secs(1));
    bucket.take(at(LOWEST), 100 * LOWEST, now);
    assert!(bucket.take(at(LOWEST), 1, now) > Duration::from_secs(90));
    assert_eq!(bucket.take(at(1 << 30), 1, now), Duration::ZERO);
    bucket.take(at(LOWEST), 100 * LOWEST, now);
    assert_eq!(bucket.take(None, 1, now), Duration::ZERO);
}

proptest! {
    #[test]
    fn the_rate_holds_over_every_span(
        rate in LOWEST..1_000_000_000_u64,
        steps in prop::collection::vec((1..=PIECE, 0..200_u64), 1..200),
    ) {
        let (mut bucket, mut now) = (Bucket::default(), Duration::from_secs(5));
        let mut moves: Vec<(Duration, u64)> = Vec::new();
        for (bytes, pause_millis) in steps {
            now += Duration::from_millis(pause_millis);
            let wait = bucket.take(at(rate), bytes, now);
            moves.push((now + wait, bytes));
        }
        for (first, (start, _)) in moves.iter().enumerate() {
            let mut sum = 0;
            for (time, bytes) in &moves[first..] {
                let span = (time.saturating_sub(*start) + BURST).as_secs_f64();
                // What may move by now: all before it, the piece itself is the one under way.
                prop_assert!(sum as f64 <= rate as f64 * span + PIECE as f64, "{sum} in {span}");
                sum += bytes;
            }
        }
        prop_assert!(moves.is_sorted_by_key(|(time, _)| *time), "first come, first served");
    }

    #[test]
    fn who_always_has_more_gets_the_whole_rate(
        rate in LOWEST..200_000_000_u64,
        late_micros in 0..5_000_u64,
    ) {
        let span = Duration::from_secs(20);
        let bytes = moved(rate, span, |n| Duration::from_micros(late_micros * (n % 3) / 2)) as f64;
        let wanted = rate as f64 * span.as_secs_f64();
        // The clock's nanoseconds cost a little where a piece takes few of them.
        let slack = 2.0 * PIECE as f64 + rate as f64 * BURST.as_secs_f64() + wanted * 1e-4;
        prop_assert!((bytes - wanted).abs() <= slack, "{bytes} of {wanted}");
    }
}
