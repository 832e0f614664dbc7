//! A shelf over several disks. A disk is unmounted by moving its directory away.

use std::path::Path;
use std::sync::Arc;

use chunker::ShardId;

use super::{GIB, Rig, Stored, owner, shard};
use crate::shelf::{DiskNo, Presence};
use crate::{
    DbAt, DiskAt, DiskMedium, DiskSpace, Donation, FakeGauge, Shelf, ShelfAt, ShelfError, Usage,
};

const NO: [u8; 16] = [9; 16];

/// A home with one disk more beside it, each with its own gauge.
struct Two {
    rig: Rig,
    more: Arc<FakeGauge>,
}

impl Two {
    fn new() -> Self {
        let rig = Rig::disk();
        std::fs::create_dir(rig.dir.path().join("more")).unwrap();
        Self { rig, more: Arc::new(FakeGauge::new(8 * GIB, 6 * GIB)) }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.rig.dir.path().join(name)
    }

    fn at(&self) -> DiskAt {
        self.at_path(&self.path("more"))
    }

    fn at_path(&self, path: &Path) -> DiskAt {
        DiskAt {
            medium: Arc::new(DiskMedium::new(path)),
            gauge: self.more.clone(),
            path: path.to_owned(),
            donation: Donation { size_bytes: 2 * GIB, min_free_bytes: GIB, safe_area_bytes: 0 },
        }
    }

    fn open(&self) -> (Shelf, DiskNo) {
        let shelf = self.rig.open().0;
        let no = shelf.claim(self.at(), [8; 16]).unwrap();
        (shelf, no)
    }

    fn unmount(&self) {
        std::fs::rename(self.path("more"), self.path("away")).unwrap();
        std::fs::create_dir(self.path("more")).unwrap();
    }

    fn mount(&self) {
        std::fs::remove_dir(self.path("more")).unwrap();
        std::fs::rename(self.path("away"), self.path("more")).unwrap();
    }
}

fn put(shelf: &Shelf, n: u32) -> Result<(ShardId, Stored), ShelfError> {
    let (id, bytes) = shard(n);
    Ok((id, shelf.put(owner(1), id, &bytes, 5)?))
}

#[test]
fn shards_go_where_most_is_left_and_the_sums_are_those_of_the_disks() {
    let two = Two::new();
    let (shelf, no) = two.open();
    let (a, _) = put(&shelf, 1).unwrap();
    let len = shard(1).1.len() as u64;
    let disks = shelf.disks().unwrap();
    assert_eq!((disks[0].no, disks[1].no), (DiskNo::HOME, no));
    assert_eq!(disks[0].usage, Usage::default());
    assert_eq!(disks[1].usage, Usage { shards: 1, bytes: len });
    let sum = shelf.figures().unwrap();
    assert_eq!((sum.total_bytes, sum.donated_bytes), (16 * GIB, 3 * GIB));
    assert_eq!((sum.used_bytes, sum.free_bytes), (len, 3 * GIB - len));
    two.more.set(DiskSpace { total_bytes: 8 * GIB, free_bytes: 0 });
    put(&shelf, 2).unwrap();
    assert_eq!(shelf.disks().unwrap()[0].usage.shards, 1);
    assert!(!shelf.figures().unwrap().floor_ok);
    drop(shelf);
    let (shelf, again) = two.open();
    assert_eq!(again, no);
    assert_eq!(shelf.get(owner(1), a).unwrap(), shard(1).1);
    assert_eq!(shelf.usage().unwrap().shards, 2);
}

