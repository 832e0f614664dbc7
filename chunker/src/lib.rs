//! Bytes to shards and back. Pure and synchronous: no I/O, no clock, no randomness, no threads.
//!
//! ```text
//! file -> Cutter -> chunks -> Block (compressed) -> PackBuilder -> Pack (sealed, fixed size)
//!      -> Code k+m -> shards
//! ```

mod block;
mod codec;
mod cut;
mod error;
pub mod id;
mod keys;
mod pack;
mod pool;
pub mod record;
mod slice;
mod stripe;

pub use block::{BLOCK_MAX, BLOCK_TARGET, Block};
pub use codec::Codec;
pub use cut::{CutParams, Cutter};
pub use error::{Error, Part};
pub use id::{
    ChunkId, GridId, HeadHash, NotAnId, OwnerId, PackId, PeerId, ShardId, SnapshotId, VaultId,
};
pub use keys::{Class, VaultKeys};
pub use pack::{
    BlockMeta, ChunkEntry, PACK_FULL, PACK_MAX, PACK_SIZES, Pack, PackBuilder, PackMeta,
    PackReader, Scratch, rebuild,
};
pub use pool::{Buffer, Pool};
pub use record::{Record, RecordError};
pub use slice::{SLICE_BODY_MAX, SLICE_MAX, ShardTree, open_slice, verify_slice};
pub use stripe::{Code, Shard, assemble, assemble_in, decode, encode, encode_in, shard_len};
