//! A drill as people and scripts see it.

use super::*;
use crate::api::{HolderView, ProblemView, WitnessView};
use crate::cli::commands::fake::{Fake, golden, ran};

fn good() -> DrillView {
    DrillView {
        schema: "gbak.drill/1".to_owned(),
        ok: true,
        snapshot_id: "5c2cdf87".repeat(8),
        snapshots: 3,
        head_seq: 7,
        witnesses: WitnessView { asked: 4, confirmed: 4 },
        files: 20,
        files_total: 5200,
        bytes: 212 << 20,
        bytes_total: 30 << 30,
        identical: 18,
        changed: 2,
        seconds_index: 0.42,
        seconds_restore: 61.5,
        bytes_per_second: Some(4_000_000.0),
        full_restore_seconds: Some(7_801.0),
        ..DrillView::default()
    }
}

fn bad(exit: u8) -> DrillView {
    let problem = ProblemView {
        item: "home/ada/\u{1b}[2Jletter".to_owned(),
        path_b64: None,
        message: "Pack 0123 needs 3 shards, 2 could be fetched".to_owned(),
    };
    let aside = HolderView { peer_id: "ab".repeat(32), name: Some("attic-nas".to_owned()) };
    let problems = vec![problem; if exit == 5 { 2 } else { MAX_SHOWN + 1 }];
    DrillView { ok: false, aside: vec![aside], problems, exit, ..good() }
}

#[test]
fn a_drill_tells_what_it_proved_or_what_failed() {
    let fake = |view| Fake::answering(Answer::Drill(view));
    golden(
        "drill",
        &[
            ran(&fake(good()), "gbak drill"),
            ran(&fake(bad(5)), "gbak drill --without-peers 1"),
            ran(&fake(bad(6)), "gbak drill"),
            ran(&fake(good()), "gbak drill --json"),
        ],
    );
}

#[test]
fn how_much_to_restore_is_passed_on() {
    let fake = Fake::answering(Answer::Drill(good()));
    ran(&fake, "gbak drill --files 5 --max-bytes 1MiB --without-peers 2 --wait-peers 1m");
    let state = fake.0.borrow();
    let Call::Drill(args) = &state.calls[0] else { panic!("{:?}", state.calls) };
    assert_eq!((args.files, args.max_bytes, args.without_peers), (5, 1 << 20, 2));
    assert_eq!(args.wait_peers_secs, Some(60));
}
