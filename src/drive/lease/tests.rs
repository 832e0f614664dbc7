//! A drive's history when more than one machine wrote it.

use chunker::{CutParams, PeerId};

use super::*;
use crate::vault::snapshot::{Snapshot, SnapshotState, Totals};
use crate::vault::tree::Stamp;

fn id(no: u8) -> SnapshotId {
    SnapshotId::from_bytes([no; 32])
}

fn commit(no: u8, epoch: u64, parent: u8, secs: i64) -> Listed {
    let snapshot = Snapshot {
        time: Stamp { secs, nanos: 0 },
        hostname: String::new(),
        username: String::new(),
        paths: Vec::new(),
        tags: vec![tag("work"), format!("{EPOCH}{epoch}")],
        root: Vec::new(),
        parent: Some(id(parent)),
        state: SnapshotState::Complete,
        device: PeerId::from_bytes([1; 32]),
        program: String::new(),
        totals: Totals::default(),
        cut: CutParams::default(),
        large: None,
    };
    Listed { id: id(no), snapshot, queued: false, pinned: false }
}

fn numbers(line: &[Listed]) -> Vec<u8> {
    line.iter().map(|commit| commit.id.as_bytes()[0]).collect()
}

#[test]
fn what_the_next_epoch_does_not_build_on_is_beside_the_line() {
    // 3 was made by the writer of epoch 1 when epoch 2 had begun from 2, and has the latest time.
    let mut all =
        vec![commit(1, 1, 0, 10), commit(2, 1, 1, 20), commit(4, 2, 2, 15), commit(3, 1, 2, 90)];
    all.sort_by_key(|commit| commit.snapshot.time);
    assert_eq!(numbers(&line(all.clone())), [1, 2, 4]);
    all.push(commit(5, 2, 4, 16));
    assert_eq!(numbers(&line(all.clone())), [1, 2, 4, 5]);
    // One epoch alone is all of it, and a base that was forgotten takes nothing with it.
    assert_eq!(numbers(&line(vec![commit(1, 1, 0, 1), commit(2, 1, 1, 2)])), [1, 2]);
    all.retain(|commit| commit.id != id(2));
    assert_eq!(numbers(&line(all)), [1, 3, 4, 5]);
}

#[test]
fn commits_of_one_epoch_follow_their_parents_whatever_the_clock_said() {
    // The writer's clock went back twice.
    let all = vec![commit(3, 1, 2, 5), commit(1, 1, 0, 10), commit(4, 1, 3, 7), commit(2, 1, 1, 8)];
    assert_eq!(numbers(&line(all.clone())), [1, 2, 3, 4]);
    // Without the first two, which were forgotten.
    let left = all.into_iter().filter(|commit| ![id(1), id(2)].contains(&commit.id));
    assert_eq!(numbers(&line(left.collect())), [3, 4]);
}

#[test]
fn a_table_is_behind_only_what_another_machine_committed() {
    let me = PeerId::from_bytes([1; 32]);
    let by = |no: u8, commit: Listed| {
        let device = PeerId::from_bytes([no; 32]);
        Listed { snapshot: Snapshot { device, ..commit.snapshot }, ..commit }
    };
    let mine = vec![commit(1, 1, 0, 1), commit(2, 1, 1, 2), commit(3, 1, 2, 3)];
    // Killed before it was noted: what is here is newer than any commit.
    for tip in [None, Some(id(1)), Some(id(3)), Some(id(9))] {
        assert!(!is_behind(&mine, tip, me), "{tip:?}");
    }
    let others =
        [mine.clone(), vec![by(2, commit(4, 2, 3, 4)), by(2, commit(5, 2, 4, 5))]].concat();
    for tip in [None, Some(id(3)), Some(id(4)), Some(id(9))] {
        assert!(is_behind(&others, tip, me), "{tip:?}");
    }
    assert!(!is_behind(&others, Some(id(5)), me));
    // Built upon since, and killed, and the one that was known is forgotten.
    let since = [others, vec![commit(6, 3, 5, 6), commit(7, 3, 6, 7)]].concat();
    assert!(!is_behind(&since, Some(id(6)), me) && !is_behind(&since, Some(id(9)), me));
    assert!(is_behind(&since, Some(id(2)), me));
}
