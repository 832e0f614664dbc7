//! The power goes, or the process is killed, at a hundred random instants each, while several
//! threads put on a shelf of three disks. The seed is printed; `STORE_SEED=NUMBER` sets it.

use std::hint::spin_loop;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use chunker::{OwnerId, PeerId, ShardId};
use rusqlite::Connection;

use super::{GIB, at, copy_db, owner, shard};
use crate::shelf::RetainRange;
use crate::{
    DiskAt, DiskMedium, Donation, FakeGauge, Gauge, Medium, MemMedium, Shelf, ShelfAt,
    StatvfsGauge, Terms, Usage,
};

const INSTANTS: usize = 100;
const DISKS: usize = 3;

/// Numbers from a seed.
struct Draw(u64);

impl Draw {
    fn new(test: &str) -> Self {
        let given = std::env::var("STORE_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| {
            // Names of temporary directories are random.
            let name = tempfile::tempdir().unwrap().path().to_string_lossy().into_owned();
            let hash = blake3::hash(name.as_bytes());
            u64::from_le_bytes(*hash.as_bytes().first_chunk().unwrap())
        });
        println!("{test}: STORE_SEED={seed}");
        Self(seed)
    }

    /// splitmix64.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// Goes on at no particular instant.
    fn dawdle(&mut self) {
        (0..self.below(30_000)).for_each(|_| spin_loop());
    }
}

/// A shelf with its facts in `dir`, on these disks.
fn open<M: Medium>(dir: &Path, mediums: &[Arc<M>], gauge: &Arc<dyn Gauge>) -> Shelf {
    let home = at(mediums[0].clone(), dir.join("host.db"), Arc::default());
    let donation = Donation { size_bytes: GIB, min_free_bytes: 0, safe_area_bytes: 0 };
    let home = ShelfAt { gauge: gauge.clone(), donation, disk_path: dir.to_owned(), ..home };
    let shelf = Shelf::open(home).unwrap().0;
    for (n, medium) in mediums.iter().enumerate().skip(1) {
        let (medium, gauge) = (medium.clone(), gauge.clone());
        let disk = DiskAt { medium, gauge, path: dir.join(format!("disk-{n}")), donation };
        shelf.claim(disk, [n as u8; 16]).unwrap();
    }
    shelf
}

/// Every promise at once, of a shelf that was just opened.
fn assert_sound(shelf: &Shelf, mediums: &[Arc<dyn Medium>], acked: &[(OwnerId, ShardId)]) {
    for (owner, shard) in acked {
        let bytes = shelf.get(*owner, *shard).unwrap();
        assert_eq!(ShardId::from(blake3::hash(&bytes)), *shard);
    }
    let mut sum = Usage::default();
    for (disk, medium) in shelf.disks().unwrap().iter().zip(mediums) {
        assert_eq!(medium.list("incoming").unwrap(), Vec::<String>::new(), "no orphan");
        let mut found = Usage::default();
        for first in 0..=u8::MAX {
            let dir = format!("shards/{first:02x}");
            for name in medium.list(&dir).unwrap() {
                found.shards += 1;
                found.bytes += medium.len(&format!("{dir}/{name}")).unwrap().unwrap();
            }
        }
        assert_eq!(disk.usage, found, "exact for each disk");
        (sum.shards, sum.bytes) = (sum.shards + found.shards, sum.bytes + found.bytes);
    }
    assert_eq!(shelf.usage().unwrap(), sum, "exact for all");
    // Owners, quarantine and leases as well: counted from the rows and the files.
    let counted = shelf.recount(usize::MAX, 9).unwrap();
    assert!(counted.ended && counted.drift == 0, "{:?}", shelf.recount_state().unwrap().last);
}

/// What is on the platters at one instant, and what had been acknowledged.
struct Cut {
    mediums: Vec<Arc<MemMedium>>,
    dir: PathBuf,
    acked: Vec<(OwnerId, ShardId)>,
}

type Acked = Mutex<Vec<(OwnerId, ShardId)>>;

/// Puts that are never left out again, every third for two owners.
fn put_on(shelf: &Shelf, thread: u32, acked: &Acked, stop: &AtomicBool) {
    for n in (thread * 1_000_000).. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let (id, bytes) = shard(n);
        for who in if n % 3 == 0 { 1..3 } else { 1..2 } {
            shelf.put(owner(who), id, &bytes, 5).unwrap();
            acked.lock().unwrap().push((owner(who), id));
        }
    }
}

/// What a third owner stores is left out at once and freed.
fn come_and_go(shelf: &Shelf, freed: &AtomicU64, stop: &AtomicBool) {
    for n in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let now = 10 + u64::from(n);
        for (id, bytes) in (0..3).map(|k| shard(90_000_000 + n * 3 + k)) {
            shelf.put(owner(3), id, &bytes, now).unwrap();
        }
        let from = ShardId::from_bytes([0; 32]);
        let range =
            RetainRange { made_secs: now + 1, at_secs: now + 1, from, to: None, shards: &[] };
        shelf.retain(owner(3), PeerId::from_bytes([3; 32]), range, now + 1).unwrap();
        freed.fetch_add(shelf.sweep(100, now + 1).unwrap().freed_shards, Ordering::SeqCst);
    }
}

