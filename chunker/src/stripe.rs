//! Packs to shards and back: k data shards, m parity shards, any k of which give the pack.
//!
//! Data shards are the pack's own bytes, cut in k; so nothing is decoded while they are all there.
//! All shards of a pack are equally long, a multiple of 64 bytes (what the coder takes whole); the
//! last ones are filled up with bytes that look like the others and follow from the pack, so that
//! the same pack always gives the same shards. With k = 1 every shard is the pack itself. Decoding
//! fails when fewer than k distinct shards are given or one has another length; it trusts their
//! bytes, which the caller has checked against their names.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use bytes::Bytes;
use reed_solomon_simd::ReedSolomonEncoder;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Part, damaged};
use crate::id::ShardId;
use crate::pack::PACK_MAX;
use crate::pool::Pool;

mod solve;

/// Shards are a multiple of this many bytes long, unless they are whole packs.
const SHARD_STEP: usize = 64;

/// Shards are coded in strips of this many bytes each, a multiple of [`SHARD_STEP`]: the coder
/// treats every 64 bytes by themselves, so strips give the very bytes that whole shards would. Its
/// work space then stays in the processor's cache and takes kilobytes, not a pack's size.
const STRIP: usize = 32 * 1024;

const TAIL: &str = "gbak 2026 v1 shard tail";

/// How many shards a pack has: k of data and m of parity. Any k of the k + m give the pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Code {
    k: u8,
    m: u8,
}

#[derive(Deserialize)]
#[serde(rename = "Code")]
struct Raw {
    k: u8,
    m: u8,
}

impl TryFrom<Raw> for Code {
    type Error = Error;

    fn try_from(Raw { k, m }: Raw) -> Result<Self, Error> {
        Self::new(k, m)
    }
}

impl Code {
    /// At least one data shard, at most 255 shards together.
    pub fn new(k: u8, m: u8) -> Result<Self, Error> {
        if k >= 1 && k.checked_add(m).is_some() {
            Ok(Self { k, m })
        } else {
            Err(Error::BadCode { k, m })
        }
    }

    /// Data shards: how many are needed.
    pub const fn k(self) -> u8 {
        self.k
    }

    /// Parity shards: how many may be lost.
    pub const fn m(self) -> u8 {
        self.m
    }

    /// All shards.
    pub const fn n(self) -> usize {
        self.k as usize + self.m as usize
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.k, self.m)
    }
}

impl FromStr for Code {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (k, m) = text.split_once('+').ok_or(Error::CodeSyntax)?;
        let number = |text: &str| match text.parse() {
            Ok(number) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(number),
            _ => Err(Error::CodeSyntax),
        };
        Self::new(number(k)?, number(m)?)
    }
}

/// One shard of a pack.
#[derive(Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its place: data shards from 0, then parity shards.
    pub index: u8,
    /// BLAKE3 of its bytes.
    pub id: ShardId,
    /// Its bytes.
    pub bytes: Bytes,
}

impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shard({}, {:?}, {} bytes)", self.index, self.id, self.bytes.len())
    }
}

/// The length of each shard of a pack of `len` bytes.
pub fn shard_len(code: Code, len: usize) -> usize {
    match code.k {
        1 => len,
        k => len.div_ceil(usize::from(k)).next_multiple_of(SHARD_STEP),
    }
}

/// All shards of a pack.
pub fn encode(code: Code, pack: &Bytes) -> Result<Vec<Shard>, Error> {
    encode_in(code, pack, &Pool::default())
}

/// The same with parity in memory from `pool`, which goes back when no parity shard is left.
pub fn encode_in(code: Code, pack: &Bytes, pool: &Pool) -> Result<Vec<Shard>, Error> {
    check_len(pack.len())?;
    if code.k == 1 {
        let id = ShardId::from(blake3::hash(pack));
        let copy = |index| Shard { index: index as u8, id, bytes: pack.clone() };
        return Ok((0..code.n()).map(copy).collect());
    }
    let mut shards = data_shards(code, pack);
    if code.m > 0 {
        let parity = parity_shards(code, &shards, pool);
        let parity = parity.map_err(|source| Error::Coding { source })?;
        shards.extend(parity);
    }
    let named = |(index, bytes): (usize, Bytes)| {
        let id = blake3::hash(&bytes).into();
        Shard { index: index as u8, id, bytes }
    };
    Ok(shards.into_iter().enumerate().map(named).collect())
}

fn check_len(len: usize) -> Result<(), Error> {
    match len {
        0 => Err(Error::Empty),
        1..=PACK_MAX => Ok(()),
        _ => Err(Error::TooLarge { len, limit: PACK_MAX }),
    }
}

