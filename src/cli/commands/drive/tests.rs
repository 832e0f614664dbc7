//! What is asked of drives, and how it is shown.

use super::*;
use crate::api::{DonorView, DriveDeletedView, PathBytes, WantedView};
use crate::cli::commands::fake::{Fake, golden, ran};

fn view(dir: Option<&str>) -> DriveView {
    DriveView {
        schema: "gbak.drive/1".to_owned(),
        name: "work".to_owned(),
        mounted: dir.is_some(),
        served: false,
        dir: dir.map(|dir| PathBytes(dir.as_bytes().to_vec())),
        stored_bytes: 5 << 30,
        dirty_bytes: 3 << 20,
        queued_bytes: 0,
        committed_snapshot: dir.map(|_| "5c2cdf87".repeat(8)),
        cache_bytes: 1 << 30,
        cache_limit_bytes: 4 << 30,
        capacity_bytes: 105 << 30,
        available_bytes: 100 << 30,
        trouble: dir.map(|_| "Pack 12ab needs 3 shards".to_owned()),
        role: dir.map(|_| "fenced".to_owned()),
        epoch: 7,
        taken_by: dir.map(|_| "bb".repeat(32)),
        conflict_snapshot: dir.map(|_| "77aa".repeat(16)),
        unconfirmed_secs: None,
        wanted: None,
    }
}

fn answering(answer: DriveAnswer) -> Fake {
    Fake::answering(Answer::Drive(answer))
}

#[test]
fn a_drive_is_shown_as_a_sum_of_what_is_where() {
    let mounted = || answering(DriveAnswer::Status(view(Some("/mnt/work"))));
    let followed = DriveView {
        role: Some("follower".to_owned()),
        taken_by: None,
        conflict_snapshot: None,
        trouble: None,
        unconfirmed_secs: Some(4),
        ..view(Some("/mnt/work"))
    };
    let followed = answering(DriveAnswer::Status(followed));
    let missed = DriveView {
        wanted: Some(Box::new(WantedView {
            dir: PathBytes(b"/mnt/stick".to_vec()),
            reason: Some("/mnt/stick is not a directory that can be mounted on".to_owned()),
        })),
        ..view(None)
    };
    let table = DriveTableView {
        schema: "gbak.drive-table/1".to_owned(),
        name: "work".to_owned(),
        k: 1,
        m: 2,
        donors: vec![DonorView {
            peer_id: "aa".repeat(32),
            name: "attic".to_owned(),
            state: "online".to_owned(),
            donated_bytes: 100 << 30,
            free_bytes: 70 << 30,
            mine_bytes: 12 << 30,
        }],
        usable_bytes: 69 << 30,
    };
    let deleted = DriveDeletedView {
        schema: "gbak.drive-deleted/1".to_owned(),
        name: "work".to_owned(),
        snapshots_kept: 3,
    };
    golden(
        "drive",
        &[
            ran(&mounted(), "gbak drive status work"),
            ran(&mounted(), "gbak drive status work --json"),
            ran(&followed, "gbak drive mount work /mnt/work --read-only"),
            ran(&answering(DriveAnswer::Status(view(None))), "gbak drive create work"),
            ran(&answering(DriveAnswer::Status(missed)), "gbak drive status work"),
            ran(&answering(DriveAnswer::Table(table)), "gbak drive table work"),
            ran(&answering(DriveAnswer::Deleted(deleted)), "gbak drive delete work"),
        ],
    );
}

#[test]
fn every_word_of_the_command_reaches_the_agent() {
    let cases = [
        (
            "create work --size 1GiB --cache 2MiB",
            DriveAct::Create { size: Some(1 << 30), cache: Some(2 << 20) },
        ),
        (
            "mount work /mnt/work --allow-other --take-over --without-majority",
            DriveAct::Mount {
                dir: PathBytes(b"/mnt/work".to_vec()),
                allow_other: true,
                take_over: true,
                without_majority: true,
                read_only: false,
            },
        ),
        (
            "mount work /mnt/work --read-only",
            DriveAct::Mount {
                dir: PathBytes(b"/mnt/work".to_vec()),
                allow_other: false,
                take_over: false,
                without_majority: false,
                read_only: true,
            },
        ),
        ("unmount work", DriveAct::Unmount),
        ("sync work", DriveAct::Sync { grid: false }),
        ("sync work --wait grid", DriveAct::Sync { grid: true }),
        ("resize work --cache 1GiB", DriveAct::Resize { size: None, cache: Some(1 << 30) }),
        ("snapshots work", DriveAct::Snapshots),
        ("rollback work latest~1", DriveAct::Rollback { snapshot: "latest~1".to_owned() }),
        ("delete work --force", DriveAct::Delete { force: true }),
    ];
    for (line, act) in cases {
        let fake = answering(DriveAnswer::Status(view(None)));
        ran(&fake, &format!("gbak drive {line}"));
        let state = fake.0.borrow();
        let [Call::Drive(args)] = state.calls.as_slice() else { panic!("{:?}", state.calls) };
        assert_eq!((args.name.as_str(), &args.act), ("work", &act), "{line}");
    }
}
