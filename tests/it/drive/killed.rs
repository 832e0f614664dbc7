//! The agent, which serves the mount, is killed at random instants while programs work: what was
//! synced is there, the tree is consistent, and in the end all of it is on the grid.
//!
//! `GBAK_KILLS` says how often, `GBAK_KILL_SEED` repeats the instants.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use gbak::demo::compare::compare;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::DriveStore;

use super::exercise::{seed, setting};
use super::kit::{can_mount, detach};
use super::load::{assert_integrity, git, transact, transacted, walk};
use super::sharing::{LOOKS, Mounted, SHORT, set};
use super::working::{Drive, noise, sync};
use crate::net::rig::{Rig, online};

/// Kills of an ordinary run.
const KILLS: u64 = 12;
/// Blocks of the file that is written in place.
const BLOCKS: usize = 64;
const BLOCK: usize = 4096;
/// Files that are replaced by renames.
const REPLACED: usize = 12;
/// Where rows are to be added, and after which.
const ROWS_DIR: &str = "GBAK_TEST_ROWS_DIR";
const ROWS_FROM: &str = "GBAK_TEST_ROWS_FROM";

/// What must be there: the number of the last write that was synced, and of the last one begun.
#[derive(Debug, Clone, Copy, Default)]
struct Version {
    synced: u64,
    begun: u64,
}

impl Version {
    fn assert(&mut self, found: u64, what: &str) {
        assert!((self.synced..=self.begun).contains(&found), "{what}: {found} of {self:?}");
        // It outlived a kill, and the next agent made it durable when it opened the drive.
        *self = Self { synced: found, begun: found };
    }
}

/// What the programs know of their work.
struct Work {
    blocks: Vec<Version>,
    replaced: Vec<Version>,
    /// Directories by how many files they have; begun and not synced ones are not listed.
    made: BTreeMap<u64, u64>,
    next_dir: u64,
    rows: Version,
    commits: Version,
}

fn block(no: usize, version: u64) -> Vec<u8> {
    let mut bytes = noise(&format!("block {no} {version}"), BLOCK);
    bytes[..8].copy_from_slice(&version.to_le_bytes());
    bytes
}

fn replaced(no: usize, version: u64) -> Vec<u8> {
    let len = 8 + (no * 7_919 + version as usize * 104_729) % 60_000;
    let mut bytes = noise(&format!("replaced {no} {version}"), len);
    bytes[..8].copy_from_slice(&version.to_le_bytes());
    bytes
}

fn version_of(bytes: &[u8]) -> u64 {
    bytes.get(..8).map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()))
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

impl Work {
    fn new() -> Self {
        Self {
            blocks: vec![Version::default(); BLOCKS],
            replaced: vec![Version::default(); REPLACED],
            made: BTreeMap::new(),
            next_dir: 0,
            rows: Version::default(),
            commits: Version::default(),
        }
    }

    /// All programs at once, until the drive is gone.
    fn go_on(&mut self, dir: &Path, seed: u64) {
        let rng = |no: u64| StdRng::seed_from_u64(seed.wrapping_add(no));
        let Self { blocks, replaced, made, next_dir, rows, commits } = self;
        std::thread::scope(|scope| {
            scope.spawn(move || until_gone(|| overwrite(dir, blocks, &mut rng(1))));
            scope.spawn(move || until_gone(|| replace(dir, replaced, &mut rng(2))));
            scope.spawn(move || until_gone(|| make_dirs(dir, made, next_dir, &mut rng(3))));
            scope.spawn(move || add_rows(dir, rows));
            scope.spawn(move || while_committing(dir, commits));
        });
    }

    /// What is there after a kill.
    fn check(&mut self, dir: &Path) {
        assert_consistent(dir);
        let bytes = fs::read(dir.join("blocks")).unwrap_or_default();
        for (no, version) in self.blocks.iter_mut().enumerate() {
            let found = bytes.get(no * BLOCK..(no + 1) * BLOCK).unwrap_or_default();
            let is = version_of(found);
            version.assert(is, &format!("block {no}"));
            assert!(is == 0 || found == block(no, is), "block {no} is torn");
        }
        for (no, version) in self.replaced.iter_mut().enumerate() {
            let found = fs::read(dir.join(format!("replaced{no}"))).unwrap_or_default();
            let is = version_of(&found);
            version.assert(is, &format!("file {no}"));
            assert!(is == 0 || found == replaced(no, is), "file {no} is not whole");
        }
        for (no, files) in &self.made {
            let found = fs::read_dir(dir.join(format!("made{no}"))).unwrap().count();
            assert_eq!(found as u64, *files, "directory {no}");
        }
        if dir.join("database").exists() {
            let db = DriveStore::open(&dir.join("database")).unwrap();
            self.rows.assert(transacted(&db), "rows");
            drop(db);
            assert_integrity(dir.join("database/drive.db"));
        }
        self.check_repository(&dir.join("repository"));
    }

