//! What owners and holders say to each other about what is still wanted.
//!
//! A retain set is sent range by range, each of which stands for itself: the holder keeps no
//! session, and a set that is cut off leaves what it did not reach as it was.

use chunker::ShardId;
use serde::{Deserialize, Serialize};

/// Most shards in one page or range.
pub const LEASE_PAGE: usize = 4096;
/// Most heads in one page.
pub const HISTORY_PAGE: usize = 512;

/// Of my owner's shards in this range, my device retains these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetainRange {
    /// When the set was made, by the asker's clock; an older one than the newest is refused.
    pub made_secs: u64,
    /// When it was opened, by the holder's clock, as it told: what came since stays.
    pub at_secs: u64,
    /// The range's first name.
    pub from: ShardId,
    /// The name after its last; none for all that follow.
    pub to: Option<ShardId>,
    /// What is retained: strictly ascending, within the range, at most [`LEASE_PAGE`].
    pub shards: Vec<ShardId>,
}

/// What a range did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retained {
    /// Retained and here.
    pub kept: u32,
    /// Of those, the ones that were in quarantine.
    pub back: u32,
    /// Left out, still retained by another device of the owner.
    pub released: u32,
    /// Left out by all of them: in quarantine now.
    pub left: u32,
    /// Not retained, but too young to go.
    pub young: u32,
    /// Retained, but not here.
    pub unknown: u32,
    /// From where on the range was not applied; ask again from there.
    pub next: Option<ShardId>,
}

/// How a shard stands with the device that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    /// It retains it.
    #[serde(rename = "h")]
    Held,
    /// It left it out, another device of the owner retains it.
    #[serde(rename = "r")]
    Released,
    /// In quarantine: no device retains it.
    #[serde(rename = "q")]
    Left,
}

/// A head with what only its holder knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptHead {
    /// Its signed bytes.
    pub head: serde_bytes::ByteBuf,
    /// When it came, by the holder's clock.
    pub since_secs: u64,
}

impl RetainRange {
    /// Whether the names are few enough, in order, and of the range.
    pub fn is_bounded(&self) -> bool {
        let Self { from, to, shards, .. } = self;
        shards.len() <= LEASE_PAGE
            && shards.is_sorted_by(|one, next| one < next)
            && shards.first().is_none_or(|first| first >= from)
            && shards.last().is_none_or(|last| to.is_none_or(|to| *last < to))
    }
}
