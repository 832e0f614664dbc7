//! The scan's promises, on real directories.

use std::fs;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType as Type, Mode, OFlags, Timespec, Timestamps, XattrFlags};
use tempfile::TempDir;

use super::*;
use crate::vault::tree::{Kind, Stamp, Xattr};

mod deep;
mod reading;

/// A scan, written down: paths relative to `base`, directories with a slash at the end.
#[derive(Debug, Default)]
struct Written {
    entries: Vec<String>,
    problems: Vec<(String, String)>,
    nodes: Vec<Node>,
}

impl Written {
    fn of(base: &Path, paths: &[&Path], options: ScanOptions) -> Self {
        let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
        let mut written = Self::default();
        for event in Scan::new(&paths, options).unwrap() {
            written.add(base, event);
        }
        written
    }

    fn add(&mut self, base: &Path, event: Event) {
        let within = |path: &Path| {
            path.strip_prefix(base).ok().map(|path| path.to_string_lossy().into_owned())
        };
        match event {
            Event::EnterDir { path, meta, name } => {
                if let Some(path) = within(&path).filter(|path| !path.is_empty()) {
                    self.entries.push(format!("{path}/"));
                    self.nodes.push(Node { name, kind: Kind::Dir { tree: Vec::new() }, meta });
                }
            }
            Event::LeaveDir => {}
            Event::Leaf(found) => {
                self.entries.push(within(&found.path).unwrap());
                self.nodes.push(found.node);
            }
            Event::Problem(problem) => {
                let path = PathBuf::from(problem.item_lossy());
                let path = within(&path).unwrap_or_else(|| problem.item_lossy());
                self.problems.push((path, problem.message));
            }
        }
    }

    fn node(&self, name: &str) -> &Node {
        self.nodes.iter().find(|node| node.name == name.as_bytes()).unwrap()
    }
}

fn file(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn files(base: &Path, names: &[&str]) {
    for name in names {
        file(&base.join(name), name);
    }
}

fn canonical(dir: &TempDir) -> PathBuf {
    dir.path().canonicalize().unwrap()
}

fn excluding(patterns: &[&str]) -> ScanOptions {
    let exclude = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    ScanOptions { exclude, ..ScanOptions::default() }
}

/// Runs this test once more as nobody when it is run as root. Whether the caller is to go on.
fn as_nobody(test: &str) -> bool {
    if !rustix::process::geteuid().is_root() {
        return true;
    }
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    let again = again.args(["--exact", test, "--nocapture"]).uid(65534).gid(65534).output();
    match again {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && text.contains("1 passed"), "{text}");
        }
        Err(error) => println!("skipped: root may read everything, and nobody cannot: {error}"),
    }
    false
}

#[test]
fn sources_are_one_tree_from_the_root_with_their_ancestors() {
    let dir = tempfile::tempdir().unwrap();
    let base = canonical(&dir);
    files(&base, &["one/x", "two/deep/y", "two/other"]);
    fs::set_permissions(base.join("two"), fs::Permissions::from_mode(0o751)).unwrap();
    let sources = [base.join("two/deep"), base.join("one/x")];
    let mut depth = 0;
    let mut names = Vec::new();
    for event in Scan::new(&sources, ScanOptions::default()).unwrap() {
        match event {
            Event::EnterDir { name, meta, path } => {
                names.push((depth, String::from_utf8(name).unwrap()));
                assert_eq!(meta.inode, fs::metadata(&path).unwrap().ino(), "{path:?}");
                assert_eq!(meta.mode, fs::metadata(&path).unwrap().mode() & 0o7777);
                depth += 1;
            }
            Event::LeaveDir => depth -= 1,
            Event::Leaf(found) => {
                names.push((depth, String::from_utf8(found.node.name).unwrap()));
            }
            Event::Problem(problem) => panic!("{problem:?}"),
        }
    }
    assert_eq!(depth, 0);
    let above = base.components().count();
    assert_eq!(names.first().unwrap(), &(0, String::new()));
    let told: Vec<_> = names.iter().skip(above).map(|(at, name)| (at - above, &**name)).collect();
    assert_eq!(told, [(0, "one"), (1, "x"), (0, "two"), (1, "deep"), (2, "y")]);
}

