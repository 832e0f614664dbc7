//! Promises of the shelf, over memory and over the real disk. Crashes are in [`crash`], other
//! faults in [`faults`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chunker::{HeadHash, OwnerId, PeerId, ShardId};
use tempfile::TempDir;

use super::{
    Damage, HeadStored, InviteError, MARK_LEN, MAX_DEVICES, Opened, Shelf, ShelfAt, ShelfError,
    Stored, Usage,
};
use crate::medium::Step::{Create, Remove, SyncDir, SyncFile, Write};
use crate::{DbAt, DiskMedium, DiskSpace, Donation, FakeGauge, Medium, MemMedium};

mod crash;
mod disks;
mod faults;
mod giveback;
mod instants;
mod leases;
mod model;
mod recount;
mod scale;
mod scrub;
mod speed;

const GIB: u64 = 1 << 30;

/// A shelf's surroundings, which outlive it.
struct Rig {
    dir: TempDir,
    medium: Arc<dyn Medium>,
    gauge: Arc<FakeGauge>,
}

impl Rig {
    fn mem() -> (Self, Arc<MemMedium>) {
        let medium = Arc::new(MemMedium::new());
        (Self::over(tempfile::tempdir().unwrap(), medium.clone()), medium)
    }

    fn disk() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("shelf")).unwrap();
        let medium = Arc::new(DiskMedium::new(dir.path().join("shelf")));
        Self::over(dir, medium)
    }

    fn over(dir: TempDir, medium: Arc<dyn Medium>) -> Self {
        Self { dir, medium, gauge: Arc::new(FakeGauge::new(8 * GIB, 4 * GIB)) }
    }

    fn at(&self) -> ShelfAt {
        at(self.medium.clone(), self.dir.path().join("host.db"), self.gauge.clone())
    }

    fn open(&self) -> (Shelf, Opened) {
        Shelf::open(self.at()).unwrap()
    }
}

fn at(medium: Arc<dyn Medium>, db: PathBuf, gauge: Arc<FakeGauge>) -> ShelfAt {
    let donation = Donation { size_bytes: GIB, min_free_bytes: GIB, safe_area_bytes: 0 };
    let disk_path = PathBuf::from("/the/disk");
    ShelfAt { medium, db: DbAt::File(db), donation, gauge, disk_path, new_mark: [7; MARK_LEN] }
}

fn owner(n: u8) -> OwnerId {
    OwnerId::from_bytes([n; 32])
}

fn shard(n: u32) -> (ShardId, Vec<u8>) {
    let bytes = n.to_le_bytes().repeat(10 + n as usize % 7);
    (ShardId::from(blake3::hash(&bytes)), bytes)
}

fn on_both(test: impl Fn(&Rig)) {
    test(&Rig::mem().0);
    test(&Rig::disk());
}

#[test]
fn what_is_put_is_there_for_its_owner_only_and_after_a_restart() {
    on_both(|rig| {
        let (shelf, opened) = rig.open();
        assert_eq!(opened, Opened::default());
        let ((a, a_bytes), (b, b_bytes)) = (shard(1), shard(2));
        assert_eq!(shelf.put(owner(1), a, &a_bytes, 5).unwrap(), Stored::New);
        assert_eq!(shelf.put(owner(1), a, &a_bytes, 6).unwrap(), Stored::Already);
        assert_eq!(shelf.put(owner(2), b, &b_bytes, 7).unwrap(), Stored::New);
        for shelf in [shelf.clone(), rig.open().0] {
            assert_eq!(shelf.get(owner(1), a).unwrap(), a_bytes);
            assert!(matches!(shelf.get(owner(1), b), Err(ShelfError::Unknown { .. })));
            assert!(matches!(shelf.get(owner(3), a), Err(ShelfError::Unknown { .. })));
            assert_eq!(shelf.have(owner(1), &[b, a, b]).unwrap(), [false, true, false]);
            assert_eq!(shelf.have(owner(9), &[a]).unwrap(), [false]);
        }
        assert_eq!(rig.medium.list("incoming").unwrap(), Vec::<String>::new());
    });
}

