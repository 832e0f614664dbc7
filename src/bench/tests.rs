//! What is measured is the engine's own work, and nothing is left behind.

use super::*;

fn plan(bytes: usize) -> Plan {
    Plan { bytes, code: Code::new(3, 2).unwrap(), level: 3 }
}

#[test]
fn every_stage_is_measured_and_half_of_the_sample_shrinks() {
    let machine = machine(&plan(3 << 20)).unwrap();
    for stage in
        [Stage::Cut, Stage::Name, Stage::Compress, Stage::Seal, Stage::Code, Stage::Restore]
    {
        assert!(machine.rate(stage).unwrap() > 1e5, "{stage:?}: {machine:?}");
    }
    assert!(machine.ratio() > 0.5 && machine.ratio() < 0.9, "{machine:?}");
    // No stage is faster than all of them together.
    let one = machine.backup_rate().unwrap() / machine.threads as f64;
    assert!(one < machine.rate(Stage::Compress).unwrap(), "{machine:?}");
}

#[test]
fn the_disk_is_measured_and_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let disk = disk(dir.path(), 1 << 20).unwrap();
    assert!(disk.write.unwrap() > 0.0 && disk.files.unwrap() > 0.0 && !disk.sync.is_zero());
    assert!(disk.read.unwrap() > 0.0);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    assert!(super::disk(&dir.path().join("absent"), 1).is_err());
}

/// A tree of `small` files of 1,000 bytes, and one of 9 MiB: more than two pieces.
fn tree(dir: &Path, small: usize) {
    for number in 0..small {
        let place = dir.join(format!("dir-{}", number % 3));
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join(format!("file-{number}")), [1; 1000]).unwrap();
    }
    std::fs::write(dir.join("large"), vec![2; 9 << 20]).unwrap();
    std::fs::write(dir.join("empty"), []).unwrap();
}

#[test]
fn every_byte_of_a_source_is_read_once() {
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path(), 50);
    // What leads out of the tree, or nowhere, is no file of it.
    std::os::unix::fs::symlink("/proc", dir.path().join("out")).unwrap();
    std::os::unix::fs::symlink("/nowhere", dir.path().join("broken")).unwrap();
    let all = read(dir.path(), u64::MAX).unwrap();
    assert_eq!((all.files, all.bytes, all.unread), (51, 50_000 + (9 << 20), 0));
    assert!(all.rate().unwrap() > 0.0);
    let one = read(&dir.path().join("large"), u64::MAX).unwrap();
    assert_eq!((one.files, one.bytes), (1, 9 << 20));
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(dir.path().join("large"), &link).unwrap();
    assert_eq!(read(&link, u64::MAX).unwrap().bytes, 9 << 20);
}

#[test]
fn no_more_of_a_source_is_read_than_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path(), 50);
    assert_eq!(read(dir.path(), 5 << 20).unwrap().bytes, 5 << 20);
    assert!(read(dir.path(), 0).unwrap().rate().is_none());
    assert!(read(&dir.path().join("absent"), 1).is_err());
}

#[test]
fn what_cannot_be_read_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path(), 2);
    let first = dir.path().join("dir-0/file-0");
    let gone = || std::fs::remove_file(&first).unwrap();
    let all = source::read_with(dir.path(), u64::MAX, gone).unwrap();
    assert_eq!((all.files, all.unread), (2, 1), "{all:?}");
}
