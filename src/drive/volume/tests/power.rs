//! The power is cut at any instant: the drive's home lies on a disk that keeps only what it was
//! told to keep, and of the rest whatever it likes.
//!
//! The disk is a tree in memory, mounted through the kernel, so that SQLite and everything else
//! below the drive runs as it is. Of a file, each page that was not synced may be the old or the
//! new one; of a directory, only a part of what happened since it was synced, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::drive::ops::{Listed, Rename, Space};
use crate::drive::session::{self, Access, Options};

const PAGE: usize = 4096;
/// Files that the programs work on have up to so many cells, each of one value.
const CELLS: usize = 48;
const CELL: usize = 512;
const RUNS: u64 = 40;

#[derive(Debug, Clone, Default)]
struct Thing {
    dir: bool,
    mode: u32,
    bytes: Vec<u8>,
    kept: Vec<u8>,
    names: BTreeMap<Vec<u8>, Ino>,
    kept_names: BTreeMap<Vec<u8>, Ino>,
    /// What happened in the directory since it was synced.
    since: Vec<(Vec<u8>, Option<Ino>)>,
}

#[derive(Debug, Default)]
struct Contents {
    things: BTreeMap<Ino, Thing>,
    next: Ino,
    /// Changes until the power goes; none are taken without it.
    left: u64,
}

/// A disk that forgets.
#[derive(Debug, Default)]
struct Disk(Mutex<Contents>);

impl Contents {
    fn thing(&mut self, ino: Ino) -> Result<&mut Thing, Errno> {
        self.things.get_mut(&ino).ok_or(Errno::NOENT)
    }

    /// A change is under way, unless the power is gone.
    fn power(&mut self) -> Result<(), Errno> {
        self.left = self.left.checked_sub(1).ok_or(Errno::IO)?;
        if self.left == 0 { Err(Errno::IO) } else { Ok(()) }
    }

    fn stat(&mut self, ino: Ino) -> Result<Attr, Errno> {
        let thing = self.thing(ino)?;
        let mut inode = new_inode(ino, if thing.dir { Type::Dir } else { Type::File }, STILL);
        inode.attr.mode = thing.mode;
        inode.attr.size = thing.bytes.len() as u64;
        Ok(inode.attr)
    }

    fn name(&mut self, dir: Ino, name: &[u8], ino: Option<Ino>) -> Result<(), Errno> {
        let thing = self.thing(dir)?;
        match ino {
            Some(ino) => thing.names.insert(name.to_vec(), ino),
            None => thing.names.remove(name),
        };
        thing.since.push((name.to_vec(), ino));
        Ok(())
    }
}

const STILL: Stamp = Stamp { secs: 1, nanos: 0 };

impl Disk {
    fn new() -> Self {
        let root = Thing { dir: true, mode: 0o755, ..Thing::default() };
        let things = BTreeMap::from([(ROOT, root)]);
        Self(Mutex::new(Contents { things, next: ROOT + 1, left: u64::MAX }))
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap()
    }

    /// What is there when the power comes back.
    fn after_the_cut(&self, rng: &mut StdRng) -> Self {
        let contents = self.contents();
        let mut things = contents.things.clone();
        for thing in things.values_mut() {
            let most = rng.random_range(0..=thing.since.len());
            for (name, ino) in thing.since.drain(..).take(most) {
                match ino {
                    Some(ino) => thing.kept_names.insert(name, ino),
                    None => thing.kept_names.remove(&name),
                };
            }
            thing.names = thing.kept_names.clone();
            let len = if rng.random() { thing.kept.len() } else { thing.bytes.len() };
            let new = std::mem::replace(&mut thing.bytes, thing.kept.clone());
            thing.bytes.resize(len, 0);
            for (page, old) in new.chunks(PAGE).zip(thing.bytes.chunks_mut(PAGE)) {
                if rng.random() {
                    let both = page.len().min(old.len());
                    old[..both].copy_from_slice(&page[..both]);
                }
            }
            thing.kept = thing.bytes.clone();
        }
        Self(Mutex::new(Contents { things, next: contents.next, left: u64::MAX }))
    }
}

