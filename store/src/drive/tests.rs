//! The table and the data files, across opens.

use super::*;

type Rows = (Vec<(u64, Vec<u8>)>, Vec<(u64, Vec<u8>, u64)>);

fn rows(store: &DriveStore) -> Rows {
    let (mut inodes, mut entries) = (Vec::new(), Vec::new());
    store
        .inodes(|no, row| {
            inodes.push((no, row.to_vec()));
            Ok::<_, DbError>(())
        })
        .unwrap();
    store
        .entries(|dir, name, no| {
            entries.push((dir, name, no));
            Ok::<_, DbError>(())
        })
        .unwrap();
    (inodes, entries)
}

#[test]
fn what_was_written_is_there_after_an_open() {
    let dir = tempfile::tempdir().unwrap();
    let store = DriveStore::open(&dir.path().join("d")).unwrap();
    let changes = DriveChanges {
        inodes: vec![(1, Some(b"root".to_vec())), (7, Some(b"file".to_vec())), (9, None)],
        entries: vec![(1, b"a\xff".to_vec(), Some(7)), (1, b"b".to_vec(), Some(7))],
        settings: vec![("limit", vec![1, 2])],
    };
    store.write(&changes).unwrap();
    let changes = DriveChanges {
        inodes: vec![(7, Some(b"file2".to_vec()))],
        entries: vec![(1, b"b".to_vec(), None)],
        settings: Vec::new(),
    };
    store.write(&changes).unwrap();
    drop(store);
    let store = DriveStore::open(&dir.path().join("d")).unwrap();
    let (inodes, entries) = rows(&store);
    assert_eq!(inodes, [(1, b"root".to_vec()), (7, b"file2".to_vec())]);
    assert_eq!(entries, [(1, b"a\xff".to_vec(), 7)]);
    assert_eq!(store.setting("limit").unwrap(), Some(vec![1, 2]));
    assert_eq!(store.setting("other").unwrap(), None);
}

#[test]
fn data_is_zeros_where_nothing_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let store = DriveStore::open(&dir.path().join("d")).unwrap();
    let file = store.data(300).unwrap();
    file.write_at(b"hello", 10_000).unwrap();
    file.write_at(b"world", 20_000).unwrap();
    let mut read = [1; 30];
    file.read_at(&mut read, 9_990).unwrap();
    assert_eq!(&read[8..17], b"\0\0hello\0\0");
    file.punch(10_000, 3).unwrap();
    file.cut(20_002).unwrap();
    file.cut(1 << 40).unwrap();
    file.sync().unwrap();
    file.read_at(&mut read, 9_990).unwrap();
    assert_eq!(&read[8..17], b"\0\0\0\0\0lo\0\0");
    file.read_at(&mut read, 19_998).unwrap();
    assert_eq!(&read[..6], b"\0\0wo\0\0");
}

#[test]
fn data_files_are_found_and_removed_by_number() {
    let dir = tempfile::tempdir().unwrap();
    let store = DriveStore::open(&dir.path().join("d")).unwrap();
    for no in [3, 259, u64::MAX >> 1] {
        store.data(no).unwrap();
    }
    store.remove(259).unwrap();
    store.remove(259).unwrap();
    let mut numbers = store.numbers().unwrap();
    numbers.sort_unstable();
    assert_eq!(numbers, [3, u64::MAX >> 1]);
}
