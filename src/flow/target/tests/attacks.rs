//! Crafted snapshots, and somebody who swaps things around while they are restored.
//!
//! The whole of `dir` is watched: what stands outside of `dir/target` must never change.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use proptest::prelude::*;
use rustix::fs::RenameFlags;

use super::*;

/// A target with an outside.
struct Scene {
    dir: TempDir,
    target: Target,
    /// What the outside looks like.
    before: Vec<(Vec<u8>, Node)>,
}

impl Scene {
    fn new() -> Self {
        // In memory where there is such a place: a disk would slow the attacker down.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        fs::create_dir_all(dir.path().join("outside/dir")).unwrap();
        fs::write(dir.path().join("outside/file"), "untouched").unwrap();
        let target = Target::open(&dir.path().join("target"), true).unwrap();
        let before = outside(dir.path());
        Self { dir, target, before }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join("target").join(name)
    }

    /// Nothing happened outside.
    fn check(&self) {
        assert_eq!(outside(self.dir.path()), self.before);
        assert_eq!(names_in(self.dir.path()), ["outside", "target"]);
    }

    /// Every way to make or change something at `rel`; how many succeeded.
    fn everything(&self, rel: &[Vec<u8>], overwrite: bool) -> usize {
        let target = &self.target;
        let link = Special::Symlink(b"../../outside");
        let file = || {
            let writer = target.begin_file(rel, 3)?;
            writer.write_at(0, b"bad")?;
            writer.finish(&meta(0o777), overwrite)
        };
        let results = [
            file().is_ok(),
            target.make_special(rel, link, &meta(0o777), overwrite).is_ok(),
            target.make_special(rel, Special::Fifo, &meta(0o777), overwrite).is_ok(),
            target.make_special(rel, Special::Socket, &meta(0o777), overwrite).is_ok(),
            target.make_dir(rel, overwrite).is_ok(),
            target.set_dir_meta(rel, &meta(0o777)).is_ok(),
            target.hard_link(rel, &super::rel("stolen"), overwrite).is_ok(),
            target.hard_link(&super::rel("bait"), rel, overwrite).is_ok(),
            target.read_back(rel).is_ok(),
            target.existing(rel).is_ok_and(|found| found.is_some()),
        ];
        results.into_iter().filter(|done| *done).count()
    }
}

fn outside(dir: &Path) -> Vec<(Vec<u8>, Node)> {
    let outside = dir.join("outside").canonicalize().unwrap();
    scanned(&outside).into_iter().map(|(path, _, node)| (path, node)).collect()
}

fn bytes(names: &[&[u8]]) -> Vec<Vec<u8>> {
    names.iter().map(|name| name.to_vec()).collect()
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let scene = Scene::new();
    let long = vec![b'x'; 256];
    let longer = vec![b'x'; 4097];
    let evil: [&[&[u8]]; 14] = [
        &[b"..", b"outside", b"new"],
        &[b"../outside/new"],
        &[b"a", b"..", b"..", b"outside", b"new"],
        &[b"/abs"],
        &[b"", b"tmp", b"new"],
        &[b"."],
        &[b".."],
        &[b""],
        &[],
        &[b"nul\0byte"],
        &[b"a/b"],
        &[b"dir", b""],
        &[&long],
        &[&longer],
    ];
    scene.target.make_dir(&rel("a"), false).unwrap();
    for names in evil {
        let names = bytes(names);
        for overwrite in [false, true] {
            assert!(scene.target.begin_file(&names, 1).is_err(), "{names:?}");
            // The target itself may have its metadata set.
            let allowed = usize::from(names.is_empty());
            assert_eq!(scene.everything(&names, overwrite), allowed, "{names:?}");
        }
    }
    let bad = scene.target.make_dir(&bytes(&[b".."]), true);
    assert!(matches!(bad, Err(TargetError::BadName { .. })));
    let deep = vec![b"d".to_vec(); MAX_DEPTH + 1];
    assert!(matches!(scene.target.begin_file(&deep, 0), Err(TargetError::TooDeep { .. })));
    assert_eq!(names_in(&scene.at("")), ["a"]);
    scene.check();
}

#[test]
fn names_that_are_only_strange_are_restored() {
    let scene = Scene::new();
    let strange: [&[u8]; 9] = [
        b"..\\x",
        b"C:x",
        b"-rf",
        b"...",
        b" ",
        b"\x1b[2J",
        b"~",
        b"\xff\xfe",
        "\u{202e}txt".as_bytes(),
    ];
    for name in strange {
        let writer = scene.target.begin_file(&bytes(&[name]), 0).unwrap();
        writer.finish(&meta(0o600), false).unwrap();
    }
    assert_eq!(names_in(&scene.at("")).len(), strange.len());
    scene.check();
}

#[test]
fn messages_carry_no_terminal_codes() {
    let path = b"a\x1b[31m\nb\xe2\x80\xaec\xff".to_vec();
    let shown = TargetError::Exists { path }.to_string();
    assert_eq!(shown, "a\\u{1b}[31m\\u{a}b\\u{202e}c\u{fffd} already exists");
}

