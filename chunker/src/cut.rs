//! Content-defined cutting: where a chunk ends depends on the bytes before the end and on nothing
//! else, so that an insertion moves the cuts around it and no others.
//!
//! FastCDC (2020) with a table of its own for every vault, drawn from the vault's key: whoever does
//! not have it cannot tell from the lengths of chunks what was cut. (The crate's `seed` is no such
//! key: it XORs one number onto a public table.) The cuts do not depend on how the caller reads,
//! because a cut is made only when the window holds a whole largest chunk or the end of the file.
//! Cutting cannot fail; parameters that make no sense are refused when they are built or decoded.

use std::fmt;

use fastcdc::v2020::{
    AVERAGE_MIN, MAXIMUM_MIN, MINIMUM_MIN, Normalization, cut_gear, select_masks,
};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::Error;
use crate::keys::VaultKeys;

/// The largest `max` accepted, in bytes: so that a chunk added to an almost full block still fits
/// the largest block.
const MAX_CHUNK: u32 = 4 * 1024 * 1024;

const TABLE: &str = "gbak 2026 v1 chunker gear table";

/// Sizes of chunks in bytes. Fixed for a vault's life: other sizes give other cuts, and nothing
/// that is there already is found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct CutParams {
    min: u32,
    avg: u32,
    max: u32,
}

#[derive(Deserialize)]
#[serde(rename = "CutParams")]
struct Raw {
    min: u32,
    avg: u32,
    max: u32,
}

impl TryFrom<Raw> for CutParams {
    type Error = Error;

    fn try_from(Raw { min, avg, max }: Raw) -> Result<Self, Error> {
        Self::new(min, avg, max)
    }
}

impl Default for CutParams {
    fn default() -> Self {
        Self { min: 16 * 1024, avg: 64 * 1024, max: 256 * 1024 }
    }
}

impl CutParams {
    /// For large files of which little changes at a time, as images and databases: a changed block
    /// costs about half as much as with the default, and the list of chunks is twice as long.
    pub const fn fine() -> Self {
        Self { min: 8 * 1024, avg: 32 * 1024, max: 128 * 1024 }
    }

    /// These sizes in bytes: even, at least 64, `min < avg < max`, at most 4 MiB.
    pub fn new(min: u32, avg: u32, max: u32) -> Result<Self, Error> {
        let even = [min, avg, max].iter().all(|size| size.is_multiple_of(2));
        let large = min as usize >= MINIMUM_MIN
            && avg as usize >= AVERAGE_MIN
            && max as usize >= MAXIMUM_MIN;
        let good = even && large && min < avg && avg < max && max <= MAX_CHUNK;
        if good { Ok(Self { min, avg, max }) } else { Err(Error::BadCutParams { min, avg, max }) }
    }

    /// The smallest chunk, apart from a file's last.
    pub const fn min(&self) -> u32 {
        self.min
    }

    /// What chunks are near to.
    pub const fn avg(&self) -> u32 {
        self.avg
    }

    /// The largest chunk.
    pub const fn max(&self) -> u32 {
        self.max
    }
}

/// Finds the ends of chunks.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Cutter {
    #[zeroize(skip)]
    params: CutParams,
    /// Strict below the average size, loose above: so that most chunks are near it. Level 2 was the
    /// best of four on noise: an insertion costs 1.25 average chunks, and never more than 4 were
    /// seen.
    #[zeroize(skip)]
    masks: (u64, u64),
    gear: Box<[u64; 256]>,
    /// `gear`, each value shifted left by one, as the algorithm wants it for taking two bytes at
    /// once.
    gear_ls: Box<[u64; 256]>,
}

impl fmt::Debug for Cutter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cutter").field("params", &self.params).finish_non_exhaustive()
    }
}

impl Cutter {
    /// Cuts as this vault does.
    pub fn new(keys: &VaultKeys, params: CutParams) -> Self {
        let gear = gear(keys);
        let gear_ls = Box::new(gear.map(|value| value << 1));
        let masks = select_masks(params.avg as usize, Normalization::Level2);
        Self { params, masks, gear, gear_ls }
    }

    /// The length of the first chunk of `window`.
    ///
    /// None when more bytes are needed: the window is empty, or shorter than the largest chunk and
    /// not the file's last.
    pub fn cut(&self, window: &[u8], last: bool) -> Option<usize> {
        let CutParams { min, avg, max } = self.params;
        let (min, avg, max) = (min as usize, avg as usize, max as usize);
        if window.is_empty() || (window.len() < max && !last) {
            return None;
        }
        let (strict, loose) = self.masks;
        let (gear, gear_ls) = (self.gear.as_slice(), self.gear_ls.as_slice());
        let (_, len) =
            cut_gear(window, min, avg, max, strict, loose, strict << 1, loose << 1, gear, gear_ls);
        Some(len)
    }
}

fn gear(keys: &VaultKeys) -> Box<[u64; 256]> {
    let mut hasher = blake3::Hasher::new_derive_key(TABLE);
    hasher.update(keys.chunker());
    let mut bytes = [0; 256 * 8];
    hasher.finalize_xof().fill(&mut bytes);
    let mut gear = Box::new([0; 256]);
    for (value, bytes) in gear.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *value = u64::from_le_bytes(*bytes);
    }
    bytes.zeroize();
    gear
}

#[cfg(test)]
mod tests;
