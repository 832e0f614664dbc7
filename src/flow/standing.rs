//! How well the whole vault is kept, in failure domains: what `status` says beside its counts.
//!
//! Blocks: every pack's record is read. Call it on the offload.

use p2p::Grid;
use store::PackState;

use crate::flow::targets::{Kept, Targets};
use crate::flow::{Ctx, FlowError};
use crate::vault::index::PackRecord;

/// How the weakest packs are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// The least over all placed packs; none without any.
    pub least: Option<Kept>,
    /// Packs with fewer failure domains than shards.
    pub crowded: u64,
    /// Packs that one lost domain would take along.
    pub one_loss: u64,
}

/// Goes through the records of all packs that are placed.
pub fn standing<G: Grid>(ctx: &Ctx<G>) -> Result<Standing, FlowError> {
    let targets = Targets::now(ctx);
    let mut standing = Standing::default();
    ctx.catalog.for_each_pack(|row| {
        if row.state == PackState::Queued {
            return Ok(());
        }
        let record = PackRecord::decode_stored(&row.record)?;
        let kept = targets.kept(&record);
        standing.least = Some(standing.least.map_or(kept, |least| least.least(kept)));
        standing.crowded += u64::from(kept.domains < record.holders().count());
        standing.one_loss += u64::from(kept.can_lose == 0 && kept.spare > 0);
        Ok::<(), FlowError>(())
    })?;
    Ok(standing)
}