#[test]
fn one_file_serves_two_owners_and_counts_for_each() {
    on_both(|rig| {
        let (shelf, _) = rig.open();
        let (a, bytes) = shard(1);
        let len = bytes.len() as u64;
        assert_eq!(shelf.put(owner(2), a, &bytes, 5).unwrap(), Stored::New);
        assert_eq!(shelf.put(owner(1), a, &bytes, 5).unwrap(), Stored::New);
        let one = Usage { shards: 1, bytes: len };
        assert_eq!(shelf.usage().unwrap(), one);
        assert_eq!(shelf.usage_of(owner(1)).unwrap(), one);
        assert_eq!(shelf.usage_by_owner().unwrap(), [(owner(1), one), (owner(2), one)]);
        assert_eq!(shelf.get(owner(1), a).unwrap(), bytes);
        assert_eq!(shelf.figures().unwrap().used_bytes, len);
    });
}

#[test]
fn bytes_that_are_not_the_shards_are_refused() {
    let (rig, medium) = Rig::mem();
    let (shelf, _) = rig.open();
    let (a, _) = shard(1);
    let error = shelf.put(owner(1), a, b"other", 5).unwrap_err();
    assert!(matches!(error, ShelfError::HashMismatch { .. }));
    let huge = vec![0; super::MAX_SHARD_LEN + 1];
    let error = shelf.put(owner(1), a, &huge, 5).unwrap_err();
    assert!(matches!(error, ShelfError::TooLarge { .. }));
    assert_eq!(medium.paths(), ["gbak-shelf"]);
}

#[test]
fn neither_donation_nor_floor_is_exceeded() {
    let (rig, _) = Rig::mem();
    let (shelf, _) = rig.open();
    let (a, bytes) = shard(1);
    let len = bytes.len() as u64;
    rig.gauge.set(DiskSpace { total_bytes: 8 * GIB, free_bytes: GIB - 1 });
    assert!(matches!(shelf.put(owner(1), a, &bytes, 5), Err(ShelfError::Floor { .. })));
    rig.gauge.set(DiskSpace { total_bytes: 8 * GIB, free_bytes: GIB + len - 1 });
    let error = shelf.put(owner(1), a, &bytes, 5).unwrap_err();
    assert!(matches!(error, ShelfError::Full { free_bytes, .. } if free_bytes == len - 1));
    assert!(error.is_full());
    rig.gauge.fail();
    assert!(matches!(shelf.put(owner(1), a, &bytes, 5), Err(ShelfError::Gauge { .. })));
    rig.gauge.set(DiskSpace { total_bytes: 8 * GIB, free_bytes: GIB + len });
    shelf.put(owner(1), a, &bytes, 5).unwrap();
    // Who has it already needs no room, nor does a second owner.
    rig.gauge.set(DiskSpace { total_bytes: 8 * GIB, free_bytes: 0 });
    assert_eq!(shelf.put(owner(1), a, &bytes, 5).unwrap(), Stored::Already);
    assert_eq!(shelf.put(owner(2), a, &bytes, 5).unwrap(), Stored::New);
    assert_eq!(shelf.get(owner(1), a).unwrap(), bytes);
}

#[test]
fn a_full_disk_refuses_in_type_and_serves_again_without_a_restart() {
    let (rig, medium) = Rig::mem();
    let (shelf, _) = rig.open();
    let ((a, a_bytes), (b, b_bytes)) = (shard(1), shard(2));
    shelf.put(owner(1), a, &a_bytes, 5).unwrap();
    medium.set_capacity(Some(0));
    let error = shelf.put(owner(1), b, &b_bytes, 5).unwrap_err();
    assert!(matches!(error, ShelfError::Medium { .. }) && error.is_full());
    assert_eq!(medium.list("incoming").unwrap(), Vec::<String>::new());
    assert_eq!(shelf.get(owner(1), a).unwrap(), a_bytes);
    medium.set_capacity(None);
    shelf.put(owner(1), b, &b_bytes, 5).unwrap();
    assert_eq!(shelf.get(owner(1), b).unwrap(), b_bytes);
}

