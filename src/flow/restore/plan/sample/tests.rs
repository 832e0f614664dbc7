//! Samples are random, bounded and whole.

use std::collections::BTreeSet;

use super::*;
use crate::flow::restore::plan::Rel;
use crate::vault::tree::{Content, Meta, Stamp};

fn meta() -> Meta {
    let stamp = Stamp { secs: 0, nanos: 0 };
    Meta {
        mode: 0o644,
        uid: 0,
        gid: 0,
        user: None,
        group: None,
        mtime: stamp,
        ctime: stamp,
        inode: 1,
        device: 1,
        links: 1,
        xattrs: Vec::new(),
    }
}

/// `count` files of `size` bytes, each in a directory of its own two levels deep.
fn planned(count: u32, size: u64) -> Planned {
    let mut planned = Planned::default();
    for no in 0..count {
        let dirs = Arc::make_mut(&mut planned.dirs);
        let above = dirs.push(Spot { dir: None, name: vec![b'a', no as u8] }, meta());
        let dir = dirs.push(Spot { dir: above, name: b"inner".to_vec() }, meta());
        let spot = Spot { dir, name: format!("file-{no}").into_bytes() };
        planned.files.push(PlannedFile {
            spot,
            size,
            content: Content::Inline(Vec::new()),
            meta: meta(),
        });
    }
    planned
}

fn paths(planned: &Planned) -> BTreeSet<Rel> {
    planned.files.iter().map(|file| planned.dirs.rel(&file.spot)).collect()
}

#[test]
fn a_sample_keeps_paths_and_only_the_directories_it_needs() {
    let all = paths(&planned(100, 10));
    let sample = Sample { files: 7, bytes: u64::MAX, seed: [3; 32] };
    let part = planned(100, 10).sampled(&sample);
    assert_eq!((part.files.len(), part.dirs.len()), (7, 14));
    assert!(paths(&part).is_subset(&all), "{:?}", paths(&part));
}

#[test]
fn a_sample_stays_below_its_limit_of_bytes() {
    let sample = Sample { files: 1000, bytes: 55, seed: [3; 32] };
    assert_eq!(planned(100, 10).sampled(&sample).files.len(), 5);
    let nothing = Sample { bytes: 9, ..sample };
    assert!(planned(100, 10).sampled(&nothing).files.is_empty());
}

#[test]
fn every_file_is_drawn_sooner_or_later() {
    let drawn = |seed: u8| {
        let sample = Sample { files: 5, bytes: u64::MAX, seed: [seed; 32] };
        paths(&planned(20, 1).sampled(&sample))
    };
    assert_ne!(drawn(1), drawn(2));
    let seen: BTreeSet<Rel> = (0..60).flat_map(drawn).collect();
    assert_eq!(seen.len(), 20);
}
