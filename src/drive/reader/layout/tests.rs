//! Which parts of which pieces make up a range, and when to fetch ahead.

use chunker::ChunkId;

use super::*;

fn layout(lens: &[u64]) -> Layout {
    let piece = |(no, len): (usize, &u64)| {
        let chunk = (no % 3 != 1).then(|| ChunkId::from_bytes([no as u8; 32]));
        Piece { len: *len, chunk }
    };
    let pieces = lens.iter().enumerate().map(piece).collect();
    Layout::new(pieces, lens.iter().sum()).unwrap()
}

#[test]
fn a_range_is_exactly_the_parts_of_the_pieces_it_touches() {
    let lens = [7, 1, 0, 12, 5, 0, 0, 3];
    let file = layout(&lens);
    // The same, byte by byte: which piece, and which of its bytes.
    let each = |(no, len): (usize, &u64)| (0..*len).map(move |byte| (no, byte)).collect::<Vec<_>>();
    let all: Vec<(usize, u64)> = lens.iter().enumerate().flat_map(each).collect();
    for at in 0..32_u64 {
        for len in 0..32_u64 {
            let spans: Vec<Span> = file.spans(at, len).collect();
            let wanted: Vec<_> = all.iter().skip(at as usize).take(len as usize).collect();
            let bytes: u64 = spans.iter().map(|span| span.to - span.from).sum();
            assert_eq!(bytes, wanted.len() as u64, "{at}+{len}");
            let mut got = spans.iter().flat_map(|span| {
                (span.from..span.to).map(|byte| (file_piece(&file, span, byte), byte))
            });
            assert!(wanted.iter().all(|(no, byte)| {
                got.next().is_some_and(|(chunk, at)| at == *byte && chunk == chunk_of(&file, *no))
            }));
        }
    }
}

fn file_piece(_: &Layout, span: &Span, _: u64) -> Option<ChunkId> {
    span.chunk
}

fn chunk_of(file: &Layout, no: usize) -> Option<ChunkId> {
    file.pieces[no].chunk
}

#[test]
fn pieces_that_are_not_as_long_as_the_file_are_refused() {
    let piece = Piece { len: u64::MAX, chunk: None };
    assert!(Layout::new(vec![piece], 1).is_none());
    assert!(Layout::new(vec![piece, piece], 7).is_none());
    assert!(Layout::new(Vec::new(), 0).is_some());
}

#[test]
fn only_a_sequential_reader_gets_packs_fetched_ahead_and_not_at_every_step() {
    let file = layout(&[1 << 30]);
    let (step, mut times, mut fetched) = (128 << 10, 0, 0);
    for no in 0..512_u64 {
        // Two at a time come in any order.
        let at = (no ^ 1) * step;
        let Some((from, to)) = file.due_ahead(at, at + step) else { continue };
        assert!(from >= fetched && to - at <= AHEAD_BYTES + 2 * step, "{from}..{to} at {at}");
        (times, fetched) = (times + 1, to);
    }
    assert!((8..=24).contains(&times), "{times} times over 64 MiB");
    assert!(file.is_sequential() && fetched >= 64 << 20);
    // Who looks here and there does not.
    for at in [900 << 20, 3 << 20, 500 << 20, 10, 700 << 20] {
        assert_eq!(file.due_ahead(at, at + 4096), None);
    }
    assert!(!file.is_sequential());
    // Nor who looks at the beginning of a file only.
    let file = layout(&[1 << 30]);
    assert_eq!(file.due_ahead(0, 128 << 10), None);
}

#[test]
fn nothing_is_fetched_ahead_twice_nor_beyond_the_end() {
    let file = layout(&[10 << 20]);
    let mut expected = None;
    for no in 0..80_u64 {
        if let Some((from, to)) = file.due_ahead(no << 17, (no + 1) << 17) {
            assert_eq!(from, expected.unwrap_or(from));
            assert!(to <= 10 << 20);
            expected = Some(to);
        }
    }
    assert_eq!(expected, Some(10 << 20));
}
