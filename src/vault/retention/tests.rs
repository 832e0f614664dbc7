//! Promises of the keep rules: examples a person can check, and a model that counts differently.

use std::collections::BTreeSet;

use chunker::{CutParams, PeerId};
use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof};
use proptest::proptest;

use super::*;
use crate::vault::snapshot::Totals;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn at(secs: i64) -> Snapshot {
    Snapshot {
        time: Stamp { secs, nanos: 0 },
        hostname: "ada".to_owned(),
        username: "ada".to_owned(),
        paths: vec![ByteBuf::from("/home")],
        tags: Vec::new(),
        root: Vec::new(),
        parent: None,
        state: SnapshotState::Complete,
        device: PeerId::from_bytes([1; 32]),
        program: "test".to_owned(),
        totals: Totals::default(),
        cut: CutParams::default(),
        large: None,
    }
}

fn on(day: &str) -> Snapshot {
    let time: Timestamp = format!("{day}Z").parse().unwrap();
    at(time.as_second())
}

fn id(no: usize) -> SnapshotId {
    SnapshotId::from_bytes([no as u8; 32])
}

fn judged(rules: &Rules, by: GroupBy, snapshots: &[Snapshot]) -> Vec<Group> {
    let named: Vec<_> = snapshots.iter().enumerate().map(|(no, one)| (id(no), one)).collect();
    plan(rules, by, &named)
}

/// Which are kept of one group, as their numbers.
fn kept(rules: &Rules, snapshots: &[Snapshot]) -> Vec<usize> {
    let groups = judged(rules, GroupBy::default(), snapshots);
    let ids: BTreeSet<_> = groups.iter().flat_map(|group| &group.kept).map(|(id, _)| *id).collect();
    (0..snapshots.len()).filter(|no| ids.contains(&id(*no))).collect()
}

#[test]
fn the_last_ones_are_kept_whatever_the_order_they_come_in() {
    let rules = Rules { last: 2, ..Rules::default() };
    assert_eq!(kept(&rules, &[at(5 * DAY), at(DAY), at(9 * DAY)]), [0, 2]);
}

#[test]
fn the_newest_of_each_day_is_kept_and_the_oldest_while_days_are_left() {
    let days = ["2026-03-01T10:00:00", "2026-03-01T22:00:00", "2026-03-02T01:00:00"].map(on);
    assert_eq!(kept(&Rules { daily: 2, ..Rules::default() }, &days), [1, 2]);
    assert_eq!(kept(&Rules { daily: 3, ..Rules::default() }, &days), [0, 1, 2]);
    let groups = judged(&Rules { daily: 3, ..Rules::default() }, GroupBy::default(), &days);
    assert_eq!(groups[0].kept[2], (id(0), vec![Reason::Oldest(Period::Daily)]));
}

#[test]
fn weeks_are_iso_weeks_also_over_new_year() {
    // Monday 2025-12-29 to Sunday 2026-01-04 is one week.
    let days = ["2025-12-28T12:00:00", "2025-12-29T12:00:00", "2026-01-04T12:00:00"].map(on);
    assert_eq!(kept(&Rules { weekly: 2, ..Rules::default() }, &days), [0, 2]);
    assert_eq!(kept(&Rules { yearly: 1, ..Rules::default() }, &days), [2]);
}

#[test]
fn every_reason_is_given() {
    let rules = Rules {
        last: 1,
        monthly: 1,
        within: Some("1d".parse().unwrap()),
        tags: vec![vec!["tax".to_owned()]],
        ..Rules::default()
    };
    let tagged = Snapshot { tags: vec!["tax".to_owned(), "x".to_owned()], ..at(0) };
    let groups = judged(&rules, GroupBy::default(), &[tagged, at(40 * DAY), at(60 * DAY)]);
    let reasons = |no: usize| groups[0].kept[no].1.iter().map(ToString::to_string);
    assert_eq!(reasons(0).collect::<Vec<_>>(), ["within 1d", "last", "monthly"]);
    assert_eq!(reasons(1).collect::<Vec<_>>(), ["tagged tax"]);
    assert_eq!(groups[0].forgotten, [id(1)]);
}

