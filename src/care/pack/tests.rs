//! Grades, thresholds and the order of mending.

use chunker::Code;
use proptest::prelude::*;

use super::*;

fn tally(code: Code, here: usize, silent: usize) -> Tally {
    let shards = std::iter::repeat_n(ShardState::Here, here)
        .chain(std::iter::repeat_n(ShardState::Silent, silent))
        .chain(std::iter::repeat_n(ShardState::Gone, code.n() - here - silent));
    Tally::of(code, shards)
}

#[test]
fn silent_shards_count_and_gone_ones_do_not() {
    let code = Code::new(4, 2).unwrap();
    let grades = [(6, 0), (3, 3), (3, 2), (4, 0), (2, 1)].map(|(here, silent)| {
        let tally = tally(code, here, silent);
        (tally.grade(), tally.spare())
    });
    let wanted = [
        (Grade::Full, 2),
        (Grade::Full, 2),
        (Grade::Degraded, 1),
        (Grade::AtRisk, 0),
        (Grade::Lost, -1),
    ];
    assert_eq!(grades, wanted);
}

#[test]
fn small_codes_are_mended_at_the_first_loss_and_large_ones_at_half_the_parity() {
    let threshold = |k, m| Policy::default().threshold(Code::new(k, m).unwrap());
    assert_eq!((threshold(4, 2), threshold(1, 1), threshold(2, 0)), (6, 2, 2));
    assert_eq!((threshold(8, 4), threshold(3, 5), threshold(10, 20)), (12, 6, 21));
    assert_eq!(threshold(1, 7), 8);
    let at = |at, k, m| Policy { repair_at: Some(at) }.threshold(Code::new(k, m).unwrap());
    assert_eq!((at(10, 8, 4), at(3, 8, 4), at(200, 8, 4)), (10, 9, 12));
}

#[test]
fn of_whole_copies_no_more_are_missed_than_machines_could_have() {
    let grade = |k, m, counted, machines| {
        let code = Code::new(k, m).unwrap();
        let shards = std::iter::repeat_n(ShardState::Here, counted);
        let tally = Tally::of(code, shards).among(machines);
        (tally.grade(), Policy::default().wants_repair(code, &tally))
    };
    assert_eq!(grade(1, 7, 6, 8), (Grade::Degraded, true));
    assert_eq!(grade(1, 7, 6, 6), (Grade::Full, false));
    assert_eq!(grade(1, 7, 6, 0), (Grade::Full, false), "all of them silent");
    assert_eq!(grade(1, 7, 2, 2), (Grade::Degraded, true), "too few in any case");
    assert_eq!(grade(4, 2, 5, 5), (Grade::Degraded, true), "every shard is another");
}

#[test]
fn the_pack_that_would_be_lost_first_comes_first() {
    let calm = [0.2; 6];
    let spare_two = days_to_loss(4, &calm);
    let spare_one = days_to_loss(4, &calm[..5]);
    let flighty = days_to_loss(4, &[0.2, 0.2, 0.2, 0.2, 0.2, 2.0]);
    assert!(spare_one < spare_two && flighty < spare_two);
    assert_eq!(days_to_loss(4, &calm[..3]).total_cmp(&0.0), std::cmp::Ordering::Equal);
    // One holder of one copy with rate 1 a year: a year.
    assert!((days_to_loss(1, &[1.0]) - 365.25).abs() < 1e-9);
    assert!(days_to_loss(2, &[f64::NAN, 0.0]).is_finite());
}

proptest! {
    #[test]
    fn more_shards_and_lower_rates_never_come_earlier(
        k in 1..20_usize, more in 0..20_usize, rate in 0.01..10.0_f64,
    ) {
        let rates = vec![rate; k + more];
        let days = days_to_loss(k, &rates);
        prop_assert!(days > 0.0);
        prop_assert!(days_to_loss(k, &vec![rate; k + more + 1]) > days);
        prop_assert!(days_to_loss(k, &vec![rate * 2.0; k + more]) < days);
    }
}
