//! A listing as people and scripts see it.

use super::*;
use crate::api::{LsView, PathBytes};
use crate::cli::commands::fake::{Fake, golden, ran};

fn entry(path: &[u8], kind: &str, mode: u32, size: u64) -> LsEntry {
    LsEntry {
        path: PathBytes(path.to_vec()),
        kind: kind.to_owned(),
        mode,
        uid: 1000,
        gid: 100,
        size,
        mtime: "2026-07-31T22:14:05Z".to_owned(),
        target: (kind == "symlink").then(|| PathBytes(b"../a\x1b[2J".to_vec())),
    }
}

fn fake() -> Fake {
    Fake::answering(Answer::Ls(LsView {
        schema: "gbak.ls/1".to_owned(),
        snapshot_id: "5c2cdf87".repeat(8),
        entries: vec![
            entry(b"/home", "dir", 0o2755, 0),
            entry(b"/home/\xfe\n.txt", "file", 0o4644, 1_234_567),
            entry(b"/home/link", "symlink", 0o777, 0),
            entry("/home/été".as_bytes(), "fifo", 0o1601, 0),
        ],
    }))
}

#[test]
fn a_listing_is_lines_or_one_document() {
    let lines = ["gbak ls", "gbak ls -l 5c2c:/home", "gbak ls --json"];
    golden("ls", &lines.map(|line| ran(&fake(), line)));
}

#[test]
fn the_snapshot_is_passed_on_as_typed() {
    let fake = fake();
    ran(&fake, "gbak ls latest~2:/home --wait-peers 5s");
    let state = fake.0.borrow();
    let Call::Ls(args) = &state.calls[0] else { panic!("{:?}", state.calls) };
    assert_eq!(args.snapshot, "latest~2:/home");
    assert_eq!(args.wait_peers_secs, Some(5));
}
