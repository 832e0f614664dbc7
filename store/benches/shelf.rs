//! What a shelf of millions of shards takes, in time and memory:
//!
//! ```text
//! cargo bench -p store --bench shelf                                   # a tenth of a million
//! SHELF_SHARDS=1000000,5000000 cargo bench -p store --bench shelf
//! SHELF_FILL=HOME/host.db SHELF_SHARDS=1000000 cargo bench -p store --bench shelf
//! ```
//!
//! The last one only fills the database of a home, of which then an agent can be started. There
//! are rows without files: they are on a disk that is away, so that a count of them passes the
//! files over. What is measured is measured in a process of its own, which never held more.

#![expect(clippy::unwrap_used, reason = "in a benchmark a panic is the report")]
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use chunker::{OwnerId, ShardId};
use rusqlite::{Connection, params};
use store::{DbAt, DiskMedium, Donation, Shelf, ShelfAt, StatvfsGauge};

const OWNERS: u64 = 20;
const LEN: u64 = 4 << 20;
/// Shards looked up.
const LOOKS: u64 = 20_000;

fn main() {
    let number = |name| std::env::var(name).ok().map(PathBuf::from);
    let counts = std::env::var("SHELF_SHARDS").unwrap_or_else(|_| "100000".to_owned());
    let counts: Vec<u64> = counts.split(',').map(|count| count.parse().unwrap()).collect();
    if let Some(dir) = number("SHELF_MEASURE") {
        return measure(&dir, counts[0]);
    }
    if let Some(db) = number("SHELF_FILL") {
        return fill(&db, counts[0]);
    }
    for count in counts {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("shelf")).unwrap();
        drop(open(dir.path()));
        fill(&dir.path().join("host.db"), count);
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.env("SHELF_MEASURE", dir.path()).env("SHELF_SHARDS", count.to_string());
        assert!(child.status().unwrap().success());
    }
}

fn open(dir: &Path) -> Shelf {
    Shelf::open(ShelfAt {
        medium: Arc::new(DiskMedium::new(dir.join("shelf"))),
        db: DbAt::File(dir.join("host.db")),
        donation: Donation { size_bytes: 1 << 40, ..Donation::default() },
        gauge: Arc::new(StatvfsGauge),
        disk_path: dir.join("shelf"),
        new_mark: [7; 16],
    })
    .unwrap()
    .0
}

fn owner(n: u64) -> OwnerId {
    OwnerId::from_bytes([n as u8 + 1; 32])
}

fn name(n: u64) -> ShardId {
    blake3::hash(&n.to_le_bytes()).into()
}

/// Rows as puts make them, in the order of the puts: names are random.
fn fill(db: &Path, count: u64) {
    let mut db = Connection::open(db).unwrap();
    db.pragma_update(None, "cache_size", -1_500_000).unwrap();
    db.pragma_update(None, "synchronous", "OFF").unwrap();
    let tx = db.transaction().unwrap();
    tx.execute_batch(
        "INSERT INTO disk (no, mark, path, shards, bytes) VALUES (77, x'00', '/nowhere', 0, 0)",
    )
    .unwrap();
    let first: i64 =
        tx.query_row("SELECT coalesce(max(no), 0) FROM owner", [], |r| r.get(0)).unwrap();
    for n in 0..OWNERS {
        let sql = "INSERT INTO owner (no, id, shards, bytes) VALUES (?1, ?2, ?3, ?4)";
        let (no, shards) = (first + 1 + n as i64, (count / OWNERS) as i64);
        tx.execute(sql, params![no, owner(n).as_bytes(), shards, shards * LEN as i64]).unwrap();
    }
    let sql = "INSERT INTO shard (id, len, leases, state, since_secs, disk, held)
               VALUES (?1, ?2, 1, 0, 1800000000, 77, 1)";
    let mut shard = tx.prepare(sql).unwrap();
    let sql = "INSERT INTO lease (owner, shard, state, since_secs) VALUES (?1, ?2, 0, 1800000000)";
    let mut lease = tx.prepare(sql).unwrap();
    for n in 0..count / OWNERS * OWNERS {
        let id = name(n);
        shard.execute(params![id.as_bytes(), LEN as i64]).unwrap();
        lease.execute(params![first + 1 + (n % OWNERS) as i64, id.as_bytes()]).unwrap();
    }
    drop((shard, lease));
    tx.execute_batch(
        "UPDATE disk SET shards = (SELECT COUNT(*) FROM shard WHERE disk = 77),
             bytes = (SELECT SUM(len) FROM shard WHERE disk = 77) WHERE no = 77;
         UPDATE total SET value = value + (SELECT shards FROM disk WHERE no = 77)
             WHERE name = 'shards';
         UPDATE total SET value = value + (SELECT bytes FROM disk WHERE no = 77)
             WHERE name = 'bytes';",
    )
    .unwrap();
    tx.commit().unwrap();
    db.pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap_or_default();
}

fn measure(dir: &Path, count: u64) {
    let count = count / OWNERS * OWNERS;
    let size = std::fs::metadata(dir.join("host.db")).unwrap().len();
    let at_rest = memory("VmRSS:");
    let (shelf, opening) = timed(|| open(dir));
    let opened = memory("VmRSS:");
    let look = |n: u64| timed(|| shelf.have(owner(n % OWNERS), &[name(n)]).unwrap()).1;
    let mut known: Vec<Duration> = (0..LOOKS).map(|n| look(n * 7_919_777 % count)).collect();
    let mut unknown: Vec<Duration> = (0..LOOKS).map(|n| look(count + n)).collect();
    known.sort_unstable();
    unknown.sort_unstable();
    let looked = memory("VmRSS:");
    let bytes = vec![1; 64 << 10];
    let put = |n: u8| {
        let bytes = [&[n][..], &bytes].concat();
        timed(|| shelf.put(owner(0), blake3::hash(&bytes).into(), &bytes, 1_800_000_000).unwrap()).1
    };
    let mut puts: Vec<Duration> = (0..40).map(put).collect();
    puts.sort_unstable();
    let mut steps = Vec::new();
    loop {
        let (step, took) = timed(|| shelf.recount(512, 1_800_000_000).unwrap());
        steps.push(took);
        if step.ended {
            assert_eq!(step.drift, 0);
            break;
        }
    }
    let sums = steps.pop().unwrap_or_default();
    steps.sort_unstable();
    let part = |of: &[Duration], percent: usize| of[(of.len() - 1) * percent / 100];
    println!("{count} shards, {} MB of facts, {} bytes each", size / MB, size / count);
    println!("  open            {opening:?}");
    println!("  look up known   {:?}, 99 %: {:?}", part(&known, 50), part(&known, 99));
    println!("  look up unknown {:?}, 99 %: {:?}", part(&unknown, 50), part(&unknown, 99));
    println!("  put 64 KiB      {:?}, 90 %: {:?}", part(&puts, 50), part(&puts, 90));
    println!("  count 512       {:?}, 99 %: {:?}", part(&steps, 50), part(&steps, 99));
    println!("  sum up          {sums:?}");
    println!("  memory, MB      {} without a shelf, {} opened", at_rest / MB, opened / MB);
    let most = memory("VmHWM:") / MB;
    println!("                  {} after looking up, {most} at most", looked / MB);
}

const MB: u64 = 1_000_000;

fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[expect(clippy::disallowed_methods, reason = "measures the real disk")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = std::time::Instant::now();
    let value = work();
    (value, start.elapsed())
}
