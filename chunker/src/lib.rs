//! Bytes to shards and back. Pure and synchronous: no I/O, no clock, no randomness, no threads.
//!
//! ```text
//! file -> Cutter -> chunks -> Block (compressed) -> PackBuilder -> Pack (sealed, fixed size) -> Code k+m -> shards
//! ```

pub mod id;
pub mod record;

pub use id::{
    ChunkId, GridId, HeadHash, NotAnId, OwnerId, PackId, PeerId, ShardId, SnapshotId, VaultId,
};
pub use record::{Record, RecordError};
