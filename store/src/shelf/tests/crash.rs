//! Power cuts before every single thing the disk does, one caller at a time. Random instants under
//! load, and kills of a real process, are in [`super::instants`].

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use chunker::{OwnerId, PeerId, ShardId};

use super::{Rig, Usage, at, copy_db, owner, shard};
use crate::{FakeGauge, Medium, MemMedium, RetainRange, Shelf, Terms};

const DAY: u64 = 24 * 3600;

type Acked = Arc<Mutex<Vec<(OwnerId, ShardId)>>>;

/// The world at one instant: what is on the platters, and what had been acknowledged.
struct Cut {
    medium: MemMedium,
    db_dir: PathBuf,
    acked: Vec<(OwnerId, ShardId)>,
}

/// Runs `work`, cutting the power before every step, with `surviving` unsynced names kept.
fn cuts_of(rig: &Rig, medium: &MemMedium, surviving: usize, work: impl FnOnce(&Acked)) -> Vec<Cut> {
    let (acked, cuts) = (Acked::default(), Arc::new(Mutex::new(Vec::<Cut>::new())));
    let (acked_now, cuts_now, home) = (acked.clone(), cuts.clone(), rig.dir.path().to_owned());
    medium.on_step(move |medium, _| {
        let mut cuts = cuts_now.lock().unwrap();
        let db_dir = home.join(format!("cut-{}", cuts.len()));
        copy_db(&home, &db_dir);
        let acked = acked_now.lock().unwrap().clone();
        cuts.push(Cut { medium: medium.after_power_cut(surviving), db_dir, acked });
    });
    work(&acked);
    medium.on_step(|_, _| ());
    std::mem::take(&mut *cuts.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Opens what a cut left, and checks every promise.
fn assert_sound(cut: Cut) {
    let medium = Arc::new(cut.medium);
    let gauge = Arc::new(FakeGauge::new(super::GIB * 8, super::GIB * 4));
    let (shelf, _) = Shelf::open(at(medium.clone(), cut.db_dir.join("host.db"), gauge)).unwrap();
    for (owner, shard) in &cut.acked {
        shelf.get(*owner, *shard).unwrap();
    }
    assert_eq!(medium.list("incoming").unwrap(), Vec::<String>::new(), "no orphan");
    let files: Vec<_> =
        medium.paths().into_iter().filter(|path| path.starts_with("shards/")).collect();
    let bytes: u64 = files.iter().map(|path| medium.len(path).unwrap().unwrap()).sum();
    assert_eq!(shelf.usage().unwrap(), Usage { shards: files.len() as u64, bytes }, "sums exact");
    // What was in flight is whole or absent, and can be put either way.
    for n in 0..4 {
        let (id, bytes) = shard(n);
        if shelf.have(owner(1), &[id]).unwrap() == [true] {
            assert_eq!(shelf.get(owner(1), id).unwrap(), bytes);
        }
        shelf.put(owner(1), id, &bytes, 9).unwrap();
        assert_eq!(shelf.get(owner(1), id).unwrap(), bytes);
    }
}

fn some_puts(shelf: &Shelf, medium: &MemMedium, acked: &Acked) {
    let put = |who: u8, n: u32| {
        let (id, bytes) = shard(n);
        shelf.put(owner(who), id, &bytes, 5).unwrap();
        acked.lock().unwrap().push((owner(who), id));
    };
    put(1, 0);
    put(1, 1);
    put(2, 1);
    put(2, 2);
    // A rotten file that its owner replaces; while it is rotten it is nobody's.
    acked.lock().unwrap().retain(|(_, id)| *id != shard(0).0);
    assert!(medium.rot(&crate::shelf::place(shard(0).0), 1));
    shelf.get(owner(1), shard(0).0).unwrap_err();
    put(1, 0);
    put(1, 3);
}

#[test]
fn a_power_cut_before_any_step_loses_no_acknowledged_shard() {
    for surviving in [0, 1, usize::MAX] {
        let (rig, medium) = Rig::mem();
        let (shelf, _) = rig.open();
        let cuts = cuts_of(&rig, &medium, surviving, |acked| some_puts(&shelf, &medium, acked));
        assert!(cuts.len() >= 25, "five files, five steps each");
        cuts.into_iter().for_each(assert_sound);
    }
}

/// Two shards are left out, rest, and are freed; one of them is put again after that.
fn some_ends(shelf: &Shelf, acked: &Acked) {
    let device = PeerId::from_bytes([1; 32]);
    let terms = shelf.terms();
    let put = |n: u32, day: u64| {
        let (id, bytes) = shard(n);
        shelf.put(owner(1), id, &bytes, day * DAY).unwrap();
        acked.lock().unwrap().push((owner(1), id));
    };
    (0..4).for_each(|n| put(n, 1));
    let mut kept = [shard(0).0, shard(3).0];
    kept.sort();
    let range = RetainRange {
        made_secs: 2 * DAY,
        at_secs: 2 * DAY,
        from: ShardId::from_bytes([0; 32]),
        to: None,
        shards: &kept,
    };
    acked.lock().unwrap().retain(|(_, id)| kept.contains(id));
    assert_eq!(shelf.retain(owner(1), device, range, 2 * DAY).unwrap().left, 2);
    shelf.set_terms(Terms { quarantine_secs: DAY, ..terms });
    assert_eq!(shelf.sweep(100, 3 * DAY).unwrap().freed_shards, 2);
    put(1, 4);
    assert_eq!(shelf.sweep(100, 4 * DAY).unwrap().freed_shards, 0);
    assert_eq!(shelf.get(owner(1), shard(1).0).unwrap(), shard(1).1);
}

#[test]
fn a_power_cut_before_any_step_of_freeing_leaves_no_file_without_a_row_and_no_row_without_a_file() {
    for surviving in [0, 1, usize::MAX] {
        let (rig, medium) = Rig::mem();
        let (shelf, _) = rig.open();
        let cuts = cuts_of(&rig, &medium, surviving, |acked| some_ends(&shelf, acked));
        assert!(cuts.len() >= 25);
        cuts.into_iter().for_each(assert_sound);
    }
}

#[test]
fn a_power_cut_during_the_first_open_does_not_spoil_the_disk() {
    for surviving in [0, 1, usize::MAX] {
        let (rig, medium) = Rig::mem();
        let cuts = cuts_of(&rig, &medium, surviving, |_| drop(rig.open()));
        assert!(cuts.len() >= 5);
        cuts.into_iter().for_each(assert_sound);
    }
}

#[test]
fn a_kill_between_file_and_row_leaves_an_orphan_that_the_next_open_removes() {
    super::on_both(|rig| {
        drop(rig.open());
        let (id, bytes) = shard(1);
        rig.medium.write_durable(&crate::shelf::incoming(id), &bytes).unwrap();
        let (shelf, opened) = rig.open();
        assert_eq!((opened.orphans_removed, opened.adopted), (1, 0));
        assert_eq!(shelf.have(owner(1), &[id]).unwrap(), [false]);
        assert_eq!(rig.medium.list("incoming").unwrap(), Vec::<String>::new());
    });
}

#[test]
fn a_kill_between_row_and_rename_is_finished_by_the_next_open() {
    super::on_both(|rig| {
        let (shelf, _) = rig.open();
        let (id, bytes) = shard(1);
        shelf.put(owner(1), id, &bytes, 5).unwrap();
        rig.medium.rename(&crate::shelf::place(id), &crate::shelf::incoming(id)).unwrap();
        assert_eq!(shelf.get(owner(1), id).unwrap(), bytes);
        let (shelf, opened) = rig.open();
        assert_eq!((opened.orphans_removed, opened.adopted), (0, 1));
        assert_eq!(shelf.get(owner(1), id).unwrap(), bytes);
        assert_eq!(rig.medium.len(&crate::shelf::incoming(id)).unwrap(), None);
    });
}
