//! Promises about schedules: what they mean, around midnight, and when clocks are set.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

fn next(schedule: &str, after: &str) -> String {
    let zone = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC);
    let after: jiff::civil::DateTime = after.parse().unwrap();
    let after = zone.to_ambiguous_timestamp(after).compatible().unwrap();
    let when: When = schedule.parse().unwrap();
    let next = when.next(after, &zone).unwrap();
    next.to_zoned(zone).datetime().strftime("%F %H:%M").to_string()
}

#[test]
fn schedules_mean_what_they_say() {
    // 2026-11-25 is a Wednesday.
    for (schedule, after, expected) in [
        ("hourly", "2026-11-25 10:00", "2026-11-25 11:00"),
        ("hourly", "2026-11-25 23:30", "2026-11-26 00:00"),
        ("daily", "2026-11-25 00:00", "2026-11-26 00:00"),
        ("daily at 03:00", "2026-11-25 02:59", "2026-11-25 03:00"),
        ("weekly at 04:30", "2026-11-25 12:00", "2026-11-29 04:30"),
        ("monthly", "2026-11-25 12:00", "2026-12-01 00:00"),
        ("every 4h", "2026-11-25 12:34", "2026-11-25 16:34"),
        ("30 2 * * *", "2026-11-25 02:30", "2026-11-26 02:30"),
        ("*/20 8-9 * * 1-5", "2026-11-27 09:41", "2026-11-30 08:00"),
        ("5,35 * * * *", "2026-11-25 10:06", "2026-11-25 10:35"),
        ("0 0 29 2 *", "2026-11-25 10:06", "2028-02-29 00:00"),
        ("0 0 13 * 5", "2026-11-25 10:06", "2026-11-27 00:00"),
        ("0 6 * * 7", "2026-11-25 10:06", "2026-11-29 06:00"),
    ] {
        assert_eq!(next(schedule, after), expected, "{schedule} after {after}");
    }
}

#[test]
fn a_time_that_is_skipped_or_comes_twice_is_there_once() {
    if TimeZone::get("Europe/Berlin").is_err() {
        // No zones on this machine: nothing is ever skipped.
        return;
    }
    // Clocks go from 02:00 to 03:00 on 2026-03-29, and from 03:00 to 02:00 on 2026-10-25.
    assert_eq!(next("30 2 * * *", "2026-03-28 12:00"), "2026-03-29 03:30");
    assert_eq!(next("30 2 * * *", "2026-03-29 03:30"), "2026-03-30 02:30");
    assert_eq!(next("30 2 * * *", "2026-10-24 12:00"), "2026-10-25 02:30");
    assert_eq!(next("30 2 * * *", "2026-10-25 02:30"), "2026-10-26 02:30");
}

#[test]
fn what_is_no_schedule_is_refused() {
    for text in [
        "",
        "often",
        "every",
        "every 1s",
        "daily at 25:00",
        "daily at 3",
        "hourly at 03:00",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "5-1 * * * *",
        "* * * *",
        "* * * * * *",
        "*/0 * * * *",
        "a * * * *",
        "+1 * * * *",
        "1, * * * *",
    ] {
        assert_eq!(text.parse::<When>(), Err(NotASchedule), "{text}");
    }
}

#[test]
fn systemd_is_told_the_same() {
    let told = |text: &str| text.parse::<Cron>().unwrap().on_calendar().join(" | ");
    assert_eq!(told("30 2 * * *"), "*-*-* 02:30:00");
    assert_eq!(told("*/20 8-9 * * 1-5"), "Mon,Tue,Wed,Thu,Fri *-*-* 08,09:00,20,40:00");
    assert_eq!(told("0 0 13 * 7"), "*-*-13 00:00:00 | Sun *-*-* 00:00:00");
    assert_eq!(told("* * 1 1,7 *"), "*-01,07-01 *:*:00");
}

fn field(least: u8, most: u8) -> impl Strategy<Value = String> {
    let one = move || (least..=most).prop_map(|at| at.to_string());
    let span = (least..=most, least..=most)
        .prop_map(|(one, other)| format!("{}-{}", one.min(other), one.max(other)));
    prop_oneof![Just("*".to_owned()), one(), span, (1..=most).prop_map(|step| format!("*/{step}"))]
}

proptest! {
    #[test]
    fn any_fields_read_back_and_the_next_time_fits_and_none_between_does(
        fields in (field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 7)),
        secs in 1_700_000_000_i64..1_900_000_000,
    ) {
        let (minutes, hours, days, months, weekdays) = fields;
        let text = format!("{minutes} {hours} {days} {months} {weekdays}");
        let when: When = text.parse().expect("cron");
        prop_assert_eq!(when.to_string().parse::<When>(), Ok(when.clone()));
        let after = Timestamp::from_second(secs).expect("in range");
        let Some(next) = when.next(after, &TimeZone::UTC) else { return Ok(()) };
        prop_assert!(next > after && next.as_second() % 60 == 0);
        let between = next.checked_sub(SignedDuration::from_secs(1)).expect("in range");
        prop_assert_eq!(when.next(between, &TimeZone::UTC), Some(next));
        let When::At(cron) = when else { return Ok(()) };
        let at = next.to_zoned(TimeZone::UTC).datetime();
        prop_assert!(cron.fits(at.date()));
        prop_assert!(cron.hours.has(at.hour()) && cron.minutes.has(at.minute()));
    }

    #[test]
    fn any_text_is_a_schedule_or_is_refused(text in "\\PC{0,40}") {
        let _refused = text.parse::<When>();
    }
}
