//! What people do with a drive, all of it, on one that is pooled from the others' disks: a source
//! tree unpacked, put under version control, built; a database filled and checked.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gbak::demo::compare::compare;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::{DriveChanges, DriveStore};

use super::exercise::{seed, setting};
use super::kit::can_mount;
use super::working::{Drive, noise, sync};
use crate::net::rig::Rig;

/// Files of the source tree; `GBAK_LOAD_FILES` says how many in a longer run.
const FILES: u64 = 10_000;
/// C files that are built.
const UNITS: usize = 12;
/// Transactions of the database.
const TRANSACTIONS: u64 = 200;

#[test]
fn a_source_tree_a_build_and_a_database_work_on_a_pooled_drive() {
    if !can_mount() {
        return;
    }
    let mut rng = StdRng::seed_from_u64(seed("GBAK_LOAD_SEED"));
    let files = setting("GBAK_LOAD_FILES").unwrap_or(FILES);
    let rig = Rig::new(4);
    let agent = &rig.agents[0];
    agent.expect(&["drive", "create", "work", "--json"]).unwrap();
    let drive = Drive::mount(agent, rig.path("mnt"));
    let source = rig.path("source");
    grow(&source, files, &mut rng);
    let tree = drive.dir.join("tree");
    unpack(&source, &tree);
    let differs = compare(&source, &tree).unwrap().differences;
    assert!(differs.is_empty(), "{} differ, as {:?}", differs.len(), differs.first());
    version(&tree);
    build(&drive.dir.join("build"));
    database(&drive.dir.join("database"));
    let synced = sync(agent);
    assert_eq!((&synced["dirty_bytes"], &synced["queued_bytes"]), (&0.into(), &0.into()));
    let check = agent.run(&["check", "--read-data", "--json"]).unwrap();
    assert_eq!(check.1, 0, "{}", check.0);
}

/// Files as in a source tree: many small ones, some links, a few larger.
fn grow(dir: &Path, files: u64, rng: &mut StdRng) {
    let words = noise("words", 1 << 16);
    for no in 0..files {
        let at = dir.join(format!("part{}/sub{}", no % 23, no % 7));
        fs::create_dir_all(&at).unwrap();
        let len = match no % 500 {
            0 => rng.random_range(100_000..400_000),
            _ => rng.random_range(0..4_000_usize),
        };
        let start = rng.random_range(0..60_000_usize);
        let text: String =
            words.iter().cycle().skip(start).take(len / 2).fold(String::new(), |mut text, byte| {
                write!(text, "{byte:02x}").unwrap();
                text
            });
        fs::write(at.join(format!("file{no}.c")), text).unwrap();
        if no % 97 == 0 {
            std::os::unix::fs::symlink(format!("file{no}.c"), at.join(format!("link{no}")))
                .unwrap();
        }
    }
}

fn unpack(source: &Path, target: &Path) {
    fs::create_dir(target).unwrap();
    let mut pack = Command::new("tar");
    pack.args(["-c", "--format=posix", "-C"]).arg(source).arg(".").stdout(Stdio::piped());
    let mut pack = pack.spawn().unwrap();
    let mut unpack = Command::new("tar");
    unpack.arg("-xp").arg("-C").arg(target).stdin(pack.stdout.take().unwrap());
    assert!(unpack.status().unwrap().success() && pack.wait().unwrap().success());
}

/// Runs git in `dir`; `None` where there is none.
pub(super) fn git(dir: &Path, args: &[&str]) -> Option<bool> {
    let mut command = Command::new("git");
    command.current_dir(dir).env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.args(["-c", "user.name=n", "-c", "user.email=e", "-c", "gc.auto=0"]).args(args);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().ok().map(|status| status.success())
}

fn version(tree: &Path) {
    let Some(true) = git(tree, &["init", "-q", "."]) else {
        println!("not run: git is not installed");
        return;
    };
    assert_eq!(git(tree, &["add", "."]), Some(true));
    assert_eq!(git(tree, &["commit", "-q", "-m", "all"]), Some(true));
    assert_eq!(git(tree, &["fsck", "--full", "--strict"]), Some(true));
    assert_eq!(git(tree, &["diff", "--exit-code", "HEAD"]), Some(true));
    assert_eq!(git(tree, &["repack", "-q", "-a", "-d"]), Some(true));
    assert_eq!(git(tree, &["fsck", "--full", "--strict"]), Some(true));
}

