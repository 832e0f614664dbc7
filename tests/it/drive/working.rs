//! The writable drive through the kernel, over real agents: work on it, lose machines, come back.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use gbak::demo::agents::Agent;
use gbak::demo::compare::compare;
use gbak::demo::sample;
use serde_json::Value;

use rustix::fs::{
    CWD, FallocateFlags, FileType, Mode, RenameFlags, fallocate, mknodat, renameat_with,
};

use super::kit::{can_mount, detach};
use crate::net::rig::{Rig, copy_tree, online};

/// A mounted drive; detached when dropped.
pub(super) struct Drive {
    pub(super) dir: PathBuf,
}

impl Drive {
    pub(super) fn mount(agent: &Agent, dir: PathBuf) -> Self {
        fs::create_dir_all(&dir).unwrap();
        let view = agent.expect(&["drive", "mount", "work", text(&dir), "--json"]).unwrap();
        assert_eq!(view["mounted"], true, "{view}");
        Self { dir }
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        detach(&self.dir);
    }
}

pub(super) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn status(agent: &Agent) -> Value {
    agent.expect(&["drive", "status", "work", "--json"]).unwrap()
}

pub(super) fn sync(agent: &Agent) -> Value {
    agent.expect(&["drive", "sync", "work", "--wait", "grid", "--json"]).unwrap()
}