#[test]
fn a_path_below_another_one_comes_up_once() {
    let dir = tempfile::tempdir().unwrap();
    let base = canonical(&dir);
    files(&base, &["a/b/c", "a/d"]);
    let (a, b, c) = (base.join("a"), base.join("a/b"), base.join("a/b/c"));
    let merged = Written::of(&base, &[&c, &a, &b, &a], ScanOptions::default());
    assert_eq!(merged.entries, ["a/", "a/b/", "a/b/c", "a/d"]);
    assert_eq!(merged.problems, []);
}

#[test]
fn entries_come_sorted_by_the_bytes_of_their_names() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let names: [&[u8]; 7] = [b"a", b"B", b"a.b", b"a-b", b"\xff\xfe", "\u{e9}".as_bytes(), b"ab"];
    for name in names {
        let path = dir.path().join(std::ffi::OsStr::from_bytes(name));
        if name == b"a" { fs::create_dir(path).unwrap() } else { fs::write(path, "").unwrap() }
    }
    let base = canonical(&dir);
    let told = Written::of(&base, &[&base], ScanOptions::default());
    let mut sorted = names.map(<[u8]>::to_vec);
    sorted.sort();
    assert_eq!(told.nodes.into_iter().map(|node| node.name).collect::<Vec<_>>(), sorted);
}

#[test]
fn every_kind_of_entry_is_told_with_what_matters() {
    let dir = tempfile::tempdir().unwrap();
    let base = canonical(&dir);
    file(&base.join("file"), "twelve bytes");
    fs::hard_link(base.join("file"), base.join("second")).unwrap();
    symlink("no/where", base.join("link")).unwrap();
    let at = rustix::fs::open(&base, OFlags::DIRECTORY, Mode::empty()).unwrap();
    rustix::fs::mkfifoat(&at, "pipe", Mode::RUSR).unwrap();
    drop(std::os::unix::net::UnixListener::bind(base.join("socket")).unwrap());
    let null = rustix::fs::makedev(1, 3);
    let device = rustix::fs::mknodat(&at, "null", Type::CharacterDevice, Mode::RUSR, null);

    let told = Written::of(&base, &[&base], ScanOptions::default());
    assert_eq!(told.problems, []);
    let content = crate::vault::tree::Content::empty();
    assert_eq!(told.node("file").kind, Kind::File { size: 12, content });
    assert_eq!(told.node("link").kind, Kind::Symlink { target: b"no/where".to_vec() });
    assert_eq!(told.node("pipe").kind, Kind::Fifo);
    assert_eq!(told.node("socket").kind, Kind::Socket);
    let (first, second) = (&told.node("file").meta, &told.node("second").meta);
    assert_eq!((first.links, second.links), (2, 2));
    assert_eq!((first.inode, first.device), (second.inode, second.device));
    match device {
        Ok(()) => assert_eq!(told.node("null").kind, Kind::CharDevice { rdev: null }),
        Err(error) => println!("no device to look at: only root can make one: {error}"),
    }
}

#[test]
fn metadata_is_exact() {
    let dir = tempfile::tempdir().unwrap();
    let base = canonical(&dir);
    let path = base.join("file");
    let open = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let open = open.unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o4751)).unwrap();
    let xattr = rustix::fs::fsetxattr(&open, "user.note", b"\0\xff", XattrFlags::empty());
    let early = Timespec { tv_sec: -77, tv_nsec: 123_456_789 };
    let times = Timestamps { last_access: early, last_modification: early };
    rustix::fs::futimens(&open, &times).unwrap();
    let told = Written::of(&base, &[&base], ScanOptions::default());
    let meta = &told.node("file").meta;
    let real = fs::symlink_metadata(&path).unwrap();
    assert_eq!(meta.mode, 0o4751);
    assert_eq!((meta.uid, meta.gid), (real.uid(), real.gid()));
    assert_eq!(meta.user.as_deref(), Accounts::load().user(real.uid()));
    assert_eq!(meta.mtime, Stamp { secs: -77, nanos: 123_456_789 });
    assert_eq!(meta.ctime, Stamp { secs: real.ctime(), nanos: real.ctime_nsec() as u32 });
    assert_eq!((meta.inode, meta.device, meta.links), (real.ino(), real.dev(), 1));
    if let Err(error) = xattr {
        println!("this file system keeps no extended attributes: {error}");
        return;
    }
    let note = Xattr { name: b"user.note".to_vec(), value: vec![0, 0xff] };
    assert!(meta.xattrs.contains(&note));
}