/// A program of several units, compiled, archived, linked and run where it was made.
fn build(dir: &Path) {
    fs::create_dir(dir).unwrap();
    let mut main = String::from("#include <stdio.h>\nint main(void){long all=0;\n");
    for no in 0..UNITS {
        let unit =
            format!("long unit{no}(void){{long all=0;for(int i=0;i<{no};i++)all+=i;return all;}}");
        fs::write(dir.join(format!("unit{no}.c")), unit).unwrap();
        writeln!(main, "{{long unit{no}(void);all+=unit{no}();}}").unwrap();
    }
    main.push_str("printf(\"%ld\\n\",all);return 0;}\n");
    fs::write(dir.join("main.c"), main).unwrap();
    let run = |program: &str, args: &[String]| {
        let ran = Command::new(program).args(args).current_dir(dir).status().unwrap();
        assert!(ran.success(), "{program} {args:?}");
    };
    let mut objects = Vec::new();
    for no in 0..UNITS {
        run("cc", &["-O2", "-g", "-c", &format!("unit{no}.c")].map(String::from));
        objects.push(format!("unit{no}.o"));
    }
    let archive: Vec<String> =
        ["crs", "units.a"].map(String::from).into_iter().chain(objects).collect();
    run("ar", &archive);
    run("cc", &["-O2", "-o", "program", "main.c", "units.a"].map(String::from));
    let ran = Command::new(dir.join("program")).output().unwrap();
    let wanted: usize = (0..UNITS).map(|no| no * no.saturating_sub(1) / 2).sum();
    assert_eq!(String::from_utf8(ran.stdout).unwrap().trim(), wanted.to_string());
}

/// Row `no` of the database.
pub(super) fn row(no: u64) -> Vec<u8> {
    noise(&format!("row {no}"), 200 + (no % 700) as usize)
}

/// Adds a transaction: durable when it returns without an error.
pub(super) fn transact(db: &DriveStore, no: u64) -> Result<(), store::DbError> {
    let changes = DriveChanges {
        inodes: vec![(no, Some(row(no)))],
        entries: vec![(no / 10, format!("{no}").into_bytes(), Some(no))],
        settings: vec![("last", no.to_le_bytes().to_vec())],
    };
    db.write(&changes)
}

/// How many transactions are there, all whole and none left out.
pub(super) fn transacted(db: &DriveStore) -> u64 {
    let (mut rows, mut names) = (0, 0);
    db.inodes(|no, bytes| {
        assert_eq!((no, bytes == row(no)), (rows, true));
        rows += 1;
        Ok::<_, store::DbError>(())
    })
    .unwrap();
    db.entries(|dir, name, no| {
        assert_eq!((dir, name), (no / 10, format!("{no}").into_bytes()));
        names += 1;
        Ok::<_, store::DbError>(())
    })
    .unwrap();
    let last = db.setting("last").unwrap();
    assert_eq!((names, last), (rows, rows.checked_sub(1).map(|no| no.to_le_bytes().to_vec())));
    rows
}

/// Says what the shell says of a database, where it is installed.
pub(super) fn assert_integrity(file: PathBuf) {
    match Command::new("sqlite3").arg(file).arg("pragma integrity_check").output() {
        Ok(said) => assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), "ok"),
        Err(_) => println!("not run: sqlite3 is not installed"),
    }
}

/// SQLite as this program uses it: a write-ahead log, its index mapped, every commit synced.
fn database(dir: &Path) {
    let db = DriveStore::open(dir).unwrap();
    (0..TRANSACTIONS).for_each(|no| transact(&db, no).unwrap());
    assert_eq!(transacted(&db), TRANSACTIONS);
    drop(db);
    assert_eq!(transacted(&DriveStore::open(dir).unwrap()), TRANSACTIONS);
    assert_integrity(dir.join("drive.db"));
}

/// Every regular file below a directory.
pub(super) fn walk(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => all.extend(walk(&entry.path())),
            kind if kind.is_file() => all.push(entry.path()),
            _ => {}
        }
    }
    all
}