pub(super) fn noise(seed: &str, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(seed.as_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

fn state_of(path: &Path) -> String {
    String::from_utf8(xattr::get(path, "user.gbak.state").unwrap().unwrap()).unwrap()
}

#[test]
fn the_words_bring_the_drive_back_byte_for_byte_with_two_machines_gone() {
    if !can_mount() {
        return;
    }
    let mut rig = Rig::new(6);
    let created = rig.agents[0].expect(&["drive", "create", "work", "--json"]).unwrap();
    assert_eq!((&created["mounted"], &created["dirty_bytes"]), (&false.into(), &0.into()));
    let drive = Drive::mount(&rig.agents[0], rig.path("mnt"));
    let source = rig.path("source");
    sample::odd(&source).unwrap();
    fs::write(source.join("big.bin"), noise("drive", 24 << 20)).unwrap();
    copy_tree(&source, &drive.dir.join("tree"));
    let differs = compare(&source, &drive.dir.join("tree")).unwrap().differences;
    assert_eq!(differs, Vec::<String>::new());
    let big = drive.dir.join("tree/big.bin");
    assert_eq!(state_of(&big), "here");
    let synced = sync(&rig.agents[0]);
    assert_eq!((&synced["dirty_bytes"], &synced["queued_bytes"]), (&0.into(), &0.into()));
    assert!(synced["committed_snapshot"].is_string(), "{synced}");
    assert_eq!(state_of(&big), "grid");
    // Work goes on while two holders vanish.
    rig.agents[4].kill();
    let file = fs::OpenOptions::new().write(true).open(&big).unwrap();
    file.write_all_at(&noise("changed", 4096), 9_000_000).unwrap();
    rig.agents[5].kill();
    fs::write(drive.dir.join("late"), "written with two machines gone").unwrap();
    file.sync_all().unwrap();
    drop(file);
    let kept = rig.path("kept");
    copy_tree(&drive.dir, &kept);
    let left = rig.agents[0].expect(&["drive", "unmount", "work", "--json"]).unwrap();
    assert_eq!((&left["mounted"], &left["dirty_bytes"]), (&false.into(), &0.into()), "{left}");
    // The last commit is queued while machines are missing; all of them are back for it.
    rig.agents[4].start().unwrap();
    rig.agents[5].start().unwrap();
    online(&rig.agents[0], 5);
    let drive = Drive::mount(&rig.agents[0], drive.dir.clone());
    sync(&rig.agents[0]);
    rig.agents[0].expect(&["drive", "unmount", "work", "--json"]).unwrap();
    assert_eq!(status(&rig.agents[0])["queued_bytes"], 0);
    drop(drive);
    let commits = rig.agents[0].expect(&["drive", "snapshots", "work", "--json"]).unwrap();
    let commits = commits["snapshots"].as_array().unwrap().len();
    assert!(commits >= 2, "{commits} commits");
    rig.agents[0].kill();
    fs::remove_dir_all(rig.agents[0].home()).unwrap();
    let (mut new, _) = rig.recover("new", &rig.agents[1]);
    new.start().unwrap();
    let again = Drive::mount(&new, rig.path("again"));
    let differs = compare(&kept, &again.dir).unwrap().differences;
    assert_eq!(differs, Vec::<String>::new());
    assert_eq!(state_of(&again.dir.join("tree/big.bin")), "grid");
    // And it is a drive to work on.
    fs::write(again.dir.join("tree/new"), "made on the new machine").unwrap();
    sync(&new);
}

#[test]
fn what_programs_rely_on_holds_through_the_kernel() {
    if !can_mount() {
        return;
    }
    let rig = Rig::new(3);
    rig.agents[0].expect(&["drive", "create", "work", "--json"]).unwrap();
    let drive = Drive::mount(&rig.agents[0], rig.path("mnt"));
    let at = |name: &str| drive.dir.join(name);
    links_and_renames(&at);
    bytes_and_holes(&at);
    append_and_mmap(&at);
    kinds_and_attributes(&at);
    many_entries(&at);
    // The name of a removed directory is free, what is open lives on.
    let mut open = fs::File::create_new(at("open")).unwrap();
    fs::remove_file(at("open")).unwrap();
    open.write_all(b"unlinked").unwrap();
    open.seek(SeekFrom::Start(0)).unwrap();
    assert_eq!(
        std::io::read_to_string(fs::File::open(fd_path(&open)).unwrap()).unwrap(),
        "unlinked"
    );
    drop(open);
    let exit = |args: &[&str]| rig.agents[0].command(args).output().unwrap().status.code();
    let mount = |more: &[&str]| exit(&[&["drive", "mount", "work"], more].concat());
    // It is done already; elsewhere or otherwise it is not.
    assert_eq!(mount(&[text(&drive.dir)]), Some(0));
    assert_eq!(mount(&[text(rig.dir.path())]), Some(1));
    assert_eq!(mount(&[text(&drive.dir), "--read-only"]), Some(1));
    assert_eq!(mount(&[text(&drive.dir), "--allow-other"]), Some(1));
    assert_eq!(exit(&["drive", "delete", "work"]), Some(1));
    let busy = fs::File::open(at("many")).unwrap();
    assert_eq!(exit(&["drive", "unmount", "work"]), Some(1));
    drop(busy);
    rig.agents[0].expect(&["drive", "unmount", "work", "--json"]).unwrap();
    let gone = rig.agents[0].expect(&["drive", "delete", "work", "--json"]).unwrap();
    assert_eq!(gone["snapshots_kept"], 1, "{gone}");
    assert_eq!(exit(&["drive", "status", "work"]), Some(1));
}

fn fd_path(file: &fs::File) -> PathBuf {
    use std::os::fd::AsRawFd;
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn links_and_renames(at: &dyn Fn(&str) -> PathBuf) {
    fs::create_dir(at("dir")).unwrap();
    fs::write(at("dir/a"), "a").unwrap();
    fs::hard_link(at("dir/a"), at("b")).unwrap();
    let (a, b) = (fs::metadata(at("dir/a")).unwrap(), fs::metadata(at("b")).unwrap());
    assert_eq!((a.ino(), a.nlink(), b.nlink()), (b.ino(), 2, 2));
    fs::write(at("b"), "through another name").unwrap();
    assert_eq!(fs::read_to_string(at("dir/a")).unwrap(), "through another name");
    symlink("dir/a", at("link")).unwrap();
    assert_eq!(fs::read_to_string(at("link")).unwrap(), "through another name");
    let rename = |from: &str, to: &str, how| renameat_with(CWD, at(from), CWD, at(to), how);
    fs::write(at("c"), "c").unwrap();
    let exists = rename("c", "b", RenameFlags::NOREPLACE).unwrap_err();
    assert_eq!(exists, rustix::io::Errno::EXIST);
    rename("c", "b", RenameFlags::EXCHANGE).unwrap();
    assert_eq!(fs::read_to_string(at("b")).unwrap(), "c");
    rename("dir", "b", RenameFlags::EXCHANGE).unwrap();
    assert_eq!(fs::read_to_string(at("b/a")).unwrap(), "through another name");
    fs::rename(at("dir"), at("c")).unwrap();
    assert_eq!(fs::read_to_string(at("c")).unwrap(), "c");
    assert!(fs::remove_dir(at("b")).is_err());
}

fn bytes_and_holes(at: &dyn Fn(&str) -> PathBuf) {
    let file = fs::File::create_new(at("sparse")).unwrap();
    file.set_len(1 << 40).unwrap();
    file.write_all_at(b"far out", (1 << 40) - 7).unwrap();
    assert!(file.metadata().unwrap().blocks() < 100);
    let data = rustix::fs::seek(&file, rustix::fs::SeekFrom::Data(0)).unwrap();
    assert_eq!(data, (1 << 40) - 7);
    file.write_all_at(&vec![1; 100_000], 0).unwrap();
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    fallocate(&file, punch, 10_000, 50_000).unwrap();
    let mut read = [9; 2];
    file.read_exact_at(&mut read, 9_999).unwrap();
    assert_eq!(read, [1, 0]);
}

fn append_and_mmap(at: &dyn Fn(&str) -> PathBuf) {
    for word in ["one ", "two ", "three"] {
        let mut options = fs::OpenOptions::new();
        options
            .append(true)
            .create(true)
            .open(at("log"))
            .unwrap()
            .write_all(word.as_bytes())
            .unwrap();
    }
    assert_eq!(fs::read_to_string(at("log")).unwrap(), "one two three");
    assert!(fs::File::create_new(at("log")).is_err());
    fs::write(at("log"), "short").unwrap();
    assert_eq!(fs::read_to_string(at("log")).unwrap(), "short");
    // A shared writable mapping, by a program whose memory is not ours to be unsafe with.
    let script = "import mmap,sys\nf=open(sys.argv[1],'r+b')\nm=mmap.mmap(f.fileno(),5)\n\
                  m[0:5]=b'MAPPD'\nm.flush()\n";
    if let Ok(run) = Command::new("python3").args(["-c", script]).arg(at("log")).status() {
        assert!(run.success());
        assert_eq!(fs::read_to_string(at("log")).unwrap(), "MAPPD");
    }
}

fn kinds_and_attributes(at: &dyn Fn(&str) -> PathBuf) {
    mknodat(CWD, at("pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    let node = rustix::fs::makedev(1, 3);
    mknodat(CWD, at("null"), FileType::CharacterDevice, Mode::from_raw_mode(0o600), node).unwrap();
    let made = fs::symlink_metadata(at("null")).unwrap();
    assert_eq!(made.rdev(), node);
    xattr::set(at("c"), "user.note", b"kept").unwrap();
    assert_eq!(xattr::get(at("c"), "user.note").unwrap().unwrap(), b"kept");
    fs::set_permissions(at("c"), fs::Permissions::from_mode(0o4711)).unwrap();
    assert_eq!(fs::metadata(at("c")).unwrap().mode() & 0o7777, 0o4711);
    let time = std::time::UNIX_EPOCH + std::time::Duration::new(1_234_567, 891_011_121);
    fs::File::options().write(true).open(at("c")).unwrap().set_modified(time).unwrap();
    let meta = fs::metadata(at("c")).unwrap();
    assert_eq!((meta.mtime(), meta.mtime_nsec()), (1_234_567, 891_011_121));
    let file = fs::File::open(at("c")).unwrap();
    file.try_lock().unwrap();
    assert!(fs::File::open(at("c")).unwrap().try_lock().is_err());
}

fn many_entries(at: &dyn Fn(&str) -> PathBuf) {
    fs::create_dir(at("many")).unwrap();
    let long = "n".repeat(250);
    for no in 0..3_000 {
        fs::File::create_new(at(&format!("many/{long}{no}"))).unwrap();
    }
    assert_eq!(fs::read_dir(at("many")).unwrap().count(), 3_000);
    let mut seen = 0;
    // Entries may go while a directory is read: each of the others comes once.
    for entry in fs::read_dir(at("many")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
        seen += 1;
    }
    assert_eq!((seen, fs::read_dir(at("many")).unwrap().count()), (3_000, 0));
}

#[test]
fn an_agent_that_is_killed_again_and_again_loses_nothing_that_was_synced() {
    if !can_mount() {
        return;
    }
    // One that joined knows an address to come back to, wherever it listens after a kill.
    let mut rig = Rig::new(4);
    rig.agents[1].expect(&["drive", "create", "work", "--json"]).unwrap();
    for round in 0..6 {
        let drive = Drive::mount(&rig.agents[1], rig.path("mnt"));
        for old in 0..round {
            let read = fs::read(drive.dir.join(format!("synced{old}"))).unwrap();
            assert!(read == noise(&format!("{old}"), 300_000), "round {old} in round {round}");
        }
        let at = |name: &str| drive.dir.join(name);
        let temporary = at("temporary");
        let mut file = fs::File::create(&temporary).unwrap();
        file.write_all(&noise(&format!("{round}"), 300_000)).unwrap();
        file.sync_all().unwrap();
        fs::rename(&temporary, at(&format!("synced{round}"))).unwrap();
        file.sync_all().unwrap();
        // Something is always on its way when the end comes.
        for no in 0..20 {
            fs::write(at(&format!("unsynced{no}")), noise("x", 10_000)).unwrap();
        }
        if round % 2 == 0 {
            sync(&rig.agents[1]);
        }
        rig.agents[1].kill();
        drop((file, drive));
        rig.agents[1].start().unwrap();
    }
    online(&rig.agents[1], 3);
    let drive = Drive::mount(&rig.agents[1], rig.path("mnt"));
    sync(&rig.agents[1]);
    assert_eq!(fs::read(drive.dir.join("synced5")).unwrap(), noise("5", 300_000));
    let check = rig.agents[1].run(&["check", "--read-data", "--json"]).unwrap();
    assert_eq!(check.1, 0, "{}", check.0);
}

#[test]
fn git_and_sqlite_work_on_it_where_they_are_installed() {
    if !can_mount() {
        return;
    }
    let rig = Rig::new(3);
    rig.agents[0].expect(&["drive", "create", "work", "--json"]).unwrap();
    let drive = Drive::mount(&rig.agents[0], rig.path("mnt"));
    let repository = drive.dir.join("repository");
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &repository);
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(&repository).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.args(["-c", "user.name=n", "-c", "user.email=e", "-c", "gc.auto=0"]).args(args);
        command.status().is_ok_and(|status| status.success())
    };
    if Command::new("git").arg("--version").output().is_ok() {
        assert!(git(&["init", "-q", "."]) && git(&["add", "."]));
        assert!(git(&["commit", "-q", "-m", "all"]) && git(&["fsck", "--full", "--strict"]));
        sync(&rig.agents[0]);
        assert!(git(&["repack", "-q", "-a", "-d"]) && git(&["fsck", "--full", "--strict"]));
        assert!(git(&["diff", "--exit-code", "HEAD"]));
    } else {
        println!("not run: git is not installed");
    }
    let script = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\n\
                  c.execute('pragma journal_mode=wal')\nc.execute('create table t(a,b)')\n\
                  for i in range(200):\n  c.execute('insert into t values(?,?)',(i,'x'*i))\n\
                  \x20 c.commit()\n\
                  assert c.execute('pragma integrity_check').fetchone()==('ok',)\n\
                  assert c.execute('select count(*) from t').fetchone()==(200,)\n";
    match Command::new("python3").args(["-c", script]).arg(drive.dir.join("db")).status() {
        Ok(status) => assert!(status.success()),
        Err(_) => println!("not run: python3 is not installed"),
    }
}
