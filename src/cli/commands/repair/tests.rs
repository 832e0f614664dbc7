//! A repair as people and scripts see it.

use super::*;
use crate::api::{PathBytes, SalvagedView};
use crate::cli::commands::fake::{Fake, golden, ran};

fn fake(degraded: u64, lost: u64, exit: u8) -> Fake {
    let (repaired, made) = if exit == 0 { (0, 0) } else { (7, 9) };
    Fake::answering(Answer::Repair(RepairView {
        schema: "gbak.repair/1".to_owned(),
        packs_repaired: repaired,
        shards_made: made,
        shards_found: 1,
        bytes_from_peers: 0,
        bytes_from_source: 7 << 24,
        bytes_sent: made << 20,
        packs_still_degraded: degraded,
        packs_lost: lost,
        exit,
    }))
}

#[test]
fn a_repair_says_what_it_made_and_what_is_left() {
    golden(
        "repair",
        &[
            ran(&fake(0, 0, 0), "gbak repair"),
            ran(&fake(2, 0, 4), "gbak repair"),
            ran(&fake(2, 1, 6), "gbak repair"),
            ran(&fake(2, 0, 4), "gbak repair --json"),
        ],
    );
}

#[test]
fn giving_a_machine_up_needs_a_yes_and_repairs() {
    let unasked = fake(0, 0, 0);
    let refused = ran(&unasked, "gbak peers lost nas");
    assert_eq!(refused.exit, 2);
    assert!(refused.err.contains("--yes") && unasked.0.borrow().calls.is_empty());
    let done = fake(2, 0, 4);
    assert_eq!(ran(&done, "gbak peers lost nas --yes").exit, 4);
    assert!(matches!(&done.0.borrow().calls[0], Call::PeerLost(peer) if peer == "nas"));
}

fn salvaged(made: bool) -> Fake {
    let one = SalvagedView {
        snapshot_id: "ab".repeat(32),
        salvaged_id: made.then(|| "cd".repeat(32)),
        left_out: vec![
            PathBytes(b"/home/ada/a\n.txt".to_vec()),
            PathBytes(b"/home/ada/b".to_vec()),
        ],
        left_out_total: 12,
        whole: 400,
    };
    Fake::answering(Answer::Salvage(SalvageView {
        schema: "gbak.salvage/1".to_owned(),
        snapshots_checked: 7,
        snapshots: vec![one],
        forgotten: u64::from(made),
        exit: if made { 0 } else { 6 },
    }))
}

#[test]
fn what_is_lost_of_snapshots_is_named_and_what_was_made_instead() {
    let whole = SalvageView { snapshots_checked: 7, ..SalvageView::default() };
    golden(
        "repair-snapshots",
        &[
            ran(&Fake::answering(Answer::Salvage(whole)), "gbak repair snapshots"),
            ran(&salvaged(false), "gbak repair snapshots --dry-run"),
            ran(&salvaged(true), "gbak repair snapshots abababab --forget"),
            ran(&salvaged(true), "gbak repair snapshots --json"),
        ],
    );
}