impl Files for Disk {
    fn lookup(&self, parent: Ino, name: &[u8]) -> Result<Attr, Stop> {
        let mut contents = self.contents();
        let ino = contents.thing(parent)?.names.get(name).copied().ok_or(Errno::NOENT)?;
        Ok(contents.stat(ino)?)
    }
    fn attr(&self, ino: Ino) -> Result<Attr, Stop> {
        Ok(self.contents().stat(ino)?)
    }
    fn list(&self, ino: Ino) -> Result<Vec<Listed>, Stop> {
        let mut contents = self.contents();
        let names = contents.thing(ino)?.names.clone();
        let mut listed = Vec::new();
        for (name, ino) in names {
            let kind = contents.stat(ino)?.kind;
            listed.push(Listed { name, ino, kind });
        }
        Ok(listed)
    }
    fn target(&self, _: Ino) -> Result<Vec<u8>, Stop> {
        Err(Errno::INVAL.into())
    }
    fn read(&self, ino: Ino, at: u64, len: u32) -> Result<Read, Errno> {
        let mut contents = self.contents();
        let bytes = &contents.thing(ino)?.bytes;
        let from = (at as usize).min(bytes.len());
        let to = (from + len as usize).min(bytes.len());
        Ok(Read::Now(Bytes::copy_from_slice(&bytes[from..to])))
    }
    fn xattr(&self, _: Ino, _: &[u8]) -> Result<Vec<u8>, Stop> {
        Err(Errno::NODATA.into())
    }
    fn xattr_names(&self, _: Ino) -> Result<Vec<Vec<u8>>, Stop> {
        Ok(Vec::new())
    }
    fn space(&self) -> Space {
        Space { total: 1 << 40, available: 1 << 40, files: 1 }
    }
    fn patience(&self, _: Ino) -> Duration {
        Duration::from_secs(60)
    }
    fn set_attr(&self, ino: Ino, change: &Change, _: Caller) -> Result<Attr, Errno> {
        let mut contents = self.contents();
        contents.power()?;
        let thing = contents.thing(ino)?;
        if let Some(size) = change.size {
            thing.bytes.resize(size as usize, 0);
        }
        thing.mode = change.mode.unwrap_or(thing.mode);
        contents.stat(ino)
    }
    fn make(&self, parent: Ino, name: &[u8], new: &New, _: Caller) -> Result<Attr, Errno> {
        let mut contents = self.contents();
        contents.power()?;
        let ino = contents.next;
        contents.next += 1;
        let dir = new.kind == Type::Dir;
        contents.things.insert(ino, Thing { dir, mode: new.mode & 0o777, ..Thing::default() });
        contents.name(parent, name, Some(ino))?;
        contents.stat(ino)
    }
    fn unlink(&self, parent: Ino, name: &[u8]) -> Result<(), Errno> {
        let mut contents = self.contents();
        contents.power()?;
        contents.name(parent, name, None)
    }
    fn rename(&self, from: (Ino, &[u8]), to: (Ino, &[u8]), _: Rename) -> Result<(), Errno> {
        let mut contents = self.contents();
        contents.power()?;
        let ino = contents.thing(from.0)?.names.get(from.1).copied().ok_or(Errno::NOENT)?;
        contents.name(from.0, from.1, None)?;
        contents.name(to.0, to.1, Some(ino))
    }
    fn write(&self, ino: Ino, at: u64, bytes: &[u8], _: bool) -> Result<(), Errno> {
        let mut contents = self.contents();
        contents.power()?;
        let file = &mut contents.thing(ino)?.bytes;
        let (from, to) = (at as usize, at as usize + bytes.len());
        if file.len() < to {
            file.resize(to, 0);
        }
        file[from..to].copy_from_slice(bytes);
        Ok(())
    }
    fn allocate(&self, ino: Ino, at: u64, len: u64, how: Allocate) -> Result<(), Errno> {
        let mut contents = self.contents();
        contents.power()?;
        let file = &mut contents.thing(ino)?.bytes;
        let end = (at + len) as usize;
        if !matches!(how, Allocate::Punch) && file.len() < end {
            file.resize(end, 0);
        }
        if !matches!(how, Allocate::Reserve { .. }) {
            let to = end.min(file.len());
            file[(at as usize).min(to)..to].fill(0);
        }
        Ok(())
    }
    fn sync(&self, ino: Ino) -> Result<(), Errno> {
        let mut contents = self.contents();
        contents.power()?;
        let thing = contents.thing(ino)?;
        thing.kept = thing.bytes.clone();
        thing.kept_names = thing.names.clone();
        thing.since.clear();
        Ok(())
    }
}

/// A disk that is mounted; taken away when dropped.
struct At {
    dir: tempfile::TempDir,
    disk: Arc<Disk>,
}

impl At {
    fn mount(disk: Disk, runtime: &tokio::runtime::Runtime) -> Self {
        let (dir, disk) = (tempfile::tempdir().unwrap(), Arc::new(disk));
        let options =
            Options { name: "forgetful".into(), access: Access::ReadWrite, ..Options::default() };
        let handle = runtime.handle().clone();
        drop(session::mount(Arc::clone(&disk), dir.path(), &options, handle).unwrap());
        Self { dir, disk }
    }
}

