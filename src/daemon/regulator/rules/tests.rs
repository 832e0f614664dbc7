//! Promises about what holds when.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::config::{Config, Speed};

const MIB: u64 = 1 << 20;

fn limits(text: &str) -> Limits {
    let text = format!("[limits]\n{text}");
    Config::parse(&text, std::path::Path::new("config.toml")).unwrap().limits
}

/// A Monday.
fn at(hour: i8) -> Now {
    Now { secs: 1000, at: date(2026, 11, 23).at(hour, 0, 0, 0), on_battery: None, metered: None }
}

fn now(limits: &Limits, now: &Now) -> Holding {
    holding(limits, CallLimits::default(), std::iter::empty(), &Pauses::default(), now)
}

fn up(holding: &Holding) -> u64 {
    holding.rates.up.map_or(0, NonZeroU64::get)
}

fn call(up: u64) -> CallLimits {
    CallLimits { up: Some(up), down: None }
}

#[test]
fn the_command_line_wins_over_the_settings_and_calls_count_beside_both() {
    let four = limits("up = \"4 MiB/s\"");
    assert_eq!(up(&now(&four, &at(1))), 4 * MIB);
    let with = |given: CallLimits, calls: &[u64]| {
        let calls = calls.iter().map(|up| call(*up));
        up(&holding(&four, given, calls, &Pauses::default(), &at(1)))
    };
    assert_eq!(with(call(8 * MIB), &[]), 8 * MIB);
    assert_eq!(with(call(0), &[]), 0, "unlimited for once");
    assert_eq!(with(CallLimits::default(), &[2 * MIB, MIB, 0]), MIB);
    assert_eq!(with(call(MIB / 2), &[MIB]), MIB / 2);
}

#[test]
fn the_first_window_that_holds_and_says_something_counts() {
    let windows = limits(
        "up = \"4 MiB/s\"\ndown = \"8 MiB/s\"\n\
         [[limits.windows]]\nduring = \"08:00-18:00\"\nup = \"512 KiB/s\"\n\
         [[limits.windows]]\nduring = \"12:00-20:00\"\nup = \"unlimited\"\ndown = \"1 MiB/s\"\n",
    );
    let speeds = |hour| {
        let rates = now(&windows, &at(hour)).rates;
        (Speed(rates.up).bytes(), Speed(rates.down).bytes())
    };
    assert_eq!(speeds(7), (4 * MIB, 8 * MIB));
    assert_eq!(speeds(9), (MIB / 2, 8 * MIB));
    assert_eq!(speeds(13), (MIB / 2, MIB));
    assert_eq!(speeds(19), (0, MIB));
    assert_eq!(now(&windows, &at(9)).reasons, ["the window 08:00-18:00"]);
}

#[test]
fn battery_and_meter_limit_or_pause_only_where_they_are_known() {
    let modest = limits("up = \"4 MiB/s\"\non-battery = \"limit\"");
    let battery = Now { on_battery: Some(true), ..at(1) };
    assert_eq!(up(&now(&modest, &battery)), MIB);
    assert_eq!(now(&modest, &battery).rates.down, NonZeroU64::new(MODEST), "where none is set");
    for plugged in [at(1), Now { on_battery: Some(false), ..at(1) }] {
        assert_eq!(up(&now(&modest, &plugged)), 4 * MIB);
    }
    let pausing = limits("on-battery = \"pause\"\non-metered = \"pause\"");
    let held = now(&pausing, &battery);
    assert_eq!((held.backups, held.serving), (Some(Why::Battery), None));
    let held = now(&pausing, &Now { metered: Some(true), ..at(1) });
    assert_eq!((held.backups, held.serving), (Some(Why::Metered), Some(Why::Metered)));
    assert_eq!(now(&pausing, &at(1)), Holding::default(), "unknown is not metered");
    let dear = Now { metered: Some(true), ..battery };
    assert_eq!(now(&limits(""), &dear), Holding::default(), "nobody asked to be careful");
}

#[test]
fn a_pause_holds_until_its_end() {
    let mut pauses = Pauses::default();
    pauses.pause(false, 900, Some(200));
    let with = |secs| {
        let now = Now { secs, ..at(1) };
        holding(&limits(""), CallLimits::default(), std::iter::empty(), &pauses, &now).backups
    };
    assert_eq!(with(1000), Some(Why::Asked(Until::Time(1100))));
    assert_eq!(with(1100), None);
}

proptest! {
    #[test]
    fn no_call_and_no_scarcity_makes_anything_faster(
        configured in 0..64_u64, calls in prop::collection::vec(0..64_u64, 0..4), limit: bool,
    ) {
        let speed = |kib: u64| if kib == 0 { 0 } else { LOWEST + kib * 1024 };
        let mut limits = limits(if limit { "on-battery = \"limit\"" } else { "" });
        limits.up = Speed::from_bytes(speed(configured)).unwrap();
        let battery = Now { on_battery: Some(true), ..at(3) };
        let calls = calls.iter().map(|up| call(speed(*up)));
        let held = holding(&limits, CallLimits::default(), calls, &Pauses::default(), &battery);
        let (before, after) = (limits.up.bytes(), up(&held));
        prop_assert!(before == 0 || (after != 0 && after <= before), "{} {}", before, after);
        prop_assert!(after == 0 || after >= LOWEST);
    }
}
