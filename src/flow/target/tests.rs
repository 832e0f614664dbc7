//! The target's promises: what was scanned comes back with every attribute, and nothing else
//! happens.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType as Type, Timespec, Timestamps, XattrFlags};
use tempfile::TempDir;

use super::*;
use crate::flow::scan::{Event, FileReader, Scan, ScanOptions, SegmentKind};
use crate::vault::tree::{Kind, Node, Xattr};

mod attacks;
mod leftovers;
mod order;

type Rel = Vec<Vec<u8>>;

/// `a/b` as its names.
fn rel(path: &str) -> Rel {
    path.split('/').filter(|name| !name.is_empty()).map(|name| name.as_bytes().to_vec()).collect()
}

fn names_in(dir: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.unwrap().file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(name).collect();
    names.sort();
    names
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Metadata that this process may set as it is.
fn meta(mode: u32) -> Meta {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let mtime = Stamp { secs: 1_000_000_000, nanos: 5 };
    Meta { mode, uid, gid, mtime, ..Meta::default() }
}

fn put(target: &Target, path: &str, content: &[u8]) -> Result<Vec<Problem>, TargetError> {
    put_over(target, path, content, false)
}

fn put_over(
    target: &Target,
    path: &str,
    content: &[u8],
    overwrite: bool,
) -> Result<Vec<Problem>, TargetError> {
    let writer = target.begin_file(&rel(path), content.len() as u64)?;
    writer.write_at(0, content)?;
    writer.finish(&meta(0o640), overwrite)
}

/// Runs this test once more as nobody when it is run as root. Whether the caller is to go on.
fn as_nobody(test: &str) -> bool {
    if !is_root() {
        return true;
    }
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    match again.args(["--exact", test, "--nocapture"]).uid(65534).gid(65534).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && text.contains("1 passed"), "{text}");
        }
        Err(error) => println!("skipped: this is about not being root, and nobody cannot: {error}"),
    }
    false
}

/// Everything below `source`, with its path relative to it. Inode and change time are not restored.
fn scanned(source: &Path) -> Vec<(Vec<u8>, PathBuf, Node)> {
    let mut all = Vec::new();
    let scan = Scan::new(&[source.to_owned()], ScanOptions::default()).unwrap();
    for event in scan {
        let (path, node) = match event {
            Event::EnterDir { name, meta, path } => {
                (path, Node { name, kind: Kind::Dir { tree: Vec::new() }, meta })
            }
            Event::Leaf(found) => (found.path, found.node),
            Event::LeaveDir => continue,
            Event::Problem(problem) => panic!("{} {}", problem.item_lossy(), problem.message),
        };
        if let Ok(below) = path.strip_prefix(source)
            && !below.as_os_str().is_empty()
        {
            all.push((below.as_os_str().as_bytes().to_vec(), path, node));
        }
    }
    all
}

fn comparable(mut node: Node) -> Node {
    (node.meta.inode, node.meta.device, node.meta.ctime) = (0, 0, Stamp::default());
    if matches!(node.kind, Kind::Dir { .. }) {
        node.meta.links = 0;
    }
    node
}

/// Restores everything below `source` into `target`, as a restore does it.
fn restore(source: &Path, target: &Target) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut dirs = Vec::new();
    let mut linked: Vec<((u64, u64), Rel)> = Vec::new();
    for (below, path, node) in scanned(source) {
        let rel: Vec<Vec<u8>> = below.split(|byte| *byte == b'/').map(<[u8]>::to_vec).collect();
        let id = (node.meta.device, node.meta.inode);
        if let Kind::Dir { .. } = node.kind {
            assert_eq!(target.make_dir(&rel, false).unwrap(), Made::New);
            dirs.push((rel, node.meta));
        } else if let Some((_, first)) = linked.iter().find(|(other, _)| *other == id) {
            target.hard_link(first, &rel, false).unwrap();
        } else {
            if node.meta.links > 1 {
                linked.push((id, rel.clone()));
            }
            problems.extend(match Special::of(&node.kind) {
                Some(what) => target.make_special(&rel, what, &node.meta, false).unwrap(),
                None => copy(&path, &rel, &node, target),
            });
        }
    }
    for (rel, meta) in dirs.iter().rev() {
        problems.extend(target.set_dir_meta(rel, meta).unwrap());
    }
    problems
}

