//! Leaving as people and scripts see it.

use super::*;
use crate::api::EvacuateView;
use crate::cli::commands::fake::{Fake, golden, ran};

fn left() -> LeaveView {
    LeaveView {
        schema: "gbak.leave/1".to_owned(),
        shards_moved: 412,
        bytes_moved: 3 << 30,
        drained: true,
        seconds_elapsed: 61.5,
    }
}

fn evacuated(shards_left: u64, exit: u8) -> EvacuateView {
    EvacuateView {
        schema: "gbak.evacuate/1".to_owned(),
        peer_id: "ab".repeat(32),
        shards_moved: 40,
        bytes_sent: 5 << 20,
        shards_left,
        exit,
    }
}

#[test]
fn leaving_needs_a_yes_and_ends_with_what_may_be_done_now() {
    let leave = |view: LeaveView| Fake::answering(Answer::Leave(view));
    let unasked = leave(left());
    let refused = ran(&unasked, "gbak leave");
    assert_eq!(refused.exit, 2);
    assert!(refused.err.contains("--yes") && unasked.0.borrow().calls.is_empty());
    let evacuate = |view: EvacuateView| Fake::answering(Answer::Evacuate(view));
    golden(
        "leave",
        &[
            ran(&leave(left()), "gbak leave --yes"),
            ran(&leave(left()), "gbak leave --yes --json"),
            ran(&evacuate(evacuated(0, 0)), "gbak peers evacuate nas"),
            ran(&evacuate(evacuated(3, 4)), "gbak peers evacuate nas"),
            ran(&evacuate(evacuated(3, 4)), "gbak peers evacuate nas --json"),
        ],
    );
}
