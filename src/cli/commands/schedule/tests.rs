//! The schedule as people and scripts see it.

use super::*;
use crate::api::PathBytes;
use crate::cli::commands::fake::{Fake, golden, ran};

fn view(agent: bool) -> ScheduleView {
    let documents = SetView {
        name: "documents".to_owned(),
        sources: vec![PathBytes(b"/home/ada/Documents".to_vec())],
        schedule: Some("0 * * * *".to_owned()),
        next: Some("2026-08-01T11:04:00Z".to_owned()),
        last_started: Some("2026-08-01T09:48:00Z".to_owned()),
        last_exit: Some(0),
        last_good: Some("2026-08-01T09:48:00Z".to_owned()),
        max_age_secs: Some(86_400),
        late: false,
    };
    let new = SetView {
        name: "etc".to_owned(),
        schedule: None,
        next: None,
        last_started: None,
        last_exit: None,
        last_good: None,
        late: true,
        ..documents.clone()
    };
    ScheduleView { schema: "gbak.schedule/1".to_owned(), agent, sets: vec![documents, new] }
}

#[test]
fn sets_are_a_table_or_one_document() {
    let show = |line, agent| ran(&Fake::answering(Answer::Schedule(view(agent))), line);
    let none = ScheduleView { sets: Vec::new(), ..view(true) };
    golden(
        "schedule",
        &[
            show("gbak schedule", true),
            show("gbak schedule show --json", true),
            show("gbak schedule skip documents", false),
            ran(&Fake::answering(Answer::Schedule(none)), "gbak schedule"),
        ],
    );
}

#[test]
fn a_set_is_skipped_or_run_by_its_name() {
    let fake = Fake::answering(Answer::Schedule(view(true)));
    ran(&fake, "gbak schedule skip etc");
    let Some(Call::Schedule(args)) = fake.0.borrow_mut().calls.pop() else { panic!("no call") };
    assert_eq!(args, ScheduleArgs::Skip("etc".to_owned()));
    let fake = Fake::answering(Answer::Backup(crate::api::BackupSummary::default()));
    ran(&fake, "gbak schedule run etc");
    let Some(Call::Backup(args)) = fake.0.borrow_mut().calls.pop() else { panic!("no call") };
    assert_eq!((args.set.as_deref(), args.paths.len()), (Some("etc"), 0));
}
