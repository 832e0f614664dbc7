//! What fuser is given is what was meant.

use std::time::Duration;

use super::*;

#[test]
fn times_before_1970_keep_their_fraction() {
    let half_before = system_time(Stamp { secs: -2, nanos: 500_000_000 });
    assert_eq!(UNIX_EPOCH.duration_since(half_before).unwrap(), Duration::from_millis(1500));
    let after = system_time(Stamp { secs: 2, nanos: 1 });
    assert_eq!(after.duration_since(UNIX_EPOCH).unwrap(), Duration::new(2, 1));
}

#[test]
fn times_that_no_clock_shows_do_not_end_the_program() {
    for secs in [i64::MIN, i64::MAX] {
        system_time(Stamp { secs, nanos: u32::MAX });
    }
}