fn copy(from: &Path, rel: &[Vec<u8>], node: &Node, target: &Target) -> Vec<Problem> {
    let Kind::File { size, .. } = node.kind else { panic!("{node:?}") };
    let mut reader = FileReader::open(from).unwrap();
    let writer = target.begin_file(rel, size).unwrap();
    let (mut buffer, mut at) = (Vec::new(), 0);
    while let Some(segment) = reader.next(&mut buffer, 1 << 20).unwrap() {
        at += match segment {
            SegmentKind::Data(len) => {
                writer.write_at(at, &buffer).unwrap();
                buffer.clear();
                len as u64
            }
            SegmentKind::Kept(_) => unreachable!("a file on disk has no such piece"),
            SegmentKind::Hole(len) => len,
        };
    }
    writer.finish(&node.meta, false).unwrap()
}

/// Sets an attribute if the file system and our rights allow it; says so if not.
fn try_xattr(path: &Path, name: &str, value: &[u8]) {
    if let Err(error) = rustix::fs::lsetxattr(path, name, value, XattrFlags::empty()) {
        println!("not part of the comparison: {name}: {error}");
    }
}

/// An access list: the owner, user 1234, the group, the mask, others.
fn acl(mode: u8) -> Vec<u8> {
    let mut acl = vec![2, 0, 0, 0];
    let none = u32::MAX;
    for (tag, perm, id) in
        [(1_u16, mode, none), (2, 5, 1234), (4, 5, none), (0x10, 5, none), (0x20, 0, none)]
    {
        acl.extend_from_slice(&tag.to_le_bytes());
        acl.extend_from_slice(&u16::from(perm).to_le_bytes());
        acl.extend_from_slice(&id.to_le_bytes());
    }
    acl
}