#[test]
fn a_failed_sync_fails_its_put_and_is_never_retried() {
    let (rig, medium) = Rig::mem();
    let (shelf, _) = rig.open();
    let (a, bytes) = shard(1);
    medium.fail_syncs(1);
    assert!(matches!(shelf.put(owner(1), a, &bytes, 5), Err(ShelfError::Medium { .. })));
    // The file's sync is good, its directory's is not.
    let steps = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = steps.clone();
    medium.on_step(move |medium, step| {
        seen.lock().unwrap().push(step);
        if step == SyncDir {
            medium.fail_syncs(1);
        }
    });
    assert!(matches!(shelf.put(owner(1), a, &bytes, 5), Err(ShelfError::Sync { .. })));
    assert_eq!(*steps.lock().unwrap(), [Create, Write, SyncFile, SyncDir, Remove]);
    medium.on_step(|_, _| ());
    assert_eq!(medium.list("incoming").unwrap(), Vec::<String>::new());
    assert_eq!(shelf.have(owner(1), &[a]).unwrap(), [false]);
    assert_eq!(shelf.usage().unwrap(), Usage::default());
    shelf.put(owner(1), a, &bytes, 5).unwrap();
    assert_eq!(shelf.get(owner(1), a).unwrap(), bytes);
}

#[test]
fn rot_is_found_marked_and_healed_by_the_next_put() {
    let (rig, medium) = Rig::mem();
    let (shelf, _) = rig.open();
    let (a, bytes) = shard(1);
    shelf.put(owner(1), a, &bytes, 5).unwrap();
    assert!(medium.rot(&super::place(a), 3));
    for shelf in [shelf.clone(), shelf.clone(), rig.open().0] {
        assert!(matches!(shelf.get(owner(1), a), Err(ShelfError::Rotten { .. })));
        assert_eq!(shelf.have(owner(1), &[a]).unwrap(), [false]);
        assert_eq!(shelf.damage().unwrap(), Damage { rotten: 1, missing: 0 });
    }
    assert_eq!(shelf.put(owner(1), a, &bytes, 6).unwrap(), Stored::New);
    assert_eq!(shelf.get(owner(1), a).unwrap(), bytes);
    assert_eq!(shelf.damage().unwrap(), Damage::default());
    assert_eq!(shelf.usage().unwrap(), Usage { shards: 1, bytes: bytes.len() as u64 });
}

#[test]
fn a_second_owner_gets_no_lease_on_rotten_bytes() {
    let (rig, medium) = Rig::mem();
    let (shelf, _) = rig.open();
    let (a, bytes) = shard(1);
    shelf.put(owner(1), a, &bytes, 5).unwrap();
    assert!(medium.rot(&super::place(a), 3));
    shelf.put(owner(2), a, &bytes, 6).unwrap();
    assert_eq!(shelf.get(owner(2), a).unwrap(), bytes);
    assert_eq!(shelf.get(owner(1), a).unwrap(), bytes);
}

#[test]
fn a_file_that_is_gone_is_counted_and_can_be_put_again() {
    on_both(|rig| {
        let (shelf, _) = rig.open();
        let (a, bytes) = shard(1);
        shelf.put(owner(1), a, &bytes, 5).unwrap();
        rig.medium.remove(&super::place(a)).unwrap();
        // Not found out by reading yet: the put itself notices.
        assert_eq!(shelf.put(owner(1), a, &bytes, 6).unwrap(), Stored::New);
        rig.medium.remove(&super::place(a)).unwrap();
        assert!(matches!(shelf.get(owner(1), a), Err(ShelfError::Unknown { .. })));
        assert_eq!(shelf.damage().unwrap(), Damage { rotten: 0, missing: 1 });
        assert_eq!(shelf.have(owner(1), &[a]).unwrap(), [false]);
        shelf.put(owner(1), a, &bytes, 6).unwrap();
        assert_eq!(shelf.get(owner(1), a).unwrap(), bytes);
        assert_eq!(shelf.damage().unwrap(), Damage::default());
    });
}

