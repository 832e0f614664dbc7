//! Promises of the evidence.

use super::*;

const NOW: u64 = 1_800_000_000;

fn add(evidence: &mut Evidence, verdict: Verdict, secs: u64) {
    evidence.add(ShardId::from_bytes([3; 32]), verdict, secs);
}

#[test]
fn evidence_is_bounded_whatever_is_found() {
    let mut evidence = Evidence::default();
    for day in 0..100 {
        for _ in 0..10 {
            add(&mut evidence, Verdict::Wrong, day * DAY_SECS);
        }
    }
    assert_eq!((evidence.days.len(), evidence.failures.len()), (WINDOW_DAYS as usize, FAILURES));
    assert_eq!(
        evidence.days.last(),
        Some(&Day { date: 99, counts: [0, 10, 0, 0, 0], looks: [0; 2] })
    );
    assert_eq!(evidence.score(99 * DAY_SECS), Score { proved: 0, failed: 300 });
    assert_eq!(evidence.score(200 * DAY_SECS), Score::default(), "what is old does not count");
}

#[test]
fn five_verdicts_are_counted_apart_and_absence_is_no_failure() {
    let mut evidence = Evidence::default();
    for verdict in Verdict::ALL {
        add(&mut evidence, verdict, NOW);
    }
    add(&mut evidence, Verdict::Slow, NOW);
    assert_eq!(evidence.counts(NOW), [1, 1, 1, 1, 2]);
    assert_eq!(evidence.score(NOW), Score { proved: 1, failed: 2 });
    let failed: Vec<Verdict> = evidence.failures().iter().map(Failure::verdict).collect();
    assert_eq!(failed, [Verdict::Wrong, Verdict::Refused]);
}

#[test]
fn failures_cost_correctness_and_shorten_what_is_expected() {
    let (good, bad) = (Score { proved: 99, failed: 0 }, Score { proved: 99, failed: 3 });
    assert!(good.correctness() > bad.correctness());
    assert!(bad.rate(0.3) > 3.0 * good.rate(0.3) && good.rate(0.3) > 0.0);
    assert!((Score::default().correctness() - 0.5).abs() < 1e-9);
}

#[test]
fn how_often_it_was_found_is_counted_by_audits_and_forgotten_after_a_month() {
    let mut evidence = Evidence::default();
    for (day, answered) in [(0, true), (1, false), (1, true), (40, false)] {
        evidence.look(answered, NOW + day * DAY_SECS);
    }
    assert_eq!(evidence.looks(NOW + DAY_SECS), Looks { seen: 2, looks: 4 });
    assert_eq!(evidence.looks(NOW + 40 * DAY_SECS), Looks { seen: 0, looks: 1 });
}