/// A source with one of everything this process may make.
fn one_of_everything(base: &Path) {
    let at = |name: &str| base.join(name);
    let weird = std::ffi::OsStr::from_bytes(b"caf\xe9 \xff\n");
    fs::create_dir_all(at("dir/inner/empty")).unwrap();
    fs::write(at("dir/file"), "content").unwrap();
    fs::write(at("empty"), "").unwrap();
    fs::write(base.join(weird), "not UTF-8").unwrap();
    fs::write(at("-rf"), "a name like an option").unwrap();
    fs::write(at("large"), vec![7; 3_000_000]).unwrap();
    fs::write(at("setuid"), "#!").unwrap();
    let sparse = fs::File::create(at("sparse")).unwrap();
    sparse.set_len(1 << 26).unwrap();
    sparse.write_all_at(b"in the middle", 1 << 25).unwrap();
    fs::File::create(at("small hole")).unwrap().set_len(100_000).unwrap();
    fs::hard_link(at("dir/file"), at("dir/second")).unwrap();
    fs::hard_link(at("dir/file"), at("a third")).unwrap();
    symlink("dir/file", at("link")).unwrap();
    symlink("/no/where/../at all", at("dir/dangling")).unwrap();
    rustix::fs::mkfifoat(CWD, at("pipe"), Mode::RWXU).unwrap();
    drop(std::os::unix::net::UnixListener::bind(at("socket")).unwrap());
    for (name, kind, major) in [("char", Type::CharacterDevice, 1), ("block", Type::BlockDevice, 7)]
    {
        let number = rustix::fs::makedev(major, 3);
        if let Err(error) = rustix::fs::mknodat(CWD, at(name), kind, Mode::RUSR, number) {
            println!("not part of the comparison: {name}: {error}");
        }
    }
    if is_root() {
        for (name, uid, gid) in [("dir/inner", 1234, 0), ("large", 0, 4321), ("setuid", 77, 78)] {
            std::os::unix::fs::chown(at(name), Some(uid), Some(gid)).unwrap();
        }
        std::os::unix::fs::lchown(at("link"), Some(1234), Some(4321)).unwrap();
        std::os::unix::fs::chown(at("pipe"), Some(1234), None).unwrap();
        try_xattr(&at("link"), "trusted.of-a-link", b"x");
        try_xattr(&at("pipe"), "trusted.of-a-pipe", b"y");
        // A file capability: cap_net_raw, permitted and effective.
        let capability = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        try_xattr(&at("large"), "security.capability", &capability);
    }
    try_xattr(&at("dir/file"), "user.empty", b"");
    try_xattr(&at("dir/file"), "user.bytes", b"\0\xff");
    try_xattr(&at("dir/inner"), "user.dir", &[7; 1000]);
    let modes = [("setuid", 0o6755), ("dir/inner", 0o2750), ("dir", 0o1555), ("pipe", 0o602)];
    for (name, mode) in modes.into_iter().chain([("dir/inner/empty", 0o500)]) {
        fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    try_xattr(&at("dir/file"), "system.posix_acl_access", &acl(6));
    try_xattr(&at("dir/inner"), "system.posix_acl_default", &acl(7));
    for (number, (_, path, _)) in scanned(base).into_iter().enumerate().collect::<Vec<_>>() {
        let time = Timespec { tv_sec: -5 + number as i64, tv_nsec: 123_456_789 };
        let times = Timestamps { last_access: time, last_modification: time };
        rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    }
}

fn round_trip(prepare: impl FnOnce(&mut Target)) {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (from, to) = (from.path().canonicalize().unwrap(), to.path().canonicalize().unwrap());
    let (source, place) = (from.join("source"), to.join("new/target"));
    fs::create_dir(&source).unwrap();
    one_of_everything(&source);
    let mut target = Target::open(&place, true).unwrap();
    assert!(target.is_empty().unwrap());
    prepare(&mut target);
    assert_eq!(restore(&source, &target), []);
    assert!(!target.is_empty().unwrap());
    let (wanted, got) = (scanned(&source), scanned(&place));
    for ((name, old, was), (_, new, is)) in wanted.iter().zip(&got) {
        let name = String::from_utf8_lossy(name);
        assert_eq!(comparable(is.clone()), comparable(was.clone()), "{name}");
        if matches!(was.kind, Kind::File { .. }) {
            assert_eq!(fs::read(new).unwrap(), fs::read(old).unwrap(), "{name}");
        }
    }
    assert_eq!(got.len(), wanted.len());
    let blocks = |name: &str| fs::metadata(place.join(name)).unwrap().blocks() * 512;
    assert!(blocks("sparse") <= 1 << 17, "{} bytes on disk", blocks("sparse"));
    assert_eq!(blocks("small hole"), 0);
    let inode = |name: &str| fs::metadata(place.join(name)).unwrap().ino();
    assert_eq!(inode("dir/file"), inode("dir/second"));
    assert_eq!(inode("dir/file"), inode("a third"));
    // Whoever removes the directories may not be root.
    for dir in [&source, &place] {
        let open = fs::Permissions::from_mode(0o700);
        fs::set_permissions(dir.join("dir"), open.clone()).unwrap();
        fs::set_permissions(dir.join("dir/inner/empty"), open).unwrap();
    }
}

#[test]
fn what_was_scanned_comes_back_with_every_attribute() {
    round_trip(|_| {});
}

#[test]
fn it_comes_back_the_same_without_openat2() {
    round_trip(|target| target.dirs.beneath = false);
}

#[test]
fn it_comes_back_the_same_for_whoever_is_not_root() {
    let me = "flow::target::tests::it_comes_back_the_same_for_whoever_is_not_root";
    if as_nobody(me) {
        round_trip(|_| {});
    }
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let target = Target::open(dir.path(), false).unwrap();
    let writer = target.begin_file(&rel("file"), 10).unwrap();
    writer.write_at(5, b"later").unwrap();
    assert!(!dir.path().join("file").exists());
    writer.write_at(0, b"first").unwrap();
    assert_eq!(writer.finish(&meta(0o640), false).unwrap(), []);
    assert_eq!(fs::read(dir.path().join("file")).unwrap(), b"firstlater");
    assert_eq!(fs::metadata(dir.path().join("file")).unwrap().mode() & 0o7777, 0o640);
    drop(target.begin_file(&rel("abandoned"), 10).unwrap());
    assert_eq!(names_in(dir.path()), ["file"]);
}

#[test]
fn parts_of_a_file_may_be_written_by_several_threads() {
    let dir = tempfile::tempdir().unwrap();
    let target = Target::open(dir.path(), false).unwrap();
    let (part, parts) = (10_000_usize, 20_usize);
    let writer = target.begin_file(&rel("file"), (part * parts) as u64).unwrap();
    std::thread::scope(|threads| {
        for number in 0..parts {
            let writer = &writer;
            let bytes = vec![number as u8; part];
            threads.spawn(move || writer.write_at((number * part) as u64, &bytes).unwrap());
        }
    });
    writer.finish(&meta(0o600), false).unwrap();
    let whole = fs::read(dir.path().join("file")).unwrap();
    assert!(whole.chunks(part).enumerate().all(|(n, part)| part.iter().all(|b| *b == n as u8)));
}

#[test]
fn nothing_is_replaced_unless_that_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let target = Target::open(dir.path(), false).unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("file"), "old").unwrap();
    symlink("file", at("link")).unwrap();
    fs::create_dir(at("dir")).unwrap();
    let exists = |result: Result<Vec<Problem>, TargetError>| {
        assert!(matches!(result, Err(TargetError::Exists { .. })), "{result:?}");
    };
    for name in ["file", "link", "dir"] {
        exists(put(&target, name, b"new"));
        exists(target.make_special(&rel(name), Special::Fifo, &meta(0o600), false));
        exists(target.hard_link(&rel("file"), &rel(name), false).map(|()| Vec::new()));
    }
    exists(target.make_dir(&rel("file"), false).map(|_| Vec::new()));
    assert_eq!(fs::read_to_string(at("file")).unwrap(), "old");
    assert_eq!(names_in(dir.path()), ["dir", "file", "link"]);
}