#[test]
fn nothing_is_restored_through_a_link() {
    for beneath in [true, false] {
        let mut scene = Scene::new();
        scene.target.dirs.beneath &= beneath;
        let outside = scene.dir.path().join("outside");
        put(&scene.target, "bait", b"x").unwrap();
        scene.target.make_dir(&rel("real"), false).unwrap();
        // As a snapshot would have it, and as somebody may have put them there before.
        let link = |name: &str, to: &[u8]| {
            let what = Special::Symlink(to);
            scene.target.make_special(&rel(name), what, &meta(0o777), false).unwrap();
        };
        link("relative", b"../outside");
        link("absolute", outside.as_os_str().as_bytes());
        link("fds", b"/proc/self/fd");
        link("here", b".");
        link("chain0", b"../outside");
        (0..41).for_each(|n| link(&format!("chain{}", n + 1), format!("chain{n}").as_bytes()));
        // Not even one that stays within the target.
        let ways = ["relative", "absolute", "fds", "here", "chain41", "here/here", "here/real"];
        for way in ways {
            for below in ["new", "file", "dir/new", "dir", "3"] {
                for overwrite in [false, true] {
                    let path = rel(&format!("{way}/{below}"));
                    assert_eq!(scene.everything(&path, overwrite), 0, "{way}/{below}");
                }
            }
            assert!(scene.target.set_dir_meta(&rel(way), &meta(0o777)).is_err());
        }
        assert!(names_in(&scene.at("real")).is_empty());
        scene.check();
    }
}

#[test]
fn a_second_name_of_a_link_is_a_link() {
    let scene = Scene::new();
    let link = Special::Symlink(b"../outside/file");
    scene.target.make_special(&rel("link"), link, &meta(0o777), false).unwrap();
    put(&scene.target, "file", b"x").unwrap();
    scene.target.hard_link(&rel("link"), &rel("new"), false).unwrap();
    scene.target.hard_link(&rel("link"), &rel("file"), true).unwrap();
    for name in ["new", "file"] {
        assert!(fs::symlink_metadata(scene.at(name)).unwrap().is_symlink(), "{name}");
    }
    scene.check();
}

#[test]
fn the_same_name_twice_cannot_be_used_to_go_through_a_link() {
    let scene = Scene::new();
    let target = &scene.target;
    // A file, then a link of its name, then what would be a change through the link.
    put(target, "x", b"first").unwrap();
    let link = Special::Symlink(b"../outside/file");
    let twice = target.make_special(&rel("x"), link, &meta(0o777), false);
    assert!(matches!(twice, Err(TargetError::Exists { .. })));
    target.make_special(&rel("x"), link, &meta(0o777), true).unwrap();
    put_over(target, "x", b"second", true).unwrap();
    assert_eq!(fs::read_to_string(scene.at("x")).unwrap(), "second");
    // A directory is known and open when its name becomes a link; then a file below.
    target.make_dir(&rel("d"), false).unwrap();
    put(target, "d/file", b"").unwrap();
    let link = Special::Symlink(b"../outside");
    assert!(target.make_special(&rel("d"), link, &meta(0o777), true).is_err());
    // A link, then a directory of its name with other permissions.
    target.make_special(&rel("e"), link, &meta(0o777), false).unwrap();
    assert!(target.make_dir(&rel("e"), false).is_err());
    assert!(target.set_dir_meta(&rel("e"), &meta(0o777)).is_err());
    scene.check();
}

#[test]
fn impossible_numbers_are_told_and_harm_nothing() {
    let scene = Scene::new();
    let target = &scene.target;
    // No file system holds this; nothing may be reserved for it either.
    for size in [1 << 62, u64::MAX] {
        let begun = target.begin_file(&rel("huge"), size);
        if let Ok(writer) = begun {
            assert!(writer.write_at(u64::MAX, b"x").is_err());
        }
    }
    let long = vec![b'x'; 4096];
    for to in [b"".as_slice(), b"nul\0", &long] {
        let made = target.make_special(&rel("link"), Special::Symlink(to), &meta(0o777), false);
        assert!(matches!(made, Err(TargetError::BadLink { .. })));
    }
    for secs in [i64::MIN, i64::MAX] {
        let meta = Meta { mtime: Stamp { secs, nanos: 999_999_999 }, ..meta(0o600) };
        target.begin_file(&rel("times"), 0).unwrap().finish(&meta, true).unwrap();
    }
    // To the kernel these mean 'now' and 'leave it'.
    for nanos in [(1 << 30) - 1, (1 << 30) - 2, u32::MAX] {
        let meta = Meta { mtime: Stamp { secs: 0, nanos }, ..meta(0o600) };
        let problems = target.begin_file(&rel("time"), 0).unwrap().finish(&meta, true).unwrap();
        assert_eq!(problems.first().unwrap().message, "Cannot set its time: Invalid argument");
    }
    let names: [&[u8]; 4] = [b"", b"user.nul\0x", &[b'u'; 300], b"user.giant"];
    let value = |name: &[u8]| if name.ends_with(b"giant") { vec![1; 70_000] } else { vec![1] };
    let xattrs = names.map(|name| Xattr { name: name.to_vec(), value: value(name) }).to_vec();
    let meta = Meta { mode: u32::MAX, xattrs, ..meta(0) };
    let problems = target.begin_file(&rel("xattrs"), 0).unwrap().finish(&meta, false).unwrap();
    let message = &problems.first().unwrap().message;
    assert_eq!(
        (problems.len(), message.as_str()),
        (1, "Cannot set its extended attribute  and 3 more: Invalid argument")
    );
    assert_eq!(fs::metadata(scene.at("xattrs")).unwrap().mode() & 0o7777, 0o7777);
    scene.check();
}

