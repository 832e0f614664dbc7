//! What owners and a holder that has to give disk back say to each other.
//!
//! A holder announces how much it has to give back ([`crate::Offer::moving_bytes`]). Owners then
//! tell it how well they can do without each of their shards there, and are told which to move.
//! Once a shard is confirmed elsewhere the owner says so, and only then does the holder let go of
//! it.

use chunker::ShardId;
use serde::{Deserialize, Serialize};

/// Most shards in one request or reply.
pub const MOVES_PAGE: usize = 2048;

/// How well an owner can do without a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spare {
    /// Which.
    #[serde(rename = "s")]
    pub shard: ShardId,
    /// So many other shards of its pack are there beyond those that are needed.
    #[serde(rename = "n")]
    pub others: u8,
}
