//! Promises of recounting: figures that a bug or damage made wrong are right again, leftovers go,
//! what is gone is said, and nothing that is right is touched.

use std::fmt::Write as _;

use rusqlite::Connection;

use super::{Rig, Usage, on_both, owner, shard};
use crate::shelf::{RecountPass, ShelfError, place};
use crate::{Medium, Shelf};

fn some(shelf: &Shelf) {
    for n in 0..6 {
        let (id, bytes) = shard(n);
        shelf.put(owner(1 + (n % 2) as u8), id, &bytes, 5).unwrap();
    }
}

fn damage(rig: &Rig, sql: &str) {
    Connection::open(rig.dir.path().join("host.db")).unwrap().execute_batch(sql).unwrap();
}

fn figures(shelf: &Shelf) -> (Usage, Vec<(chunker::OwnerId, Usage)>, Usage, Usage) {
    let disk = shelf.disks().unwrap().remove(0);
    (shelf.usage().unwrap(), shelf.usage_by_owner().unwrap(), disk.usage, disk.quarantined)
}

/// A whole pass, in a few steps.
fn pass(shelf: &Shelf) -> RecountPass {
    let mut drift = 0;
    loop {
        let step = shelf.recount(100, 7).unwrap();
        drift += step.drift;
        if step.ended {
            break;
        }
    }
    let last = shelf.recount_state().unwrap().last.unwrap();
    assert_eq!((last.began_secs, last.ended_secs, last.drift()), (7, 7, drift));
    RecountPass { began_secs: 0, ended_secs: 0, ..last }
}

/// What a pass over `some` shards finds when all is well.
fn well() -> RecountPass {
    let bytes = (0..6).map(|n| shard(n).1.len() as u64).sum();
    RecountPass { files: 6, bytes, ..RecountPass::default() }
}

#[test]
fn sums_that_were_wrong_are_exact_again_and_right_ones_stay() {
    on_both(|rig| {
        let (shelf, _) = rig.open();
        some(&shelf);
        let before = figures(&shelf);
        assert_eq!(pass(&shelf), well());
        damage(
            rig,
            "UPDATE total SET value = value - 70 WHERE name IN ('shards', 'left_bytes', 'rotten');
             UPDATE disk SET shards = 0, bytes = bytes - 1, left_bytes = 9;
             UPDATE owner SET shards = shards + 1, left_shards = 3 WHERE no = 1;",
        );
        assert!(shelf.usage().is_err() || figures(&shelf) != before);
        assert_eq!(pass(&shelf), RecountPass { sums: 8, ..well() });
        assert_eq!(figures(&shelf), before);
        assert_eq!(shelf.damage().unwrap().rotten, 0);
        assert_eq!(pass(&shelf), well());
    });
}

#[test]
fn a_file_without_a_row_goes_and_what_is_not_ours_stays() {
    on_both(|rig| {
        let (shelf, _) = rig.open();
        some(&shelf);
        let (stray, bytes) = shard(77);
        rig.medium.write_durable(&place(stray), &bytes).unwrap();
        rig.medium.write_durable("shards/ab/README", b"theirs").unwrap();
        // Of another directory: not where we would put it, so not ours.
        let lost = format!("shards/{:02x}/{stray}", stray.as_bytes()[0] ^ 1);
        rig.medium.write_durable(&lost, &bytes).unwrap();
        assert_eq!(pass(&shelf), RecountPass { orphans: 1, foreign: 2, ..well() });
        assert_eq!(rig.medium.len(&place(stray)).unwrap(), None);
        assert!(rig.medium.len(&lost).unwrap().is_some());
        for n in 0..6 {
            let (id, bytes) = shard(n);
            assert_eq!(shelf.get(owner(1 + (n % 2) as u8), id).unwrap(), bytes);
        }
        assert_eq!(pass(&shelf), RecountPass { foreign: 2, ..well() });
    });
}

#[test]
fn what_is_gone_or_cut_short_is_marked_and_counted() {
    on_both(|rig| {
        let (shelf, _) = rig.open();
        some(&shelf);
        let (gone, short) = (shard(2), shard(3));
        rig.medium.remove(&place(gone.0)).unwrap();
        rig.medium.remove(&place(short.0)).unwrap();
        rig.medium.write_durable(&place(short.0), &short.1[1..]).unwrap();
        let bytes = well().bytes - (gone.1.len() + short.1.len()) as u64;
        let found = RecountPass { files: 4, bytes, lost: 2, ..RecountPass::default() };
        assert_eq!(pass(&shelf), found);
        let damage = shelf.damage().unwrap();
        assert_eq!((damage.rotten, damage.missing), (1, 1));
        assert!(matches!(shelf.get(owner(1), gone.0), Err(ShelfError::Unknown { .. })));
        assert_eq!(pass(&shelf), RecountPass { lost: 0, ..found }, "said once");
        // Its owner can put it again, which needs no new room.
        shelf.put(owner(1), gone.0, &gone.1, 8).unwrap();
        shelf.put(owner(2), short.0, &short.1, 8).unwrap();
        assert_eq!(pass(&shelf), well());
    });
}

