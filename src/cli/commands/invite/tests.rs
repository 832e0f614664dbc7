//! An invitation can be piped on: nothing but the string is on stdout.

use super::*;
use crate::api::InviteView;
use crate::cli::commands::fake::{Fake, golden, ran};

fn fake() -> Fake {
    Fake::answering(Answer::Invite(InviteView {
        schema: "gbak.invite/1".to_owned(),
        invite: "gbak1qqqsyqcyq5rqwzqf".to_owned(),
        expires: "2026-08-02T10:00:00Z".to_owned(),
    }))
}

#[test]
fn an_invitation_is_alone_on_stdout() {
    golden("invite", &["gbak invite", "gbak invite --json"].map(|line| ran(&fake(), line)));
    assert_eq!(ran(&fake(), "gbak invite").out, "gbak1qqqsyqcyq5rqwzqf\n");
}

#[test]
fn it_lasts_a_day_unless_told_otherwise() {
    for (line, expected) in [("gbak invite", 86_400), ("gbak invite --expires 1h", 3600)] {
        let fake = fake();
        ran(&fake, line);
        let state = fake.0.borrow();
        assert!(matches!(&state.calls[0], Call::Invite(args) if args.expires_secs == expected));
    }
}
