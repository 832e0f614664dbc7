//! Hears from holders what they lost of ours, and wakes whoever cares for the backup.
//!
//! It knows the catalog and not the engine, which holds the host that holds it.

use std::sync::Arc;

use chunker::{PeerId, ShardId};
use p2p::{Clock, Refusal};
use store::Catalog;
use tokio::sync::Notify;

use super::failure::told;
use crate::flow::lost;
use crate::host::lost::Ear;

/// The owner's side of a notice of loss.
pub(super) struct Hearing {
    pub(super) catalog: Catalog,
    pub(super) clock: Arc<dyn Clock>,
    /// Something was lost.
    pub(super) news: Arc<Notify>,
}

impl Ear for Hearing {
    fn lost(&self, holder: PeerId, shards: &[ShardId]) -> Result<u64, Refusal> {
        match lost::note(&self.catalog, holder, shards, self.clock.now_secs()) {
            Ok(count) => {
                if count > 0 {
                    self.news.notify_one();
                }
                Ok(count)
            }
            Err(error) => {
                tracing::warn!(error = %told(&error), "cannot note what a holder lost");
                Err(Refusal::DiskTrouble)
            }
        }
    }
}
