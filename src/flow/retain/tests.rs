//! Promises of the small parts; the whole is in `tests/it/sim/leases.rs`.

use super::Mark::{Held, Left, Released};
use super::*;

fn id(first: u8, last: u8) -> ShardId {
    let mut bytes = [0; 32];
    (bytes[0], bytes[31]) = (first, last);
    ShardId::from_bytes(bytes)
}

#[test]
fn the_name_after_another_is_the_next_one_there_could_be() {
    assert_eq!(after(id(1, 2)), id(1, 3));
    let mut carried = [0; 32];
    (carried[0], carried[30]) = (1, 1);
    assert_eq!(after(id(1, 0xff)), ShardId::from_bytes(carried));
}

#[test]
fn a_page_that_is_as_it_should_be_costs_no_message() {
    let wanted = Wanted::of(&[id(1, 0), id(2, 0)]);
    let page = |marks: &[Mark]| Page {
        at_secs: 0,
        shards: vec![id(1, 0), id(2, 0), id(3, 0)],
        marks: marks.to_vec(),
        more: false,
    };
    for (marks, expected) in [
        ([Held, Held, Left], false),
        ([Held, Held, Released], false),
        ([Held, Held, Held], true),
        ([Held, Left, Left], true),
        ([Released, Held, Left], true),
    ] {
        assert_eq!(changes(&page(&marks), &wanted), expected, "{marks:?}");
    }
}