#[test]
fn what_is_replaced_is_the_name_never_what_a_link_leads_to() {
    let dir = tempfile::tempdir().unwrap();
    let target = Target::open(dir.path(), false).unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("victim"), "untouched").unwrap();
    for name in ["a", "b", "c"] {
        symlink("victim", at(name)).unwrap();
    }
    symlink(".", at("d")).unwrap();
    put_over(&target, "a", b"new", true).unwrap();
    target.make_special(&rel("b"), Special::Symlink(b"else"), &meta(0o777), true).unwrap();
    target.hard_link(&rel("a"), &rel("c"), true).unwrap();
    assert_eq!(target.make_dir(&rel("d"), true).unwrap(), Made::New);
    assert_eq!(fs::read_to_string(at("victim")).unwrap(), "untouched");
    assert_eq!(fs::read_to_string(at("a")).unwrap(), "new");
    assert_eq!(fs::read_link(at("b")).unwrap(), Path::new("else"));
    assert_eq!(fs::metadata(at("c")).unwrap().ino(), fs::metadata(at("a")).unwrap().ino());
    assert!(fs::symlink_metadata(at("d")).unwrap().is_dir());
    assert_eq!(names_in(dir.path()), ["a", "b", "c", "d", "victim"]);
}

#[test]
fn a_directory_is_never_replaced_by_something_else() {
    let dir = tempfile::tempdir().unwrap();
    let target = Target::open(dir.path(), false).unwrap();
    target.make_dir(&rel("dir"), false).unwrap();
    put(&target, "file", b"x").unwrap();
    let refused = |result: Result<Vec<Problem>, TargetError>| {
        assert!(matches!(result, Err(TargetError::IsADirectory { .. })), "{result:?}");
    };
    refused(put_over(&target, "dir", b"x", true));
    refused(target.make_special(&rel("dir"), Special::Symlink(b"x"), &meta(0o777), true));
    refused(target.hard_link(&rel("file"), &rel("dir"), true).map(|()| Vec::new()));
    assert_eq!(target.make_dir(&rel("dir"), true).unwrap(), Made::Existing);
    assert_eq!(names_in(dir.path()), ["dir", "file"]);
}

