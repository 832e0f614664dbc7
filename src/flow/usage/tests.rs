//! Tests of the pure part of `usage`; the rest is in `tests/it/sim/usage.rs`.

use super::*;

const fn kept(shards: u64, bytes: u64) -> Kept {
    Kept { shards, bytes }
}

#[test]
fn what_changes_while_a_holder_is_asked_is_no_mismatch() {
    let (before, after) = (kept(2, 200), kept(5, 500));
    for said in [before, kept(3, 300), after] {
        assert_eq!(nearest(said, before, after), said);
        assert_eq!(nearest(said, after, before), said, "a move away");
    }
    assert_eq!(nearest(kept(1, 100), before, after), before);
    assert_eq!(nearest(kept(6, 600), before, after), after);
}
