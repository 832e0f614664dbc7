//! Bytes of a file that come in no order.

use super::*;

/// Bytes that a chunk has: its ends lie in the middle of pages.
const CHUNK: usize = 45_001;
const CHUNKS: u64 = 1_500;

/// Bytes that this thread had a disk read.
fn read_from_disk() -> u64 {
    let io = fs::read_to_string("/proc/thread-self/io").unwrap();
    let line = io.lines().find_map(|line| line.strip_prefix("read_bytes: ")).unwrap();
    line.parse().unwrap()
}

#[test]
fn chunks_that_come_in_no_order_are_not_read_back_from_the_disk() {
    // Beside the build: a file system in memory would never be read from.
    let place = std::env::current_exe().unwrap();
    let base = tempfile::tempdir_in(place.parent().unwrap()).unwrap();
    let target = Target::open(base.path(), true).unwrap();
    let size = CHUNKS * CHUNK as u64;
    let writer = target.begin_file(&rel("image"), size).unwrap();
    let temp = base.path().join(&names_in(base.path())[0]);
    let (chunk, before) = (vec![7; CHUNK], read_from_disk());
    // 7 and 1,500 have no common factor: each chunk once, none beside the one before.
    for no in 0..CHUNKS {
        writer.write_at(no * 7 % CHUNKS * CHUNK as u64, &chunk).unwrap();
        if no % 100 == 0 {
            // What the disk has is what the kernel may forget.
            fs::File::open(&temp).unwrap().sync_data().unwrap();
        }
    }
    let read = read_from_disk() - before;
    assert!(read < CHUNK as u64, "{read} bytes read to write {size}");
    writer.finish(&meta(0o640), false).unwrap();
}
