//! A judgement as people and scripts see it.

use super::*;
use crate::api::{GroupByArgs, KeptView, PathBytes, WitnessView};
use crate::cli::commands::fake::{Fake, golden, ran};

fn snapshot(no: u8, time: &str, tags: &[&str]) -> SnapshotView {
    SnapshotView {
        pinned: false,
        id: format!("{no:02x}").repeat(32),
        time: time.to_owned(),
        hostname: "ada".to_owned(),
        paths: vec![PathBytes(b"/home/ada".to_vec())],
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        files: 12,
        bytes: 4096,
        state: "complete".to_owned(),
    }
}

fn view(dry_run: bool) -> ForgetView {
    let newest = KeptView {
        snapshot: snapshot(3, "2026-07-31T22:14:05Z", &[]),
        reasons: vec!["last".to_owned(), "daily".to_owned()],
    };
    let tagged = KeptView {
        snapshot: snapshot(1, "2026-07-01T22:00:00Z", &["tax\x1b[31m"]),
        reasons: vec!["tagged tax\x1b[31m".to_owned()],
    };
    ForgetView {
        schema: "gbak.forget/1".to_owned(),
        dry_run,
        groups: vec![ForgetGroup {
            host: Some("ada".to_owned()),
            paths: Some(vec![PathBytes(b"/home/ada".to_vec())]),
            tags: None,
            keep: vec![newest, tagged],
            forget: vec![snapshot(2, "2026-07-31T10:00:00Z", &[])],
        }],
        kept: 2,
        forgotten: 1,
        other_devices: 4,
        queued: u64::from(dry_run),
        reclaimed_bytes: 0,
        pruned: None,
        witnesses: WitnessView { asked: 5, confirmed: 4 },
    }
}

fn shown(dry_run: bool, line: &str) -> crate::cli::commands::fake::Ran {
    ran(&Fake::answering(Answer::Forget(view(dry_run))), line)
}

#[test]
fn a_judgement_has_its_reasons_and_says_what_it_does_not_do() {
    golden(
        "forget",
        &[
            shown(true, "gbak forget --keep-last 1 --keep-tag tax --dry-run"),
            shown(false, "gbak forget --keep-last 1 --keep-tag tax"),
            shown(false, "gbak forget --keep-last 1 --json"),
        ],
    );
}

#[test]
fn nothing_to_forget_is_no_failure_and_promises_nothing() {
    let none = ForgetView { groups: Vec::new(), forgotten: 0, other_devices: 0, ..view(false) };
    let ran = ran(&Fake::answering(Answer::Forget(none)), "gbak forget -l 1");
    assert_eq!((ran.exit, ran.out.as_str()), (0, "Nothing to forget; 2 kept.\n"));
}

#[test]
fn restics_flags_mean_what_they_mean_there() {
    let fake = Fake::answering(Answer::Forget(view(true)));
    ran(
        &fake,
        "gbak forget -l 1 -H 24 -d 7 -w 5 -m 12 -y unlimited --keep-within 1y2m --keep-tag a,b \
         --keep-tag c --group-by tags,host -n --prune --wait-peers 5s",
    );
    let expected = ForgetArgs {
        keep_last: 1,
        keep_hourly: 24,
        keep_daily: 7,
        keep_weekly: 5,
        keep_monthly: 12,
        keep_yearly: u32::MAX,
        keep_within: Some("1y2m".to_owned()),
        keep_tags: vec![vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]],
        group_by: GroupByArgs { host: true, paths: false, tags: true },
        snapshots: Vec::new(),
        prune: true,
        dry_run: true,
        wait_peers_secs: Some(5),
    };
    let state = fake.0.borrow();
    assert!(matches!(&state.calls[0], Call::Forget(args) if *args == expected));
}
