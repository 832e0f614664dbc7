//! Random operations on one file of a mounted drive, against plain bytes in memory: read, write,
//! through mappings as well, cut, lengthened, punched, reopened; while commits are made of it, and
//! with its bytes dropped here and fetched from the grid again.
//!
//! `GBAK_FSX_SEED` repeats a run, `GBAK_FSX_OPS` makes it longer.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rustix::fs::{FallocateFlags, fallocate};

use super::kit::can_mount;
use super::working::{Drive, sync};
use crate::net::rig::Rig;

/// Operations of an ordinary run.
const OPS: u64 = 100_000;
/// The file stays below this size.
const SIZE: u64 = 256 * 1024;
/// How often its bytes are dropped here.
const DROPS: u64 = 4;

/// A number out of the environment.
pub(super) fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// The same, or a fresh seed; printed, so that a failure can be had again.
pub(super) fn seed(name: &str) -> u64 {
    let fresh = || u64::from_le_bytes(gbak::entropy::bytes(&gbak::entropy::OsEntropy));
    let seed = setting(name).unwrap_or_else(fresh);
    println!("{name}={seed}");
    seed
}

/// A program that maps the file.
struct Mapper(Child);

impl Mapper {
    fn build(dir: &Path) -> PathBuf {
        let (source, program) = (dir.join("mapper.c"), dir.join("mapper"));
        fs::write(&source, include_str!("mapper.c")).unwrap();
        let built = Command::new("cc").arg("-O1").arg("-o").arg(&program).arg(&source).status();
        assert!(built.unwrap().success());
        program
    }

    fn on(program: &Path, file: &Path) -> Self {
        let mut command = Command::new(program);
        command.arg(file).stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    fn ask(&mut self, op: u8, at: u64, bytes: &[u8], answer: &mut [u8]) {
        let mut all = Vec::new();
        for number in [u64::from(op), at, bytes.len().max(answer.len()) as u64] {
            all.extend(number.to_ne_bytes());
        }
        if op != b'r' {
            all.extend(bytes);
        }
        self.0.stdin.as_mut().unwrap().write_all(&all).unwrap();
        self.0.stdout.as_mut().unwrap().read_exact(answer).unwrap();
    }
}

impl Drop for Mapper {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

struct Exercise {
    rng: StdRng,
    path: PathBuf,
    program: PathBuf,
    file: File,
    mapper: Mapper,
    model: Vec<u8>,
    op: u64,
}

fn open(path: &Path) -> File {
    OpenOptions::new().read(true).write(true).open(path).unwrap()
}

impl Exercise {
    fn new(seed: u64, path: PathBuf, program: PathBuf) -> Self {
        File::create_new(&path).unwrap();
        let (file, mapper) = (open(&path), Mapper::on(&program, &path));
        let rng = StdRng::seed_from_u64(seed);
        Self { rng, path, program, file, mapper, model: Vec::new(), op: 0 }
    }

    fn step(&mut self) {
        self.op += 1;
        let at = self.rng.random_range(0..SIZE - 1);
        let most = if self.rng.random_ratio(1, 8) { SIZE - at } else { 8_192.min(SIZE - at) };
        let len = self.rng.random_range(1..=most);
        match self.rng.random_range(0..1_000) {
            0..300 => self.read(at, len),
            300..420 => self.map_read(at, len),
            420..640 => self.write(at, len),
            640..760 => self.map_write(at, len),
            760..860 => self.cut(at),
            860..950 => self.punch(at, len),
            950..970 => self.zero(at, len),
            970..976 => self.file.sync_data().unwrap(),
            976..997 => self.file = open(&self.path),
            _ => self.reopen_all(),
        }
    }