/// Cuts the power of all disks at once: no row is committed meanwhile, so what was synced before a
/// row is there, whatever else happens to them.
fn cut(home: &Path, to: PathBuf, mediums: &[Arc<MemMedium>], draw: &mut Draw) -> Cut {
    let db = Connection::open(home.join("host.db")).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(60)).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    let surviving = |draw: &mut Draw| [0, draw.below(9) as usize, usize::MAX][draw.0 as usize % 3];
    let mediums = mediums.iter().map(|it| Arc::new(it.after_power_cut(surviving(draw)))).collect();
    copy_db(home, &to);
    db.execute_batch("ROLLBACK").unwrap();
    Cut { mediums, dir: to, acked: Vec::new() }
}

#[test]
fn no_power_cut_under_load_on_three_disks_loses_what_was_acknowledged_or_a_figure() {
    let mut draw = Draw::new("power cuts");
    let dir = tempfile::tempdir().unwrap();
    let mediums: Vec<Arc<MemMedium>> = (0..DISKS).map(|_| Arc::default()).collect();
    let gauge: Arc<dyn Gauge> = Arc::new(FakeGauge::new(8 * GIB, 4 * GIB));
    let shelf = open(dir.path(), &mediums, &gauge);
    shelf.set_terms(Terms { quarantine_secs: 0, min_retention_secs: 0, ..shelf.terms() });
    let (acked, stop, freed) = (Acked::default(), AtomicBool::new(false), AtomicU64::new(0));
    let mut cuts = Vec::new();
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (shelf, acked, stop) = (&shelf, &acked, &stop);
            scope.spawn(move || put_on(shelf, thread, acked, stop));
        }
        scope.spawn(|| come_and_go(&shelf, &freed, &stop));
        let count = || acked.lock().unwrap().len();
        for n in 0..INSTANTS {
            let until = count() + draw.below(8) as usize;
            while count() < until {
                std::thread::yield_now();
            }
            draw.dawdle();
            let before = acked.lock().unwrap().clone();
            let to = dir.path().join(format!("cut-{n}"));
            cuts.push(Cut { acked: before, ..cut(dir.path(), to, &mediums, &mut draw) });
        }
        stop.store(true, Ordering::SeqCst);
    });
    assert!(freed.load(Ordering::SeqCst) > 0, "some went as well");
    assert!(shelf.disks().unwrap().iter().all(|disk| disk.usage.shards > 10), "on every disk");
    for Cut { mediums, dir, acked } in cuts {
        let shelf = open(&dir, &mediums, &gauge);
        let mediums: Vec<Arc<dyn Medium>> = mediums.into_iter().map(|it| it as _).collect();
        assert_sound(&shelf, &mediums, &acked);
    }
}

fn real(dir: &Path) -> (Shelf, Vec<Arc<dyn Medium>>) {
    let names = (0..DISKS).map(|n| dir.join(format!("disk-{n}")));
    let mediums: Vec<_> = names.map(|path| Arc::new(DiskMedium::new(path))).collect();
    let gauge: Arc<dyn Gauge> = Arc::new(StatvfsGauge);
    let shelf = open(dir, &mediums, &gauge);
    (shelf, mediums.into_iter().map(|it| it as _).collect())
}

/// The other half of the test below: puts from three threads, saying what was acknowledged.
#[test]
fn a_child_that_puts_until_killed() {
    let Ok(dir) = std::env::var("STORE_TEST_PUT_DIR") else { return };
    let (shelf, _) = real(dir.as_ref());
    let first = 1000 * shelf.usage().unwrap().shards as u32;
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let shelf = &shelf;
            scope.spawn(move || {
                for n in 0..300 {
                    let (id, bytes) = shard(first + 1000 * thread + n);
                    shelf.put(owner(1), id, &bytes, 5).unwrap();
                    println!("acked {id}");
                }
            });
        }
    });
}

#[test]
fn a_process_that_is_killed_under_load_loses_nothing_acknowledged_on_any_of_three_disks() {
    let mut draw = Draw::new("kills");
    let dir = tempfile::tempdir().unwrap();
    (0..DISKS).for_each(|n| std::fs::create_dir(dir.path().join(format!("disk-{n}"))).unwrap());
    let mut acked = Vec::new();
    for _ in 0..INSTANTS {
        let child = "shelf::tests::instants::a_child_that_puts_until_killed";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([child, "--exact", "--nocapture"])
            .env("STORE_TEST_PUT_DIR", dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let id_of = |line: String| ShardId::from_str(line.rsplit_once("acked ")?.1).ok();
        let count = draw.below(12) as usize;
        let seen = lines.by_ref().map_while(Result::ok).filter_map(id_of).take(count);
        acked.extend(seen.map(|id| (owner(1), id)));
        draw.dawdle();
        child.kill().unwrap();
        child.wait().unwrap();
        let rest = lines.map_while(Result::ok).filter_map(id_of);
        acked.extend(rest.map(|id| (owner(1), id)));
        let (shelf, mediums) = real(dir.path());
        assert_sound(&shelf, &mediums, &acked);
    }
    assert!(acked.len() > INSTANTS, "{}", acked.len());
}