#[test]
fn a_disk_that_is_away_loses_nothing_and_gets_nothing() {
    let two = Two::new();
    let (shelf, _) = two.open();
    let (a, _) = put(&shelf, 1).unwrap();
    two.unmount();
    assert!(matches!(shelf.get(owner(1), a), Err(ShelfError::DiskAway { .. })));
    assert!(matches!(put(&shelf, 1), Err(ShelfError::DiskAway { .. })), "never a second copy");
    assert_eq!(shelf.have(owner(1), &[a]).unwrap(), [true]);
    let away = &shelf.disks().unwrap()[1];
    assert_eq!((away.presence, away.usage.shards), (Presence::Away, 1));
    assert_eq!(shelf.figures().unwrap().total_bytes, 8 * GIB);
    // Others go to the disk that is there.
    let (b, _) = put(&shelf, 2).unwrap();
    assert!(matches!(shelf.claim(two.at(), NO), Err(ShelfError::DiskAway { .. })));
    let left: Vec<_> = std::fs::read_dir(two.path("more")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    two.mount();
    for shelf in [shelf.clone(), two.open().0] {
        assert_eq!(shelf.get(owner(1), a).unwrap(), shard(1).1);
        assert_eq!(shelf.get(owner(1), b).unwrap(), shard(2).1);
        assert_eq!(shelf.usage().unwrap().shards, 2);
        assert_eq!(shelf.damage().unwrap(), super::Damage::default());
    }
}

#[test]
fn a_disk_that_comes_later_or_elsewhere_is_known_by_its_mark() {
    let two = Two::new();
    let (shelf, no) = two.open();
    let (a, _) = put(&shelf, 1).unwrap();
    drop(shelf);
    two.unmount();
    let shelf = two.rig.open().0;
    assert!(matches!(shelf.get(owner(1), a), Err(ShelfError::DiskAway { .. })));
    assert_eq!(shelf.attach(two.at()).unwrap(), no);
    assert_eq!(shelf.disks().unwrap()[1].presence, Presence::Away);
    assert_eq!(shelf.attach(two.at_path(&two.path("away"))).unwrap(), no);
    assert_eq!(shelf.get(owner(1), a).unwrap(), shard(1).1);
    assert_eq!(shelf.disks().unwrap()[1].path, two.path("away"));
}

#[test]
fn a_place_that_was_never_marked_is_not_marked_by_a_restart() {
    let two = Two::new();
    let shelf = two.rig.open().0;
    assert!(matches!(shelf.attach(two.at()), Err(ShelfError::DiskAway { .. })));
    assert_eq!(std::fs::read_dir(two.path("more")).unwrap().count(), 0);
}

#[test]
fn another_shelfs_disk_is_refused() {
    let two = Two::new();
    let (_shelf, _) = two.open();
    let other = Rig::disk().open().0;
    assert!(matches!(other.claim(two.at(), NO), Err(ShelfError::WrongDisk { .. })));
    assert!(matches!(other.attach(two.at()), Err(ShelfError::WrongDisk { .. })));
}

#[test]
fn what_an_unmount_cut_off_is_cleared_up_when_the_disk_comes_back() {
    let two = Two::new();
    let (shelf, _) = two.open();
    let (a, _) = put(&shelf, 1).unwrap();
    let hex = format!("{a}");
    let place = format!("shards/{}/{hex}", &hex[..2]);
    std::fs::rename(two.path("more").join(&place), two.path("more/incoming").join(&hex)).unwrap();
    let orphan = two.path("more/incoming").join(shard(3).0.to_string());
    std::fs::write(&orphan, "never acknowledged").unwrap();
    two.unmount();
    assert_eq!(shelf.disks().unwrap()[1].presence, Presence::Away);
    two.mount();
    assert_eq!(shelf.disks().unwrap()[1].presence, Presence::Here);
    assert!(two.path("more").join(place).exists() && !orphan.exists());
    assert_eq!(shelf.get(owner(1), a).unwrap(), shard(1).1);
}

#[test]
fn only_an_empty_disk_can_be_forgotten() {
    let two = Two::new();
    let (shelf, no) = two.open();
    put(&shelf, 1).unwrap();
    assert!(!shelf.detach(no).unwrap());
    assert!(!shelf.detach(DiskNo::HOME).unwrap());
    let empty = two.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let third = shelf.claim(two.at_path(&empty), NO).unwrap();
    assert!(shelf.detach(third).unwrap());
    assert!(!empty.join("gbak-shelf").exists());
    assert_eq!(shelf.disks().unwrap().len(), 2);
}

#[test]
fn a_home_of_its_own_keeps_the_facts() {
    // The database must not be on the disk: an unmount could not be.
    let two = Two::new();
    let (shelf, _) = two.open();
    put(&shelf, 1).unwrap();
    let names: Vec<_> = std::fs::read_dir(two.path("more")).unwrap().flatten().collect();
    let mut names: Vec<_> = names.iter().map(std::fs::DirEntry::file_name).collect();
    names.sort();
    assert_eq!(names, ["gbak-shelf", "incoming", "shards"]);
    let at = ShelfAt { db: DbAt::Memory, ..two.rig.at() };
    assert!(matches!(Shelf::open(at), Err(ShelfError::ForeignShelf { .. })));
}