#[test]
fn an_owner_that_is_none_costs_the_set_id_bits() {
    if !is_root() {
        println!("skipped: only root is told of owners that cannot be set");
        return;
    }
    let scene = Scene::new();
    let nobody = Meta { uid: u32::MAX, ..meta(0o6755) };
    let writer = scene.target.begin_file(&rel("file"), 0).unwrap();
    let problems = writer.finish(&nobody, false).unwrap();
    let message = &problems.first().unwrap().message;
    assert_eq!(message, "Cannot set its owner to 4294967295:0: Invalid argument");
    let file = fs::metadata(scene.at("file")).unwrap();
    assert_eq!((file.mode() & 0o7777, file.uid()), (0o755, 0));
}

#[test]
fn a_target_replaced_by_a_link_is_still_the_old_one() {
    let scene = Scene::new();
    fs::rename(scene.dir.path().join("target"), scene.dir.path().join("outside/moved")).unwrap();
    symlink("outside", scene.dir.path().join("target")).unwrap();
    put(&scene.target, "file2", b"x").unwrap();
    assert_eq!(names_in(&scene.dir.path().join("outside")), ["dir", "file", "moved"]);
    assert_eq!(names_in(&scene.dir.path().join("outside/moved")), ["file2"]);
}

/// Swaps `target/d`, a directory, with a link to the outside as fast as it goes.
fn race(beneath: bool, keep: usize) {
    const SWAPS: u64 = 10_000;
    let mut scene = Scene::new();
    scene.target.dirs.beneath &= beneath;
    scene.target.dirs.capacity = keep;
    scene.target.make_dir(&rel("d"), false).unwrap();
    put(&scene.target, "bait", b"x").unwrap();
    symlink("../outside", scene.at("other")).unwrap();
    let root = rustix::fs::open(scene.at(""), OFlags::DIRECTORY, Mode::empty()).unwrap();
    let (swaps, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let (mut rounds, mut done) = (0, 0);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let exchange = RenameFlags::EXCHANGE;
                rustix::fs::renameat_with(&root, "d", &root, "other", exchange).unwrap();
                swaps.fetch_add(1, Ordering::Relaxed);
            }
        });
        while swaps.load(Ordering::Relaxed) < SWAPS || rounds < 200 {
            let fresh = format!("d/new{rounds}");
            done += scene.everything(&rel(&fresh), rounds % 2 == 0);
            done += scene.everything(&rel("d/file"), true);
            done += scene.everything(&rel("d/dir/x"), true);
            rounds += 1;
        }
        over.store(true, Ordering::Relaxed);
    });
    scene.check();
    assert!(done > 0, "nothing was restored at all");
}

#[test]
fn a_race_with_somebody_who_swaps_a_directory_for_a_link_is_never_lost() {
    race(true, 0);
}

#[test]
fn nor_is_it_without_openat2() {
    race(false, 0);
}

#[test]
fn nor_with_directories_kept_open() {
    race(true, 48);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn no_sequence_of_entries_leaves_the_target(
        steps in prop::collection::vec(
            (prop::collection::vec(0_usize..10, 0..4), 0_usize..5, any::<bool>()), 1..40),
        beneath in any::<bool>(),
    ) {
        let names: [&[u8]; 10] =
            [b"a", b"b", b"c", b"..", b".", b"", b"/", b"../outside", b"a/b", b"x\0"];
        let links: [&[u8]; 4] = [b"..", b"../outside", b"a", b"/proc/self/cwd"];
        let mut scene = Scene::new();
        scene.target.dirs.beneath &= beneath;
        let target = &scene.target;
        for (path, what, overwrite) in steps {
            let path: Vec<Vec<u8>> = path.iter().map(|at| names[*at].to_vec()).collect();
            let link = Special::Symlink(links[path.len() % links.len()]);
            let meta = meta(0o777);
            // Which of these succeed does not matter here.
            match what {
                0 => drop(target.make_dir(&path, overwrite)),
                1 => drop(target.make_special(&path, link, &meta, overwrite)),
                2 => drop(target.begin_file(&path, 0).map(|file| file.finish(&meta, overwrite))),
                3 => drop(target.hard_link(&path, &rel("a"), overwrite)),
                _ => drop(target.set_dir_meta(&path, &meta)),
            }
        }
        scene.check();
    }
}
