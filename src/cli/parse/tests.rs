//! Values as people type them.

use super::*;

#[test]
fn sizes_are_binary_when_they_say_so() {
    assert_eq!(size("20GiB"), Ok(20 << 30));
    assert_eq!(size("1.5 MiB"), Ok(1_572_864));
    assert_eq!(size("20GB"), Ok(20_000_000_000));
    assert_eq!(size("512"), Ok(512));
    assert_eq!(size("much"), Err(ParseError::Size));
    assert_eq!(size("-1GiB"), Err(ParseError::Size));
}

#[test]
fn a_donation_is_bytes_or_a_percentage_or_none() {
    assert_eq!(amount("none"), Ok(Amount::Bytes(0)));
    assert_eq!(amount("40%"), Ok(Amount::Percent(40.0)));
    assert_eq!(amount("1 TiB"), Ok(Amount::Bytes(1 << 40)));
    for wrong in ["101%", "-1%", "NaN%", "%", "all"] {
        assert_eq!(amount(wrong), Err(ParseError::Amount), "{wrong}");
    }
}

#[test]
fn durations_go_up_to_weeks_and_never_below_zero() {
    assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
    assert_eq!(duration("5m"), Ok(Duration::from_mins(5)));
    assert_eq!(duration("24h"), Ok(Duration::from_hours(24)));
    assert_eq!(duration("2d"), Ok(Duration::from_hours(48)));
    assert_eq!(duration("1w"), Ok(Duration::from_hours(168)));
    for wrong in ["", "30", "-5m", "1 month", "soon"] {
        assert_eq!(duration(wrong), Err(ParseError::Duration), "{wrong}");
    }
}

#[test]
fn redundancy_is_two_numbers_that_fit_one_code() {
    assert_eq!(redundancy("8+4").as_deref(), Ok("8+4"));
    assert_eq!(redundancy("auto").as_deref(), Ok(""));
    for wrong in ["8", "0+4", "200+100", "a+b", "8+", "-1+2"] {
        assert_eq!(redundancy(wrong), Err(ParseError::Redundancy), "{wrong}");
    }
}

#[test]
fn compression_has_names_and_levels() {
    assert_eq!(compression("auto"), Ok(Compression(None)));
    assert_eq!(compression("off"), Ok(Compression(Some(0))));
    assert_eq!(compression("7"), Ok(Compression(Some(7))));
    assert_eq!(compression("99"), Err(ParseError::Compression));
}

#[test]
fn counts_are_positive_or_unlimited() {
    assert_eq!((count("7"), count("unlimited"), count("-1")), (Ok(7), Ok(u32::MAX), Ok(u32::MAX)));
    for text in ["0", "", "-2", "many", "99999999999"] {
        assert_eq!(count(text), Err(ParseError::Count), "{text}");
    }
}

#[test]
fn groups_are_any_of_three_words_or_none() {
    let by = |host, paths, tags| Ok(GroupByArgs { host, paths, tags });
    assert_eq!(group_by("host,paths"), by(true, true, false));
    assert_eq!(group_by(" tags "), by(false, false, true));
    assert_eq!(group_by(""), by(false, false, false));
    assert_eq!(group_by("host,colour"), Err(ParseError::GroupBy));
}

#[test]
fn limits_are_checked_while_they_are_parsed() {
    assert_eq!(range(" 2ms..150ms "), Ok("2ms..150ms".to_owned()));
    assert_eq!(range("..1.5ms"), Ok("..1500us".to_owned()));
    for wrong in ["150", "9ms..1ms", "1..2", "..-1ms", "0ms..2h"] {
        assert!(matches!(range(wrong), Err(ParseError::Range(_))), "{wrong}");
    }
    assert_eq!(domains("strict"), Ok(DomainsRule::Strict));
    assert_eq!(domains("apart"), Err(ParseError::Domains));
    assert_eq!(unmet("relax"), Ok(UnmetRule::Relax));
    assert_eq!(unmet("maybe"), Err(ParseError::Unmet));
}

#[test]
fn a_moment_is_a_date_a_time_or_so_long_ago() {
    let zone = TimeZone::fixed(jiff::tz::offset(2));
    let secs = |text: &str| moment(text).unwrap().secs(1_000_000, &zone);
    assert_eq!(secs("1970-01-02"), Some(86_400 - 7_200));
    assert_eq!(secs("1970-01-02 03:00"), Some(86_400 + 3_600));
    assert_eq!(secs("1970-01-02T03:00:00Z"), Some(86_400 + 3 * 3_600));
    assert_eq!(secs("2h"), Some(1_000_000 - 7_200));
    assert_eq!((secs("30d"), secs("1960-01-01")), (None, None));
    for wrong in ["", "yesterday", "2026-13-01", "25:00", "-2d"] {
        assert_eq!(moment(wrong), Err(ParseError::Moment), "{wrong}");
    }
}
