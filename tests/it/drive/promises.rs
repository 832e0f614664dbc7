//! What programs rely on, one promise after another, through the kernel; the others are in
//! `working`, and what the generic suite checks (`.ci/pjdfstest`) is not repeated.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{
    Advice, FallocateFlags, SeekFrom, XattrFlags, fadvise, fallocate, seek, setxattr,
};
use rustix::io::Errno;

use super::exercise::setting;
use super::kit::can_mount;
use super::working::{Drive, noise};
use crate::net::rig::Rig;

/// Entries of one directory; `GBAK_ENTRIES` says how many in a longer run.
const ENTRIES: u64 = 5_000;

#[test]
fn what_programs_rely_on_holds_promise_by_promise() {
    if !can_mount() {
        return;
    }
    let rig = Rig::new(3);
    let agent = &rig.agents[0];
    agent.expect(&["drive", "create", "work", "--size", "64MiB", "--json"]).unwrap();
    let drive = Drive::mount(agent, rig.path("mnt"));
    let at = |name: &str| drive.dir.join(name);
    names_have_255_bytes(&drive.dir);
    holes_are_found_made_and_give_room_back(&at("holes"));
    lists_decide_and_are_inherited(&drive.dir);
    times_are_kept_and_follow_what_is_done(&at("times"));
    attributes_are_set_as_asked(&at("attributes"));
    locks_are_between_programs(&at("locks"));
    the_limit_is_a_quota(&at("much"));
    entries_are_all_there(&at("entries"), setting("GBAK_ENTRIES").unwrap_or(ENTRIES));
    agent.expect(&["drive", "unmount", "work", "--json"]).unwrap();
}

fn errno(error: &std::io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw_os_error)
}

fn names_have_255_bytes(dir: &Path) {
    let longest = "ü".repeat(127) + "n";
    fs::write(dir.join(&longest), "there").unwrap();
    assert_eq!(fs::read(dir.join(&longest)).unwrap(), b"there");
    let more = File::create(dir.join(longest.clone() + "n")).unwrap_err();
    assert_eq!(errno(&more), Some(Errno::NAMETOOLONG));
    fs::remove_file(dir.join(longest)).unwrap();
}

fn holes_are_found_made_and_give_room_back(path: &Path) {
    const MIB: u64 = 1 << 20;
    let file = File::options().read(true).write(true).create_new(true).open(path).unwrap();
    let bytes = noise("holes", 4 << 20);
    file.write_all_at(&bytes, MIB).unwrap();
    file.set_len(8 * MIB).unwrap();
    let (data, hole) = (|at| seek(&file, SeekFrom::Data(at)), |at| seek(&file, SeekFrom::Hole(at)));
    assert_eq!(
        (data(0), hole(0), hole(MIB), hole(6 * MIB)),
        (Ok(MIB), Ok(0), Ok(5 * MIB), Ok(6 * MIB))
    );
    assert_eq!((data(5 * MIB), data(8 * MIB)), (Err(Errno::NXIO), Err(Errno::NXIO)));
    let blocks = || file.metadata().unwrap().blocks() * 512;
    assert_eq!(blocks(), 4 * MIB);
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    fallocate(&file, punch, 2 * MIB, MIB).unwrap();
    assert_eq!((hole(MIB), data(2 * MIB), blocks()), (Ok(2 * MIB), Ok(3 * MIB), 3 * MIB));
    let mut read = vec![9; 3 << 20];
    file.read_exact_at(&mut read, MIB).unwrap();
    assert!(read[..1 << 20] == bytes[..1 << 20] && read[2 << 20..] == bytes[2 << 20..3 << 20]);
    assert!(read[1 << 20..2 << 20].iter().all(|byte| *byte == 0));
    fallocate(&file, FallocateFlags::ZERO_RANGE, 7 * MIB, 2 * MIB).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 9 * MIB);
    fallocate(&file, FallocateFlags::KEEP_SIZE, 9 * MIB, MIB).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 9 * MIB);
    let insert = fallocate(&file, FallocateFlags::INSERT_RANGE, 0, MIB);
    assert_eq!(insert, Err(Errno::OPNOTSUPP));
    fs::remove_file(path).unwrap();
}

