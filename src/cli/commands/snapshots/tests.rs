//! The list of snapshots as people and scripts see it.

use super::*;
use crate::api::PathBytes;
use crate::cli::commands::fake::{Fake, golden, ran};

fn view() -> SnapshotsView {
    let plain = SnapshotView {
        pinned: true,
        id: "5c2cdf87".repeat(8),
        time: "2026-07-31T22:14:05.123456789Z".to_owned(),
        hostname: "ada-desktop".to_owned(),
        paths: vec![PathBytes(b"/home/ada/Documents".to_vec()), PathBytes(b"/srv".to_vec())],
        tags: vec!["home".to_owned(), "weekly".to_owned()],
        files: 41_233,
        bytes: 32_105_005_056,
        state: "complete".to_owned(),
    };
    let odd = SnapshotView {
        id: "00aa11bb".repeat(8),
        hostname: "evil\u{1b}]0;title\u{7}\u{202e}gnp".to_owned(),
        paths: vec![PathBytes(b"/srv".to_vec()), PathBytes(b"/tmp/\xff\n".to_vec())],
        tags: Vec::new(),
        files: 0,
        bytes: 0,
        state: "interrupted".to_owned(),
        ..plain.clone()
    };
    SnapshotsView { schema: "gbak.snapshots/1".to_owned(), snapshots: vec![plain, odd] }
}

#[test]
fn snapshots_are_a_table_or_one_document() {
    let show = |line| ran(&Fake::answering(Answer::Snapshots(view())), line);
    golden("snapshots", &[show("gbak snapshots"), show("gbak snapshots --json")]);
}

#[test]
fn a_host_name_cannot_drive_the_terminal() {
    let ran = ran(&Fake::answering(Answer::Snapshots(view())), "gbak snapshots");
    assert!(!ran.out.contains('\u{1b}') && !ran.out.contains('\u{202e}'));
}

#[test]
fn no_snapshots_is_said_in_words() {
    let none = SnapshotsView { schema: "gbak.snapshots/1".to_owned(), snapshots: Vec::new() };
    let ran = ran(&Fake::answering(Answer::Snapshots(none)), "gbak snapshots");
    assert_eq!(ran.out, "0 snapshots\n");
}
