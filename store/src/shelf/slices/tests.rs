//! Promises of slices that are given from the shelf.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use chunker::{OwnerId, ShardId, ShardTree, verify_slice};

use super::{ENTRY_BYTES, Kept, TREES_BYTES};
use crate::shelf::{Damage, Shelf, ShelfAt, ShelfError, place};
use crate::{DbAt, Donation, FakeGauge, Medium, MemMedium};

const KIB: usize = 1024;
const GIB: u64 = 1 << 30;
const ADA: OwnerId = OwnerId::from_bytes([1; 32]);
const BOB: OwnerId = OwnerId::from_bytes([2; 32]);

/// A disk in memory that counts the bytes that are read from it.
#[derive(Default)]
struct Counting {
    disk: MemMedium,
    read: AtomicU64,
}

impl Counting {
    fn counted<T: AsRef<[u8]>>(&self, bytes: io::Result<T>) -> io::Result<T> {
        let bytes = bytes?;
        self.read.fetch_add(bytes.as_ref().len() as u64, Ordering::SeqCst);
        Ok(bytes)
    }

    fn taken(&self) -> usize {
        self.read.swap(0, Ordering::SeqCst) as usize
    }
}

impl Medium for Counting {
    fn create_dir(&self, dir: &str) -> io::Result<()> {
        self.disk.create_dir(dir)
    }
    fn write_durable(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.disk.write_durable(path, bytes)
    }
    fn read(&self, path: &str, limit: u64) -> io::Result<Bytes> {
        self.counted(self.disk.read(path, limit))
    }
    fn read_part(&self, path: &str, range: Range<u64>) -> io::Result<Vec<u8>> {
        self.counted(self.disk.read_part(path, range))
    }
    fn len(&self, path: &str) -> io::Result<Option<u64>> {
        self.disk.len(path)
    }
    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk.remove(path)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }
    fn forget(&self, path: &str) {
        self.disk.forget(path);
    }
    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }
}

/// A shelf with one shard of Ada's on it.
struct Scene {
    dir: tempfile::TempDir,
    medium: Arc<Counting>,
    shelf: Shelf,
    shard: ShardId,
    len: usize,
}

impl Scene {
    fn new(len: usize) -> Self {
        let (dir, medium) = (tempfile::tempdir().unwrap(), Arc::new(Counting::default()));
        let (shelf, _) = Shelf::open(at(dir.path(), &medium)).unwrap();
        let (shard, bytes) = noise(len);
        shelf.put(ADA, shard, &bytes, 5).unwrap();
        medium.taken();
        Self { dir, medium, shelf, shard, len }
    }

    fn at(&self) -> ShelfAt {
        at(self.dir.path(), &self.medium)
    }

    fn slice(&self, owner: OwnerId, offset: usize, len: u32) -> Result<bool, ShelfError> {
        let sliced = self.shelf.slice(owner, self.shard, (offset as u64, len))?;
        Ok(verify_slice(self.shard, offset as u64, len, &sliced.unwrap()))
    }
}

fn at(dir: &Path, medium: &Arc<Counting>) -> ShelfAt {
    ShelfAt {
        medium: medium.clone(),
        db: DbAt::File(dir.join("host.db")),
        donation: Donation { size_bytes: GIB, min_free_bytes: GIB, safe_area_bytes: 0 },
        gauge: Arc::new(FakeGauge::new(8 * GIB, 4 * GIB)),
        disk_path: PathBuf::from("/the/disk"),
        new_mark: [7; 16],
    }
}

fn noise(len: usize) -> (ShardId, Vec<u8>) {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(&len.to_le_bytes()).finalize_xof().fill(&mut bytes);
    (ShardId::from(blake3::hash(&bytes)), bytes)
}

