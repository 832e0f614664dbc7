//! One contract over both media, and the faults of the one in memory.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;

use super::{DiskMedium, Medium, MemMedium};

fn keeps_the_contract(medium: &dyn Medium) {
    assert_eq!(medium.list("a").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(medium.write_durable("a/x", b"1").unwrap_err().kind(), ErrorKind::NotFound);
    medium.create_dir("a").unwrap();
    medium.create_dir("a").unwrap();
    medium.create_dir("b").unwrap();
    medium.write_durable("a/x", b"1234").unwrap();
    assert_eq!(medium.write_durable("a/x", b"5").unwrap_err().kind(), ErrorKind::AlreadyExists);
    medium.write_durable("b/y", b"other").unwrap();
    assert_eq!(medium.read("a/x", 3).unwrap(), b"123".as_slice());
    assert_eq!(medium.read_part("a/x", 1..3).unwrap(), b"23");
    let beyond = medium.read_part("a/x", 3..5).unwrap_err();
    assert_eq!(beyond.kind(), ErrorKind::UnexpectedEof);
    assert_eq!((medium.len("a/x").unwrap(), medium.len("a/z").unwrap()), (Some(4), None));
    medium.rename("a/x", "b/y").unwrap();
    assert_eq!(medium.read("b/y", 9).unwrap(), b"1234".as_slice());
    assert_eq!((medium.list("a").unwrap(), medium.list("b").unwrap()), (vec![], vec!["y".into()]));
    medium.sync_dir("b").unwrap();
    medium.sync_dir(".").unwrap();
    medium.remove("b/y").unwrap();
    for error in [
        medium.remove("b/y").unwrap_err(),
        medium.rename("b/y", "a/y").unwrap_err(),
        medium.read("b/y", 9).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}

#[test]
fn both_media_keep_the_contract() {
    keeps_the_contract(&MemMedium::new());
    let dir = tempfile::tempdir().unwrap();
    keeps_the_contract(&DiskMedium::new(dir.path()));
}

#[test]
fn files_on_disk_are_private_and_links_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let medium = DiskMedium::new(dir.path());
    medium.create_dir("a").unwrap();
    medium.write_durable("a/x", b"1").unwrap();
    let mode = |path: &str| std::fs::metadata(dir.path().join(path)).unwrap().permissions().mode();
    assert_eq!((mode("a") & 0o777, mode("a/x") & 0o777), (0o700, 0o600));
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("a/link")).unwrap();
    medium.read("a/link", 9).unwrap_err();
    medium.write_durable("a/link", b"1").unwrap_err();
}

#[test]
fn a_power_cut_keeps_what_was_synced_and_tears_the_rest() {
    let medium = MemMedium::new();
    medium.create_dir("a").unwrap();
    medium.create_dir("b").unwrap();
    medium.write_durable("a/x", b"1234").unwrap();
    assert_eq!(medium.after_power_cut(0).paths(), Vec::<String>::new());
    medium.sync_dir("a").unwrap();
    medium.rename("a/x", "b/x").unwrap();
    assert_eq!(medium.after_power_cut(0).paths(), ["a/x"]);
    assert_eq!(medium.after_power_cut(1).paths(), ["b/x"]);
    medium.sync_dir("b").unwrap();
    assert_eq!(medium.after_power_cut(0).read("b/x", 9).unwrap(), b"1234".as_slice());
}

#[test]
fn faults_fail_with_the_errors_of_real_disks() {
    let medium = MemMedium::new();
    medium.create_dir("a").unwrap();
    medium.set_capacity(Some(5));
    medium.write_durable("a/x", b"1234").unwrap();
    assert_eq!(medium.write_durable("a/y", b"12").unwrap_err().kind(), ErrorKind::StorageFull);
    medium.fail_syncs(1);
    let error = medium.write_durable("a/y", b"1").unwrap_err();
    assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::IO.raw_os_error()));
    assert_eq!(medium.paths(), ["a/x"]);
    assert!(medium.rot("a/x", 0));
    assert_eq!(medium.read("a/x", 9).unwrap(), b"0234".as_slice());
}
