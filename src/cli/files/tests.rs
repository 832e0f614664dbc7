//! Reads are bounded; secrets are private from their first byte.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn files_larger_than_allowed_are_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "12345").unwrap();
    assert_eq!(&*read_text(file.path(), 5).unwrap(), "12345");
    let failure = read_text(file.path(), 4).unwrap_err();
    assert_eq!(failure.code, codes::FILE.name);
    assert!(failure.message.contains("larger than it may be"), "{}", failure.message);
}

#[test]
fn an_endless_file_is_refused() {
    assert!(read_text(Path::new("/dev/zero"), 1000).is_err());
}

#[test]
fn a_passphrase_is_the_first_line() {
    assert_eq!(&*first_line(&b"secret word \r\nmore"[..], 100).unwrap().unwrap(), "secret word ");
    assert_eq!(first_line(&b""[..], 100).unwrap(), None);
    let empty = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(read_line(empty.path(), 10).unwrap_err().code, codes::USAGE.name);
}

#[test]
fn a_file_that_is_not_there_is_no_failure_where_it_may_be_absent() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(read_if_there(&dir.path().join("no"), 10).unwrap(), None);
    assert!(read_if_there(dir.path(), 10).is_err(), "a directory is");
}

#[test]
fn a_reserved_file_is_private_and_goes_unless_filled() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("words");
    drop(Reserved::new(&path).unwrap());
    assert!(!path.exists());
    let reserved = Reserved::new(&path).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(Reserved::new(&path).is_err(), "a file that exists is never written over");
    reserved.fill("text").unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "text");
}
