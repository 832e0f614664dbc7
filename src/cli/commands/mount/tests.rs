//! What a mount tells, from its beginning to its end.

use super::*;
use crate::api::{Event, MountView, PathBytes, codes};
use crate::cli::commands::fake::{Fake, golden, ran};

fn fake(busy: bool) -> Fake {
    let dir = PathBytes(b"/mnt/snap".to_vec());
    let view = MountView { schema: "gbak.mount/1".to_owned(), dir: dir.clone(), busy };
    Fake::answering(Answer::Mount(view)).with_events(vec![Event::Mounted { dir }])
}

#[test]
fn a_mount_says_when_it_can_be_used_and_when_it_has_ended() {
    golden(
        "mount",
        &[
            ran(&fake(false), "gbak mount latest /mnt/snap"),
            ran(&fake(false), "gbak mount /mnt/snap --json"),
            ran(&fake(true), "gbak mount latest~1:/home /mnt/snap"),
            ran(&Fake::default(), "gbak unmount /mnt/snap"),
        ],
    );
}

#[test]
fn the_snapshot_may_be_left_out() {
    for (line, snapshot) in
        [("gbak mount /mnt/snap", None), ("gbak mount latest:/a /mnt/snap", Some("latest:/a"))]
    {
        let fake = fake(false);
        ran(&fake, line);
        let state = fake.0.borrow();
        let [Call::Mount(args)] = state.calls.as_slice() else { panic!("{:?}", state.calls) };
        assert_eq!(args.snapshot.as_deref(), snapshot);
        assert_eq!(args.dir, PathBytes(b"/mnt/snap".to_vec()));
    }
}

#[test]
fn what_is_not_mounted_is_a_failure() {
    let fake = Fake::default();
    let failure = codes::MOUNT.failure("Nothing of gbak is mounted at /mnt");
    fake.0.borrow_mut().unmount = Some(failure);
    assert_eq!(ran(&fake, "gbak unmount /mnt").exit, 1);
}
