//! Tests of the promises of `rtt`.

use super::*;

#[test]
fn the_smallest_recent_round_trip_counts() {
    let mut book = RttBook::default();
    assert_eq!(book.min(), None);
    for millis in [30, 20, 90] {
        book.record(Duration::from_millis(millis));
    }
    assert_eq!(book.min(), Some(Duration::from_millis(20)));
}

#[test]
fn a_peer_that_moved_away_is_seen_to_after_a_window() {
    let mut book = RttBook::default();
    book.record(Duration::from_millis(1));
    for _ in 1..WINDOW {
        book.record(Duration::from_millis(100));
    }
    assert_eq!(book.min(), Some(Duration::from_millis(1)));
    book.record(Duration::from_millis(100));
    assert_eq!(book.min(), Some(Duration::from_millis(100)));
}