#[test]
fn an_unmounted_disk_is_away_and_nothing_is_lost_or_written() {
    let rig = Rig::disk();
    let (shelf, _) = rig.open();
    let ((a, a_bytes), (b, b_bytes)) = (shard(1), shard(2));
    shelf.put(owner(1), a, &a_bytes, 5).unwrap();
    let (mounted, parked) = (rig.dir.path().join("shelf"), rig.dir.path().join("parked"));
    std::fs::rename(&mounted, &parked).unwrap();
    std::fs::create_dir(&mounted).unwrap();
    assert!(matches!(shelf.get(owner(1), a), Err(ShelfError::DiskAway { .. })));
    assert!(matches!(shelf.put(owner(1), b, &b_bytes, 5), Err(ShelfError::DiskAway { .. })));
    assert!(matches!(Shelf::open(rig.at()), Err(ShelfError::DiskAway { .. })));
    assert_eq!(std::fs::read_dir(&mounted).unwrap().count(), 0);
    std::fs::write(mounted.join("gbak-shelf"), "gbak shelf 1 another").unwrap();
    assert!(matches!(Shelf::open(rig.at()), Err(ShelfError::WrongDisk { .. })));
    std::fs::remove_dir_all(&mounted).unwrap();
    std::fs::rename(&parked, &mounted).unwrap();
    assert_eq!(shelf.get(owner(1), a).unwrap(), a_bytes);
    assert_eq!(shelf.damage().unwrap(), Damage::default());
    shelf.put(owner(1), b, &b_bytes, 5).unwrap();
}

#[test]
fn a_lost_database_is_not_taken_for_a_fresh_start() {
    let rig = Rig::disk();
    rig.open();
    let mut elsewhere = rig.at();
    elsewhere.db = DbAt::Memory;
    assert!(matches!(Shelf::open(elsewhere), Err(ShelfError::ForeignShelf { .. })));
}

#[test]
fn concurrent_puts_share_commits_and_none_is_lost() {
    on_both(|rig| {
        let (shelf, _) = rig.open();
        std::thread::scope(|scope| {
            for n in 0..8 {
                let shelf = &shelf;
                scope.spawn(move || {
                    // Every shard is put by two owners at about the same time.
                    for s in 0..12 {
                        let (id, bytes) = shard(100 * u32::from(n / 2) + s);
                        shelf.put(owner(n), id, &bytes, 5).unwrap();
                        assert_eq!(shelf.get(owner(n), id).unwrap(), bytes);
                    }
                });
            }
        });
        let sums = shelf.usage_by_owner().unwrap();
        assert_eq!(sums.iter().map(|(_, usage)| usage.shards).sum::<u64>(), 96);
        assert_eq!(shelf.usage().unwrap().shards, 48);
        assert_eq!(rig.medium.list("incoming").unwrap(), Vec::<String>::new());
    });
}

#[test]
fn files_that_are_not_ours_are_left_alone() {
    let (rig, medium) = Rig::mem();
    rig.open();
    medium.write_durable("incoming/README", b"not ours").unwrap();
    assert_eq!(rig.open().1, Opened { foreign: 1, ..Opened::default() });
    assert!(medium.paths().contains(&"incoming/README".to_owned()));
}

fn hash(n: u8) -> HeadHash {
    HeadHash::from_bytes([n; 32])
}

