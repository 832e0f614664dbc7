//! How much fits, and what becomes of it: `df` keeps its word, ENOSPC comes before the answer, and
//! nothing that was acknowledged is lost while the grid is full or away.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gbak::demo::agents::Agent;
use rustix::fs::StatVfs;
use serde_json::Value;

use super::kit::can_mount;
use super::working::{Drive, noise, sync, text};
use crate::net::rig::{LOOPBACK, Rig, invite, online};

const MIB: u64 = 1 << 20;

/// A grid of a founder and lenders of so many mebibytes each; the founder has the drive.
fn lenders(sizes: &[u64]) -> Rig {
    let mut rig = Rig::new(1);
    for (no, mib) in sizes.iter().enumerate() {
        join(&mut rig, &format!("lender{no}"), *mib);
    }
    online(&rig.agents[0], sizes.len() as u64);
    rig
}

fn join(rig: &mut Rig, name: &str, mib: u64) {
    let mut agent = rig.home(name);
    let (words, lent) = (rig.words(name), format!("{mib}MiB"));
    let invite = invite(&rig.agents[0]);
    let mut args = vec!["init", "--name", name, "--donate", &lent, "--min-free", "64MiB"];
    args.extend(["--listen", LOOPBACK, "--phrase-file", &words, "--no-mdns"]);
    args.extend(["--non-interactive", "--json", "--join", &invite]);
    agent.expect(&args).unwrap();
    agent.start().unwrap();
    rig.agents.push(agent);
}

fn drive(rig: &Rig, cache: &str) -> Drive {
    rig.agents[0].expect(&["drive", "create", "work", "--cache", cache, "--json"]).unwrap();
    Drive::mount(&rig.agents[0], rig.path("mnt"))
}

fn status(agent: &Agent) -> Value {
    agent.expect(&["drive", "status", "work", "--json"]).unwrap()
}

/// What `df` says is left, in bytes.
fn left(dir: &Path) -> u64 {
    let StatVfs { f_bavail, f_frsize, .. } = rustix::fs::statvfs(dir).unwrap();
    f_bavail * f_frsize
}

/// Looks at `df` until it is as wanted; bounded by as many looks as take about a minute.
fn until_left(dir: &Path, what: &str, wanted: impl Fn(u64) -> bool) -> u64 {
    let mut looks = (0..600).map(|_| {
        // Nothing says when a peer was heard of: the figure is looked at again and again.
        std::thread::park_timeout(Duration::from_millis(100));
        left(dir)
    });
    let seen = looks.find(|left| wanted(*left));
    assert!(seen.is_some(), "df never showed {what}: {} MiB", left(dir) / MIB);
    seen.unwrap()
}

fn near(one: u64, other: u64) -> bool {
    one.abs_diff(other) * 20 <= one.max(other)
}

/// Files of noise, and how much of each was acknowledged.
struct Written {
    dir: PathBuf,
    first: usize,
    lens: Vec<u64>,
}

const FILE: u64 = 8 * MIB;
const STEP: usize = MIB as usize;

impl Written {
    /// Writes until nothing fits any more, at most `most` bytes.
    fn fill(dir: PathBuf, most: u64) -> Self {
        fs::create_dir(&dir).unwrap();
        let mut written = Self { dir, first: 0, lens: Vec::new() };
        while written.bytes() < most {
            let no = written.lens.len();
            written.lens.push(0);
            let mut file = match fs::File::create_new(written.path(no)) {
                Ok(file) => file,
                Err(error) => return written.full(&error),
            };
            for step in noise(&format!("{no}"), FILE as usize).chunks(STEP) {
                let mut rest = step;
                while !rest.is_empty() {
                    match file.write(rest) {
                        Ok(len) => {
                            written.lens[no] += len as u64;
                            rest = &rest[len..];
                        }
                        Err(error) => return written.full(&error),
                    }
                }
            }
        }
        written
    }

    fn full(self, error: &std::io::Error) -> Self {
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{error}");
        self
    }

    fn path(&self, no: usize) -> PathBuf {
        self.dir.join(format!("{no}"))
    }

    fn bytes(&self) -> u64 {
        self.lens.iter().sum()
    }

    /// Every acknowledged byte is there.
    fn check(&self) {
        for (no, len) in (self.first..).zip(&self.lens) {
            let read = fs::read(self.path(no)).unwrap();
            assert_eq!(read.len() as u64, *len, "file {no}");
            assert!(read == noise(&format!("{no}"), FILE as usize)[..*len as usize], "file {no}");
        }
    }
}

fn lend(agent: &Agent, mib: u64) {
    agent.expect(&["donate", "set", &format!("{mib}MiB"), "--json"]).unwrap();
}

fn drained(agent: &Agent) {
    let after = sync(agent);
    assert_eq!((&after["dirty_bytes"], &after["queued_bytes"]), (&0.into(), &0.into()));
}

fn sound(agent: &Agent) {
    let (report, code) = agent.run(&["check", "--read-data", "--json"]).unwrap();
    assert_eq!(code, 0, "{report}");
}

