//! Opening packs: by their recipe, or with nothing but the vault's keys and the pack's name.
//!
//! Order of trust: length, mark and suite; then the commitment, before any frame; then each frame's
//! tag, before its bytes mean anything; then, for a block, decompression into exactly the
//! authenticated length; last, every chunk's name is computed anew. What fails is named in the
//! error, and damage is told from a wrong key.

use std::fmt;

use bytes::Bytes;

use super::frame::{Frame, PackKey, SALT_LEN, TAG_LEN};
use super::layout::{self, COMMIT_LEN, HEADER_LEN, Layout, MAGIC, PACK_SIZES, PROLOGUE_LEN, SUITE};
use super::meta::{BlockMeta, PackMeta};
use crate::codec::{self, Codec};
use crate::error::{Error, Part, damaged};
use crate::id::PackId;
use crate::keys::VaultKeys;

/// A pack whose key is known to be right. Opens blocks in any order, from any thread.
pub struct PackReader {
    keys: VaultKeys,
    key: PackKey,
    meta: PackMeta,
    layout: Layout,
    bytes: Bytes,
}

/// Memory for opening blocks, used again from block to block.
#[derive(Debug, Default)]
pub struct Scratch {
    stored: Vec<u8>,
    raw: Vec<u8>,
}

impl fmt::Debug for PackReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackReader").field("pack", &self.meta.id).finish_non_exhaustive()
    }
}

impl PackReader {
    /// Gets ready to read the pack of this recipe. The bytes need not have been hashed before: what
    /// is read later is authenticated by itself.
    pub fn open(keys: &VaultKeys, meta: &PackMeta, bytes: &Bytes) -> Result<Self, Error> {
        let layout = meta.check()?;
        if bytes.len() != meta.len as usize {
            return Err(damaged(Part::Length));
        }
        let header = Header::parse(bytes)?;
        if header.salt != meta.salt {
            return Err(damaged(Part::Salt));
        }
        let key = PackKey::derive(keys, &meta.salt);
        if !key.made(&header.commit) {
            // Worth a hash: damage is mended from other shards, a wrong key by other words.
            check_hash(meta.id, bytes)?;
            return Err(Error::WrongKey);
        }
        Ok(Self { keys: keys.clone(), key, meta: meta.clone(), layout, bytes: bytes.clone() })
    }

    /// A pack's recipe from its own directory, for making a lost index again.
    pub fn scan(keys: &VaultKeys, id: PackId, bytes: &Bytes) -> Result<PackMeta, Error> {
        if !PACK_SIZES.contains(&bytes.len()) {
            return Err(damaged(Part::Length));
        }
        check_hash(id, bytes)?;
        let Header { salt, commit } = Header::parse(bytes)?;
        let key = PackKey::derive(keys, &salt);
        if !key.made(&commit) {
            return Err(Error::WrongKey);
        }
        let blocks = read_directory(&key, bytes).ok_or(damaged(Part::Directory))?;
        let meta = PackMeta { id, salt, len: bytes.len() as u32, blocks };
        meta.check().map_err(|_| damaged(Part::Directory))?;
        Ok(meta)
    }

    /// The recipe.
    pub fn meta(&self) -> &PackMeta {
        &self.meta
    }

    /// Checks every byte of the pack, padding too, against the pack's name.
    pub fn verify(&self) -> Result<(), Error> {
        check_hash(self.meta.id, &self.bytes)
    }

    /// The plaintext of one block: its chunks, one after the other.
    pub fn block(&self, no: usize) -> Result<Vec<u8>, Error> {
        let mut scratch = Scratch::default();
        self.open_block(no, &mut scratch)?;
        Ok(scratch.raw)
    }

    /// The plaintext of one block from its own sealed bytes alone, wherever they are from: their
    /// tag is checked under the pack's key, with the block's number and entry, and each chunk
    /// against its keyed name. There is no header to tell a wrong key from damage, and none is
    /// needed, as the pack was read back under this key when it was sealed.
    pub fn part(
        keys: &VaultKeys,
        meta: &PackMeta,
        no: usize,
        sealed: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let mut scratch = Scratch::default();
        Self::part_in(keys, meta, (no, sealed), &mut scratch)?;
        Ok(scratch.raw)
    }