#[test]
fn heads_go_forward_and_forks_are_kept_as_proof() {
    let (rig, _) = Rig::mem();
    let (shelf, _) = rig.open();
    let (me, device) = (owner(1), PeerId::from_bytes([1; 32]));
    let put = |seq, n: u8| shelf.head_put(me, device, seq, hash(n), &[n], 5);
    assert_eq!(put(1, 1).unwrap(), HeadStored::New);
    assert_eq!(put(3, 3).unwrap(), HeadStored::New);
    assert_eq!(put(3, 3).unwrap(), HeadStored::Already);
    assert!(matches!(put(2, 2), Err(ShelfError::StaleHead { newest: 3 })));
    assert_eq!(shelf.heads(me).unwrap(), [[3]]);
    assert!(matches!(put(3, 4), Err(ShelfError::ForkedHead)));
    assert!(matches!(put(3, 5), Err(ShelfError::ForkedHead)));
    assert_eq!(put(3, 4).unwrap(), HeadStored::Already);
    assert_eq!(shelf.heads(me).unwrap(), [[3], [4]]);
    // The proof outlives newer heads and newer forks.
    assert_eq!(put(u64::MAX - 1, 6).unwrap(), HeadStored::New);
    assert!(matches!(put(u64::MAX - 1, 7), Err(ShelfError::ForkedHead)));
    assert_eq!(put(u64::MAX, 8).unwrap(), HeadStored::New);
    drop(shelf);
    assert_eq!(rig.open().0.heads(me).unwrap(), [[3], [4], [8]]);
    assert_eq!(rig.open().0.heads(owner(2)).unwrap(), Vec::<Vec<u8>>::new());
}

#[test]
fn heads_of_one_owner_are_bounded() {
    let (rig, _) = Rig::mem();
    let (shelf, _) = rig.open();
    let put = |n: usize, bytes: &[u8]| {
        let device = PeerId::from_bytes([n as u8; 32]);
        shelf.head_put(owner(1), device, 1, hash(1), bytes, 5)
    };
    for n in 0..MAX_DEVICES {
        put(n, b"head").unwrap();
    }
    assert!(matches!(put(MAX_DEVICES, b"head"), Err(ShelfError::TooManyDevices { .. })));
    assert_eq!(put(0, b"head").unwrap(), HeadStored::Already);
    let huge = vec![0; super::MAX_HEAD_LEN + 1];
    assert!(matches!(put(0, &huge), Err(ShelfError::TooLarge { .. })));
}

#[test]
fn an_invitation_is_honoured_once_and_in_time() {
    let (rig, _) = Rig::mem();
    let (shelf, _) = rig.open();
    shelf.invite_put([1; 32], 100, 10).unwrap();
    shelf.invite_put([2; 32], 100, 11).unwrap();
    assert!(matches!(shelf.invite_spend([3; 32], 50), Err(InviteError::Unknown)));
    assert!(matches!(shelf.invite_spend([2; 32], 100), Err(InviteError::Expired)));
    shelf.invite_spend([1; 32], 99).unwrap();
    shelf.invite_put([1; 32], 500, 100).unwrap();
    let (shelf, _) = rig.open();
    assert!(matches!(shelf.invite_spend([1; 32], 99), Err(InviteError::Used)));
    let spent: Vec<_> = shelf.invites().unwrap().into_iter().map(|row| row.spent_secs).collect();
    assert_eq!(spent, [Some(99), None]);
}

#[test]
fn two_joiners_cannot_share_a_token() {
    let (rig, _) = Rig::mem();
    let (shelf, _) = rig.open();
    shelf.invite_put([1; 32], 100, 10).unwrap();
    let granted: usize = std::thread::scope(|scope| {
        let try_it = || shelf.invite_spend([1; 32], 50).is_ok();
        let tries: Vec<_> = (0..6).map(|_| scope.spawn(try_it)).collect();
        tries.into_iter().map(|t| usize::from(t.join().unwrap())).sum()
    });
    assert_eq!(granted, 1);
}

/// Copies a database as a kill or a power cut would leave it: main file and log.
fn copy_db(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for name in ["host.db", "host.db-wal"] {
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}
