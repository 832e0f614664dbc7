//! Reading files: data, holes, and what changes underneath.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;

use proptest::prelude::*;
use rustix::fs::{CWD, Mode};

use super::super::*;

/// Everything a file holds, by its runs; and how many bytes were data.
fn read(path: &Path, max: usize) -> (Vec<u8>, u64) {
    let mut reader = FileReader::open(path).unwrap();
    let (mut all, mut data) = (Vec::new(), 0);
    loop {
        let before = all.len();
        match reader.next(&mut all, max).unwrap() {
            None => return (all, data),
            Some(SegmentKind::Data(len)) => {
                assert!(len <= max && all.len() == before + len);
                data += len as u64;
            }
            Some(SegmentKind::Kept(_)) => unreachable!("a file on disk has no such piece"),
            Some(SegmentKind::Hole(len)) => {
                assert_eq!(all.len(), before);
                all.resize(before + usize::try_from(len).unwrap(), 0);
            }
        }
    }
}

fn message(path: &Path) -> String {
    let error = FileReader::open(path).unwrap_err();
    Problem::new("x", &error).message
}

#[test]
fn a_file_is_read_whole_whatever_the_piece() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    for len in [0_u32, 1, 4095, 4096, 4097, 100_000] {
        let content: Vec<u8> = (0..len).map(|at| (at % 251) as u8 + 1).collect();
        fs::write(&path, &content).unwrap();
        for max in [1000, 4096, 65_536, 1 << 20] {
            assert_eq!(read(&path, max), (content.clone(), u64::from(len)));
        }
    }
}

#[test]
fn a_file_that_says_it_is_empty_is_read_all_the_same() {
    let (content, _) = read(Path::new("/proc/self/status"), 1 << 20);
    assert!(content.starts_with(b"Name:"));
}

#[test]
fn a_hole_of_a_terabyte_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sparse");
    let file = File::create(&path).unwrap();
    if let Err(error) = file.set_len(1 << 40) {
        println!("skipped: no file of this size here: {error}");
        return;
    }
    file.write_all_at(b"first", 0).unwrap();
    file.write_all_at(b"middle", 1 << 39).unwrap();
    let mut reader = FileReader::open(&path).unwrap();
    let (mut buffer, mut total, mut data, mut calls) = (Vec::new(), 0, 0, 0);
    while let Some(segment) = reader.next(&mut buffer, 1 << 20).unwrap() {
        calls += 1;
        total += match segment {
            SegmentKind::Data(len) => {
                data += len;
                len as u64
            }
            SegmentKind::Kept(_) => unreachable!("a file on disk has no such piece"),
            SegmentKind::Hole(len) => len,
        };
    }
    assert_eq!(total, 1 << 40);
    assert!(data <= 2 << 20 && calls < 10, "{data} bytes in {calls} calls");
    assert!(buffer.starts_with(b"first") && buffer.windows(6).any(|bytes| bytes == b"middle"));
}

#[test]
fn a_file_of_nothing_but_a_hole_is_one_hole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hole");
    File::create(&path).unwrap().set_len(1 << 30).unwrap();
    let mut reader = FileReader::open(&path).unwrap();
    let mut buffer = Vec::new();
    assert_eq!(reader.next(&mut buffer, 4096).unwrap(), Some(SegmentKind::Hole(1 << 30)));
    assert_eq!(reader.next(&mut buffer, 4096).unwrap(), None);
}

#[test]
fn a_file_that_changes_its_size_ends_where_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, vec![1; 100_000]).unwrap();
    let mut reader = FileReader::open(&path).unwrap();
    let mut buffer = Vec::new();
    assert_eq!(reader.next(&mut buffer, 60_000).unwrap(), Some(SegmentKind::Data(60_000)));
    File::options().write(true).open(&path).unwrap().set_len(70_000).unwrap();
    assert_eq!(reader.next(&mut buffer, 60_000).unwrap(), Some(SegmentKind::Data(10_000)));
    assert_eq!(reader.next(&mut buffer, 60_000).unwrap(), None);

    let mut reader = FileReader::open(&path).unwrap();
    assert_eq!(reader.next(&mut buffer, 60_000).unwrap(), Some(SegmentKind::Data(60_000)));
    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(&vec![2; 60_000]).unwrap();
    let mut grown = Vec::new();
    while reader.next(&mut grown, 60_000).unwrap().is_some() {}
    assert_eq!(grown.len(), 70_000);

    // A sparse one that is cut off while its end is still to come.
    File::options().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
    let mut reader = FileReader::open(&path).unwrap();
    reader.next(&mut buffer, 4096).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(10).unwrap();
    let mut more = 0;
    while reader.next(&mut buffer, 4096).unwrap().is_some() {
        more += 1;
    }
    assert_eq!(more, 0);
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("file"), "x").unwrap();
    symlink("file", at("link")).unwrap();
    rustix::fs::mkfifoat(CWD, at("pipe"), Mode::RUSR | Mode::WUSR).unwrap();
    drop(std::os::unix::net::UnixListener::bind(at("socket")).unwrap());
    for name in ["link", "pipe", "socket", "."] {
        assert_eq!(message(&at(name)), "It is not a regular file any more", "{name}");
    }
    assert_eq!(message(&at("gone")), "It vanished while the source was scanned");
}

#[test]
fn a_swapped_directory_does_not_lead_the_reader_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().canonicalize().unwrap();
    fs::create_dir_all(base.join("source/dir")).unwrap();
    fs::create_dir(base.join("outside")).unwrap();
    fs::write(base.join("source/dir/name"), "mine").unwrap();
    fs::write(base.join("outside/name"), "not to be read").unwrap();
    let mut scan = Scan::new(&[base.join("source")], ScanOptions::default()).unwrap();
    let found = loop {
        if let Event::Leaf(found) = scan.next().unwrap() {
            break found;
        }
    };
    fs::rename(base.join("source/dir"), base.join("source/old")).unwrap();
    symlink(base.join("outside"), base.join("source/dir")).unwrap();
    let mut buffer = Vec::new();
    scan.open(&found.path).unwrap().next(&mut buffer, 100).unwrap();
    assert_eq!(buffer, b"mine");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn holes_and_data_add_up_to_the_file(
        runs in prop::collection::vec((any::<bool>(), 1_u64..40_000), 0..12),
        max in 1_usize..50_000,
        tail in 0_u64..20_000,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let file = File::create(&path).unwrap();
        let mut at = 0;
        for (data, len) in runs {
            if data {
                file.write_all_at(&vec![7; usize::try_from(len).unwrap()], at).unwrap();
            }
            at += len;
        }
        file.set_len(at + tail).unwrap();
        prop_assert_eq!(read(&path, max).0, fs::read(&path).unwrap());
    }
}
