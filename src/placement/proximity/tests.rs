//! Tests of ranges: what is written is meant, and judged at both ends.

use proptest::prelude::*;

use super::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn range(text: &str) -> Range {
    text.parse().unwrap()
}

#[test]
fn a_range_is_read_as_it_is_written() {
    let both = Range::new(ms(2), Some(ms(150))).unwrap();
    for text in ["2ms..150ms", " 2ms .. 150ms ", "2000us..0.15s", "2.0ms..150000us"] {
        assert_eq!(range(text), both, "{text}");
    }
    assert_eq!(range("..150ms"), Range::new(Duration::ZERO, Some(ms(150))).unwrap());
    assert_eq!(range("2ms.."), Range::new(ms(2), None).unwrap());
    assert!(range("..").is_any());
    assert_eq!(both.to_string(), "2ms..150ms");
    assert_eq!(range("1500us..2000ms").to_string(), "1500us..2s");
}

#[test]
fn what_is_no_range_is_refused() {
    let refused = |text: &str| text.parse::<Range>().unwrap_err();
    for text in ["", "5ms", "2ms-150ms", "2ms.150ms"] {
        assert_eq!(refused(text), RangeError::Dots, "{text}");
    }
    for text in ["2..5", "x..5ms", "-2ms..5ms", "1e3ms..", "infs..", "NaNms..", "61s..", "2 h.."] {
        assert_eq!(refused(text), RangeError::Bound, "{text}");
    }
    assert_eq!(refused("5ms..2ms"), RangeError::Empty);
}

proptest! {
    #[test]
    fn a_range_survives_printing(
        min in 0_u64..60_000_000,
        max in prop::option::of(0_u64..60_000_000),
    ) {
        let max = max.map(|max| Duration::from_micros(max.max(min)));
        let range = Range::new(Duration::from_micros(min), max).unwrap();
        prop_assert_eq!(range.to_string().parse::<Range>(), Ok(range));
        let json = serde_json::to_string(&range).unwrap();
        prop_assert_eq!(serde_json::from_str::<Range>(&json).unwrap(), range);
    }

    #[test]
    fn no_text_makes_it_panic(
        text in ".{0,40}",
        dotted in "[0-9.]{0,9}[mus]{0,2}\\.\\.[0-9.]{0,400}m?s",
    ) {
        for text in [text, dotted] {
            if let Ok(range) = text.parse::<Range>() {
                prop_assert!(range.max().is_none_or(|max| range.min() <= max));
            }
        }
    }
}

#[test]
fn unknown_is_outside_any_limit() {
    assert_eq!(range("..5ms").judge(None), Verdict::Unknown);
    assert_eq!(Range::ANY.judge(None), Verdict::Inside);
}

#[test]
fn a_measured_distance_is_judged_at_both_ends() {
    let range = range("2ms..150ms");
    let judged = |ms_: u64| range.judge(Some(&Distance::measured(ms(ms_))));
    assert_eq!([1, 2, 150, 151].map(judged), {
        use Verdict::{Inside, TooFar, TooNear};
        [TooNear, Inside, Inside, TooFar]
    });
}
