//! Promises of the spool.

use chunker::PackId;

use super::{Spool, SpoolError};

fn pack(text: &str) -> (PackId, Vec<u8>) {
    let bytes = text.repeat(100).into_bytes();
    (PackId::from(blake3::hash(&bytes)), bytes)
}

#[test]
fn packs_wait_across_opens_and_sizes_stay_exact() {
    let dir = tempfile::tempdir().unwrap();
    let ((a, a_bytes), (b, b_bytes)) = (pack("a"), pack("bc"));
    let spool = Spool::open(dir.path()).unwrap();
    spool.put(&a, &a_bytes, true).unwrap();
    spool.put(&b, &b_bytes, false).unwrap();
    spool.put(&b, &b_bytes, false).unwrap();
    spool.sync().unwrap();
    let spool = Spool::open(dir.path()).unwrap();
    assert_eq!(spool.bytes(), 300);
    assert_eq!(spool.get(&a).unwrap(), a_bytes);
    spool.remove(&a).unwrap();
    spool.remove(&a).unwrap();
    assert_eq!((spool.list(), spool.bytes(), spool.contains(&a)), (vec![b], 200, false));
    assert!(matches!(spool.get(&a), Err(SpoolError::Unknown { .. })));
}

#[test]
fn a_torn_pack_is_damaged_and_a_half_written_one_is_swept() {
    let dir = tempfile::tempdir().unwrap();
    let (a, bytes) = pack("a");
    std::fs::write(dir.path().join(a.to_string()), &bytes[..7]).unwrap();
    std::fs::write(dir.path().join(format!(".{a}.1.2.tmp")), b"half").unwrap();
    std::fs::write(dir.path().join("README"), b"not ours").unwrap();
    let spool = Spool::open(dir.path()).unwrap();
    assert!(matches!(spool.get(&a), Err(SpoolError::Damaged { .. })));
    assert_eq!(spool.list(), [a]);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn what_was_put_fast_is_made_durable_by_a_sync() {
    let dir = tempfile::tempdir().unwrap();
    let ((a, a_bytes), (b, b_bytes), (c, c_bytes)) = (pack("a"), pack("b"), pack("c"));
    std::fs::write(dir.path().join(c.to_string()), &c_bytes).unwrap();
    let spool = Spool::open(dir.path()).unwrap();
    spool.put(&a, &a_bytes, true).unwrap();
    spool.put(&b, &b_bytes, false).unwrap();
    let unsynced = || spool.packs().unsynced.iter().copied().collect::<Vec<_>>();
    let mut expected = [b, c];
    expected.sort();
    assert_eq!(unsynced(), expected, "what an earlier process put may be torn as well");
    std::fs::remove_file(dir.path().join(b.to_string())).unwrap();
    spool.sync().unwrap();
    assert_eq!(unsynced(), []);
    std::fs::remove_dir_all(dir.path()).unwrap();
    assert!(matches!(spool.sync(), Err(SpoolError::Io { .. })));
}

#[test]
fn only_our_names_count_and_no_file_is_read_without_bound() {
    let dir = tempfile::tempdir().unwrap();
    let (a, bytes) = pack("a");
    std::fs::write(dir.path().join(a.to_string().to_uppercase()), &bytes).unwrap();
    assert_eq!(Spool::open(dir.path()).unwrap().list(), []);
    let huge = std::fs::File::create(dir.path().join(a.to_string())).unwrap();
    huge.set_len(1 << 40).unwrap();
    let spool = Spool::open(dir.path()).unwrap();
    assert!(matches!(spool.get(&a), Err(SpoolError::Damaged { .. })));
    let error = spool.put(&a, &vec![0; super::MAX_PACK_LEN + 1], false).unwrap_err();
    assert!(matches!(error, SpoolError::TooLarge { .. }));
}

#[test]
fn what_was_seen_to_be_whole_is_known_until_it_is_seen_to_be_torn() {
    let dir = tempfile::tempdir().unwrap();
    let ((a, a_bytes), (b, b_bytes)) = (pack("a"), pack("b"));
    let spool = Spool::open(dir.path()).unwrap();
    spool.put(&a, &a_bytes, true).unwrap();
    spool.put(&b, &b_bytes, false).unwrap();
    assert_eq!((spool.was_whole(&a), spool.was_whole(&b)), (true, false));
    spool.get(&b).unwrap();
    assert!(spool.was_whole(&b));
    std::fs::write(dir.path().join(a.to_string()), &a_bytes[..7]).unwrap();
    spool.get(&a).unwrap_err();
    spool.remove(&b).unwrap();
    assert_eq!((spool.was_whole(&a), spool.was_whole(&b)), (false, false));
    spool.put(&a, &a_bytes, true).unwrap();
    assert!(!Spool::open(dir.path()).unwrap().was_whole(&a), "another process has not looked");
}

#[test]
fn a_range_is_read_alone_while_its_pack_waits() {
    let dir = tempfile::tempdir().unwrap();
    let (a, bytes) = pack("abc");
    let spool = Spool::open(dir.path()).unwrap();
    assert_eq!(spool.peek(&a, 0..1), None);
    spool.put(&a, &bytes, false).unwrap();
    assert_eq!(spool.peek(&a, 4..9), Some(bytes[4..9].to_vec().into()));
    assert_eq!(spool.peek(&a, 299..301), None);
    spool.remove(&a).unwrap();
    assert_eq!(spool.peek(&a, 4..9), None);
}