#[test]
fn what_df_promises_fits_and_then_it_is_full_and_room_that_comes_takes_what_waited() {
    if !can_mount() {
        return;
    }
    let rig = lenders(&[384, 384, 384, 384]);
    let (drive, written) = filled(&rig, 128);
    written.check();
    let before = status(&rig.agents[0]);
    assert!(before["dirty_bytes"].as_u64() > Some(64 * MIB), "{before}");
    for lender in &rig.agents[1..] {
        lend(lender, 512);
    }
    until_left(&drive.dir, "the new room", |left| left > 128 * MIB);
    drained(&rig.agents[0]);
    written.check();
    sound(&rig.agents[0]);
}

#[test]
fn what_df_promises_fits_with_a_small_cache_that_takes_many_commits_to_get_through() {
    if can_mount() {
        let rig = lenders(&[384, 384, 384, 384]);
        filled(&rig, 32).1.check();
    }
}

/// A drive that was written until it was full, as much as `df` said at the beginning.
fn filled(rig: &Rig, cache_mib: u64) -> (Drive, Written) {
    let drive = drive(rig, &format!("{cache_mib}MiB"));
    // Two of four shards are data.
    let promised = until_left(&drive.dir, "the grid", |left| left > 700 * MIB);
    let written = Written::fill(drive.dir.join("files"), 2 * promised);
    println!("df promised {} MiB, {} MiB fitted", promised / MIB, written.bytes() / MIB);
    assert!(near(promised, written.bytes()), "{} of {}", written.bytes(), promised);
    assert!(left(&drive.dir) < promised / 20, "{} left", left(&drive.dir));
    (drive, written)
}

#[test]
fn while_everybody_is_away_the_cache_fills_and_is_full_and_all_of_it_goes_out_when_they_are_back() {
    if !can_mount() {
        return;
    }
    let mut rig = lenders(&[512, 512, 512]);
    let drive = drive(&rig, "48MiB");
    until_left(&drive.dir, "the grid", |left| left > 500 * MIB);
    Written::fill(drive.dir.join("before"), 24 * MIB);
    sync(&rig.agents[0]);
    for lender in &mut rig.agents[1..] {
        lender.kill();
    }
    let promised = until_left(&drive.dir, "an empty grid", |left| left < 100 * MIB);
    // What is on the grid makes room.
    assert_eq!(promised, 48 * MIB);
    let away = Written::fill(drive.dir.join("away"), 1 << 30);
    println!("df promised {} MiB, {} MiB fitted", promised / MIB, away.bytes() / MIB);
    assert!(near(promised, away.bytes()), "{} MiB", away.bytes() / MIB);
    assert_eq!(left(&drive.dir), 0);
    away.check();
    // Taking something away makes room at once.
    fs::remove_file(away.path(0)).unwrap();
    fs::write(drive.dir.join("instead"), noise("instead", 4 << 20)).unwrap();
    for lender in &mut rig.agents[1..] {
        lender.start().unwrap();
    }
    until_left(&drive.dir, "the grid again", |left| left > 400 * MIB);
    drained(&rig.agents[0]);
    let away = Written { lens: away.lens[1..].to_vec(), first: 1, ..away };
    away.check();
    sound(&rig.agents[0]);
    // Full once more, and killed: what was synced is there, whoever is away.
    for lender in &mut rig.agents[1..] {
        lender.kill();
    }
    until_left(&drive.dir, "an empty grid", |left| left < 100 * MIB);
    let again = Written::fill(drive.dir.join("again"), 1 << 30);
    for no in 0..again.lens.len() {
        fs::File::open(again.path(no)).unwrap().sync_all().unwrap();
    }
    rig.agents[0].kill();
    drop(drive);
    rig.agents[0].start().unwrap();
    let _mounted = Drive::mount(&rig.agents[0], rig.path("mnt"));
    again.check();
}

#[test]
fn df_moves_when_lenders_come_go_lend_more_and_lend_less() {
    if !can_mount() {
        return;
    }
    let mut rig = lenders(&[512, 512, 512]);
    let drive = drive(&rig, "16MiB");
    // One of three shards is data; of each commit of half of the cache one MiB is none; and the
    // cache's share.
    let of = |mib: u64, k: u64, n: u64| {
        let grid = mib * MIB * k / n;
        (grid - grid / 16) * 8 / 9 + 16 * MIB
    };
    let shows = |what: &str, wanted: u64| {
        until_left(&drive.dir, what, |left| near(left, wanted));
    };
    shows("three lenders", of(3 * 512, 1, 3));
    lend(&rig.agents[3], 256);
    shows("one that lends less", of(3 * 256, 1, 3));
    lend(&rig.agents[3], 512);
    shows("one that lends more", of(3 * 512, 1, 3));
    join(&mut rig, "fourth", 512);
    shows("a fourth", of(4 * 512, 2, 4));
    // Known, and not here: the others take packs of two data shards and one spare.
    rig.agents[4].kill();
    shows("the fourth away", of(3 * 512, 2, 3));
    rig.agents[4].start().unwrap();
    shows("the fourth back", of(4 * 512, 2, 4));
    let view = status(&rig.agents[0]);
    assert_eq!(view["available_bytes"].as_u64().unwrap() / 4096 * 4096, left(&drive.dir));
    assert!(text(&drive.dir).starts_with('/'));
}
