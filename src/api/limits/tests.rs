//! Promises of speeds as text.

use proptest::prelude::*;

use super::*;

fn bytes(text: &str) -> Result<u64, NotASpeed> {
    text.parse::<Speed>().map(Speed::bytes)
}

#[test]
fn a_speed_has_a_unit_or_is_in_kibibytes() {
    assert_eq!(bytes("4 MiB/s"), Ok(4 << 20));
    assert_eq!(bytes("512KiB"), Ok(512 << 10));
    assert_eq!(bytes("1MB/s"), Ok(1_000_000));
    assert_eq!(bytes("1024"), Ok(1 << 20), "as restic's --limit-upload");
    for none in ["unlimited", "off", "none", "0"] {
        assert_eq!(bytes(none), Ok(0), "{none}");
    }
    for wrong in ["", "fast", "4 MiB/h", "-1", "99999999999999999999"] {
        assert_eq!(bytes(wrong), Err(NotASpeed::Form), "{wrong}");
    }
    assert_eq!(bytes("31 KiB/s"), Err(NotASpeed::TooLow));
    assert_eq!(bytes("32 KiB/s"), Ok(LOWEST_SPEED));
    assert_eq!(LOWEST_SPEED, p2p::rate::LOWEST);
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(rate in LOWEST_SPEED..u64::MAX / 2) {
        let speed = Speed::from_bytes(rate).unwrap();
        prop_assert_eq!(speed.to_string().parse::<Speed>(), Ok(speed));
    }
}