impl Drop for At {
    fn drop(&mut self) {
        session::detach(self.dir.path()).unwrap_or_default();
    }
}

/// What may be read of a file.
#[derive(Debug, Clone, Default)]
struct Known {
    /// Sizes it has or had, in cells, since the table was saved: the last is the one it has.
    sizes: Vec<usize>,
    cells: Vec<Cell>,
}

#[derive(Debug, Clone, Default)]
struct Cell {
    value: u8,
    /// What it may be until the file is synced.
    maybe: BTreeSet<u8>,
    /// What it was at any time: the disk may have that still where a new value did not reach it,
    /// whatever was cut off meanwhile.
    ever: BTreeSet<u8>,
}

impl Cell {
    /// Something is done to it that may or may not reach the disk.
    fn set(&mut self, value: u8) {
        self.ever.insert(self.value);
        self.maybe.extend(&self.ever);
        self.maybe.extend([value, 0]);
    }
}

struct Program {
    volume: Volume,
    rng: StdRng,
    files: BTreeMap<Ino, Known>,
    /// Trees since the table was saved: names and what they lead to. The last is the one there is.
    trees: Vec<BTreeMap<String, Ino>>,
    value: u8,
}

fn open(dir: &Path) -> Result<Volume, OpenError> {
    let store = DriveStore::open(&dir.join("drive"))?;
    Volume::open(store, Arc::new(Memory::default()), Arc::new(|| STILL))
}

impl Program {
    fn new(volume: Volume, rng: StdRng) -> Self {
        Self { volume, rng, files: BTreeMap::new(), trees: vec![BTreeMap::new()], value: 0 }
    }

    /// One operation; an error says that the power is gone.
    fn step(&mut self) -> Result<(), Errno> {
        let tree = self.trees.last().cloned().unwrap_or_default();
        let name = format!("file{}", self.rng.random_range(0..5));
        let Some(ino) = tree.get(&name).copied() else { return self.make(name) };
        match self.rng.random_range(0..100) {
            0..50 => self.write(ino),
            50..60 => self.cut(ino),
            60..70 => self.rename(&name, tree),
            70..75 => {
                self.volume.unlink(ROOT, name.as_bytes())?;
                let mut tree = tree;
                tree.remove(&name);
                self.trees.push(tree);
                Ok(())
            }
            75..82 => self.sync(ino),
            82..88 => self.sync_bytes(ino),
            _ => self.volume.save().map(|()| self.saved()),
        }
    }

    fn make(&mut self, name: String) -> Result<(), Errno> {
        let new = New { kind: Type::File, mode: 0o644, umask: 0, rdev: 0, target: Vec::new() };
        let ino = self.volume.make(ROOT, name.as_bytes(), &new, ME)?.ino;
        let cells = vec![Cell::default(); CELLS];
        self.files.insert(ino, Known { sizes: vec![0], cells });
        let mut tree = self.trees.last().cloned().unwrap_or_default();
        tree.insert(name, ino);
        self.trees.push(tree);
        Ok(())
    }

    fn rename(&mut self, name: &str, mut tree: BTreeMap<String, Ino>) -> Result<(), Errno> {
        let to = format!("file{}", self.rng.random_range(0..5));
        self.volume.rename((ROOT, name.as_bytes()), (ROOT, to.as_bytes()), Rename::Plain)?;
        if let Some(ino) = tree.remove(name) {
            tree.insert(to, ino);
        }
        self.trees.push(tree);
        Ok(())
    }

    fn write(&mut self, ino: Ino) -> Result<(), Errno> {
        let from = self.rng.random_range(0..CELLS);
        let to = self.rng.random_range(from + 1..=CELLS.min(from + 12));
        self.value = self.value % 250 + 1;
        let known = self.files.get_mut(&ino).unwrap();
        // It may be on the disk whether the write is answered or not.
        known.cells[from..to].iter_mut().for_each(|cell| cell.set(self.value));
        let bytes = vec![self.value; (to - from) * CELL];
        let size = known.sizes.last().copied().unwrap_or_default();
        known.sizes.push(size.max(to));
        self.volume.write(ino, (from * CELL) as u64, &bytes, true)?;
        known.cells[from..to].iter_mut().for_each(|cell| cell.value = self.value);
        Ok(())
    }