    fn check_repository(&mut self, dir: &Path) {
        if !dir.join(".git/refs").exists() {
            assert_eq!(self.commits.synced, 0);
            return drop(fs::remove_dir_all(dir));
        }
        for lock in walk(&dir.join(".git")) {
            if lock.extension().is_some_and(|ending| ending == "lock") {
                fs::remove_file(lock).unwrap();
            }
        }
        assert_eq!(git(dir, &["fsck", "--full", "--strict"]), Some(true));
        let mut count = Command::new("git");
        count.args(["rev-list", "--count", "HEAD"]).current_dir(dir);
        let count = String::from_utf8(count.output().unwrap().stdout).unwrap();
        self.commits.assert(count.trim().parse().unwrap_or_default(), "commits");
    }
}

fn until_gone(mut step: impl FnMut() -> io::Result<()>) {
    while step().is_ok() {}
}

fn overwrite(dir: &Path, blocks: &mut [Version], rng: &mut StdRng) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).open(dir.join("blocks"))?;
    for _ in 0..rng.random_range(1..30) {
        let no = rng.random_range(0..blocks.len());
        blocks[no].begun += 1;
        file.write_all_at(&block(no, blocks[no].begun), (no * BLOCK) as u64)?;
    }
    file.sync_data()?;
    blocks.iter_mut().for_each(|version| version.synced = version.begun);
    Ok(())
}

fn replace(dir: &Path, files: &mut [Version], rng: &mut StdRng) -> io::Result<()> {
    let no = rng.random_range(0..files.len());
    let version = &mut files[no];
    version.begun += 1;
    let temporary = dir.join("temporary");
    let mut file = File::create(&temporary)?;
    file.write_all(&replaced(no, version.begun))?;
    file.sync_all()?;
    fs::rename(&temporary, dir.join(format!("replaced{no}")))?;
    if rng.random_ratio(1, 3) {
        sync_dir(dir)?;
        version.synced = version.begun;
    }
    Ok(())
}

fn make_dirs(
    dir: &Path,
    made: &mut BTreeMap<u64, u64>,
    next: &mut u64,
    rng: &mut StdRng,
) -> io::Result<()> {
    *next += 1;
    let files = rng.random_range(0..40);
    let (new, named) = (dir.join(format!("new{next}")), dir.join(format!("made{next}")));
    fs::create_dir(&new)?;
    for file in 0..files {
        File::create(new.join(format!("file{file}")))?;
        if file % 5 == 0 {
            fs::hard_link(new.join(format!("file{file}")), dir.join(format!("link{next}-{file}")))?;
        }
    }
    fs::rename(&new, &named)?;
    sync_dir(dir)?;
    made.insert(*next, files);
    if made.len() > 6
        && let Some((old, _)) = made.pop_first()
    {
        fs::remove_dir_all(dir.join(format!("made{old}")))?;
    }
    Ok(())
}

/// Has rows added by a program of its own: what maps a file of a drive that goes away, as SQLite
/// does, may be ended by the kernel (SIGBUS), as on any other disk that does.
fn add_rows(dir: &Path, rows: &mut Version) {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args([
        "--exact",
        "drive::killed::rows_are_added_where_another_test_says",
        "--nocapture",
    ]);
    program.env(ROWS_DIR, dir.join("database")).env(ROWS_FROM, rows.synced.to_string());
    let mut program = program.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    for line in BufReader::new(program.stdout.take().unwrap()).lines() {
        match line.unwrap().split_once(' ') {
            Some(("begun", no)) => rows.begun = no.parse().unwrap(),
            Some(("synced", no)) => rows.synced = no.parse().unwrap(),
            _ => {}
        }
    }
    program.wait().unwrap();
}

/// The program of [`add_rows`]; without what that says there is nothing to do.
#[test]
fn rows_are_added_where_another_test_says() {
    let Some(dir) = std::env::var_os(ROWS_DIR) else { return };
    let Ok(db) = DriveStore::open(Path::new(&dir)) else { return };
    let mut last: u64 = setting(ROWS_FROM).unwrap();
    loop {
        println!("begun {}", last + 1);
        if transact(&db, last).is_err() {
            return;
        }
        last += 1;
        println!("synced {last}");
    }
}

