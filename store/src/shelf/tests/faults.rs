//! Promises of the shelf while something is wrong: the disk, the database, another member.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use chunker::PeerId;
use rusqlite::Connection;

use super::{GIB, Rig, hash, owner, shard};
use crate::db::tests::{limit_pages, set_trap, take_trap_away};
use crate::medium::Step;
use crate::shelf::{Damage, InviteError, Opened, ShelfError, Stored, Usage, incoming, place};
use crate::{DbError, DiskSpace, Donation, Medium};

#[test]
fn a_stranger_cannot_have_a_shard_marked_as_lost() {
    super::on_both(|rig| {
        let (shelf, _) = rig.open();
        let (a, bytes) = shard(1);
        shelf.put(owner(1), a, &bytes, 5).unwrap();
        for stranger in [2, 3] {
            assert!(matches!(shelf.get(owner(stranger), a), Err(ShelfError::Unknown { .. })));
        }
        assert_eq!(shelf.have(owner(1), &[a]).unwrap(), [true]);
        assert_eq!(shelf.damage().unwrap(), Damage::default());
    });
}

#[test]
fn a_bad_sector_is_rot_and_a_disk_that_reads_again_clears_the_mark() {
    let (rig, medium) = Rig::mem();
    let (shelf, _) = rig.open();
    let (a, bytes) = shard(1);
    shelf.put(owner(1), a, &bytes, 5).unwrap();
    medium.set_unreadable(&place(a), true);
    assert!(matches!(shelf.get(owner(1), a), Err(ShelfError::Rotten { .. })));
    assert_eq!(shelf.damage().unwrap(), Damage { rotten: 1, missing: 0 });
    medium.set_unreadable(&place(a), false);
    assert_eq!(shelf.get(owner(1), a).unwrap(), bytes);
    assert_eq!(shelf.damage().unwrap(), Damage::default());
    assert_eq!(shelf.have(owner(1), &[a]).unwrap(), [true]);
    // A bad sector does not keep its owner from putting the shard again.
    medium.set_unreadable(&place(a), true);
    shelf.get(owner(1), a).unwrap_err();
    medium.set_unreadable(&place(a), false);
    assert_eq!(shelf.put(owner(1), a, &bytes, 6).unwrap(), Stored::New);
    // When the mark cannot be read either, the whole disk is the problem: nothing is condemned.
    medium.set_unreadable(&place(a), true);
    medium.set_unreadable("gbak-shelf", true);
    assert!(matches!(shelf.get(owner(1), a), Err(ShelfError::Medium { .. })));
    assert_eq!(shelf.damage().unwrap(), Damage::default());
}

#[test]
fn a_lost_file_is_replaced_even_when_the_donation_is_full() {
    let (rig, medium) = Rig::mem();
    let (shelf, _) = rig.open();
    let ((a, a_bytes), (b, b_bytes)) = (shard(1), shard(2));
    shelf.put(owner(1), a, &a_bytes, 5).unwrap();
    shelf.set_donation(Donation { size_bytes: a_bytes.len() as u64, ..shelf.donation() });
    assert!(matches!(shelf.put(owner(1), b, &b_bytes, 5), Err(ShelfError::Full { .. })));
    assert!(medium.rot(&place(a), 1));
    shelf.get(owner(1), a).unwrap_err();
    shelf.put(owner(1), a, &a_bytes, 6).unwrap();
    assert_eq!(shelf.get(owner(1), a).unwrap(), a_bytes);
    // But it needs room on the disk, where for a moment both files are.
    assert!(medium.rot(&place(a), 1));
    shelf.get(owner(1), a).unwrap_err();
    rig.gauge.set(DiskSpace { total_bytes: 8 * GIB, free_bytes: GIB });
    assert!(matches!(shelf.put(owner(1), a, &a_bytes, 7), Err(ShelfError::Full { .. })));
}