    fn cut(&mut self, ino: Ino) -> Result<(), Errno> {
        let size = if self.rng.random_ratio(1, 3) { 0 } else { self.rng.random_range(0..CELLS) };
        let known = self.files.get_mut(&ino).unwrap();
        let old = known.sizes.last().copied().unwrap_or_default();
        known.cells[size.min(old)..].iter_mut().for_each(|cell| cell.set(0));
        known.sizes.push(size);
        let change = Change { size: Some((size * CELL) as u64), ..Change::default() };
        self.volume.set_attr(ino, &change, ME)?;
        known.cells[size.min(old)..].iter_mut().for_each(|cell| cell.value = 0);
        Ok(())
    }

    fn sync(&mut self, ino: Ino) -> Result<(), Errno> {
        self.volume.sync(ino)?;
        self.files.get_mut(&ino).unwrap().cells.iter_mut().for_each(|cell| cell.maybe.clear());
        self.saved();
        Ok(())
    }

    /// The file's bytes are safe, whatever else is.
    fn sync_bytes(&mut self, ino: Ino) -> Result<(), Errno> {
        self.volume.sync_bytes(ino)?;
        let known = self.files.get_mut(&ino).unwrap();
        known.cells.iter_mut().for_each(|cell| cell.maybe.clear());
        known.sizes.drain(..known.sizes.len() - 1);
        Ok(())
    }

    /// The table on disk is the one there is.
    fn saved(&mut self) {
        self.trees.drain(..self.trees.len() - 1);
        for known in self.files.values_mut() {
            known.sizes.drain(..known.sizes.len() - 1);
        }
    }

    /// Whether what is there now could be left of it.
    fn check(&self, volume: &Volume) {
        let listed = volume.list(ROOT).unwrap();
        let tree: BTreeMap<String, Ino> = listed
            .into_iter()
            .skip(2)
            .map(|one| (String::from_utf8(one.name).unwrap(), one.ino))
            .collect();
        assert!(self.trees.contains(&tree), "{tree:?} of {:?}", self.trees);
        for (name, ino) in tree {
            let known = &self.files[&ino];
            let size = volume.attr(ino).unwrap().size as usize / CELL;
            assert!(known.sizes.contains(&size), "{name}: {size} of {:?}", known.sizes);
            let Read::Now(bytes) = volume.read(ino, 0, 1 << 20).unwrap() else { panic!("far") };
            for (no, cell) in bytes.chunks(CELL).enumerate() {
                let Cell { value, maybe, .. } = &known.cells[no];
                let is = cell[0];
                assert!(cell.iter().all(|byte| *byte == is), "{name}: cell {no} is torn");
                let may = is == *value || maybe.contains(&is);
                assert!(may, "{name}: cell {no} is {is}, not {value} or {maybe:?}");
            }
        }
    }
}

fn run(seed: u64, runtime: &tokio::runtime::Runtime) {
    let mut rng = StdRng::seed_from_u64(seed);
    let at = At::mount(Disk::new(), runtime);
    let volume = open(at.dir.path()).unwrap();
    // A drive that was made is there: so that it is told from one that was lost.
    volume.save().unwrap();
    at.disk.contents().left = rng.random_range(1..1_500);
    let mut program = Program::new(volume, StdRng::seed_from_u64(rng.random()));
    let steps = (0..2_000).take_while(|_| program.step().is_ok()).count();
    at.disk.contents().left = 0;
    let again = At::mount(at.disk.after_the_cut(&mut rng), runtime);
    let volume = open(again.dir.path()).unwrap();
    let drive = again.dir.path().join("drive/drive.db");
    assert!(drive.exists(), "seed {seed}");
    println!("seed {seed}: cut after {steps} steps");
    program.check(&volume);
    // It is a drive to work on, and what is synced now stays.
    let new = New { kind: Type::File, mode: 0o644, umask: 0, rdev: 0, target: Vec::new() };
    let ino = volume.make(ROOT, b"later", &new, ME).unwrap().ino;
    volume.write(ino, 0, b"later", true).unwrap();
    volume.sync(ino).unwrap();
    let third = At::mount(again.disk.after_the_cut(&mut rng), runtime);
    let volume = open(third.dir.path()).unwrap();
    let Read::Now(bytes) = volume.read(ino, 0, 10).unwrap() else { panic!("far") };
    assert_eq!(bytes, "later");
}

#[test]
fn whenever_the_power_is_cut_what_was_synced_is_there_and_the_tree_is_that_of_one_moment() {
    let device = std::fs::OpenOptions::new().read(true).write(true).open("/dev/fuse");
    if device.is_err() || !rustix::process::geteuid().is_root() {
        println!("not run: mounting needs root and /dev/fuse");
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let runs = std::env::var("GBAK_CUTS").ok().map_or(RUNS, |text| text.parse().unwrap());
    for seed in 0..runs {
        run(seed, &runtime);
    }
}