/// A list as the kernel has it: owner, another user, group, mask, others.
fn list([owner, user, group, mask, other]: [u16; 5]) -> Vec<u8> {
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, perm, id) in [
        (0x01_u16, owner, u32::MAX),
        (0x02, user, 65_534_u32),
        (0x04, group, u32::MAX),
        (0x10, mask, u32::MAX),
        (0x20, other, u32::MAX),
    ] {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(perm.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

fn lists_decide_and_are_inherited(dir: &Path) {
    let (file, below) = (dir.join("listed"), dir.join("inherits"));
    fs::write(&file, "x").unwrap();
    let set = |path: &Path, kind: &str, list: &[u8]| {
        xattr::set(path, format!("system.posix_acl_{kind}"), list).unwrap();
    };
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    set(&file, "access", &list([7, 6, 4, 6, 0]));
    // The group's bits are the mask.
    assert_eq!(mode(&file), 0o760);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o740)).unwrap();
    let kept = xattr::get(&file, "system.posix_acl_access").unwrap().unwrap();
    assert_eq!(kept, list([7, 6, 4, 4, 0]));
    fs::create_dir(&below).unwrap();
    set(&below, "default", &list([7, 7, 5, 7, 1]));
    fs::write(below.join("new"), "x").unwrap();
    let new = xattr::get(below.join("new"), "system.posix_acl_access").unwrap().unwrap();
    // Never more than its maker asked for: no program.
    assert_eq!((new, mode(&below.join("new"))), (list([6, 7, 5, 6, 0]), 0o660));
    fs::create_dir(below.join("dir")).unwrap();
    let again = xattr::get(below.join("dir"), "system.posix_acl_default").unwrap().unwrap();
    assert_eq!(again, list([7, 7, 5, 7, 1]));
    let broken = xattr::set(&file, "system.posix_acl_access", &[1, 2, 3]).unwrap_err();
    assert_eq!(errno(&broken), Some(Errno::INVAL));
}

fn times_are_kept_and_follow_what_is_done(path: &Path) {
    let file = File::options().read(true).write(true).create_new(true).open(path).unwrap();
    file.write_all_at(b"bytes", 0).unwrap();
    let at = |secs: u64, nanos: u32| UNIX_EPOCH + Duration::new(secs, nanos);
    let set = |read: SystemTime, written: SystemTime| {
        file.set_times(FileTimes::new().set_accessed(read).set_modified(written)).unwrap();
        // Reads reach the drive.
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
    };
    let read = || {
        file.read_exact_at(&mut [0; 5], 0).unwrap();
        file.metadata().unwrap().accessed().unwrap()
    };
    set(at(1_000, 1), at(2_000, 999_999_999));
    let meta = file.metadata().unwrap();
    assert_eq!((meta.atime(), meta.atime_nsec()), (1_000, 1));
    assert_eq!((meta.mtime(), meta.mtime_nsec()), (2_000, 999_999_999));
    // Read for the first time since it was written: that counts.
    assert!(read() > at(2_000, 0));
    // Read since then: it does not.
    let year_2100 = at(4_102_444_800, 0);
    set(year_2100, at(2_000, 0));
    assert_eq!(read(), year_2100);
    let before = (meta.ctime(), meta.ctime_nsec());
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    let meta = file.metadata().unwrap();
    assert!((meta.ctime(), meta.ctime_nsec()) > before);
    assert_eq!(meta.mtime(), 2_000);
}

