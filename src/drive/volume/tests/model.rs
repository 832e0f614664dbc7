//! Random programs on a few files, with commits, evictions and kills, against plain vectors.

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use super::super::freeze::Taken;
use super::super::node::{Base, Body};
use super::*;
use crate::drive::tree::tests::frozen_bytes;

/// Files that the programs work on.
const FILES: usize = 6;
/// They stay below this size.
const SPACE: u64 = 200_000;

struct Model {
    world: World,
    rng: StdRng,
    files: Vec<(Ino, Vec<u8>)>,
    commit: u64,
    /// The moment a commit is reading, and what it must see.
    frozen: Option<(Arc<super::super::Frozen>, Vec<Vec<u8>>)>,
}

impl Model {
    fn new(seed: u64) -> Self {
        let world = World::new();
        let name = |no: usize| format!("file{no}");
        let files = (0..FILES).map(|no| world.make(ROOT, &name(no), Type::File).ino);
        let files = files.map(|ino| (ino, Vec::new())).collect();
        let rng = StdRng::seed_from_u64(seed);
        Self { world, rng, files, commit: 0, frozen: None }
    }

    fn range(&mut self) -> (u64, u64) {
        let at = self.rng.random_range(0..SPACE);
        // Mostly small, as programs write.
        let most = if self.rng.random_ratio(1, 10) { SPACE - at } else { 4_000.min(SPACE - at) };
        (at, self.rng.random_range(1..=most))
    }

    fn step(&mut self) {
        let no = self.rng.random_range(0..FILES);
        let (at, len) = self.range();
        let (from, to) = (at as usize, (at + len) as usize);
        let (ino, _) = self.files[no];
        let volume = Arc::clone(&self.world.volume);
        match self.rng.random_range(0..1_000) {
            0..400 => {
                let mut bytes = vec![0; len as usize];
                self.rng.fill_bytes(&mut bytes);
                volume.write(ino, at, &bytes, true).unwrap();
                let file = &mut self.files[no].1;
                if file.len() < to {
                    file.resize(to, 0);
                }
                file[from..to].copy_from_slice(&bytes);
            }
            400..760 => {
                let read = self.world.read(ino, at, len as u32);
                let file = &self.files[no].1;
                let wanted = file.get(from.min(file.len())..to.min(file.len())).unwrap();
                assert!(read == wanted, "file {no} at {at}+{len} of {}", file.len());
            }
            760..840 => {
                let size = if self.rng.random_ratio(1, 4) { 0 } else { at };
                let change = Change { size: Some(size), ..Change::default() };
                volume.set_attr(ino, &change, ME).unwrap();
                self.files[no].1.resize(size as usize, 0);
            }
            840..910 => self.zero(no, from, to),
            910..960 => self.seek(no, at),
            960..963 => volume.sync(ino).unwrap(),
            963..966 => volume.save().unwrap(),
            966..976 => self.freeze(),
            976..986 => self.commit(),
            986..998 => volume.set_proven(self.rng.random_range(0..=self.commit)),
            _ => self.kill(),
        }
        self.count();
    }

    /// What is not on the grid is counted as if every file were looked at.
    fn count(&self) {
        self.world.volume.recount();
        let state = self.world.volume.state();
        let data = state.inodes.values().filter_map(|inode| match &inode.body {
            Body::File(data) if state.safety(data) != "grid" => Some(data.ranges.bytes()),
            _ => None,
        });
        let wanted: u64 = data.sum();
        drop(state);
        assert_eq!(self.world.volume.counted(), wanted);
    }

    fn zero(&mut self, no: usize, from: usize, to: usize) {
        let (ino, file) = &mut self.files[no];
        let how = match self.rng.random_range(0..4) {
            0 => Allocate::Zero { keep_size: false },
            1 => Allocate::Zero { keep_size: true },
            2 => Allocate::Reserve { keep_size: self.rng.random() },
            _ => Allocate::Punch,
        };
        let len = (to - from) as u64;
        self.world.volume.allocate(*ino, from as u64, len, how).unwrap();
        let grows = matches!(
            how,
            Allocate::Zero { keep_size: false } | Allocate::Reserve { keep_size: false }
        );
        if grows && file.len() < to {
            file.resize(to, 0);
        }
        if !matches!(how, Allocate::Reserve { .. }) && from < file.len() {
            let to = to.min(file.len());
            file[from..to].fill(0);
        }
    }

    /// Between where data begins and the next hole everything may be anything; before it, zeros.
    fn seek(&self, no: usize, at: u64) {
        let (ino, file) = &self.files[no];
        match self.world.volume.seek(*ino, at, Seek::Data) {
            Ok(data) => {
                assert!(data >= at && data < file.len() as u64);
                assert!(file[at as usize..data as usize].iter().all(|byte| *byte == 0));
            }
            Err(errno) => {
                assert_eq!(errno, Errno::NXIO);
                assert!(file.iter().skip(at as usize).all(|byte| *byte == 0));
            }
        }
    }

    fn freeze(&mut self) {
        if self.frozen.is_none() {
            let moment = self.files.iter().map(|(_, bytes)| bytes.clone()).collect();
            self.frozen = Some((self.world.volume.freeze(), moment));
        }
    }

    /// The commit sees every file as it was, and what did not change since is clean.
    fn commit(&mut self) {
        let Some((frozen, moment)) = self.frozen.take() else { return };
        self.commit += 1;
        let mut taken = Vec::new();
        for ((ino, _), wanted) in self.files.iter().zip(moment) {
            let Some(inode) = frozen.get(*ino) else { continue };
            let Body::File(data) = &inode.body else { panic!("a file") };
            let bytes = frozen_bytes(&frozen, *ino, &self.world.grid);
            assert!(bytes == wanted, "commit {} of {ino}", self.commit);
            if data.is_clean() {
                continue;
            }
            let content = self.world.grid.keep(&bytes, 10_000);
            let size = bytes.len() as u64;
            let base =
                Base { content, size, allocated: size, commit: self.commit, of: data.changed };
            taken.push(Taken { ino: *ino, of: data.changed, base });
        }
        self.world.volume.thaw();
        self.world.volume.committed(taken);
    }

    fn kill(&mut self) {
        self.frozen = None;
        self.world.volume.thaw();
        self.world.volume.sync_all().unwrap();
        let proven = self.world.volume.state().proven;
        self.world.killed();
        self.world.volume.set_proven(proven);
        self.limit();
        for (ino, bytes) in &self.files {
            assert_eq!(self.world.size(*ino), bytes.len() as u64);
        }
    }

    /// So small that what is proven gets dropped, and so large that a write never fails.
    fn limit(&self) {
        self.world.volume.set_limits(FILES as u64 * SPACE + 10, u64::MAX);
    }
}

fn run(seed: u64, steps: usize) {
    let mut model = Model::new(seed);
    for step in 0..steps {
        if step % 50 == 0 {
            // Now and then room is short, as when another file is written.
            model.world.volume.state().evict(100_000);
        }
        model.step();
    }
    let state = model.world.volume.state();
    let sums = state.inodes.values().map(|inode| inode.weight());
    let sums = sums.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert_eq!((state.here, state.stored, state.promised), (sums.0, sums.1, 0), "seed {seed}");
}

#[test]
fn a_hundred_thousand_random_operations_read_what_was_written() {
    for seed in 0..10 {
        run(seed, 10_000);
    }
}
