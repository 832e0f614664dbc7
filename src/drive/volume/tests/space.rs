//! Room is counted before a write is answered, and made only of what is on the grid for sure.

use super::super::freeze::Taken;
use super::super::node::{Base, Body};
use super::*;

const MIB: u64 = 1 << 20;

fn write(w: &World, ino: Ino, at: u64, mib: u64) -> Result<(), Errno> {
    w.volume.write(ino, at * MIB, &vec![7; (mib * MIB) as usize], true)
}

/// Everything becomes part of this commit.
fn commit(w: &World, number: u64) {
    let frozen = w.volume.freeze();
    let all: Vec<Ino> = w.volume.state().inodes.keys().copied().collect();
    let taken = all.iter().filter_map(|ino| {
        let inode = frozen.get(*ino)?;
        let Body::File(data) = &inode.body else { return None };
        let bytes = w.read(*ino, 0, inode.attr.size as u32);
        let content = w.grid.keep(&bytes, 100_000);
        let size = bytes.len() as u64;
        let base = Base { content, size, allocated: size, commit: number, of: data.changed };
        Some(Taken { ino: *ino, of: data.changed, base })
    });
    let taken = taken.collect();
    w.volume.thaw();
    w.volume.committed(taken);
}

fn state(w: &World, ino: Ino) -> String {
    String::from_utf8(w.volume.xattr(ino, b"user.gbak.state").unwrap()).unwrap()
}

#[test]
fn a_full_cache_refuses_before_it_answers_and_loses_nothing() {
    let w = World::new();
    w.volume.set_limits(4 * MIB, u64::MAX);
    let file = w.make(ROOT, "f", Type::File).ino;
    write(&w, file, 0, 3).unwrap();
    assert_eq!(write(&w, file, 3, 2), Err(Errno::NOSPC));
    assert_eq!(w.size(file), 3 * MIB);
    write(&w, file, 0, 3).unwrap();
    write(&w, file, 3, 1).unwrap();
    assert_eq!(w.volume.figures().here, 4 * MIB);
    w.volume.unlink(ROOT, b"f").unwrap();
    assert_eq!(w.volume.figures().here, 0);
}

#[test]
fn only_what_is_on_the_grid_is_dropped_to_make_room() {
    let w = World::new();
    w.volume.set_limits(4 * MIB, u64::MAX);
    let (a, b) = (w.make(ROOT, "a", Type::File).ino, w.make(ROOT, "b", Type::File).ino);
    write(&w, a, 0, 2).unwrap();
    assert_eq!(state(&w, a), "here");
    commit(&w, 1);
    assert_eq!(state(&w, a), "queued");
    write(&w, b, 0, 2).unwrap();
    assert_eq!(write(&w, b, 2, 1), Err(Errno::NOSPC), "what is queued stays");
    w.volume.set_proven(1);
    assert_eq!(state(&w, a), "grid");
    write(&w, b, 2, 2).unwrap();
    assert_eq!(w.volume.figures().here, 4 * MIB);
    assert_eq!(w.read(a, MIB, 4), [7; 4], "what was dropped is read from the grid");
    assert_eq!(state(&w, a), "grid");
    write(&w, a, 0, 0).unwrap();
    assert_eq!(write(&w, a, 0, 1), Err(Errno::NOSPC));
}

#[test]
fn the_size_of_the_drive_is_a_quota() {
    let w = World::new();
    w.volume.set_limits(u64::MAX, 2 * MIB);
    let file = w.make(ROOT, "f", Type::File).ino;
    write(&w, file, 0, 2).unwrap();
    assert_eq!(write(&w, file, 2, 1), Err(Errno::DQUOT));
    let space = w.volume.space();
    assert_eq!((space.total, space.available), (2 * MIB, 0));
}

#[test]
fn a_disk_at_its_floor_takes_nothing_more() {
    let w = World::new();
    w.volume.set_disk(MIB);
    let file = w.make(ROOT, "f", Type::File).ino;
    write(&w, file, 0, 1).unwrap();
    assert_eq!(write(&w, file, 1, 1), Err(Errno::NOSPC));
}

#[test]
fn data_of_a_commit_that_was_lost_is_here_again_and_is_not_dropped() {
    let w = World::new();
    w.volume.set_limits(2 * MIB, u64::MAX);
    let file = w.make(ROOT, "f", Type::File).ino;
    write(&w, file, 0, 2).unwrap();
    commit(&w, 1);
    w.volume.uncommit();
    assert_eq!(state(&w, file), "here");
    w.volume.set_proven(1);
    let other = w.make(ROOT, "g", Type::File).ino;
    assert_eq!(write(&w, other, 0, 1), Err(Errno::NOSPC));
}