#[test]
fn all_tags_of_one_list_are_needed() {
    let tags = |list: &[&str]| list.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
    let rules = Rules { tags: vec![tags(&["a", "b"]), tags(&["c"])], ..Rules::default() };
    let some =
        [&["a"][..], &["b", "a"], &["c"], &[]].map(|list| Snapshot { tags: tags(list), ..at(DAY) });
    assert_eq!(kept(&rules, &some), [1, 2]);
}

#[test]
fn groups_are_judged_apart() {
    let rules = Rules { last: 1, ..Rules::default() };
    let other = Snapshot { hostname: "bob".to_owned(), ..at(0) };
    let paths = |list: &[&str]| list.iter().map(|path| ByteBuf::from(*path)).collect();
    let two = Snapshot { paths: paths(&["/b", "/a"]), ..at(0) };
    let turned = Snapshot { paths: paths(&["/a", "/b"]), ..at(DAY) };
    let all = [other, two, turned, at(2 * DAY)];
    assert_eq!(kept(&rules, &all), [0, 2, 3]);
    let none = GroupBy { host: false, paths: false, tags: false };
    let groups = judged(&rules, none, &all);
    assert_eq!((groups.len(), groups[0].forgotten.len()), (1, 3));
}

#[test]
fn an_interrupted_snapshot_pushes_nothing_out_and_goes_when_a_complete_one_is_newer() {
    let cut = |secs| Snapshot { state: SnapshotState::Interrupted, ..at(secs) };
    let rules = Rules { last: 1, ..Rules::default() };
    assert_eq!(kept(&rules, &[at(0), cut(DAY), cut(2 * DAY)]), [0, 1, 2]);
    assert_eq!(kept(&rules, &[at(0), cut(DAY), at(2 * DAY), cut(3 * DAY)]), [2, 3]);
}

#[test]
fn a_time_outside_of_the_calendar_keeps_a_snapshot_and_bends_no_rule() {
    let rules = Rules { last: 1, within: Some("1y".parse().unwrap()), ..Rules::default() };
    let odd = [at(i64::MAX), at(DAY), at(2 * DAY), at(i64::MIN), at(-800 * DAY)];
    assert_eq!(kept(&rules, &odd), [0, 1, 2, 3]);
}

#[test]
fn a_span_reads_as_restics_and_back() {
    for text in ["1y", "2y5m7d3h", "12h", "0h", "65535d"] {
        assert_eq!(text.parse::<Within>().unwrap().to_string(), text);
    }
    for text in ["", "1", "1w", "-1d", "1y2", "70000d", "d", "65535d1d", "1ü"] {
        assert_eq!(text.parse::<Within>(), Err(NotASpan), "{text}");
    }
}

#[test]
fn a_month_within_ends_on_the_calendars_day() {
    let days = ["2026-02-28T00:00:00", "2026-02-28T00:00:01", "2026-03-31T00:00:00"].map(on);
    let rules = Rules { within: Some("1m".parse().unwrap()), ..Rules::default() };
    assert_eq!(kept(&rules, &days), [1, 2]);
}

/// The number of a period, counted from seconds without a calendar library.
fn number(period: Period, secs: i64, no: usize) -> i64 {
    let days = secs.div_euclid(DAY);
    match period {
        Period::Last => no as i64,
        Period::Hourly => secs.div_euclid(HOUR),
        Period::Daily => days,
        // 1970-01-01 was a Thursday.
        Period::Weekly => (days + 3).div_euclid(7),
        Period::Monthly => month_of(days),
        Period::Yearly => month_of(days).div_euclid(12),
    }
}