/// The pack cut in k; what lies inside it is not copied.
fn data_shards(code: Code, pack: &Bytes) -> Vec<Bytes> {
    let (k, each) = (usize::from(code.k), shard_len(code, pack.len()));
    let whole = pack.len() / each;
    let mut shards: Vec<Bytes> =
        (0..whole).map(|index| pack.slice(index * each..(index + 1) * each)).collect();
    if whole < k {
        let mut last = pack.slice(whole * each..).to_vec();
        let from = last.len();
        last.resize((k - whole) * each, 0);
        fill_tail(pack, &mut last[from..]);
        let last = Bytes::from(last);
        shards.extend((0..k - whole).map(|index| last.slice(index * each..(index + 1) * each)));
    }
    shards
}

fn fill_tail(pack: &[u8], tail: &mut [u8]) {
    let mut hasher = blake3::Hasher::new_derive_key(TAIL);
    hasher.update(blake3::hash(pack).as_bytes());
    hasher.finalize_xof().fill(tail);
}

fn parity_shards(
    code: Code,
    data: &[Bytes],
    pool: &Pool,
) -> Result<Vec<Bytes>, reed_solomon_simd::Error> {
    let (k, m) = (data.len(), usize::from(code.m));
    let each = data.first().map_or(0, Bytes::len);
    let mut parity = pool.take(m * each);
    parity.resize(m * each, 0);
    let mut encoder = ReedSolomonEncoder::new(k, m, each.min(STRIP))?;
    for strip in strips(each) {
        if strip.len() < STRIP {
            encoder.reset(k, m, strip.len())?;
        }
        for shard in data {
            encoder.add_original_shard(shard.get(strip.clone()).unwrap_or_default())?;
        }
        let coded = encoder.encode()?;
        for (shard, coded) in parity.chunks_exact_mut(each).zip(coded.recovery_iter()) {
            if let Some(room) = shard.get_mut(strip.clone()) {
                room.copy_from_slice(coded);
            }
        }
    }
    let parity = parity.freeze();
    Ok((0..m).map(|index| parity.slice(index * each..(index + 1) * each)).collect())
}

/// The strips of shards of `each` bytes; only the last may be shorter.
fn strips(each: usize) -> impl Iterator<Item = Range<usize>> {
    (0..each).step_by(STRIP).map(move |at| at..each.min(at + STRIP))
}

/// The pack of `len` bytes from any k of its shards, each given with its index. More may be given.
pub fn decode(code: Code, len: usize, shards: &[(u8, Bytes)]) -> Result<Bytes, Error> {
    assemble(code, len, shards.to_vec())
}

/// The same, but lets every data shard go as soon as it is in its place: so that there are never
/// two whole packs in memory.
pub fn assemble(code: Code, len: usize, shards: Vec<(u8, Bytes)>) -> Result<Bytes, Error> {
    assemble_in(&Pool::default(), code, len, shards)
}

/// The same in memory that is used again: all of which is there from the beginning, beside the
/// shards.
pub fn assemble_in(
    pool: &Pool,
    code: Code,
    len: usize,
    shards: Vec<(u8, Bytes)>,
) -> Result<Bytes, Error> {
    check_len(len)?;
    let each = shard_len(code, len);
    let mut given: BTreeMap<usize, Bytes> = BTreeMap::new();
    for (index, bytes) in shards {
        if usize::from(index) >= code.n() || bytes.len() != each {
            return Err(damaged(Part::Shard(index)));
        }
        given.entry(usize::from(index)).or_insert(bytes);
    }
    let k = usize::from(code.k);
    if given.len() < k {
        return Err(Error::TooFewShards { needed: code.k, found: given.len() });
    }
    if k == 1 {
        return Ok(given.into_values().next().unwrap_or_default());
    }
    if given.keys().take(k).copied().eq(0..k) {
        let mut pack = pool.take(k * each);
        given.into_values().take(k).for_each(|bytes| pack.extend_from_slice(&bytes));
        pack.truncate(len);
        return Ok(pack.freeze());
    }
    // The k lowest indices: data shards first, which spare the decoder work.
    let (mut pack, mut here, mut parity) = (pool.zeroed(k * each), Vec::new(), Vec::new());
    for (index, bytes) in given.into_iter().take(k) {
        match pack.get_mut(index * each..(index + 1) * each) {
            Some(room) => {
                room.copy_from_slice(&bytes);
                here.push(index);
            }
            None => parity.push((index - k, bytes)),
        }
    }
    if !parity.is_empty() {
        let made = solve::make_again(code, &mut pack, &here, &parity);
        made.map_err(|source| Error::Coding { source })?;
    }
    pack.truncate(len);
    Ok(pack.freeze())
}
