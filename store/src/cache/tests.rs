//! Promises of the cache.

use std::time::{Duration, SystemTime};

use chunker::PackId;

use super::PackCache;

fn pack(first: u8) -> (PackId, Vec<u8>) {
    let bytes = vec![first; 100];
    (PackId::from(blake3::hash(&bytes)), bytes)
}

#[test]
fn the_longest_unused_goes_first() {
    let dir = tempfile::tempdir().unwrap();
    let cache = PackCache::open(dir.path(), 250).unwrap();
    let [(a, a_bytes), (b, b_bytes), (c, c_bytes)] = [1, 2, 3].map(pack);
    cache.put(&a, &a_bytes).unwrap();
    cache.put(&b, &b_bytes).unwrap();
    assert_eq!(cache.get(&a).unwrap(), a_bytes);
    cache.put(&c, &c_bytes).unwrap();
    assert_eq!(cache.get(&b), None);
    assert_eq!((cache.get(&a).unwrap(), cache.get(&c).unwrap()), (a_bytes.into(), c_bytes.into()));
    assert_eq!(cache.bytes(), 200);
}

#[test]
fn use_is_remembered_across_opens_and_a_smaller_limit_holds_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let [(a, a_bytes), (b, b_bytes)] = [1, 2].map(pack);
    let cache = PackCache::open(dir.path(), 250).unwrap();
    cache.put(&a, &a_bytes).unwrap();
    cache.put(&b, &b_bytes).unwrap();
    for (pack, age) in [(&a, 20), (&b, 10)] {
        let file = std::fs::OpenOptions::new().write(true).open(dir.path().join(pack.to_string()));
        file.unwrap()
            .set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(100 - age))
            .unwrap();
    }
    cache.get(&a).unwrap();
    let cache = PackCache::open(dir.path(), 150).unwrap();
    assert_eq!((cache.get(&b), cache.get(&a).is_some()), (None, true));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_damaged_pack_is_dropped_and_an_oversized_one_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let cache = PackCache::open(dir.path(), 250).unwrap();
    let (a, a_bytes) = pack(1);
    cache.put(&a, &a_bytes).unwrap();
    assert!(cache.contains(&a));
    std::fs::write(dir.path().join(a.to_string()), b"rot").unwrap();
    assert_eq!((cache.get(&a), cache.bytes()), (None, 0));
    assert!(!cache.contains(&a));
    cache.put(&a, &[0; 251]).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