#[test]
fn a_source_that_is_not_there_is_an_error_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let base = canonical(&dir);
    file(&base.join("file"), "");
    let scan = |path: &Path| Scan::new(&[path.to_owned()], ScanOptions::default()).map(drop);
    assert!(matches!(scan(&base.join("gone")), Err(ScanError::NotFound(_))));
    assert!(matches!(scan(&base.join("file/below")), Err(ScanError::NotFound(_))));
    assert!(matches!(scan(Path::new("relative")), Err(ScanError::NotAbsolute(_))));
    assert!(matches!(Scan::new(&[], ScanOptions::default()), Err(ScanError::NoPaths)));
    let bad = Scan::new(std::slice::from_ref(&base), excluding(&["b", "[z-a]"]));
    assert!(matches!(bad, Err(ScanError::BadPattern { pattern, .. }) if pattern == "[z-a]"));
}

#[test]
fn a_source_is_taken_as_it_was_typed() {
    let dir = tempfile::tempdir().unwrap();
    let base = canonical(&dir);
    files(&base, &["real/dir/file"]);
    symlink("real", base.join("alias")).unwrap();
    // Above a source a link is part of the way; a source that is a link is the link.
    let through = base.join("alias/dir");
    let told = Written::of(&base, &[&through], ScanOptions::default());
    assert_eq!(told.entries, ["alias/", "alias/dir/", "alias/dir/file"]);
    let link = base.join("alias");
    let told = Written::of(&base, &[&link], ScanOptions::default());
    assert_eq!(told.node("alias").kind, Kind::Symlink { target: b"real".to_vec() });
    // It cannot be both.
    let both = Scan::new(&[link.clone(), through.clone()], ScanOptions::default());
    let Err(ScanError::ThroughLink { path, link: on_the_way }) = both else { panic!("{both:?}") };
    assert_eq!((path, on_the_way), (through, link));
    // Dots go the way the kernel goes them.
    let dotted = base.join("./alias/dir/../dir/.");
    assert_eq!(plain_path(&dotted).unwrap(), base.join("real/dir"));
}

#[test]
fn links_are_never_followed_below_a_source() {
    let dir = tempfile::tempdir().unwrap();
    let base = canonical(&dir);
    files(&base, &["outside/secret", "source/file"]);
    symlink("../outside", base.join("source/door")).unwrap();
    symlink(".", base.join("source/loop")).unwrap();
    let told = Written::of(&base.join("source"), &[&base.join("source")], ScanOptions::default());
    assert_eq!(told.entries, ["door", "file", "loop"]);
}

#[test]
fn excluded_entries_are_left_out_as_gitignore_says() {
    let dir = tempfile::tempdir().unwrap();
    let base = canonical(&dir);
    files(&base, &["keep.txt", "x.tmp", "a/x.tmp", "a/y", "a/build/out", "b/a/build/out", "b/cc"]);
    file(&base.join("build"), "a file, not a directory");
    let absolute = base.join("b/cc");
    let absolute = absolute.to_str().unwrap();
    let told = |patterns: &[&str]| Written::of(&base, &[&base], excluding(patterns)).entries;
    let all = [
        "a/",
        "a/build/",
        "a/build/out",
        "a/x.tmp",
        "a/y",
        "b/",
        "b/a/",
        "b/a/build/",
        "b/a/build/out",
        "b/cc",
        "build",
        "keep.txt",
        "x.tmp",
    ];
    let without = |gone: &[&str]| -> Vec<String> {
        all.iter().filter(|name| !gone.contains(name)).map(ToString::to_string).collect()
    };
    assert_eq!(told(&[]), all);
    assert_eq!(told(&["*.tmp"]), without(&["a/x.tmp", "x.tmp"]));
    assert_eq!(told(&["*.tmp", "!x.tmp"]), all);
    let built = ["a/build/", "a/build/out", "b/a/build/", "b/a/build/out"];
    assert_eq!(told(&["build/"]), without(&built));
    assert_eq!(told(&["a/build"]), without(&built), "at any depth");
    assert_eq!(told(&[absolute]), without(&["b/cc"]));
    assert_eq!(told(&["# comment", "", "/cc"]), all, "anchored at the root");
}