#[test]
fn what_exists_is_told_without_following_links() {
    let dir = tempfile::tempdir().unwrap();
    let target = Target::open(dir.path(), false).unwrap();
    target.make_dir(&rel("dir"), false).unwrap();
    put(&target, "dir/file", b"12345").unwrap();
    target.make_special(&rel("link"), Special::Symlink(b"dir"), &meta(0o777), false).unwrap();
    target.make_special(&rel("pipe"), Special::Fifo, &meta(0o600), false).unwrap();
    let kind = |path: &str| target.existing(&rel(path)).unwrap().map(|found| found.kind);
    let file = target.existing(&rel("dir/file")).unwrap().unwrap();
    let mtime = meta(0).mtime;
    assert_eq!(file, Existing { kind: ExistingKind::File, size: 5, mtime });
    assert_eq!(kind("dir"), Some(ExistingKind::Dir));
    assert_eq!(kind("link"), Some(ExistingKind::Symlink));
    assert_eq!(kind("pipe"), Some(ExistingKind::Other));
    assert_eq!(kind("gone"), None);
    assert!(matches!(target.existing(&rel("link/file")), Err(TargetError::NoParent { .. })));
    let mut content = String::new();
    let mut file = target.read_back(&rel("dir/file")).unwrap();
    std::io::Read::read_to_string(&mut file, &mut content).unwrap();
    assert_eq!(content, "12345");
    for other in ["dir", "link", "pipe", "gone"] {
        assert!(target.read_back(&rel(other)).is_err(), "{other}");
    }
}

#[test]
fn a_target_that_cannot_be_used_says_why() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let open = |name: &str, create| Target::open(&dir.path().join(name), create).map(drop);
    assert!(matches!(open("gone", false), Err(TargetError::NotFound { .. })));
    assert!(matches!(open("file", false), Err(TargetError::NotADirectory { .. })));
    assert!(open("file", true).is_err());
    assert!(open("made/on/the/way", true).is_ok());
}

#[test]
fn what_must_not_be_set_by_others_stays_unset_without_a_word() {
    let me = "flow::target::tests::what_must_not_be_set_by_others_stays_unset_without_a_word";
    if !as_nobody(me) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let target = Target::open(dir.path(), false).unwrap();
    let mut root = Meta { uid: 0, gid: 0, ..meta(0o6755) };
    for name in ["security.capability", "trusted.x"] {
        root.xattrs.push(Xattr { name: name.into(), value: vec![1] });
    }
    let writer = target.begin_file(&rel("file"), 0).unwrap();
    assert_eq!(writer.finish(&root, false).unwrap(), []);
    let file = fs::metadata(dir.path().join("file")).unwrap();
    // With the bit, everybody would run it as whoever restored it.
    assert_eq!(file.mode() & 0o7777, 0o755);
    assert_eq!(file.uid(), rustix::process::geteuid().as_raw());
    let device = target.make_special(&rel("null"), Special::CharDevice(0x103), &root, false);
    assert!(matches!(device, Err(TargetError::NeedsRoot { .. })));
}

