//! Which level when.

use super::Effort;

const BLOCK: usize = 256 * 1024;

#[test]
fn large_files_are_compressed_fast_while_packs_leave_as_fast_as_they_are_made() {
    let mut effort = Effort::new(None);
    assert_eq!((effort.level(BLOCK, BLOCK), effort.level(BLOCK, BLOCK / 2)), (1, 3));
    effort.note(true);
    assert_eq!(effort.level(BLOCK, BLOCK), 1);
    // Waiting for our own sealing is no reason to work harder.
    let sealing = effort.sealing();
    effort.note(false);
    assert_eq!(effort.level(BLOCK, BLOCK), 1);
    drop(sealing);
    effort.note(false);
    assert_eq!((effort.level(BLOCK, BLOCK), effort.level(BLOCK, 0)), (3, 3));
    effort.note(true);
    assert_eq!(effort.level(BLOCK, BLOCK), 1);
}

#[test]
fn a_level_that_was_asked_for_is_kept() {
    for level in [0, 1, 9, 19] {
        let mut effort = Effort::new(Some(level));
        assert_eq!(effort.level(BLOCK, BLOCK), level);
        effort.note(false);
        assert_eq!(effort.level(BLOCK, 0), level);
    }
}
