//! Promises of scrubbing: what rots is found without anybody asking for it, and nothing else is.

use chunker::ShardId;

use super::{Rig, on_both, owner, shard};
use crate::Shelf;
use crate::shelf::{Damage, LostPage, Scrub, ShelfError, Stored, place};

const FIRST: ShardId = ShardId::from_bytes([0; 32]);

fn some(shelf: &Shelf, count: u32) {
    for n in 0..count {
        let (id, bytes) = shard(n);
        shelf.put(owner(1 + (n % 2) as u8), id, &bytes, 5).unwrap();
    }
}

/// Scrubs to the end of the pass, in steps of one file. Returns how many steps it took.
fn pass(shelf: &Shelf, now: u64) -> u32 {
    (1..100).find(|_| shelf.scrub(1, now).unwrap().ended).unwrap()
}

#[test]
fn a_pass_reads_every_shard_once_and_finds_what_rotted_or_went() {
    on_both(|rig| {
        let (shelf, _) = rig.open();
        some(&shelf, 8);
        let (rotten, missing) = (shard(3).0, shard(4).0);
        rig.medium.remove(&place(rotten)).unwrap();
        rig.medium.write_durable(&place(rotten), &[1; 40]).unwrap();
        rig.medium.remove(&place(missing)).unwrap();
        assert_eq!(pass(&shelf, 70), 9, "eight files, and the look that finds no more");
        let last = shelf.scrub_state().unwrap().last.unwrap();
        let bytes = shelf.usage().unwrap().bytes;
        assert_eq!((last.began_secs, last.ended_secs), (70, 70));
        assert_eq!((last.shards, last.bytes, last.lost, last.skipped), (8, bytes, 2, 0));
        assert_eq!(shelf.damage().unwrap(), Damage { rotten: 1, missing: 1 });
        assert_eq!(shelf.have(owner(2), &[rotten, shard(1).0]).unwrap(), [false, true]);
        assert!(matches!(shelf.get(owner(2), rotten), Err(ShelfError::Rotten { .. })));
        assert_eq!(rig.medium.len(&place(rotten)).unwrap(), Some(40), "kept to be looked at");
        // Found once; and good again once its owner has put it again.
        let (id, bytes) = shard(3);
        assert_eq!(shelf.put(owner(2), id, &bytes, 80).unwrap(), Stored::New);
        pass(&shelf, 90);
        let last = shelf.scrub_state().unwrap().last.unwrap();
        assert_eq!((last.shards, last.lost, last.good_again), (8, 0, 0));
        assert_eq!(shelf.get(owner(2), id).unwrap(), bytes);
    });
}

#[test]
fn a_restart_goes_on_where_the_pass_was() {
    let (rig, _) = Rig::mem();
    let (shelf, _) = rig.open();
    some(&shelf, 6);
    for _ in 0..3 {
        assert!(!shelf.scrub(1, 50).unwrap().ended);
    }
    drop(shelf);
    let (shelf, _) = rig.open();
    assert_eq!(shelf.scrub_state().unwrap().current.unwrap().shards, 3);
    assert_eq!(pass(&shelf, 60), 4);
    let scrub = shelf.scrub_state().unwrap();
    assert_eq!((scrub.last.unwrap().shards, scrub.last.unwrap().began_secs), (6, 50));
    assert_eq!((scrub.due_secs(100), Scrub::default().due_secs(100)), (150, 0));
}

#[test]
fn a_bad_sector_is_found_and_a_disk_that_reads_again_is_believed() {
    let (rig, medium) = Rig::mem();
    let (shelf, _) = rig.open();
    some(&shelf, 3);
    medium.set_unreadable(&place(shard(1).0), true);
    pass(&shelf, 10);
    assert_eq!(shelf.damage().unwrap(), Damage { rotten: 1, missing: 0 });
    medium.set_unreadable(&place(shard(1).0), false);
    pass(&shelf, 20);
    assert_eq!(shelf.damage().unwrap(), Damage::default());
    assert_eq!(shelf.scrub_state().unwrap().last.unwrap().good_again, 1);
    // When the mark cannot be read either, the disk is the problem, and nothing is condemned.
    medium.set_unreadable(&place(shard(1).0), true);
    medium.set_unreadable("gbak-shelf", true);
    pass(&shelf, 30);
    let last = shelf.scrub_state().unwrap().last.unwrap();
    assert_eq!((last.lost, last.skipped), (0, 1));
    assert_eq!(shelf.damage().unwrap(), Damage::default());
}

#[test]
fn shards_of_a_disk_that_is_away_are_passed_over() {
    let rig = Rig::disk();
    let (shelf, _) = rig.open();
    some(&shelf, 4);
    let (here, parked) = (rig.dir.path().join("shelf"), rig.dir.path().join("parked"));
    std::fs::rename(&here, &parked).unwrap();
    pass(&shelf, 10);
    let last = shelf.scrub_state().unwrap().last.unwrap();
    assert_eq!((last.shards, last.lost, last.skipped), (0, 0, 4));
    std::fs::rename(&parked, &here).unwrap();
    pass(&shelf, 20);
    assert_eq!(shelf.scrub_state().unwrap().last.unwrap().shards, 4);
    assert_eq!(shelf.damage().unwrap(), Damage::default());
}

#[test]
fn owners_are_told_of_their_own_losses_only_and_page_by_page() {
    let (rig, medium) = Rig::mem();
    let (shelf, _) = rig.open();
    some(&shelf, 8);
    (0..6).for_each(|n| assert!(medium.rot(&place(shard(n).0), 1)));
    pass(&shelf, 10);
    let own = |who: u8| {
        let mut ids: Vec<_> =
            (0..6).filter(|n| 1 + (n % 2) as u8 == who).map(|n| (owner(who), shard(n).0)).collect();
        ids.sort();
        ids
    };
    let page = shelf.lost(&[owner(1)], FIRST, 100).unwrap();
    assert_eq!(page, LostPage { lost: own(1), next: None });
    assert_eq!(shelf.lost(&[owner(9)], FIRST, 100).unwrap().lost, []);
    let mut all: Vec<_> = Vec::new();
    let mut from = Some(FIRST);
    while let Some(at) = from {
        let page = shelf.lost(&[owner(1), owner(2)], at, 4).unwrap();
        assert!(page.lost.len() <= 4);
        all.extend(page.lost);
        from = page.next;
    }
    all.sort();
    assert_eq!(all, [own(1), own(2)].concat());
    // What was put again is lost no more.
    let (id, bytes) = shard(0);
    shelf.put(owner(1), id, &bytes, 20).unwrap();
    assert_eq!(shelf.lost(&[owner(1)], FIRST, 100).unwrap().lost.len(), 2);
}