#[test]
fn only_the_first_slice_of_a_shard_reads_all_of_it_and_none_when_it_was_put_just_now() {
    let mut scene = Scene::new(4096 * KIB);
    assert!(scene.slice(ADA, 1_000_000, 4096).unwrap());
    assert!(scene.medium.taken() <= 128 * KIB);
    scene.shelf = Shelf::open(scene.at()).unwrap().0;
    scene.medium.taken();
    assert!(scene.slice(ADA, 1_000_000, 4096).unwrap());
    assert_eq!(scene.medium.taken(), scene.len);
    for offset in (0..3800 * KIB).step_by(77_777) {
        assert!(scene.slice(ADA, offset, 200_000).unwrap(), "at {offset}");
        let read = scene.medium.taken();
        assert!((200_000..332_000).contains(&read), "{read} bytes for 200,000 at {offset}");
    }
    assert!(matches!(scene.shelf.slice(ADA, scene.shard, (4_194_304, 1)), Ok(None)));
    assert_eq!(scene.medium.taken(), 0);
}

#[test]
fn a_shard_that_rots_after_it_was_sliced_gives_no_slice_of_the_rotten_part() {
    for (len, rot) in [(1024 * KIB, 700_000), (3 * KIB, 2000)] {
        let scene = Scene::new(len);
        assert!(scene.slice(ADA, 0, 1000).unwrap());
        assert!(scene.medium.disk.rot(&place(scene.shard), rot));
        let found = scene.slice(ADA, rot - 10, 20);
        assert!(matches!(found, Err(ShelfError::Rotten { .. })), "{found:?}");
        // It was noted, and whoever asks for a part that is whole hears of it as well.
        assert_eq!(scene.shelf.damage().unwrap(), Damage { rotten: 1, missing: 0 });
        assert!(matches!(scene.slice(ADA, 0, 1000), Err(ShelfError::Rotten { .. })));
        // It was the disk's mistake.
        assert!(scene.medium.disk.rot(&place(scene.shard), rot));
        assert!(scene.slice(ADA, rot - 10, 20).unwrap());
        assert_eq!(scene.shelf.damage().unwrap(), Damage::default());
    }
}

#[test]
fn what_is_kept_of_a_shard_is_nothing_without_its_file_and_its_owner() {
    let scene = Scene::new(1024 * KIB);
    assert!(scene.slice(ADA, 0, 1000).unwrap());
    assert!(matches!(scene.slice(BOB, 0, 1000), Err(ShelfError::Unknown { .. })));
    assert_eq!(scene.shelf.damage().unwrap(), Damage::default());
    let (path, away) = (place(scene.shard), "incoming/away");
    scene.medium.disk.rename(&path, away).unwrap();
    assert!(matches!(scene.slice(ADA, 0, 1000), Err(ShelfError::Unknown { .. })));
    assert_eq!(scene.shelf.damage().unwrap(), Damage { rotten: 0, missing: 1 });
    scene.medium.disk.rename(away, &path).unwrap();
    assert!(scene.slice(ADA, 0, 1000).unwrap());
}

#[test]
fn trees_stay_within_their_memory_and_the_longest_unused_goes() {
    let (_, bytes) = noise(128 * KIB);
    let mut kept = Kept::default();
    let shards = (0_u32..).map(|no| {
        let bytes = [bytes.as_slice(), &no.to_le_bytes()].concat();
        let shard = ShardId::from(blake3::hash(&bytes));
        (shard, Arc::new(ShardTree::of(shard, &bytes).unwrap()))
    });
    let weight = ShardTree::of(noise(128 * KIB + 4).0, &noise(128 * KIB + 4).1).unwrap().weight();
    let fit = TREES_BYTES / (weight + ENTRY_BYTES);
    let made: Vec<_> = shards.take(64).collect();
    // Fills up as if each were many, so that the test need not hash gigabytes.
    kept.bytes = (fit - 32) * (weight + ENTRY_BYTES);
    for (shard, tree) in &made[..32] {
        kept.put(*shard, Arc::clone(tree));
    }
    let first = made[0].0;
    assert!(kept.get(first).is_some());
    for (shard, tree) in &made[32..40] {
        kept.put(*shard, Arc::clone(tree));
        assert!(kept.bytes <= TREES_BYTES);
    }
    assert!(kept.get(first).is_some(), "used just now");
    assert!((1..=8).all(|no| kept.get(made[no].0).is_none()), "unused for longest");
    assert!((9..40).all(|no| kept.get(made[no].0).is_some()));
    assert_eq!(kept.by_shard.len(), kept.by_use.len());
}