fn attributes_are_set_as_asked(path: &Path) {
    fs::write(path, "x").unwrap();
    let set = |name: &str, value: &[u8], how| setxattr(path, name, value, how);
    assert_eq!(set("user.a", b"1", XattrFlags::REPLACE), Err(Errno::NODATA));
    assert_eq!(set("user.a", b"1", XattrFlags::CREATE), Ok(()));
    assert_eq!(set("user.a", b"2", XattrFlags::CREATE), Err(Errno::EXIST));
    assert_eq!(set("user.a", b"", XattrFlags::REPLACE), Ok(()));
    assert_eq!(set("user.big", &noise("attribute", 60_000), XattrFlags::empty()), Ok(()));
    assert_eq!(xattr::get(path, "user.big").unwrap().unwrap(), noise("attribute", 60_000));
    assert_eq!(set("user.gbak.state", b"grid", XattrFlags::empty()), Err(Errno::PERM));
    let mut names: Vec<_> = xattr::list(path).unwrap().collect();
    names.sort();
    assert_eq!(names, ["user.a", "user.big"]);
    xattr::remove(path, "user.a").unwrap();
    assert_eq!(errno(&xattr::remove(path, "user.a").unwrap_err()), Some(Errno::NODATA));
    assert_eq!(xattr::get(path, "user.a").unwrap(), None);
}

/// Two programs, of which one has the first half of a file.
fn locks_are_between_programs(path: &Path) {
    fs::write(path, [0; 100]).unwrap();
    let script = "import fcntl,sys\nf=open(sys.argv[1],'r+b')\nfcntl.lockf(f,fcntl.LOCK_EX,50,0)\n\
                  fcntl.flock(f,fcntl.LOCK_EX)\nprint('locked',flush=True)\nsys.stdin.read()\n";
    let mut command = Command::new("python3");
    command.args(["-c", script]).arg(path).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut holder) = command.spawn() else {
        println!("not run: python3 is not installed");
        return;
    };
    let mut said = [0; 7];
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut said).unwrap();
    let probe = "import fcntl,sys\nf=open(sys.argv[1],'r+b')\nn=fcntl.LOCK_NB\n\
                 def free(how):\n try: how(); return 1\n except BlockingIOError: return 0\n\
                 print(free(lambda: fcntl.lockf(f,fcntl.LOCK_EX|n,10,40)),\
                 free(lambda: fcntl.lockf(f,fcntl.LOCK_EX|n,50,50)),\
                 free(lambda: fcntl.flock(f,fcntl.LOCK_EX|n)))\n";
    let free = || {
        let said = Command::new("python3").args(["-c", probe]).arg(path).output().unwrap();
        String::from_utf8(said.stdout).unwrap()
    };
    assert_eq!(free(), "0 1 0\n");
    // They end with their holder, however that ends.
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(free(), "1 1 1\n");
}

/// `--size` is the user's own limit, and called so; what was there stays.
fn the_limit_is_a_quota(path: &Path) {
    let file = File::create_new(path).unwrap();
    let bytes = noise("quota", 1 << 20);
    let mut at = 0;
    let refused = loop {
        match file.write_at(&bytes, at) {
            Ok(written) => at += written as u64,
            Err(error) => break error,
        }
        assert!(at < 128 << 20, "there is no limit");
    };
    assert_eq!(errno(&refused), Some(Errno::DQUOT));
    assert!(at > 48 << 20, "{at}");
    file.sync_all().unwrap();
    fs::remove_file(path).unwrap();
    drop(file);
}

fn entries_are_all_there(dir: &Path, count: u64) {
    fs::create_dir(dir).unwrap();
    let name = |no: u64| -> PathBuf { dir.join(format!("entry{no}")) };
    for no in 0..count {
        File::create_new(name(no)).unwrap();
    }
    let mut seen: Vec<_> = fs::read_dir(dir).unwrap().map(|one| one.unwrap().path()).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len() as u64, count);
    assert!(fs::metadata(name(count / 2)).is_ok() && !name(count).exists());
}
