//! Where a file's bytes are, and how somebody goes through them.

use std::sync::{Mutex, PoisonError};

use chunker::ChunkId;

use crate::vault::tree::Piece;

/// How far ahead of a sequential reader packs are fetched at most, in bytes of the file.
pub(super) const AHEAD_BYTES: u64 = 32 * 1024 * 1024;
/// Who has read so many bytes in one go is a sequential reader.
const RUN_BYTES: u64 = 256 * 1024;
/// How much of what was read in one go is fetched ahead: so that it takes some reading before much
/// is fetched that may not be wanted.
const EAGERNESS: u64 = 4;
/// A read so near to where the last one ended goes on with it: the kernel has several under way,
/// and they do not come in order.
const NEAR_BYTES: u64 = 256 * 1024;

/// A file's pieces, and how it is being read.
#[derive(Debug)]
pub struct Layout {
    pieces: Vec<Piece>,
    /// Where each piece begins; one more at the end, the file's size.
    starts: Vec<u64>,
    run: Mutex<Run>,
}

/// What is read in one go.
#[derive(Debug, Default)]
struct Run {
    /// Bytes that were read.
    read: u64,
    /// Where the reads ended.
    next: u64,
    /// Up to where packs were fetched ahead.
    ahead: u64,
}

/// A part of one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) chunk: Option<ChunkId>,
    pub(super) from: u64,
    pub(super) to: u64,
}

impl Layout {
    /// Of a file of `size` bytes; `None` when the pieces are not that long.
    pub fn new(pieces: Vec<Piece>, size: u64) -> Option<Self> {
        let mut starts = Vec::with_capacity(pieces.len() + 1);
        let mut at = 0_u64;
        for piece in &pieces {
            starts.push(at);
            at = at.checked_add(piece.len)?;
        }
        starts.push(at);
        (at == size).then(|| Self { pieces, starts, run: Mutex::default() })
    }

    /// The file's size.
    pub fn size(&self) -> u64 {
        self.starts.last().copied().unwrap_or_default()
    }

    /// The pieces, in file order.
    pub(in crate::drive) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// What it takes of a cache: its number of pieces.
    pub(in crate::drive) fn weight(&self) -> usize {
        self.pieces.len() + 1
    }

    /// The parts of pieces that make up a range, which may reach past the end.
    pub(super) fn spans(&self, at: u64, len: u64) -> impl Iterator<Item = Span> + '_ {
        let end = at.saturating_add(len).min(self.size());
        // The last piece that begins at or before `at`.
        let first = self.starts.partition_point(|start| *start <= at).saturating_sub(1);
        let pieces = self.pieces.iter().zip(&self.starts).skip(first);
        pieces.take_while(move |(_, start)| **start < end).filter_map(move |(piece, start)| {
            let from = at.saturating_sub(*start);
            let to = (end - start).min(piece.len);
            (from < to).then_some(Span { chunk: piece.chunk, from, to })
        })
    }

    /// Notes a read of `at..end`, and says what of the file is to be fetched now because it will
    /// be read next: nothing unless the reads go on from one to the next.
    pub(super) fn due_ahead(&self, at: u64, end: u64) -> Option<(u64, u64)> {
        let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        let len = end.saturating_sub(at);
        if at.abs_diff(run.next) > NEAR_BYTES {
            *run = Run { read: len, next: end, ahead: end };
        } else {
            run.read = run.read.saturating_add(len);
            run.next = run.next.max(end);
        }
        if run.read < RUN_BYTES {
            return None;
        }
        let window = run.read.saturating_mul(EAGERNESS).min(AHEAD_BYTES);
        let from = run.ahead.max(run.next);
        let to = run.next.saturating_add(window).min(self.size());
        // In steps, not with every read.
        if to <= from || to - from < window / 4 && to < self.size() {
            return None;
        }
        run.ahead = to;
        Some((from, to))
    }

    /// Whether the last reads went on from one to the next.
    pub(super) fn is_sequential(&self) -> bool {
        let run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        run.read >= RUN_BYTES
    }
}

#[cfg(test)]
mod tests;