#[test]
fn room_for_what_is_being_written_is_given_to_nobody_else() {
    let (rig, medium) = Rig::mem();
    let (shelf, _) = rig.open();
    let (a, bytes) = shard(1);
    let len = bytes.len() as u64;
    let free = shelf.figures().unwrap().free_bytes;
    let (watched, seen) = (shelf.clone(), Arc::new(AtomicU32::new(0)));
    let count = seen.clone();
    medium.on_step(move |_, step| {
        if matches!(step, Step::Write | Step::SyncDir) {
            let used = watched.usage().unwrap().bytes;
            let left = free - used - len;
            assert!(matches!(watched.room_for(left + 1), Err(ShelfError::Full { .. })));
            watched.room_for(left).unwrap();
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    shelf.put(owner(1), a, &bytes, 5).unwrap();
    medium.fail_syncs(1);
    let (b, b_bytes) = shard(8);
    assert_eq!(b_bytes.len() as u64, len);
    shelf.put(owner(1), b, &b_bytes, 5).unwrap_err();
    medium.on_step(|_, _| ());
    assert!(seen.load(Ordering::SeqCst) >= 3);
    assert_eq!(shelf.in_flight(), 0, "given back after success and failure");
    assert_eq!(shelf.figures().unwrap().free_bytes, free - len);
}

/// Makes another shelf's disk of the one mounted at `shelf`.
fn swap_disk(dir: &Path) {
    std::fs::rename(dir.join("shelf"), dir.join("parked")).unwrap();
    let other = Rig::disk();
    drop(other.open());
    std::fs::rename(other.dir.path().join("shelf"), dir.join("shelf")).unwrap();
    std::fs::write(dir.join("shelf/gbak-shelf"), format!("gbak shelf 1 {}\n", "08".repeat(16)))
        .unwrap();
}

#[test]
fn nothing_is_written_onto_or_read_as_lost_from_another_disk() {
    let rig = Rig::disk();
    let (shelf, _) = rig.open();
    let ((a, a_bytes), (b, b_bytes)) = (shard(1), shard(2));
    shelf.put(owner(1), a, &a_bytes, 5).unwrap();
    swap_disk(rig.dir.path());
    assert!(matches!(shelf.put(owner(1), b, &b_bytes, 5), Err(ShelfError::WrongDisk { .. })));
    assert!(matches!(shelf.get(owner(1), a), Err(ShelfError::WrongDisk { .. })));
    assert_eq!(shelf.damage().unwrap(), Damage::default());
    assert_eq!(rig.medium.list("incoming").unwrap(), Vec::<String>::new());
}

#[test]
fn a_commit_of_unknown_outcome_stops_all_writes_until_the_next_open() {
    let (rig, medium) = Rig::mem();
    let (shelf, _) = rig.open();
    let ((a, a_bytes), (b, b_bytes)) = (shard(1), shard(2));
    shelf.put(owner(1), a, &a_bytes, 5).unwrap();
    shelf.invite_put([1; 32], 100, 10).unwrap();
    let trap = Connection::open(rig.dir.path().join("host.db")).unwrap();
    set_trap(&trap, "lease");
    let error = shelf.put(owner(1), b, &b_bytes, 5).unwrap_err();
    assert!(matches!(error, ShelfError::Commit { .. }) && !error.is_full());
    assert_eq!(medium.list("incoming").unwrap(), [b.to_string()], "it may be acknowledged yet");
    take_trap_away(&trap);
    assert!(matches!(shelf.put(owner(1), b, &b_bytes, 5), Err(ShelfError::Ailing)));
    let device = PeerId::from_bytes([1; 32]);
    let head = shelf.head_put(owner(1), device, 1, hash(1), b"head", 5);
    assert!(matches!(head, Err(ShelfError::Ailing)));
    let spent = shelf.invite_spend([1; 32], 50);
    assert!(matches!(spent, Err(InviteError::Db(DbError::Ailing))));
    assert_eq!(shelf.get(owner(1), a).unwrap(), a_bytes, "reads go on");
    drop(shelf);
    let (shelf, opened) = rig.open();
    assert_eq!(opened, Opened { orphans_removed: 1, ..Opened::default() });
    shelf.put(owner(1), b, &b_bytes, 5).unwrap();
    shelf.invite_spend([1; 32], 50).unwrap();
}

#[test]
fn a_head_that_failed_to_commit_stops_puts_as_well() {
    let (rig, _) = Rig::mem();
    let (shelf, _) = rig.open();
    let trap = Connection::open(rig.dir.path().join("host.db")).unwrap();
    set_trap(&trap, "head");
    let device = PeerId::from_bytes([1; 32]);
    shelf.head_put(owner(1), device, 1, hash(1), b"head", 5).unwrap_err();
    let (a, bytes) = shard(1);
    assert!(matches!(shelf.put(owner(1), a, &bytes, 5), Err(ShelfError::Ailing)));
    assert_eq!(shelf.heads(owner(1)).unwrap(), Vec::<Vec<u8>>::new());
}

#[test]
fn a_database_without_room_refuses_in_type_and_serves_again_without_a_restart() {
    let (rig, medium) = Rig::mem();
    let (shelf, _) = rig.open();
    limit_pages(&shelf.inner.db, 1);
    // Rows fit in what pages there are for a while.
    let refused = (0..2000).find_map(|n| {
        let (id, bytes) = shard(n);
        shelf.put(owner(1), id, &bytes, 5).err().map(|error| (n, error))
    });
    let (n, error) = refused.unwrap();
    assert!(matches!(error, ShelfError::Commit { .. }) && error.is_full(), "{error:?}");
    assert_eq!(medium.list("incoming").unwrap(), Vec::<String>::new());
    assert_eq!(shelf.usage().unwrap().shards, u64::from(n));
    limit_pages(&shelf.inner.db, 1 << 20);
    let (id, bytes) = shard(n);
    shelf.put(owner(1), id, &bytes, 5).unwrap();
    assert_eq!(shelf.get(owner(1), id).unwrap(), bytes);
}

#[test]
fn a_thread_that_dies_while_committing_takes_nothing_with_it() {
    let (rig, medium) = Rig::mem();
    let (shelf, _) = rig.open();
    let (a, bytes) = shard(1);
    medium.on_step(|_, step| assert_ne!(step, Step::SyncDir, "dies here"));
    catch_unwind(AssertUnwindSafe(|| shelf.put(owner(1), a, &bytes, 5))).unwrap_err();
    medium.on_step(|_, _| ());
    assert_eq!(shelf.in_flight(), 0);
    assert_eq!(shelf.have(owner(1), &[a]).unwrap(), [false]);
    shelf.put(owner(1), a, &bytes, 5).unwrap();
    assert_eq!(shelf.get(owner(1), a).unwrap(), bytes);
    assert_eq!(shelf.usage().unwrap(), Usage { shards: 1, bytes: bytes.len() as u64 });
}

#[test]
fn those_who_wait_for_a_thread_that_dies_are_told() {
    let (rig, medium) = Rig::mem();
    let (shelf, _) = rig.open();
    // The first leader waits until two more puts are queued; the one of them that leads next dies.
    let (syncs, watched) = (AtomicU32::new(0), shelf.clone());
    medium.on_step(move |_, step| {
        if step == Step::SyncDir {
            assert_eq!(syncs.fetch_add(1, Ordering::SeqCst), 0, "dies here");
            wait_for(&watched, 2);
        }
    });
    let outcomes = puts_at_once(&shelf, 3);
    let count = |wanted: fn(&Result<Stored, String>) -> bool| {
        outcomes.iter().filter(|outcome| wanted(outcome)).count()
    };
    assert_eq!(count(Result::is_ok), 1, "{outcomes:?}");
    assert_eq!(count(|o| o.as_ref().is_err_and(|e| e == "The commit was abandoned")), 1);
    assert_eq!(count(|o| o.as_ref().is_err_and(|e| e == "died")), 1);
    let (a, bytes) = shard(9);
    assert!(matches!(shelf.put(owner(1), a, &bytes, 5), Err(ShelfError::Ailing)));
}

#[test]
fn puts_that_wait_share_one_commit() {
    let (rig, medium) = Rig::mem();
    let (shelf, _) = rig.open();
    let (syncs, watched) = (Arc::new(AtomicU32::new(0)), shelf.clone());
    let count = syncs.clone();
    medium.on_step(move |_, step| {
        if step == Step::SyncDir && count.fetch_add(1, Ordering::SeqCst) == 0 {
            wait_for(&watched, 4);
        }
    });
    let outcomes = puts_at_once(&shelf, 5);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(syncs.load(Ordering::SeqCst), 2, "one for the first, one for the four who waited");
}

/// Returns when so many puts wait for their commit.
fn wait_for(shelf: &crate::Shelf, waiting: usize) {
    while shelf.inner.commits.waiting() < waiting {
        std::thread::yield_now();
    }
}

fn puts_at_once(shelf: &crate::Shelf, count: u32) -> Vec<Result<Stored, String>> {
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for n in 0..count {
            let outcomes = &outcomes;
            scope.spawn(move || {
                let (id, bytes) = shard(n);
                let put = catch_unwind(AssertUnwindSafe(|| shelf.put(owner(1), id, &bytes, 5)));
                let outcome = match put {
                    Ok(stored) => stored.map_err(|error| error.to_string()),
                    Err(_) => Err("died".to_owned()),
                };
                outcomes.lock().unwrap().push(outcome);
            });
        }
    });
    outcomes.into_inner().unwrap()
}

#[test]
fn a_torn_replacement_never_takes_the_place_of_a_good_file() {
    super::on_both(|rig| {
        let (shelf, _) = rig.open();
        let (a, bytes) = shard(1);
        shelf.put(owner(1), a, &bytes, 5).unwrap();
        // What a put that took the file for rotten, and a power cut, can leave.
        rig.medium.write_durable(&incoming(a), &bytes[..3]).unwrap();
        assert_eq!(shelf.get(owner(1), a).unwrap(), bytes);
        let (shelf, opened) = rig.open();
        assert_eq!(opened, Opened { orphans_removed: 1, ..Opened::default() });
        assert_eq!(shelf.get(owner(1), a).unwrap(), bytes);
    });
}

#[test]
fn a_name_that_only_looks_like_ours_is_left_alone() {
    let (rig, medium) = Rig::mem();
    drop(rig.open());
    let name = format!("incoming/{}", "AB".repeat(32));
    medium.write_durable(&name, b"not ours").unwrap();
    assert_eq!(rig.open().1, Opened { foreign: 1, ..Opened::default() });
    assert!(medium.paths().contains(&name));
}
