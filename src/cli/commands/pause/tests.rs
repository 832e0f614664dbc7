//! Pauses as people and scripts see and set them.

use super::*;
use crate::cli::commands::fake::{Fake, golden, ran};

fn view(backups: Option<(&str, Option<&str>)>, serving: bool) -> PauseView {
    let paused = |(reason, until): (&str, Option<&str>)| PausedView {
        reason: reason.to_owned(),
        until: until.map(str::to_owned),
    };
    PauseView {
        schema: "gbak.pause/1".to_owned(),
        backups: backups.map(paused),
        serving: serving.then(|| paused(("asked", None))),
    }
}

#[test]
fn what_is_paused_is_said_with_its_end() {
    let show = |line, view| ran(&Fake::answering(Answer::Pause(view)), line);
    let hours = view(Some(("asked", Some("2026-08-01T12:00:00Z"))), false);
    golden(
        "pause",
        &[
            show("gbak pause 2h", hours.clone()),
            show("gbak pause 2h --json", hours),
            show("gbak pause --serving", view(None, true)),
            show("gbak resume", view(Some(("battery", None)), false)),
            show("gbak resume", view(None, false)),
        ],
    );
}

#[test]
fn how_long_and_what_is_passed_on() {
    for (line, secs, serving) in [
        ("gbak pause", None, false),
        ("gbak pause 2h", Some(7200), false),
        ("gbak pause --serving 1d", Some(86_400), true),
    ] {
        let fake = Fake::answering(Answer::Pause(view(None, false)));
        ran(&fake, line);
        let Some(Call::Pause(args)) = fake.0.borrow_mut().calls.pop() else { panic!("no call") };
        assert_eq!(args, PauseArgs { secs, serving }, "{line}");
    }
}