    /// The same as [`Self::part`] in memory that is used again.
    pub fn part_in<'a>(
        keys: &VaultKeys,
        meta: &PackMeta,
        (no, sealed): (usize, &[u8]),
        scratch: &'a mut Scratch,
    ) -> Result<&'a [u8], Error> {
        meta.check()?;
        let key = PackKey::derive(keys, &meta.salt);
        open_frame(keys, &key, meta, (no, sealed), scratch)?;
        Ok(&scratch.raw)
    }

    /// The same as [`Self::block`] in memory that is used again.
    pub fn block_in<'a>(&self, no: usize, scratch: &'a mut Scratch) -> Result<&'a [u8], Error> {
        self.open_block(no, scratch)?;
        Ok(&scratch.raw)
    }

    /// The same, leaving the plaintext in `scratch`.
    pub(super) fn open_block(&self, no: usize, scratch: &mut Scratch) -> Result<(), Error> {
        let blocks = self.meta.blocks.len();
        let range = self.layout.blocks.get(no).ok_or(Error::NoSuchBlock { no, blocks })?;
        let sealed = self.bytes.get(range.clone()).ok_or(damaged(Part::Length))?;
        open_frame(&self.keys, &self.key, &self.meta, (no, sealed), scratch)
    }

    /// Whether the sealed directory says what the recipe says.
    pub(super) fn check_directory(&self) -> Result<(), Error> {
        let same = read_directory(&self.key, &self.bytes).as_ref() == Some(&self.meta.blocks);
        if same { Ok(()) } else { Err(damaged(Part::Directory)) }
    }
}

/// Opens the block of this number from its sealed bytes, and checks its chunks.
fn open_frame(
    keys: &VaultKeys,
    key: &PackKey,
    meta: &PackMeta,
    (no, sealed): (usize, &[u8]),
    scratch: &mut Scratch,
) -> Result<(), Error> {
    let Scratch { stored, raw } = scratch;
    let blocks = meta.blocks.len();
    let block = meta.blocks.get(no).ok_or(Error::NoSuchBlock { no, blocks })?;
    let frame = Frame::Block { no: no as u32, last: no + 1 == blocks };
    let opened = key.open(frame, &layout::entry(block), sealed, stored);
    opened.ok_or(damaged(Part::Block(no)))?;
    let raw_len = block.raw_len as usize;
    match block.codec {
        Codec::Raw => std::mem::swap(stored, raw),
        Codec::Zstd => {
            raw.resize(raw_len, 0);
            let len = codec::decompress(stored, raw)?;
            raw.truncate(len);
        }
    }
    if raw.len() != raw_len {
        return Err(damaged(Part::Block(no)));
    }
    check_chunks(keys, block, raw)
}

fn check_chunks(keys: &VaultKeys, block: &BlockMeta, mut raw: &[u8]) -> Result<(), Error> {
    for entry in &block.chunks {
        let wrong = damaged(Part::Chunk(entry.id));
        let Some((chunk, rest)) = raw.split_at_checked(entry.len as usize) else {
            return Err(wrong);
        };
        if keys.chunk_id(block.class, chunk) != entry.id {
            return Err(wrong);
        }
        raw = rest;
    }
    Ok(())
}

fn check_hash(id: PackId, bytes: &[u8]) -> Result<(), Error> {
    if PackId::from(blake3::hash(bytes)) == id { Ok(()) } else { Err(damaged(Part::Hash)) }
}

struct Header {
    salt: [u8; SALT_LEN],
    commit: [u8; COMMIT_LEN],
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let (header, _) = bytes.split_at_checked(HEADER_LEN).ok_or(damaged(Part::Length))?;
        let (magic, rest) = header.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(damaged(Part::Magic));
        }
        let (suite, rest) = rest.split_at(1);
        if suite != [SUITE] {
            let found = suite.first().copied().unwrap_or_default();
            return Err(Error::Unknown { what: "suite of packs", found });
        }
        let (from_salt, from_commit) = rest.split_at(SALT_LEN);
        let (mut salt, mut commit) = ([0; SALT_LEN], [0; COMMIT_LEN]);
        salt.copy_from_slice(from_salt);
        commit.copy_from_slice(from_commit);
        Ok(Self { salt, commit })
    }
}

fn read_directory(key: &PackKey, bytes: &[u8]) -> Option<Vec<BlockMeta>> {
    let prologue = bytes.get(HEADER_LEN..HEADER_LEN + PROLOGUE_LEN + TAG_LEN)?;
    let mut plain = Vec::new();
    key.open(Frame::Prologue, &[], prologue, &mut plain)?;
    let len = u32::from_le_bytes(plain.as_slice().try_into().ok()?) as usize;
    let sealed = (len <= bytes.len()).then(|| bytes.get(layout::directory_at(len)))??;
    key.open(Frame::Directory, &[], sealed, &mut plain)?;
    layout::parse(&plain)
}
