//! A check as people and scripts see it.

use super::*;
use crate::api::PathBytes;
use crate::cli::commands::fake::{Fake, golden, ran};

fn healthy() -> CheckView {
    CheckView {
        schema: "gbak.check/1".to_owned(),
        ok: true,
        snapshots_checked: 2,
        packs_checked: 14,
        chunks_checked: 3_210,
        shards_confirmed: 70,
        ..CheckView::default()
    }
}

fn found(kind: &str, name: Option<&str>, exit: u8) -> CheckView {
    let holder = HolderView { peer_id: "ab".repeat(32), name: name.map(str::to_owned) };
    let problem = CheckProblemView {
        kind: kind.to_owned(),
        pack_id: Some("5c2cdf87".repeat(8)),
        message: "Pack 5c2cdf87: 3 of 5 shards are missing".to_owned(),
        holders: vec![holder],
        files: (0..7).map(|n| PathBytes(format!("/home/ada/{n}\u{1b}[2J").into_bytes())).collect(),
        files_total: 1_000,
    };
    let problems = vec![problem];
    CheckView { ok: false, problems, exit, shards_missing: 3, ..healthy() }
}

fn fake(view: CheckView) -> Fake {
    Fake::answering(Answer::Check(view))
}

#[test]
fn a_check_is_a_page_or_one_document() {
    let read = CheckView { read_data: true, bytes_read: 200 << 20, ..healthy() };
    golden(
        "check",
        &[
            ran(&fake(healthy()), "gbak check"),
            ran(&fake(read), "gbak check --read-data"),
            ran(&fake(found("damage", Some("attic-nas"), 5)), "gbak check"),
            ran(&fake(found("loss", None, 6)), "gbak check"),
            ran(&fake(found("out_of_reach", Some("mia\u{1b}[2J"), 21)), "gbak check"),
            ran(&fake(found("damage", Some("attic-nas"), 5)), "gbak check --json"),
        ],
    );
}

#[test]
fn a_long_list_of_problems_is_cut_short_on_the_screen_only() {
    let mut view = found("damage", None, 5);
    let problem = view.problems[0].clone();
    view.problems = vec![problem; 25];
    let shown = ran(&fake(view.clone()), "gbak check").out;
    assert!(shown.contains("and 5 more"), "{shown}");
    assert_eq!(ran(&fake(view), "gbak check --json").out.matches("pack_id").count(), 25);
}

#[test]
fn what_is_asked_for_is_passed_on() {
    let fake = fake(healthy());
    ran(&fake, "gbak check --read-data --wait-peers 1m");
    let state = fake.0.borrow();
    let Call::Check(args) = &state.calls[0] else { panic!("{:?}", state.calls) };
    assert!(args.read_data && args.wait_peers_secs == Some(60), "{args:?}");
}

#[test]
fn a_part_is_passed_on_as_it_was_typed() {
    let fake = fake(healthy());
    ran(&fake, "gbak check --read-data-subset 2/5");
    let state = fake.0.borrow();
    let Call::Check(args) = &state.calls[0] else { panic!("{:?}", state.calls) };
    assert_eq!((args.read_subset.as_deref(), args.read_data), (Some("2/5"), false));
}