#[test]
fn a_directory_an_earlier_restore_closed_is_opened_again() {
    let me = "flow::target::tests::a_directory_an_earlier_restore_closed_is_opened_again";
    if !as_nobody(me) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for mode in [0o555, 0o000] {
        let target = Target::open(dir.path(), false).unwrap();
        target.make_dir(&rel("dir"), false).unwrap();
        put_over(&target, "dir/file", b"x", true).unwrap();
        target.set_dir_meta(&rel("dir"), &meta(mode)).unwrap();
        let mode_is = fs::metadata(dir.path().join("dir")).unwrap().mode() & 0o7777;
        assert_eq!(mode_is, mode);
    }
    let open = fs::Permissions::from_mode(0o700);
    fs::set_permissions(dir.path().join("dir"), open).unwrap();
}

#[test]
fn an_access_list_of_the_target_is_not_inherited() {
    let dir = tempfile::tempdir().unwrap();
    let name = "system.posix_acl_default";
    if let Err(error) = rustix::fs::setxattr(dir.path(), name, &acl(7), XattrFlags::empty()) {
        println!("skipped: no access lists here: {error}");
        return;
    }
    let target = Target::open(dir.path(), false).unwrap();
    target.make_dir(&rel("dir"), false).unwrap();
    put(&target, "dir/file", b"").unwrap();
    put(&target, "file", b"").unwrap();
    target.make_special(&rel("pipe"), Special::Fifo, &meta(0o600), false).unwrap();
    for path in ["dir", "dir/file", "file", "pipe"] {
        let len = rustix::fs::llistxattr(dir.path().join(path), &mut [0_u8; 1024]).unwrap();
        assert_eq!(len, 0, "{path}");
    }
    let mode = |path: &str| fs::metadata(dir.path().join(path)).unwrap().mode() & 0o7777;
    assert_eq!((mode("dir"), mode("file"), mode("pipe")), (0o700, 0o640, 0o600));
}

#[test]
fn a_tree_ten_thousand_deep_is_made_and_finished() {
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let open = || fs::read_dir("/proc/self/fd").unwrap().count();
    let before = open();
    let target = Target::open(dir.path(), false).unwrap();
    let mut path = Vec::new();
    for level in 0..10_000 {
        path.push(vec![b'd'; 1 + level % 5]);
        target.make_dir(&path, false).unwrap();
    }
    path.push(b"file".to_vec());
    target.begin_file(&path, 0).unwrap().finish(&meta(0o600), false).unwrap();
    // Other tests open files meanwhile, but not thousands.
    assert!(open() < before + 1000);
    // Unoptimised, every one would take seconds.
    while path.len() > 7 {
        path.truncate(path.len() - 7);
        assert_eq!(target.set_dir_meta(&path, &meta(0o700)).unwrap(), []);
    }
    remove_deep(&target);
}

fn remove_deep(target: &Target) {
    let mut dirs = vec![rustix::io::fcntl_dupfd_cloexec(&target.dirs.root().fd, 0).unwrap()];
    let mut level = 0;
    // The standard library would recurse; this holds a descriptor for each level of a piece.
    while level < 10_000 {
        let name = vec![b'd'; 1 + level % 5];
        let at = dirs.last().unwrap();
        let inner = rustix::fs::openat(at, &name, OFlags::DIRECTORY, Mode::empty()).unwrap();
        dirs = vec![inner];
        level += 1;
    }
    let mut at = dirs.pop().unwrap();
    rustix::fs::unlinkat(&at, "file", AtFlags::empty()).unwrap();
    while level > 0 {
        level -= 1;
        at = rustix::fs::openat(&at, "..", OFlags::DIRECTORY, Mode::empty()).unwrap();
        let name = vec![b'd'; 1 + level % 5];
        rustix::fs::unlinkat(&at, &name, AtFlags::REMOVEDIR).unwrap();
    }
}
