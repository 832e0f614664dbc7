//! How much redundancy: the code that fits a number of failure domains.
//!
//! The table is TRUST.md's section 5: full copies while there are hardly any domains, then codes
//! whose parity outgrows their data, as repair has fewer peers to turn to. From three domains on,
//! two may be lost; a code never has more shards than there are domains, so that no two shards
//! share one.

use chunker::Code;

#[cfg(test)]
mod tests;

/// Data and parity shards from this number of domains on.
const TABLE: [(usize, u8, u8); 10] = [
    (38, 10, 20),
    (25, 8, 12),
    (15, 4, 8),
    (10, 3, 5),
    (7, 3, 4),
    (6, 3, 3),
    (5, 3, 2),
    (4, 2, 2),
    (3, 1, 2),
    (2, 1, 1),
];

/// Most data shards of metadata packs.
const META_DATA_SHARDS: usize = 4;
/// Metadata has at most one data shard for so many domains.
const DOMAINS_PER_META_DATA_SHARD: usize = 5;

/// The code for data packs when shards can go to `domains` failure domains besides our own. None
/// below two: there is no backup without two others.
pub fn auto(domains: usize) -> Option<Code> {
    let (_, k, m) = TABLE.into_iter().find(|(least, _, _)| domains >= *least)?;
    Code::new(k, m).ok()
}

/// The code for metadata packs beside data packs of code `data`: one lost index pack must not cost
/// more than one lost data pack.
///
/// At most 4 data shards, never more than `data` has, and one for five domains, so that a small
/// grid holds whole copies; parity is twice that of `data`, or what the domains allow.
pub fn metadata(domains: usize, data: Code) -> Code {
    let most = META_DATA_SHARDS.min(usize::from(data.k()));
    let k = (domains / DOMAINS_PER_META_DATA_SHARD).clamp(1, most.max(1));
    let twice = (2 * usize::from(data.m())).max(1);
    let m = twice.min(domains.saturating_sub(k)).min(255 - k);
    Code::new(k as u8, m as u8).unwrap_or(data)
}