#[test]
fn what_was_named_is_backed_up_whatever_the_patterns_say() {
    let dir = tempfile::tempdir().unwrap();
    let base = canonical(&dir);
    files(&base, &["a/out/in/x", "a/out/y", "a/z"]);
    let (a, inner) = (base.join("a"), base.join("a/out/in"));
    let told = Written::of(&base, &[&a, &inner], excluding(&["out", "in"]));
    assert_eq!(told.entries, ["a/", "a/out/", "a/out/in/", "a/out/in/x", "a/z"]);
}

#[test]
fn caches_and_marked_directories_keep_only_their_mark() {
    let dir = tempfile::tempdir().unwrap();
    let base = canonical(&dir);
    files(&base, &["cache/x", "fake/CACHEDIR.TAG", "fake/x", "marked/.nobackup", "marked/x/y"]);
    let tag = "Signature: 8a477f597d28d172789f06886806bc55\n# more";
    file(&base.join("cache/CACHEDIR.TAG"), tag);
    let options = ScanOptions {
        exclude_caches: true,
        exclude_if_present: vec![".nobackup".to_owned()],
        ..ScanOptions::default()
    };
    let told = Written::of(&base, &[&base], options);
    let left = [
        "cache/",
        "cache/CACHEDIR.TAG",
        "fake/",
        "fake/CACHEDIR.TAG",
        "fake/x",
        "marked/",
        "marked/.nobackup",
    ];
    assert_eq!(told.entries, left);
    assert_eq!(Written::of(&base, &[&base], ScanOptions::default()).entries.len(), 10);
}

#[test]
fn large_files_are_left_out_unless_named() {
    let dir = tempfile::tempdir().unwrap();
    let base = canonical(&dir);
    file(&base.join("five"), "12345");
    file(&base.join("six"), "123456");
    let options = ScanOptions { exclude_larger_than: Some(5), ..ScanOptions::default() };
    assert_eq!(Written::of(&base, &[&base], options.clone()).entries, ["five"]);
    assert_eq!(Written::of(&base, &[&base.join("six")], options).entries, ["six"]);
}

#[test]
fn one_file_system_keeps_a_mount_point_as_an_empty_directory() {
    let dev = Path::new("/dev");
    let is_mount = |name: &&str| {
        fs::metadata(dev.join(name)).is_ok_and(|at| at.dev() != fs::metadata(dev).unwrap().dev())
    };
    let Some(mount) = ["pts", "shm", "mqueue"].into_iter().find(is_mount) else {
        println!("skipped: nothing is mounted below /dev");
        return;
    };
    let options = ScanOptions { one_file_system: true, ..ScanOptions::default() };
    let entries = Written::of(dev, &[dev], options.clone()).entries;
    assert!(entries.contains(&format!("{mount}/")));
    assert!(
        !entries
            .iter()
            .any(|entry| entry.starts_with(&format!("{mount}/")) && entry.len() > mount.len() + 1)
    );
    // Named, it is a source of its own.
    let device = fs::metadata(dev.join(mount)).unwrap().dev();
    let mut scan = Scan::new(&[dev.to_owned(), dev.join(mount)], options).unwrap();
    while let Some(event) = scan.next() {
        let entered = matches!(&event, Event::EnterDir { path, .. } if *path == dev.join(mount));
        if entered {
            let level = scan.levels.last().unwrap();
            assert!(level.whole && level.device == device);
            return;
        }
    }
    panic!("{mount} was not entered");
}

#[test]
fn the_own_home_is_left_out_however_it_is_reached() {
    let dir = tempfile::tempdir().unwrap();
    let base = canonical(&dir);
    files(&base, &["user/file", "user/.gbak/secret", "user/.gbak/deep/key"]);
    symlink("user", base.join("alias")).unwrap();
    let skip = vec![base.join("user/.gbak")];
    let options = ScanOptions { skip, ..ScanOptions::default() };
    let told = Written::of(&base, &[&base], options.clone());
    assert_eq!(told.entries, ["alias", "user/", "user/file"]);
    assert_eq!(told.problems, []);
    let aliased = base.join("alias/file");
    let told = Written::of(&base, &[&aliased, &base.join("alias/.gbak/deep")], options);
    assert_eq!(told.entries, ["alias/", "alias/file"]);
    let (path, message) = told.problems.first().unwrap();
    assert_eq!((path.as_str(), told.problems.len()), ("alias/.gbak", 1));
    assert_eq!(message, "Left out: gbak does not back up its own state");
}

