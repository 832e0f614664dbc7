//! Temporary files: whose they are, and when they go.

use super::*;
use crate::flow::target::temp::PREFIX;

fn stale(name: &str) -> String {
    format!("{}{name}", String::from_utf8_lossy(PREFIX))
}

#[test]
fn what_a_killed_restore_left_is_removed_where_the_next_one_comes_by() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let old = stale("0123456789abcdef-00000001");
    fs::create_dir(at("dir")).unwrap();
    fs::write(at(&old), "half").unwrap();
    fs::write(at("dir").join(&old), "half").unwrap();
    symlink("x", at("dir").join(stale("0123456789abcdef-00000002"))).unwrap();
    // Somebody else's files that only look similar.
    let others = [stale("notes"), stale("0123456789abcdef-short"), ".gbak-restore".to_owned()];
    for name in &others {
        fs::write(at(name), "").unwrap();
    }
    let target = Target::open(dir.path(), false).unwrap();
    assert!(!at(&old).exists());
    assert_eq!(target.make_dir(&rel("dir"), false).unwrap(), Made::Existing);
    assert!(names_in(&at("dir")).is_empty());
    assert!(others.iter().all(|name| at(name).exists()));
}

#[test]
fn left_overs_do_not_count_as_content() {
    let dir = tempfile::tempdir().unwrap();
    let target = Target::open(dir.path(), false).unwrap();
    let writer = target.begin_file(&rel("file"), 1).unwrap();
    fs::create_dir(dir.path().join("lost+found")).unwrap();
    assert_eq!(names_in(dir.path()).len(), 2);
    assert!(target.is_empty().unwrap());
    writer.finish(&meta(0o600), false).unwrap();
    assert!(!target.is_empty().unwrap());
}

#[test]
fn a_file_still_being_written_is_left_alone_by_another_restore() {
    let dir = tempfile::tempdir().unwrap();
    let target = Target::open(dir.path(), false).unwrap();
    target.make_dir(&rel("dir"), false).unwrap();
    let writer = target.begin_file(&rel("dir/file"), 3).unwrap();
    let second = Target::open(dir.path(), false).unwrap();
    assert_eq!(second.make_dir(&rel("dir"), false).unwrap(), Made::Existing);
    put(&second, "dir/other", b"x").unwrap();
    writer.write_at(0, b"abc").unwrap();
    writer.finish(&meta(0o600), false).unwrap();
    assert_eq!(names_in(&dir.path().join("dir")), ["file", "other"]);
}

#[test]
fn failures_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let target = Target::open(dir.path(), false).unwrap();
    target.make_dir(&rel("dir"), false).unwrap();
    put(&target, "file", b"x").unwrap();
    assert!(put(&target, "file", b"x").is_err());
    assert!(put_over(&target, "dir", b"x", true).is_err());
    assert!(target.hard_link(&rel("file"), &rel("dir"), true).is_err());
    assert!(target.make_special(&rel("dir"), Special::Fifo, &meta(0o600), true).is_err());
    let writer = target.begin_file(&rel("short"), 3).unwrap();
    assert!(writer.write_at(2, b"ab").is_err());
    drop(writer);
    // A second name for itself: nothing to do, and nothing to leave.
    target.hard_link(&rel("file"), &rel("file"), true).unwrap();
    assert_eq!(names_in(dir.path()), ["dir", "file"]);
}