#[test]
fn no_more_waits_for_the_grid_than_it_has_room_for() {
    let w = World::new();
    w.volume.set_limits(64 * MIB, u64::MAX);
    w.volume.set_grid(16 * MIB, false);
    let file = w.make(ROOT, "f", Type::File).ino;
    write(&w, file, 0, 14).unwrap();
    assert_eq!(write(&w, file, 14, 1), Err(Errno::NOSPC), "1/8 is no commit's");
    let mut coming = w.volume.coming(MIB).unwrap();
    let seen = coming.borrow_and_update().rooms;
    commit(&w, 1);
    w.volume.set_proven(1);
    assert!(coming.borrow_and_update().rooms > seen, "who waits is told");
    write(&w, file, 14, 14).unwrap();
    // The grid is full: the disk takes what it has room for, and nobody waits.
    w.volume.set_grid(MIB, false);
    let other = w.make(ROOT, "g", Type::File).ino;
    write(&w, other, 0, 36).unwrap();
    assert_eq!(write(&w, other, 36, 1), Err(Errno::NOSPC));
    assert!(w.volume.coming(MIB).is_none());
}

#[test]
fn what_can_be_written_is_the_grids_room_and_the_disks_share_less_what_waits() {
    let w = World::new();
    w.volume.set_limits(8 * MIB, u64::MAX);
    assert_eq!(w.volume.space().available, 8 * MIB);
    // A commit has 4 MiB at least, and takes one for itself.
    w.volume.set_grid(100 * MIB, false);
    assert_eq!(w.volume.space().available, (80 + 8) * MIB);
    let file = w.make(ROOT, "f", Type::File).ino;
    write(&w, file, 0, 5).unwrap();
    assert_eq!(w.volume.space().available, 83 * MIB);
    commit(&w, 1);
    w.volume.recount();
    assert_eq!(w.volume.space().available, 83 * MIB);
    w.volume.set_proven(1);
    w.volume.set_grid(95 * MIB, false);
    assert_eq!(w.volume.space().available, (76 + 8) * MIB);
    w.volume.set_grid(95 * MIB, true);
    assert_eq!(w.volume.space().available, 8 * MIB, "a commit waits: nothing more goes out");
    w.volume.set_disk(MIB);
    assert_eq!(w.volume.space().available, MIB + w.volume.figures().here);
}

#[test]
fn a_disk_at_its_floor_is_relieved_of_what_is_on_the_grid() {
    let w = World::new();
    w.volume.set_limits(1 << 40, u64::MAX);
    let file = w.make(ROOT, "f", Type::File).ino;
    write(&w, file, 0, 4).unwrap();
    commit(&w, 1);
    w.volume.set_proven(1);
    w.volume.set_disk(80 * MIB);
    assert_eq!(w.volume.figures().here, 4 * MIB);
    w.volume.set_disk(MIB);
    assert_eq!(w.volume.figures().here, 0);
    assert!(w.volume.coming(MIB).is_some(), "it is free when the table is saved");
    w.volume.save().unwrap();
    w.volume.set_disk(5 * MIB);
    assert!(w.volume.coming(MIB).is_none());
}

#[test]
fn who_waited_in_vain_is_the_last_until_something_reaches_the_grid() {
    let w = World::new();
    w.volume.set_limits(64 * MIB, u64::MAX);
    w.volume.set_grid(16 * MIB, false);
    let file = w.make(ROOT, "f", Type::File).ino;
    write(&w, file, 0, 14).unwrap();
    assert!(w.volume.coming(MIB).is_some());
    assert!(w.volume.coming(15 * MIB).is_none(), "never as much");
    w.volume.give_up();
    write(&w, file, 14, 50).unwrap();
    assert_eq!(write(&w, file, 64, 1), Err(Errno::NOSPC));
    assert!(w.volume.coming(MIB).is_none());
    commit(&w, 1);
    w.volume.set_proven(1);
    assert!(w.volume.coming(MIB).is_some());
}

#[test]
fn what_is_on_the_grid_is_not_counted_again_every_time() {
    let w = World::new();
    let files: Vec<Ino> = (0..20).map(|no| w.make(ROOT, &no.to_string(), Type::File).ino).collect();
    for ino in &files {
        write(&w, *ino, 0, 1).unwrap();
    }
    w.volume.recount();
    assert_eq!(w.volume.counted(), 20 * MIB);
    commit(&w, 1);
    w.volume.recount();
    assert_eq!(w.volume.counted(), 20 * MIB, "queued only");
    w.volume.set_proven(1);
    assert_eq!(w.volume.counted(), 0);
    assert!(w.volume.state().unproven.is_empty());
    write(&w, files[7], 0, 1).unwrap();
    w.volume.recount();
    assert_eq!((w.volume.counted(), w.volume.state().unproven.len()), (MIB, 1));
}
