//! What is announced, and what is told of it.

use super::*;
use crate::cli::commands::fake::{Fake, ran};

fn asked(line: &str, until: Option<&str>) -> (AwayArgs, String) {
    let until = until.map(str::to_owned);
    let view = AwayView { schema: "gbak.away/1".to_owned(), until, told: 3, asked: 4 };
    let fake = Fake::answering(Answer::Away(view));
    let out = ran(&fake, line).out;
    let state = fake.0.borrow();
    let Call::Away(args) = &state.calls[0] else { panic!("{:?}", state.calls) };
    (*args, out)
}

#[test]
fn an_absence_has_an_end_and_can_be_taken_back() {
    let (args, out) = asked("gbak away 14d", Some("2026-12-09T10:00:00Z"));
    assert_eq!(args.secs, Some(14 * 86_400));
    assert!(out.starts_with("Away until 2026-12-09"), "{out}");
    assert!(out.contains("3 of 4 connected machines told"), "{out}");
    let (args, out) = asked("gbak away --back", None);
    assert_eq!(args.secs, None);
    assert!(out.starts_with("Not away any more"), "{out}");
}