/// Months since the year 0, by walking.
fn month_of(days: i64) -> i64 {
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let (mut year, mut left) = (1970, days);
    loop {
        let february = if leap(year) { 29 } else { 28 };
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (month, len) in (0..).zip(lengths) {
            if left < len {
                return year * 12 + month;
            }
            left -= len;
        }
        year += 1;
    }
}

/// What the counting rules keep, from their definition: the newest of each of the newest `count`
/// periods, and the oldest of all when there are not so many.
fn model(rules: &Rules, snapshots: &[Snapshot]) -> BTreeSet<usize> {
    let mut order: Vec<usize> = (0..snapshots.len()).collect();
    order.sort_by_key(|no| (snapshots[*no].time, *no));
    order.reverse();
    let mut kept = BTreeSet::new();
    for (period, count) in rules.counts() {
        let mut periods: Vec<(i64, usize)> = Vec::new();
        for no in &order {
            let number = number(period, snapshots[*no].time.secs, *no);
            if periods.iter().all(|(seen, _)| *seen != number) {
                periods.push((number, *no));
            }
        }
        let wanted = count as usize;
        kept.extend(periods.iter().take(wanted).map(|(_, no)| *no));
        if periods.len() < wanted {
            kept.extend(order.last());
        }
    }
    kept
}

fn counts() -> impl Strategy<Value = u32> {
    prop_oneof![3 => Just(0), 6 => 1..9_u32, 1 => Just(UNLIMITED)]
}

fn rules() -> impl Strategy<Value = Rules> {
    (counts(), counts(), counts(), counts(), counts(), counts()).prop_map(
        |(last, hourly, daily, weekly, monthly, yearly)| Rules {
            last,
            hourly,
            daily,
            weekly,
            monthly,
            yearly,
            ..Rules::default()
        },
    )
}

/// Times that crowd together and times that lie apart.
fn times() -> impl Strategy<Value = Vec<Snapshot>> {
    let span = prop_oneof![Just(HOUR), Just(DAY), Just(40 * DAY), Just(4_000 * DAY)];
    (0..30_000 * DAY, span).prop_flat_map(|(base, span)| {
        prop::collection::vec((0..span).prop_map(move |secs| at(base + secs)), 0..40)
    })
}

proptest! {
    #[test]
    fn counting_rules_keep_what_their_definition_says(rules in rules(), snapshots in times()) {
        let expected: Vec<usize> = model(&rules, &snapshots).into_iter().collect();
        prop_assert_eq!(kept(&rules, &snapshots), expected);
    }

    #[test]
    fn every_snapshot_is_judged_once_and_kept_only_for_a_reason(
        rules in rules(), snapshots in times(), within in any::<Option<u16>>(),
        cut in prop::collection::vec(any::<bool>(), 40),
    ) {
        let within = within.map(|days| Within { days, ..Within::default() });
        let rules = Rules { within, ..rules };
        let mut snapshots = snapshots;
        for (snapshot, cut) in snapshots.iter_mut().zip(cut) {
            if cut {
                snapshot.state = SnapshotState::Interrupted;
            }
        }
        let groups = judged(&rules, GroupBy::default(), &snapshots);
        let mut seen: Vec<SnapshotId> = Vec::new();
        for group in &groups {
            seen.extend(group.kept.iter().map(|(id, _)| *id).chain(group.forgotten.clone()));
            prop_assert!(group.kept.iter().all(|(_, reasons)| !reasons.is_empty()));
        }
        let all: BTreeSet<_> = seen.iter().copied().collect();
        prop_assert_eq!((seen.len(), all.len()), (snapshots.len(), snapshots.len()));
    }

    #[test]
    fn a_second_run_forgets_nothing_more(rules in rules(), snapshots in times()) {
        let left: Vec<Snapshot> =
            kept(&rules, &snapshots).into_iter().map(|no| snapshots[no].clone()).collect();
        prop_assert_eq!(kept(&rules, &left).len(), left.len());
    }

    #[test]
    fn a_span_never_panics(text in any::<String>()) {
        if let Ok(span) = text.parse::<Within>() {
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }
    }
}