#[test]
fn what_vanishes_during_the_scan_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let base = canonical(&dir);
    files(&base, &["a", "b", "c/x", "d"]);
    let mut scan = Scan::new(std::slice::from_ref(&base), ScanOptions::default()).unwrap();
    let mut told = Written::default();
    while told.entries.is_empty() {
        told.add(&base, scan.next().unwrap());
    }
    fs::remove_file(base.join("b")).unwrap();
    fs::remove_dir_all(base.join("c")).unwrap();
    scan.for_each(|event| told.add(&base, event));
    assert_eq!(told.entries, ["a", "d"]);
    let vanished =
        |name: &str| (name.to_owned(), "It vanished while the source was scanned".to_owned());
    assert_eq!(told.problems, [vanished("b"), vanished("c")]);
}

#[test]
fn a_named_path_that_vanishes_is_told_too() {
    let dir = tempfile::tempdir().unwrap();
    let base = canonical(&dir);
    files(&base, &["a/x", "a/y/z"]);
    let sources = [base.join("a"), base.join("a/y")];
    let scan = Scan::new(&sources, ScanOptions::default()).unwrap();
    fs::remove_dir_all(base.join("a/y")).unwrap();
    let mut told = Written::default();
    scan.for_each(|event| told.add(&base, event));
    assert_eq!(told.entries, ["a/", "a/x"]);
    assert_eq!(told.problems.first().unwrap().0, "a/y");
}

#[test]
fn what_may_not_be_read_is_told_and_the_rest_goes_on() {
    let me = "flow::scan::tests::what_may_not_be_read_is_told_and_the_rest_goes_on";
    if !as_nobody(me) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let base = canonical(&dir);
    files(&base, &["closed/x", "blind/y", "file", "pass/named/z", "pass/other"]);
    let close = |name: &str, mode| {
        fs::set_permissions(base.join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    close("closed", 0o000);
    close("blind", 0o400);
    close("file", 0o000);
    close("pass", 0o100);
    let mut scan =
        Scan::new(&[base.clone(), base.join("pass/named")], ScanOptions::default()).unwrap();
    let mut told = Written::default();
    let mut unread = None;
    while let Some(event) = scan.next() {
        if let Event::Leaf(found) = &event
            && found.node.name == b"file"
        {
            unread = scan.open(&found.path).err();
        }
        told.add(&base, event);
    }
    for name in ["closed", "blind", "pass"] {
        close(name, 0o700);
    }
    let entries = ["blind/", "closed/", "file", "pass/", "pass/named/", "pass/named/z"];
    assert_eq!(told.entries, entries);
    let denied = |name: &str| (name.to_owned(), "Cannot read: Permission denied".to_owned());
    assert_eq!(told.problems, [denied("blind/y"), denied("closed"), denied("pass")]);
    let problem = Problem::new("file", &unread.unwrap());
    assert_eq!(problem.message, "Cannot read: Permission denied");
    assert_eq!(told.node("file").meta.mode, 0);
}

#[test]
fn names_of_owners_come_from_the_account_files() {
    let accounts = Accounts::load();
    assert_eq!(accounts.user(0), Some("root"));
    assert_eq!(accounts.uid_of("root"), Some(0));
    assert_eq!(accounts.gid_of("root"), Some(0));
    assert_eq!(accounts.user(4_294_967_294), None);
}

#[test]
fn a_file_behind_a_marker_is_never_read_from_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let base = canonical(&dir);
    file(&base.join("x"), "");
    let tag = base.join("CACHEDIR.TAG");
    rustix::fs::mkfifoat(CWD, &tag, Mode::RUSR | Mode::WUSR).unwrap();
    let options = ScanOptions { exclude_caches: true, ..ScanOptions::default() };
    assert_eq!(Written::of(&base, &[&base], options).entries, ["CACHEDIR.TAG", "x"]);
}