#[test]
fn leases_that_were_counted_wrong_keep_no_file_for_nobody_and_lose_none() {
    on_both(|rig| {
        let (shelf, _) = rig.open();
        some(&shelf);
        shelf.put(owner(2), shard(0).0, &shard(0).1, 5).unwrap();
        let id = |n| format!("x'{}'", shard(n).0);
        // 0 and 1 are counted wrong, 2 has no lease left, and 3 has a lease without a row.
        damage(
            rig,
            &format!(
                "UPDATE shard SET leases = 1, held = 1 WHERE id = {};
                 UPDATE shard SET leases = 5, held = 0 WHERE id = {};
                 DELETE FROM lease WHERE shard = {};
                 DELETE FROM shard WHERE id = {};",
                id(0),
                id(1),
                id(2),
                id(3)
            ),
        );
        let found = pass(&shelf);
        assert_eq!((found.miscounted, found.orphans), (4, 1), "{found:?}");
        shelf.sweep(100, 9).unwrap();
        assert_eq!(rig.medium.len(&place(shard(2).0)).unwrap(), None);
        let bytes = [0, 1, 4, 5].map(|n| shard(n).1.len() as u64);
        let (usage, owners, disk, left) = figures(&shelf);
        assert_eq!((usage, disk), (Usage { shards: 4, bytes: bytes.iter().sum() }, usage));
        assert_eq!(left, Usage::default());
        assert_eq!(owners[0].1, Usage { shards: 2, bytes: bytes[0] + bytes[2] });
        assert_eq!(owners[1].1, Usage { shards: 3, bytes: bytes[0] + bytes[1] + bytes[3] });
        assert_eq!(pass(&shelf).drift(), 0);
        assert_eq!(shelf.get(owner(2), shard(0).0).unwrap(), shard(0).1);
    });
}

#[test]
fn a_pass_goes_on_where_it_was_and_is_due_when_the_settings_say() {
    let (rig, _) = Rig::mem();
    let (shelf, _) = rig.open();
    some(&shelf);
    let (stray, bytes) = shard(77);
    rig.medium.write_durable(&place(stray), &bytes).unwrap();
    let mut steps = 0;
    while !rig.open().0.recount(40, 1_000 + steps).unwrap().ended {
        steps += 1;
    }
    assert!((5..8).contains(&steps), "256 directories and what is in them: {steps}");
    let state = rig.open().0.recount_state().unwrap();
    let last = state.last.unwrap();
    assert_eq!((last.began_secs, last.ended_secs), (1_000, 1_000 + steps));
    assert_eq!((last.files, last.orphans), (6, 1));
    assert_eq!(state.due_secs(500), 1_500);
}

#[test]
fn a_directory_of_many_is_gone_through_a_page_at_a_time() {
    let (rig, medium) = Rig::mem();
    let (shelf, _) = rig.open();
    let mut rows = String::from("BEGIN; INSERT INTO owner (no, id, shards, bytes) VALUES (1, ");
    write!(rows, "x'{}', 0, 0);", "01".repeat(32)).unwrap();
    for n in 0..600_u32 {
        let id = format!("ab{n:062x}");
        medium.write_durable(&format!("shards/ab/{id}"), b"abc").unwrap();
        let leases = if n % 200 == 77 { 2 } else { 1 };
        write!(
            rows,
            "INSERT INTO shard (id, len, leases, state, since_secs, disk, held)
             VALUES (x'{id}', 3, {leases}, 0, 5, 0, 1);
             INSERT INTO lease (owner, shard, state, since_secs) VALUES (1, x'{id}', 0, 5);"
        )
        .unwrap();
    }
    damage(&rig, &(rows + "COMMIT"));
    let mut steps = 0;
    while !shelf.recount(1, 7).unwrap().ended {
        steps += 1;
    }
    assert_eq!(steps, 256 + 2, "three pages of one directory, one of each other");
    let last = shelf.recount_state().unwrap().last.unwrap();
    assert_eq!((last.files, last.bytes, last.miscounted, last.lost), (600, 1800, 3, 0));
    // All shards and their bytes, each for all, for the disk and for the owner.
    assert_eq!(last.sums, 6);
    assert_eq!(figures(&shelf).0, Usage { shards: 600, bytes: 1800 });
}

#[test]
fn a_disk_that_is_away_is_passed_over() {
    let rig = Rig::disk();
    let (shelf, _) = rig.open();
    some(&shelf);
    let (mounted, parked) = (rig.dir.path().join("shelf"), rig.dir.path().join("parked"));
    std::fs::rename(&mounted, &parked).unwrap();
    assert_eq!(pass(&shelf), RecountPass { skipped: 6, ..RecountPass::default() });
    std::fs::rename(&parked, &mounted).unwrap();
    assert_eq!(pass(&shelf), well());
}

#[test]
fn puts_beside_a_count_are_not_counted_twice_nor_forgotten() {
    let rig = Rig::disk();
    let (shelf, _) = rig.open();
    damage(&rig, "UPDATE total SET value = 5 WHERE name = 'shards';");
    let mut drift = 0;
    std::thread::scope(|scope| {
        let puts = scope.spawn(|| {
            for n in 0..120 {
                let (id, bytes) = shard(n);
                shelf.put(owner(1), id, &bytes, 5).unwrap();
            }
        });
        while !puts.is_finished() {
            drift += shelf.recount(1_000, 7).unwrap().drift;
        }
    });
    while shelf.recount_state().unwrap().current.is_some() {
        drift += shelf.recount(1_000, 7).unwrap().drift;
    }
    assert_eq!(drift, 1, "what is being put is no drift");
    assert_eq!(pass(&shelf).drift(), 0);
    assert_eq!(shelf.usage().unwrap().shards, 120);
    for n in 0..120 {
        let (id, bytes) = shard(n);
        assert_eq!(shelf.get(owner(1), id).unwrap(), bytes);
    }
}
