//! Giving disk back: what goes, what stays, and in which order.

use super::{GIB, Rig, owner, shard};
use crate::shelf::DiskNo;
use crate::{Shelf, ShelfError};

fn stored(rig: &Rig, count: u32) -> Shelf {
    let shelf = rig.open().0;
    for n in 0..count {
        let (id, bytes) = shard(n);
        shelf.put(owner(1 + (n % 2) as u8), id, &bytes, 100).unwrap();
    }
    shelf
}

fn of(n: u32) -> crate::shelf::tests::OwnerId {
    owner(1 + (n % 2) as u8)
}

#[test]
fn what_owners_can_spare_comes_first_and_what_is_in_quarantine_not_at_all() {
    let (rig, _) = Rig::mem();
    let shelf = stored(&rig, 6);
    shelf.note_spare(of(0), &[(shard(0).0, 1), (shard(2).0, 4), (shard(5).0, 9)]).unwrap();
    shelf.note_spare(of(1), &[(shard(3).0, 2)]).unwrap();
    assert_eq!(shelf.let_go(of(4), &[shard(4).0, shard(1).0], 200).unwrap(), [true, false]);
    let movable = shelf.movable(DiskNo::HOME, 10).unwrap();
    let order: Vec<_> = movable.iter().take(3).map(|one| (one.shard, one.others)).collect();
    assert_eq!(order, [(shard(2).0, Some(4)), (shard(3).0, Some(2)), (shard(0).0, Some(1))]);
    assert_eq!(movable.len(), 5);
    // Another owner's shard cannot be spoken for.
    assert!(movable.iter().all(|one| one.shard != shard(5).0 || one.others.is_none()));
    assert_eq!(shelf.movable(DiskNo::HOME, 2).unwrap().len(), 2);
}

#[test]
fn quarantine_is_freed_oldest_first_and_only_as_far_as_needed() {
    let (rig, medium) = Rig::mem();
    let shelf = stored(&rig, 6);
    let len = |n| shard(n).1.len() as u64;
    for (n, at) in [(2, 300), (0, 200), (4, 400)] {
        shelf.let_go(of(n), &[shard(n).0], at).unwrap();
    }
    let there = |n: u32| medium.rot(&crate::shelf::place(shard(n).0), 0);
    assert_eq!(shelf.free_quarantine(DiskNo::HOME, 1).unwrap(), len(0));
    assert_eq!((there(0), there(2), there(4)), (false, true, true));
    assert!(matches!(shelf.get(of(0), shard(0).0), Err(ShelfError::Unknown { .. })));
    assert_eq!(shelf.free_quarantine(DiskNo::HOME, GIB).unwrap(), len(2) + len(4));
    assert_eq!(shelf.free_quarantine(DiskNo::HOME, GIB).unwrap(), 0, "held ones stay");
    assert_eq!(shelf.usage().unwrap().shards, 3);
    assert_eq!(rig.open().0.usage().unwrap().shards, 3);
}

#[test]
fn what_another_owner_holds_is_not_freed() {
    let (rig, _) = Rig::mem();
    let shelf = stored(&rig, 1);
    let (id, bytes) = shard(0);
    shelf.put(owner(2), id, &bytes, 100).unwrap();
    shelf.let_go(owner(1), &[id], 200).unwrap();
    assert_eq!(shelf.free_quarantine(DiskNo::HOME, GIB).unwrap(), 0);
    assert_eq!(shelf.get(owner(2), id).unwrap(), bytes);
    assert_eq!(shelf.get(owner(1), id).unwrap(), bytes, "its owner can still call it back");
}

#[test]
fn growth_is_seen_once_and_across_restarts() {
    let (rig, _) = Rig::mem();
    let shelf = rig.open().0;
    let noted = |shelf: &Shelf, bytes| shelf.note_total(DiskNo::HOME, bytes).unwrap();
    assert_eq!(noted(&shelf, 1000), 0);
    assert_eq!(noted(&shelf, 1500), 500);
    assert_eq!(noted(&shelf, 1500), 0);
    assert_eq!(noted(&shelf, 1200), 0, "smaller is not larger");
    assert_eq!(noted(&rig.open().0, 1300), 100);
}
