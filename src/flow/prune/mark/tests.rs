//! Which chunks are needed, and which of them are of files that are cut finely.

use super::*;

fn chunk(number: u8) -> ChunkId {
    let mut id = [7; 32];
    id[15] = number;
    ChunkId::from_bytes(id)
}

fn piece(number: u8) -> Piece {
    Piece { len: 1, chunk: Some(chunk(number)) }
}

#[test]
fn a_chunk_of_a_finely_cut_file_is_known_as_such_whatever_else_it_is_of() {
    let mut marked = Marked::default();
    marked.add(&[piece(2), piece(4), Piece { len: 9, chunk: None }], 0);
    marked.add(&[piece(4), piece(6)], FINE);
    marked.add(&[piece(6)], 0);
    marked.settle();
    assert_eq!(marked.names.len(), 3);
    for (number, has, fine) in
        [(0, false, false), (2, true, false), (4, true, true), (6, true, true), (8, false, false)]
    {
        let chunk = chunk(number);
        assert_eq!((marked.has(&chunk), marked.is_fine(&chunk)), (has, fine), "{number}");
    }
}
