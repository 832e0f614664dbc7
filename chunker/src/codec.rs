//! zstd, bounded on both sides, and the decision not to use it.
//!
//! Compressing the same bytes at the same level gives the same bytes (of one zstd release): packs
//! are made again from their recipe, and the pack's hash tells when that no longer holds.
//! Decompressing writes at most what the authenticated length allows, into memory of just that
//! size.
//!
//! Contexts are kept per thread: making one costs about as much as compressing a small block.

use std::cell::RefCell;
use std::io;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use zstd::bulk::{Compressor, Decompressor};

use crate::error::Error;

/// Levels accepted: those of zstd that anybody uses.
pub(crate) const LEVELS: RangeInclusive<i32> = -100..=22;

/// Largest window a compressed block may ask for: 2^23 bytes, the largest block.
const WINDOW_LOG_MAX: u32 = 23;

/// Up to this level zstd itself passes over incompressible bytes at gigabytes per second.
const FAST_LEVEL: i32 = 3;
/// The level used to find out whether a slow one is worth trying.
const PROBE_LEVEL: i32 = 1;
/// How much of a block is tried first, in bytes.
const PROBE_LEN: usize = 16 * 1024;
/// Keeping a block compressed must save at least this part of it (1/64): below that, reading it
/// back faster is worth more.
const LEAST_GAIN: usize = 64;

/// How a block's bytes are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
#[repr(u8)]
pub enum Codec {
    /// As they are.
    Raw = 0,
    /// As one zstd frame.
    Zstd = 1,
}

impl From<Codec> for u8 {
    fn from(codec: Codec) -> Self {
        codec as Self
    }
}

impl TryFrom<u8> for Codec {
    type Error = Error;

    fn try_from(found: u8) -> Result<Self, Error> {
        match found {
            0 => Ok(Self::Raw),
            1 => Ok(Self::Zstd),
            _ => Err(Error::Unknown { what: "codec", found }),
        }
    }
}

struct Encoder {
    level: i32,
    compressor: Compressor<'static>,
    /// What was compressed last; its memory is used again.
    out: Vec<u8>,
}

/// More than this of a thread's own memory is given back: blocks are rarely larger.
const SCRATCH_MAX: usize = 1024 * 1024;

thread_local! {
    static ENCODER: RefCell<Option<Encoder>> = const { RefCell::new(None) };
    static JOINED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static DECODER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The bytes compressed, or none when storing them as they are is as good. Level 0 never
/// compresses.
pub(crate) fn try_compress(raw: &[u8], level: i32) -> Result<Option<Vec<u8>>, Error> {
    if level == 0 || !is_promising(raw, level)? {
        return Ok(None);
    }
    let stored = compress(raw, level)?;
    Ok(gains(raw, &stored).then_some(stored))
}

/// Whether a slow level may be worth its time.
fn is_promising(raw: &[u8], level: i32) -> Result<bool, Error> {
    if level <= FAST_LEVEL || raw.len() < 4 * PROBE_LEN {
        return Ok(true);
    }
    let middle = raw.len() / 2;
    let sample = raw.get(middle..middle + PROBE_LEN).unwrap_or(raw);
    Ok(gains(sample, &compress(sample, PROBE_LEVEL)?) || gains(raw, &compress(raw, PROBE_LEVEL)?))
}

fn gains(raw: &[u8], stored: &[u8]) -> bool {
    stored.len() + raw.len() / LEAST_GAIN < raw.len()
}

/// The bytes as one zstd frame.
pub(crate) fn compress(raw: &[u8], level: i32) -> Result<Vec<u8>, Error> {
    ENCODER.with_borrow_mut(|kept| compress_with(kept, raw, level)).map_err(failed)
}

fn compress_with(kept: &mut Option<Encoder>, raw: &[u8], level: i32) -> io::Result<Vec<u8>> {
    let encoder = if let Some(encoder) = kept {
        encoder
    } else {
        let compressor = Compressor::new(level)?;
        kept.insert(Encoder { level, compressor, out: Vec::new() })
    };
    if encoder.level != level {
        encoder.compressor.set_compression_level(level)?;
        encoder.level = level;
    }
    encoder.out.clear();
    encoder.out.reserve(zstd::zstd_safe::compress_bound(raw.len()));
    encoder.compressor.compress_to_buffer(raw, &mut encoder.out)?;
    let stored = encoder.out.as_slice().to_vec();
    give_back(&mut encoder.out);
    Ok(stored)
}

/// Keeps a thread's own memory small.
fn give_back(scratch: &mut Vec<u8>) {
    if scratch.capacity() > SCRATCH_MAX {
        *scratch = Vec::new();
    }
}

/// Does `work` on the parts put together, in memory of the thread's own.
pub(crate) fn with_joined<'a, T>(
    parts: impl Iterator<Item = &'a [u8]>,
    work: impl FnOnce(&[u8]) -> T,
) -> T {
    JOINED.with_borrow_mut(|joined| {
        joined.clear();
        parts.for_each(|part| joined.extend_from_slice(part));
        let done = work(joined);
        give_back(joined);
        done
    })
}

/// Fills `raw` with decompressed bytes and returns how many there are. More than fit is an error.
pub(crate) fn decompress(stored: &[u8], raw: &mut [u8]) -> Result<usize, Error> {
    DECODER.with_borrow_mut(|kept| decompress_with(kept, stored, raw)).map_err(failed)
}

fn decompress_with(
    kept: &mut Option<Decompressor<'static>>,
    stored: &[u8],
    raw: &mut [u8],
) -> io::Result<usize> {
    let decoder = if let Some(decoder) = kept {
        decoder
    } else {
        let mut decoder = Decompressor::new()?;
        decoder.window_log_max(WINDOW_LOG_MAX)?;
        kept.insert(decoder)
    };
    decoder.decompress_to_buffer(stored, raw)
}

fn failed(source: io::Error) -> Error {
    Error::Compression { source }
}

#[cfg(test)]
mod tests;
