//! What a commit reads of a file, and what it takes over.

use super::*;
use crate::drive::volume::tests::{ME, Memory, World};

fn all_held() -> Held {
    Arc::new(|ids: &[ChunkId]| vec![true; ids.len()])
}

/// A file of a moment, as the commit puts it together.
pub(crate) fn frozen_bytes(frozen: &Arc<Frozen>, ino: Ino, grid: &Memory) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let far: Arc<dyn Far> = Arc::new(grid.clone());
    let sources = Sources { far, held: all_held(), runtime: runtime.handle().clone() };
    let inode = frozen.get(ino).unwrap();
    let mut file = FrozenFile::open(frozen, inode, sources).unwrap();
    let mut bytes = Vec::new();
    let mut at = 0;
    loop {
        match file.next(&mut bytes, 3_000).unwrap() {
            None => return bytes,
            Some(SegmentKind::Data(len)) => at += len as u64,
            Some(SegmentKind::Hole(len)) => at += len,
            Some(SegmentKind::Kept(piece)) => {
                let kept = Content::Inline(vec![piece]);
                let read = grid.read(kept, piece.len, 0, piece.len);
                bytes.extend_from_slice(&runtime.block_on(read).unwrap());
                at += piece.len;
            }
        }
        bytes.resize(at as usize, 0);
    }
}

#[test]
fn of_a_large_file_only_the_chunks_that_changed_are_read() {
    use crate::drive::ops::Files;
    use crate::drive::volume::freeze::Taken;
    let w = World::new();
    let file = w.make(ROOT, "f", Type::File).ino;
    w.volume.write(file, 0, &vec![1; 100_000], true).unwrap();
    let frozen = w.volume.freeze();
    w.volume.thaw();
    let bytes = frozen_bytes(&frozen, file, &w.grid);
    let content = w.grid.keep(&bytes, 10_000);
    let of = match &frozen.get(file).unwrap().body {
        Body::File(data) => data.changed,
        _ => panic!("a file"),
    };
    let base = Base { content, size: 100_000, allocated: 100_000, commit: 1, of };
    w.volume.committed(vec![Taken { ino: file, of, base }]);
    w.volume.write(file, 25_000, &[2; 10_000], true).unwrap();
    w.volume.write(file, 100_000, &[3; 5], true).unwrap();
    let frozen = w.volume.freeze();
    let Body::File(data) = &frozen.get(file).unwrap().body else { panic!("a file") };
    let base = data.base.clone().unwrap();
    let layout = futures::executor::block_on(w.grid.layout(base.content, base.size)).unwrap();
    let steps = steps(data, 100_005, Some(&layout), &all_held());
    let read: Vec<(u64, u64)> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Read { from, to, .. } => Some((*from, *to)),
            Step::Keep(_) => None,
        })
        .collect();
    assert_eq!(read, [(20_000, 40_000), (100_000, 100_005)]);
    let change = crate::drive::ops::Change { size: Some(55_000), ..Default::default() };
    w.volume.set_attr(file, &change, ME).unwrap();
    assert_eq!(frozen_bytes(&frozen, file, &w.grid).len(), 100_005, "the moment stays");
}