    fn fresh(&mut self, len: u64) -> Vec<u8> {
        let mut bytes = vec![0; len as usize];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// What is there of a range.
    fn within(&self, at: u64, len: u64) -> (usize, usize) {
        let size = self.model.len();
        ((at as usize).min(size), ((at + len) as usize).min(size))
    }

    fn put(&mut self, at: u64, bytes: &[u8]) {
        let (from, to) = (at as usize, at as usize + bytes.len());
        if self.model.len() < to {
            self.model.resize(to, 0);
        }
        self.model[from..to].copy_from_slice(bytes);
    }

    fn same(&self, from: usize, read: &[u8], how: &str) {
        let wanted = &self.model[from..from + read.len()];
        let bad = read.iter().zip(wanted).position(|(one, other)| one != other);
        assert_eq!(bad, None, "operation {}: {how} from {from} differs", self.op);
    }

    fn read(&mut self, at: u64, len: u64) {
        let (from, to) = self.within(at, len);
        let mut bytes = vec![7; len as usize];
        let read = self.file.read_at(&mut bytes, at).unwrap();
        assert_eq!(read, to - from, "operation {}", self.op);
        self.same(from, &bytes[..read], "read");
    }

    fn map_read(&mut self, at: u64, len: u64) {
        let (from, to) = self.within(at, len);
        if from < to {
            let mut bytes = vec![0; to - from];
            self.mapper.ask(b'r', at, &[], &mut bytes);
            self.same(from, &bytes, "a mapped read");
        }
    }

    fn write(&mut self, at: u64, len: u64) {
        let bytes = self.fresh(len);
        self.file.write_all_at(&bytes, at).unwrap();
        self.put(at, &bytes);
    }

    fn map_write(&mut self, at: u64, len: u64) {
        let bytes = self.fresh(len);
        if (self.model.len() as u64) < at + len {
            self.cut(at + len);
        }
        let op = if self.rng.random_ratio(1, 30) { b's' } else { b'w' };
        self.mapper.ask(op, at, &bytes, &mut [0]);
        self.put(at, &bytes);
    }

    fn cut(&mut self, size: u64) {
        self.file.set_len(size).unwrap();
        self.model.resize(size as usize, 0);
        assert_eq!(self.file.metadata().unwrap().len(), size);
    }

    fn punch(&mut self, at: u64, len: u64) {
        let how = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        fallocate(&self.file, how, at, len).unwrap();
        let (from, to) = self.within(at, len);
        self.model[from..to].fill(0);
    }

    fn zero(&mut self, at: u64, len: u64) {
        fallocate(&self.file, FallocateFlags::ZERO_RANGE, at, len).unwrap();
        self.put(at, &vec![0; len as usize]);
    }

    /// Nothing holds it any more; then all of it is compared.
    fn reopen_all(&mut self) {
        self.file = open(&self.path);
        self.mapper = Mapper::on(&self.program, &self.path);
        self.compare();
    }

    fn compare(&self) {
        let read = fs::read(&self.path).unwrap();
        assert_eq!(read.len(), self.model.len(), "operation {}", self.op);
        self.same(0, &read, "the file");
    }
}

#[test]
fn random_operations_through_the_kernel_read_what_was_written() {
    if !can_mount() {
        return;
    }
    let seed = seed("GBAK_FSX_SEED");
    let ops = setting("GBAK_FSX_OPS").unwrap_or(OPS);
    let rig = Rig::new(4);
    let agent = &rig.agents[0];
    agent.expect(&["drive", "create", "work", "--cache", "16MiB", "--json"]).unwrap();
    let drive = Drive::mount(agent, rig.path("mnt"));
    let program = Mapper::build(rig.dir.path());
    let mut exercise = Exercise::new(seed, drive.dir.join("exercised"), program);
    for part in 0..DROPS {
        // A commit is made of it while it changes.
        std::thread::scope(|scope| {
            let commit = scope.spawn(|| agent.expect(&["drive", "sync", "work", "--json"]));
            (0..ops / DROPS).for_each(|_| exercise.step());
            commit.join().unwrap().unwrap();
        });
        sync(agent);
        // What is on the grid makes room for what is not; and is there again.
        let filler = drive.dir.join("filler");
        fs::write(&filler, vec![part as u8; (16 << 20) - 4096]).unwrap();
        exercise.reopen_all();
        fs::remove_file(filler).unwrap();
    }
    println!("{} operations", exercise.op);
}
