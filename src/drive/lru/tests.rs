//! What is kept, and what goes first.

use super::*;

#[test]
fn what_was_not_used_for_longest_goes_first() {
    let mut lru = Lru::new(30);
    for key in 0..3 {
        lru.put(key, key * 10, 10);
    }
    assert_eq!(lru.get(&0), Some(0));
    lru.put(3, 30, 10);
    let kept: Vec<_> = (0..4).map(|key| lru.get(&key)).collect();
    assert_eq!(kept, [Some(0), None, Some(20), Some(30)]);
}

#[test]
fn the_limit_holds_whatever_the_sizes() {
    let mut lru = Lru::new(100);
    for key in 0..1_000_usize {
        lru.put(key % 17, key, key * 31 % 120);
        assert!(lru.bytes <= 100);
        let sum: usize = lru.entries.values().map(|(_, bytes, _)| bytes).sum();
        assert_eq!((sum, lru.entries.len()), (lru.bytes, lru.by_use.len()));
    }
    lru.put(99, 1, 101);
    assert_eq!(lru.get(&99), None);
}
