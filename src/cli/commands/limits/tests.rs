//! Limits as people and scripts see and set them.

use super::*;
use crate::api::limits::PausedView;
use crate::cli::commands::fake::{Fake, golden, ran};

fn view() -> LimitsView {
    let configured = SpeedsView { up: Some(4 << 20), ..SpeedsView::default() };
    LimitsView {
        schema: "gbak.limits/1".to_owned(),
        in_force: configured,
        configured,
        reasons: Vec::new(),
        backups_paused: None,
        serving_paused: None,
        sent_bytes: 3 << 30,
        received_bytes: 1 << 20,
    }
}

#[test]
fn limits_are_a_table_or_one_document() {
    let mut other = view();
    other.in_force = SpeedsView { up: Some(1 << 20), limit_lan: true, ..SpeedsView::default() };
    other.reasons = vec!["the window 08:00-18:00".to_owned(), "the command line".to_owned()];
    other.backups_paused = Some(PausedView { reason: "battery".to_owned(), until: None });
    let show = |line, view| ran(&Fake::answering(Answer::Limits(view)), line);
    golden(
        "limits",
        &[
            show("gbak limits", view()),
            show("gbak limits show --json", view()),
            show("gbak limits", other),
        ],
    );
}

#[test]
fn only_what_is_said_is_set_and_a_bare_number_is_in_kibibytes() {
    let fake = Fake::answering(Answer::LimitsSet(view()));
    let shown = ran(&fake, "gbak limits set --up 1024 --per-peer-down unlimited --limit-lan true");
    assert_eq!(shown.exit, 0, "{}", shown.err);
    let Some(Call::LimitsSet(args)) = fake.0.borrow_mut().calls.pop() else { panic!("no call") };
    let said = LimitsArgs {
        up: Some(1 << 20),
        per_peer_down: Some(0),
        limit_lan: Some(true),
        ..LimitsArgs::default()
    };
    assert_eq!(args, said);
}

#[test]
fn the_command_line_limits_whatever_it_runs() {
    let fake = Fake::answering(Answer::Limits(view()));
    ran(&fake, "gbak limits --limit-upload 2MiB/s --limit-download 64");
    let settings = fake.0.borrow_mut().settings.pop().unwrap();
    assert_eq!((settings.limits.up, settings.limits.down), (Some(2 << 20), Some(64 << 10)));
}
