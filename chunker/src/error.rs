//! Why bytes cannot become shards, or shards bytes. Every variant is something a caller branches
//! on: fetch other shards, ask for other keys, take another code, fall back from rebuilding to
//! decoding.

use std::fmt;
use std::io;

use crate::id::{ChunkId, PackId};

/// Which part of what was sealed is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The number of bytes.
    Length,
    /// The mark at the beginning.
    Magic,
    /// The salt in the header.
    Salt,
    /// The hash over the whole pack.
    Hash,
    /// The list of blocks and chunks, as recorded outside the pack.
    Recipe,
    /// The list of blocks and chunks, as sealed into the pack.
    Directory,
    /// The block of this number.
    Block(usize),
    /// The chunk of this name: its bytes have another.
    Chunk(ChunkId),
    /// The shard of this index.
    Shard(u8),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("length"),
            Self::Magic => f.write_str("mark"),
            Self::Salt => f.write_str("salt"),
            Self::Hash => f.write_str("hash"),
            Self::Recipe => f.write_str("recipe"),
            Self::Directory => f.write_str("directory"),
            Self::Block(no) => write!(f, "block {no}"),
            Self::Chunk(id) => write!(f, "chunk {id}"),
            Self::Shard(index) => write!(f, "shard {index}"),
        }
    }
}

/// Why bytes cannot become shards, or shards bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes are not what was sealed.
    #[error("Sealed data is damaged: wrong {part}")]
    Damaged {
        /// What is wrong.
        part: Part,
    },
    /// Sealed under another vault's keys.
    #[error("The pack was sealed with other keys")]
    WrongKey,
    /// Fewer distinct shards than the code needs.
    #[error("{needed} shards are needed, {found} are there")]
    TooFewShards {
        /// How many any pack of this code needs.
        needed: u8,
        /// How many distinct ones were given.
        found: usize,
    },
    /// Not a usable pair of numbers.
    #[error("No code has {k} data and {m} parity shards: k >= 1 and k + m <= 255 are needed")]
    BadCode {
        /// Data shards.
        k: u8,
        /// Parity shards.
        m: u8,
    },
    /// A text that does not read as a code.
    #[error("Not a code: expected K+M, such as 8+4")]
    CodeSyntax,
    /// The erasure coder declines.
    #[error("Coding shards failed")]
    Coding {
        /// What it says.
        #[source]
        source: reed_solomon_simd::Error,
    },
    /// More bytes than fit.
    #[error("{len} bytes are more than the {limit} that fit")]
    TooLarge {
        /// How many bytes it would take.
        len: usize,
        /// The most there may be.
        limit: usize,
    },
    /// Nothing to seal or to code.
    #[error("There is nothing to seal")]
    Empty,
    /// zstd declines: no memory, or its input is not what it made.
    #[error("Compression failed")]
    Compression {
        /// What it says.
        #[source]
        source: io::Error,
    },
    /// Outside what zstd offers.
    #[error("No compression level {level}")]
    BadLevel {
        /// The level asked for.
        level: i32,
    },
    /// Sizes between which no file can be cut.
    #[error("Cannot cut with min {min}, avg {avg}, max {max}")]
    BadCutParams {
        /// Smallest chunk in bytes.
        min: u32,
        /// Average chunk in bytes.
        avg: u32,
        /// Largest chunk in bytes.
        max: u32,
    },
    /// A number that stands for nothing this program knows; perhaps of a newer version.
    #[error("Unknown {what} {found}")]
    Unknown {
        /// What the number should stand for.
        what: &'static str,
        /// The number.
        found: u8,
    },
    /// The pack has no block of this number.
    #[error("The pack has {blocks} blocks, none has number {no}")]
    NoSuchBlock {
        /// The number asked for.
        no: usize,
        /// How many there are.
        blocks: usize,
    },
    /// What was just sealed does not open to what went in: bad memory, or a fault in a codec.
    #[error("The pack just sealed does not read back")]
    ReadBack {
        /// How reading failed.
        #[source]
        source: Box<Error>,
    },
    /// A chunk needed to make a pack again is not there.
    #[error("Chunk {chunk} is needed to make the pack again")]
    MissingChunk {
        /// Its name.
        chunk: ChunkId,
    },
    /// The codec no longer makes the same bytes: decode the pack from its shards instead.
    #[error("Pack {pack} cannot be made again: the codec gives other bytes now")]
    NotReproducible {
        /// The pack that was wanted.
        pack: PackId,
    },
}

pub(crate) const fn damaged(part: Part) -> Error {
    Error::Damaged { part }
}
