//! What serving tells, and what it keeps.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::api::ServeView;
use crate::cli::commands::fake::{Fake, golden, ran};

fn fake(what: Served) -> Fake {
    let url = "http://gbak:0123456789abcdef@127.0.0.1:4780/".to_owned();
    let token = "0123456789abcdef".to_owned();
    let view = ServeView { schema: "gbak.serve/1".to_owned(), what };
    Fake::answering(Answer::Serve(view)).with_events(vec![Event::Serving { url, token }])
}

fn drive() -> Served {
    Served::Drive { name: "work".to_owned(), read_only: true }
}

#[test]
fn serving_says_where_and_with_which_password() {
    let all = || fake(Served::Snapshots { snapshot: None });
    golden(
        "webdav",
        &[
            ran(&fake(drive()), "gbak drive serve work --read-only"),
            ran(&fake(drive()), "gbak drive serve work --read-only --json"),
            ran(&all(), "gbak webdav"),
        ],
    );
}

#[test]
fn every_word_of_the_command_reaches_the_agent() {
    let fake = fake(drive());
    ran(&fake, "gbak drive serve work --read-only --listen [::1]:4780 --wait-peers 3s");
    let state = fake.0.borrow();
    let [Call::Serve(args)] = state.calls.as_slice() else { panic!("{:?}", state.calls) };
    assert_eq!((&args.what, args.listen.to_string().as_str()), (&drive(), "[::1]:4780"));
    assert_eq!((args.wait_peers_secs, &args.token), (Some(3), &None));
}

#[test]
fn a_password_is_made_once_and_kept_private() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    let given = || {
        let fake = fake(drive());
        let said = ran(&fake, &format!("gbak drive serve work --token-file {}", path.display()));
        let state = fake.0.borrow();
        let token = state.calls.first().and_then(|call| match call {
            Call::Serve(args) => args.token.clone(),
            other => panic!("{other:?}"),
        });
        (said.exit, token)
    };
    // The agent makes it.
    assert_eq!(given(), (0, None));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(given(), (0, Some("0123456789abcdef".to_owned())));
    std::fs::write(&path, "not a pass:word\n").unwrap();
    assert_eq!(given(), (2, None));
}