/// Commits to a repository again and again; a commit counts when its branch is synced as well.
fn while_committing(dir: &Path, commits: &mut Version) {
    let dir = dir.join("repository");
    if !dir.join(".git").exists()
        && (fs::create_dir(&dir).is_err() || git(&dir, &["init", "-q", "."]) != Some(true))
    {
        return;
    }
    loop {
        commits.begun = commits.synced + 1;
        let text = noise(&format!("commit {}", commits.begun), 3_000);
        let written = fs::write(dir.join(format!("file{}", commits.begun % 5)), text).is_ok();
        let all = ["-c", "core.fsync=all", "-c", "core.fsyncMethod=fsync"];
        let run = |args: &[&str]| git(&dir, &[&all, args].concat()) == Some(true);
        let made = written && run(&["add", "."]) && run(&["commit", "-q", "-m", "next"]);
        if !made || sync_dir(&dir.join(".git/refs/heads")).is_err() {
            return;
        }
        commits.synced = commits.begun;
    }
}

/// Every entry leads to what it names, and every count is that of what is there.
fn assert_consistent(root: &Path) {
    let mut names: BTreeMap<u64, (u64, u64, PathBuf)> = BTreeMap::new();
    let mut dirs = vec![root.to_owned()];
    while let Some(dir) = dirs.pop() {
        let mut below = 0;
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            if meta.is_dir() {
                below += 1;
                dirs.push(path);
            } else {
                assert_eq!(fs::read(&path).unwrap().len() as u64, meta.len(), "{}", path.display());
                names.entry(meta.ino()).or_insert((0, meta.nlink(), path)).0 += 1;
            }
        }
        assert_eq!(dir.metadata().unwrap().nlink(), 2 + below, "{}", dir.display());
    }
    for (found, counted, path) in names.into_values() {
        assert_eq!(found, counted, "names of {}", path.display());
    }
}

#[test]
fn whenever_the_agent_is_killed_what_was_synced_is_there_and_ends_on_the_grid() {
    if !can_mount() {
        return;
    }
    let seed = seed("GBAK_KILL_SEED");
    let kills = setting("GBAK_KILLS").unwrap_or(KILLS);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut rig = Rig::new(4);
    rig.agents[1].expect(&["drive", "create", "work", "--json"]).unwrap();
    let (dir, mut work) = (rig.path("mnt"), Work::new());
    for round in 0..kills {
        let drive = Drive::mount(&rig.agents[1], dir.clone());
        work.check(&dir);
        let instant = Duration::from_millis(rng.random_range(1..1_500));
        let seed = rng.random();
        std::thread::scope(|scope| {
            let working = scope.spawn(|| work.go_on(&dir, seed));
            let mut commit = (round % 3 == 1).then(|| {
                let mut command = rig.agents[1].command(&["drive", "sync", "work"]);
                command.stdout(Stdio::null()).spawn().unwrap()
            });
            // Nothing is ever sent: this is a wait for an instant, not for an event.
            let (_never, wait) = mpsc::channel::<()>();
            wait.recv_timeout(instant).unwrap_err();
            rig.agents[1].kill();
            if let Some(commit) = &mut commit {
                commit.wait().unwrap();
            }
            detach(&dir);
            working.join().unwrap();
        });
        drop(drive);
        rig.agents[1].start().unwrap();
    }
    online(&rig.agents[1], 3);
    let drive = Drive::mount(&rig.agents[1], dir.clone());
    work.check(&dir);
    sync(&rig.agents[1]);
    println!("{kills} kills; {:?} rows, {:?} commits of git", work.rows, work.commits);
    let check = rig.agents[1].run(&["check", "--read-data", "--json"]).unwrap();
    assert_eq!(check.1, 0, "{}", check.0);
    comes_back(&mut rig, &drive);
}

/// The words alone bring it back: what was committed is on the grid.
fn comes_back(rig: &mut Rig, drive: &Drive) {
    let kept = rig.path("kept");
    crate::net::rig::copy_tree(&drive.dir, &kept);
    rig.agents[1].kill();
    detach(&drive.dir);
    fs::remove_dir_all(rig.agents[1].home()).unwrap();
    rig.agents.swap(0, 1);
    let (mut new, _) = rig.recover("new", &rig.agents[1]);
    set(&new, &[("lease", SHORT)]);
    new.start().unwrap();
    // The machine that had it is gone without having unmounted it.
    let takes = |_| Mounted::tried(&new, rig.path("again"), &["--take-over"]).ok();
    let again = (0..LOOKS).find_map(takes).unwrap();
    let differs = compare(&kept, &again.dir).unwrap().differences;
    assert_eq!(differs, Vec::<String>::new());
}
