//! Promises of the home.

use std::os::unix::fs::PermissionsExt;

use super::{Home, HomeError};
use crate::write_file_durable;

#[test]
fn a_home_is_private_even_when_it_was_not() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("home");
    std::fs::create_dir(&root).unwrap();
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).unwrap();
    let home = Home::create(&root).unwrap();
    for dir in [home.root().to_owned(), home.shelf(), home.spool(), home.cache()] {
        assert_eq!(std::fs::metadata(dir).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn no_home_is_not_made_by_looking() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("none");
    assert!(matches!(Home::open(&root), Err(HomeError::Missing { .. })));
    assert!(!root.exists());
}

#[test]
fn the_lock_keeps_a_second_engine_out_until_it_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::create(dir.path()).unwrap();
    let lock = home.lock().unwrap();
    match home.lock() {
        Err(HomeError::Busy { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
        other => panic!("expected Busy, got {other:?}"),
    }
    drop(lock);
    home.lock().unwrap();
}

/// The other half of the test below: run in a process of its own, it keeps the lock until killed.
#[test]
fn a_child_that_holds_the_lock() {
    let Ok(root) = std::env::var("STORE_TEST_LOCK_HOME") else { return };
    let _lock = Home::open(root).unwrap().lock().unwrap();
    println!("locked");
    // Ends when the parent kills us or goes away.
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

#[test]
fn the_lock_of_a_killed_process_is_free() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let dir = tempfile::tempdir().unwrap();
    let home = Home::create(dir.path()).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["home::tests::a_child_that_holds_the_lock", "--exact", "--nocapture"])
        .env("STORE_TEST_LOCK_HOME", dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("locked")));
    match home.lock() {
        Err(HomeError::Busy { pid, .. }) => assert_eq!(pid, Some(child.id())),
        other => panic!("expected Busy, got {other:?}"),
    }
    child.kill().unwrap();
    child.wait().unwrap();
    home.lock().unwrap();
}

#[test]
fn a_durable_write_replaces_privately_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    write_file_durable(&path, b"one").unwrap();
    write_file_durable(&path, b"two").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"two");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    write_file_durable(&dir.path().join("no/dir"), b"x").unwrap_err();
}

#[test]
fn a_large_durable_write_is_whole_whatever_its_length_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pack");
    for len in [1 << 20, (1 << 20) + 1, (3 << 20) - 4097, 5 << 20] {
        let bytes: Vec<u8> = (0..len as u64).map(|at| ((at * at) >> 7) as u8).collect();
        write_file_durable(&path, &bytes).unwrap();
        assert!(std::fs::read(&path).unwrap() == bytes, "{len}");
    }
    // Where there is no way past the cache it is written through it.
    let in_memory = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = in_memory.path().join("pack");
    let bytes = vec![7; (2 << 20) + 5];
    write_file_durable(&path, &bytes).unwrap();
    assert!(std::fs::read(&path).unwrap() == bytes);
}
