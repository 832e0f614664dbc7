//! What a holder says it lost, on the owner's side.
//!
//! It is noted only of shards that our records place with that holder, so that nothing a holder
//! says touches what others have. From then on those shards count for nothing, until the holder
//! shows or takes them; what follows (which packs are to be mended, which may be built upon) is
//! found by [`health`](super::health) as for a failed audit, except that the word of one who tells
//! is not held against it.

use std::collections::BTreeSet;

use chunker::{PeerId, ShardId};
use store::Catalog;

use crate::flow::FlowError;
use crate::vault::index::PackRecord;

/// Notes what a holder lost; says how many of these it was known to have or to have lost. Looks at
/// every pack's record, unless all of them are noted already. Blocks.
pub fn note(
    catalog: &Catalog,
    holder: PeerId,
    shards: &[ShardId],
    now_secs: u64,
) -> Result<u64, FlowError> {
    let (mut named, mut known) = (BTreeSet::new(), 0);
    for shard in shards {
        if catalog.is_gone(&holder, shard)? {
            known += 1;
        } else {
            named.insert(*shard);
        }
    }
    if named.is_empty() {
        return Ok(known);
    }
    let mut lost = BTreeSet::new();
    catalog.for_each_pack(|row| {
        let placed = PackRecord::decode_stored(&row.record)?.shards;
        let theirs = placed.iter().filter(|placed| placed.holder == Some(holder));
        lost.extend(theirs.map(|placed| placed.id).filter(|id| named.contains(id)));
        Ok::<(), FlowError>(())
    })?;
    catalog.bulk(|bulk| lost.iter().try_for_each(|id| bulk.set_gone(&holder, id, now_secs)))?;
    Ok(known + lost.len() as u64)
}
