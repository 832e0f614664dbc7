//! Promises about times of day: around midnight, on days of the week, when clocks are set.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

use super::*;

fn window(during: &str, days: &str) -> Window {
    let (during, days) = (during.parse().unwrap(), days.parse().unwrap());
    Window { during, days, up: None, down: None }
}

/// 2026-11-23 is a Monday.
fn at(day: i8, hour: i8, minute: i8) -> DateTime {
    date(2026, 11, 22 + day).at(hour, minute, 0, 0)
}

#[test]
fn a_window_holds_from_its_first_minute_to_before_its_last() {
    let office = window("08:00-18:00", "mon-fri");
    assert!(!office.holds(at(1, 7, 59)) && office.holds(at(1, 8, 0)));
    assert!(office.holds(at(5, 17, 59)) && !office.holds(at(5, 18, 0)));
    assert!(!office.holds(at(6, 12, 0)), "Saturday");
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_it_begins() {
    let night = window("22:00-06:00", "fri");
    assert!(night.holds(at(5, 23, 0)) && night.holds(at(6, 5, 59)));
    assert!(!night.holds(at(6, 6, 0)) && !night.holds(at(6, 23, 0)) && !night.holds(at(5, 3, 0)));
    let sunday = window("22:00-06:00", "sun");
    assert!(sunday.holds(at(1, 3, 0)), "Monday morning");
    let whole = window("00:00-24:00", "sat");
    assert!(whole.holds(at(6, 0, 0)) && whole.holds(at(6, 23, 59)) && !whole.holds(at(7, 0, 0)));
    let round = window("06:00-06:00", "sat");
    assert!(round.holds(at(6, 6, 0)) && round.holds(at(7, 5, 59)) && !round.holds(at(7, 6, 0)));
}

#[test]
fn clocks_that_are_set_move_a_window_with_them() {
    // Berlin: 02:00 is followed by 03:00 on 2026-03-29, and 03:00 by 02:00 on 2026-10-25.
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let early = window("02:00-03:00", "sun");
    let minutes = |day: Date| {
        let start = day.to_zoned(zone.clone()).unwrap().timestamp();
        let inside = |minute: i64| {
            let at = start.checked_add(minute.minutes()).unwrap();
            early.holds(at.to_zoned(zone.clone()).datetime())
        };
        (0..25 * 60).filter(|minute| inside(*minute)).count()
    };
    assert_eq!(minutes(date(2026, 3, 29)), 0, "skipped");
    assert_eq!(minutes(date(2026, 10, 25)), 120, "twice");
    assert_eq!(minutes(date(2026, 11, 22)), 60);
}

#[test]
fn what_is_no_time_is_refused() {
    for wrong in ["", "8-18", "08:00", "24:00-01:00", "25:00-26:00", "08:60-09:00", "+8:00-9:00"] {
        assert_eq!(wrong.parse::<During>(), Err(NotATime::During), "{wrong}");
    }
    for wrong in ["", "mo", "mon-", "weekend", "mon,,tue", "ёжик"] {
        assert_eq!(wrong.parse::<Days>(), Err(NotATime::Days), "{wrong}");
    }
    assert_eq!("Saturday-Monday".parse::<Days>().unwrap().to_string(), "mon,sat,sun");
}

proptest! {
    #[test]
    fn text_reads_back(
        from in 0..DAY,
        to in 0..=DAY,
        days in prop::array::uniform7(any::<bool>()),
    ) {
        let during = During { from, to };
        prop_assert_eq!(during.to_string().parse::<During>(), Ok(during));
        if days.contains(&true) {
            prop_assert_eq!(Days(days).to_string().parse::<Days>(), Ok(Days(days)));
        }
    }

    #[test]
    fn a_window_lasts_as_long_as_it_says_on_each_of_its_days(
        from in 0..DAY,
        to in 0..=DAY,
        days in prop::array::uniform7(any::<bool>()),
    ) {
        let (during, on_days) = (During { from, to }, Days(days));
        let window = Window { during, days: on_days, up: None, down: None };
        let start = date(2026, 11, 23).at(0, 0, 0, 0);
        // One week, in a ring: what runs over its end is counted at its beginning.
        let inside = (0..7 * i64::from(DAY))
            .filter(|minute| window.holds(start.checked_add(minute.minutes()).unwrap()))
            .count();
        let long = if from < to { to - from } else { DAY - from + to };
        let on = days.iter().filter(|on| **on).count();
        prop_assert_eq!(inside, usize::from(long) * on);
    }

    #[test]
    fn every_instant_in_every_zone_is_judged(secs in 0..4_000_000_000_i64, offset in -12..14_i8) {
        let zone = TimeZone::fixed(jiff::tz::offset(offset));
        let at = Timestamp::from_second(secs).unwrap().to_zoned(zone).datetime();
        let (day, night) = (window("06:00-22:00", "mon-sun"), window("22:00-06:00", "mon-sun"));
        prop_assert!(day.holds(at) != night.holds(at), "one of both: {}", at);
    }
}
