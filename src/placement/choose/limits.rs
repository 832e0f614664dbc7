//! The limits an owner can set, and their names in configuration and messages.
//!
//! Without any, a placement only spreads over failure domains as evenly as it can. Parsing a name
//! fails with [`UnknownLimit`]; the rest is total.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::placement::proximity::{Proximity, Range};

/// A limit that can be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Limit {
    /// Round trip between source and target.
    Latency,
    /// Round trip between any two targets.
    Spread,
    /// Shards per site.
    Site,
    /// Shards per owner.
    Owner,
    /// One shard per domain.
    Domains,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Latency, Self::Spread, Self::Site, Self::Owner, Self::Domains];
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Latency => "latency",
            Self::Spread => "spread",
            Self::Site => "site",
            Self::Owner => "owner",
            Self::Domains => "domains",
        })
    }
}

/// A name that no limit has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Limits that can be relaxed are latency, spread, site, owner and domains")]
pub struct UnknownLimit;

impl FromStr for Limit {
    type Err = UnknownLimit;

    fn from_str(text: &str) -> Result<Self, UnknownLimit> {
        let named = Self::ALL.into_iter().find(|limit| limit.to_string() == text.trim());
        named.ok_or(UnknownLimit)
    }
}

/// What the owner asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// How near and how far.
    pub proximity: Proximity,
    /// Most shards of a pack at one site.
    pub per_site: Option<usize>,
    /// Most shards of a pack with one owner.
    pub per_owner: Option<usize>,
    /// Refuse to put two shards into one domain.
    pub strict_domains: bool,
    /// What to drop when it cannot all be met, one after the other. Empty: refuse.
    pub relax: Vec<Limit>,
}

impl Limits {
    /// Without `limit`.
    #[must_use]
    pub fn without(mut self, limit: Limit) -> Self {
        match limit {
            Limit::Latency => self.proximity.latency = Range::ANY,
            Limit::Spread => self.proximity.spread = Range::ANY,
            Limit::Site => self.per_site = None,
            Limit::Owner => self.per_owner = None,
            Limit::Domains => self.strict_domains = false,
        }
        self
    }

    pub(super) fn has(&self, limit: Limit) -> bool {
        self.clone().without(limit) != *self
    }
}
