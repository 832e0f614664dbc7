//! When buffers come back, and when they go.

use super::Pool;

#[test]
fn a_buffer_is_used_again_when_the_last_part_of_it_is_dropped() {
    let pool = Pool::new(2);
    let mut buffer = pool.take(100);
    buffer.extend_from_slice(b"some bytes");
    let first = buffer.as_ptr();
    let bytes = buffer.freeze();
    let part = bytes.slice(5..);
    drop(bytes);
    assert_eq!((pool.idle(), &part[..]), (0, b"bytes".as_slice()));
    drop(part);
    assert_eq!(pool.idle(), 1);
    let again = pool.take(100);
    assert!(again.is_empty() && again.as_ptr() == first);
}

#[test]
fn no_more_are_kept_than_was_said_and_none_that_is_too_small_is_given() {
    let pool = Pool::new(1);
    let (small, large) = (pool.take(10), pool.take(1000));
    drop(small);
    drop(large);
    assert_eq!(pool.idle(), 1);
    assert!(pool.take(500).capacity() >= 500);
    let none = Pool::default();
    drop(none.take(10));
    assert_eq!(none.idle(), 0);
}

#[test]
fn a_pool_that_lives_on_keeps_one_buffer_when_none_is_in_use() {
    let pool = Pool::while_used(3);
    let buffers: Vec<_> = (0..3).map(|_| pool.take(100)).collect();
    let last = pool.take(100);
    drop(buffers);
    assert_eq!(pool.idle(), 3);
    drop(last);
    assert_eq!(pool.idle(), 1);
    let again = pool.zeroed(50);
    assert_eq!((pool.idle(), again.as_slice()), (0, [0; 50].as_slice()));
    drop(again);
    // Who asks for little gets no buffer that is much larger.
    assert!(pool.take(49).capacity() < 100);
}

#[test]
fn zeros_are_zeros_in_a_buffer_that_was_used() {
    let pool = Pool::new(1);
    pool.take(100).extend_from_slice(&[7; 90]);
    assert_eq!(pool.idle(), 1);
    assert_eq!(pool.zeroed(80).as_slice(), [0; 80]);
    assert_eq!(pool.zeroed(200).as_slice(), [0; 200]);
}
