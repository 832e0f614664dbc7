//! Promises of the cache.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::{Duration, SystemTime};

use chunker::PackId;

use super::{NOTED_EVERY, PackCache};

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

fn set_age(dir: &Path, pack: &PackId, age: u64) {
    let file = OpenOptions::new().write(true).open(dir.join(pack.to_string())).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(100 - age)).unwrap();
}

#[test]
fn use_is_remembered_across_opens_and_a_smaller_limit_holds_at_once() {
    let uses: [fn(&PackCache, &PackId); 3] = [
        |cache, pack| assert!(cache.get(pack).is_some()),
        |cache, pack| assert!(cache.peek(pack, 5..7).is_some()),
        // Of many the first one was noted, and one of the others is too.
        |cache, pack| {
            assert!(cache.peek(pack, 5..7).is_some());
            set_age(&cache.dir, pack, 20);
            (0..NOTED_EVERY).for_each(|_| assert!(cache.peek(pack, 5..7).is_some()));
        },
    ];
    for used in uses {
        let dir = tempfile::tempdir().unwrap();
        let [(a, a_bytes), (b, b_bytes)] = [1, 2].map(pack);
        let cache = PackCache::open(dir.path(), 250).unwrap();
        cache.put(&a, &a_bytes).unwrap();
        cache.put(&b, &b_bytes).unwrap();
        set_age(dir.path(), &a, 20);
        set_age(dir.path(), &b, 10);
        used(&cache, &a);
        let cache = PackCache::open(dir.path(), 150).unwrap();
        assert_eq!((cache.get(&b), cache.get(&a).is_some()), (None, true));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
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

#[test]
fn a_part_is_handed_out_whole_or_not_at_all_and_goes_when_its_pack_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let cache = PackCache::open(dir.path(), 500).unwrap();
    let (a, a_bytes) = pack(1);
    for part in [0, 7] {
        cache.put_part(&a, part, &[part as u8; 50]).unwrap();
    }
    // Found again, and told from the pack and from each other.
    let cache = PackCache::open(dir.path(), 500).unwrap();
    assert_eq!(cache.get_part(&a, 7).unwrap(), [7; 50].as_slice());
    assert!(!cache.contains(&a) && cache.get(&a).is_none() && cache.get_part(&a, 1).is_none());
    let path = |part: u32| dir.path().join(format!("{a}.{part}"));
    std::fs::rename(path(7), path(0)).unwrap();
    assert_eq!((cache.get_part(&a, 0), cache.get_part(&a, 7), cache.bytes()), (None, None, 0));
    cache.put_part(&a, 3, &[3; 50]).unwrap();
    cache.put(&a, &a_bytes).unwrap();
    assert_eq!(cache.peek(&a, 10..30), Some(a_bytes[10..30].to_vec().into()));
    assert_eq!((cache.peek(&a, 90..101), cache.peek(&pack(2).0, 0..1)), (None, None));
    assert_eq!((cache.get_part(&a, 3), cache.get(&a)), (None, Some(a_bytes.into())));
    assert_eq!((cache.bytes(), std::fs::read_dir(dir.path()).unwrap().count()), (100, 1));
}
