//! Random writes that carry what they are, as `fio --verify` makes them: by several writers at
//! once, while commits are made; read back through the mount, after a remount, and from the grid.
//!
//! `GBAK_VERIFY_SEED` repeats a run, `GBAK_VERIFY_OPS` makes it longer.

use std::fs::{self, File, OpenOptions};
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::exercise::{seed, setting};
use super::kit::can_mount;
use super::working::{Drive, noise, sync};
use crate::net::rig::Rig;

/// What is written at least, and knows what it is.
const SECTOR: usize = 512;
/// Sectors of a file: 16 MiB. All of them are more than what is kept here.
const SECTORS: usize = 32 * 1024;
/// Writes of each writer, in an ordinary run.
const WRITES: u64 = 4_000;
/// Writes between two fsyncs.
const SYNCED: u64 = 500;

/// How a writer writes.
struct Manner {
    name: &'static str,
    /// Sectors of one write.
    sectors: RangeInclusive<usize>,
    /// One after the other.
    in_order: bool,
}

const MANNERS: [Manner; 4] = [
    Manner { name: "random-4k", sectors: 8..=8, in_order: false },
    Manner { name: "again-4k", sectors: 8..=8, in_order: false },
    Manner { name: "in-order", sectors: 8..=128, in_order: true },
    Manner { name: "any-size", sectors: 1..=128, in_order: false },
];

/// A writer, and what it wrote: how often each sector was.
struct Writer {
    manner: &'static Manner,
    path: PathBuf,
    times: Vec<u32>,
    rng: StdRng,
    next: usize,
}

/// What a sector holds after it was written so often.
fn sector(name: &str, no: usize, times: u32) -> Vec<u8> {
    match times {
        0 => vec![0; SECTOR],
        _ => noise(&format!("{name} {no} {times}"), SECTOR),
    }
}

impl Writer {
    fn new(manner: &'static Manner, dir: &Path, seed: u64) -> Self {
        let path = dir.join(manner.name);
        File::create_new(&path).unwrap().set_len((SECTORS * SECTOR) as u64).unwrap();
        let times = vec![0; SECTORS];
        Self { manner, path, times, rng: StdRng::seed_from_u64(seed), next: 0 }
    }

    fn write(&mut self, writes: u64) {
        let file = OpenOptions::new().write(true).open(&self.path).unwrap();
        for write in 1..=writes {
            let len = self.rng.random_range(self.manner.sectors.clone());
            let places = SECTORS / len;
            let place =
                if self.manner.in_order { self.next } else { self.rng.random_range(0..places) };
            self.next = (place + 1) % places;
            let from = place % places * len;
            let range = from..from + len;
            let mut bytes = Vec::with_capacity(len * SECTOR);
            for no in range {
                self.times[no] += 1;
                bytes.extend(sector(self.manner.name, no, self.times[no]));
            }
            file.write_all_at(&bytes, (from * SECTOR) as u64).unwrap();
            if write % SYNCED == 0 {
                file.sync_data().unwrap();
            }
        }
    }

    fn verify(&self, when: &str) {
        let read = fs::read(&self.path).unwrap();
        assert_eq!(read.len(), SECTORS * SECTOR, "{} {when}", self.manner.name);
        for (no, (found, times)) in read.chunks(SECTOR).zip(&self.times).enumerate() {
            let good = found == sector(self.manner.name, no, *times);
            assert!(good, "{} {when}: sector {no}, written {times} times", self.manner.name);
        }
    }
}

/// Every writer's file, by all of them at once.
fn all(writers: &mut [Writer], work: impl Fn(&mut Writer) + Sync) {
    std::thread::scope(|scope| {
        for writer in writers {
            let work = &work;
            scope.spawn(move || work(writer));
        }
    });
}

#[test]
fn what_random_writers_wrote_is_read_here_after_a_remount_and_from_the_grid() {
    if !can_mount() {
        return;
    }
    let seed = seed("GBAK_VERIFY_SEED");
    let writes = setting("GBAK_VERIFY_OPS").unwrap_or(WRITES);
    let rig = Rig::new(4);
    let agent = &rig.agents[0];
    agent.expect(&["drive", "create", "work", "--cache", "128MiB", "--json"]).unwrap();
    let drive = Drive::mount(agent, rig.path("mnt"));
    let mut no = 0;
    let mut writers = MANNERS.each_ref().map(|manner| {
        no += 1;
        Writer::new(manner, &drive.dir, seed.wrapping_add(no))
    });
    std::thread::scope(|scope| {
        // A commit is made of them while they are written.
        let commit = scope.spawn(|| agent.expect(&["drive", "sync", "work", "--json"]));
        all(&mut writers, |writer| writer.write(writes));
        commit.join().unwrap().unwrap();
    });
    all(&mut writers, |writer| writer.verify("through the mount"));
    agent.expect(&["drive", "unmount", "work", "--json"]).unwrap();
    let drive = Drive::mount(agent, drive.dir.clone());
    all(&mut writers, |writer| writer.verify("after a remount"));
    // Once more over what is committed, and then nothing of it stays here.
    all(&mut writers, |writer| writer.write(writes / 4));
    sync(agent);
    agent.expect(&["drive", "resize", "work", "--cache", "1MiB", "--json"]).unwrap();
    agent.expect(&["drive", "unmount", "work", "--json"]).unwrap();
    let _drive = Drive::mount(agent, drive.dir.clone());
    let view = agent.expect(&["drive", "status", "work", "--json"]).unwrap();
    assert!(view["cache_bytes"].as_u64() <= Some(1 << 20), "{view}");
    all(&mut writers, |writer| writer.verify("from the grid"));
}
