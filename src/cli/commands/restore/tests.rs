//! A restore as people and scripts see it, and what its flags ask of the engine.

use super::*;
use crate::api::{Event, Overwrite, PathBytes, ProblemView};
use crate::cli::commands::fake::{Fake, golden, ran};

fn summary() -> RestoreSummary {
    RestoreSummary {
        snapshot_id: "5c2cdf87".repeat(8),
        files_restored: 412,
        files_skipped: 3,
        bytes_restored: 12_345_678,
        bytes_received: 13_000_000,
        files_verified: 0,
        seconds_elapsed: 3.2,
        problems: Vec::new(),
        exit: 0,
    }
}

fn problem() -> ProblemView {
    ProblemView {
        item: "/srv/a".to_owned(),
        path_b64: None,
        message: "Pack 1f2e needs 8 shards, 7 could be fetched".to_owned(),
    }
}

fn fake(summary: RestoreSummary) -> Fake {
    let warning = Event::Warning { message: "bob gave wrong bytes".to_owned() };
    Fake::answering(Answer::Restore(summary)).with_events(vec![warning, Event::Error(problem())])
}

#[test]
fn a_restore_tells_what_came_back() {
    let partial = || RestoreSummary { problems: vec![problem()], exit: 3, ..summary() };
    let lost = RestoreSummary { problems: vec![problem()], exit: 6, ..summary() };
    let verified = RestoreSummary { files_verified: 400, ..summary() };
    golden(
        "restore",
        &[
            ran(&fake(summary()), "gbak restore latest -t /tmp/x"),
            ran(&fake(verified), "gbak restore latest -t /tmp/x --verify"),
            ran(&fake(partial()), "gbak restore latest -t /tmp/x"),
            ran(&fake(lost), "gbak restore latest -t /tmp/x -q"),
            ran(&fake(summary()), "gbak restore latest -t /tmp/x -n"),
            ran(&fake(partial()), "gbak restore latest -t /tmp/x --json"),
        ],
    );
}

#[test]
fn every_flag_reaches_the_engine() {
    let fake = fake(summary());
    ran(
        &fake,
        "gbak restore 5c2c:/home -t /tmp/x -i *.txt -e *.tmp --overwrite if-newer --verify -n \
         --wait-peers 2m",
    );
    let state = fake.0.borrow();
    let Call::Restore(args) = &state.calls[0] else { panic!("{:?}", state.calls) };
    assert_eq!(args.snapshot, "5c2c:/home");
    assert_eq!(args.target, PathBytes(b"/tmp/x".to_vec()));
    assert_eq!(
        (args.include.clone(), args.exclude.clone()),
        (vec!["*.txt".to_owned()], vec!["*.tmp".to_owned()])
    );
    assert_eq!(args.overwrite, Some(Overwrite::IfNewer));
    assert!(args.verify && args.dry_run);
    assert_eq!(args.wait_peers_secs, Some(120));
}

#[test]
fn nothing_is_overwritten_unless_told() {
    let fake = fake(summary());
    ran(&fake, "gbak restore latest -t /tmp/x");
    let state = fake.0.borrow();
    assert!(matches!(&state.calls[0], Call::Restore(args) if args.overwrite.is_none()));
}
