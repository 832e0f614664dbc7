//! The host sets the shelf's figures against what is really on its disks.

use store::Recounted;

use super::{Host, OfferError};
use crate::offload::offload;

impl Host {
    /// Looks at the next names and rows, about `budget` of them, if a pass goes on or the last one
    /// began `every_secs` ago.
    pub async fn recount(
        &self,
        budget: usize,
        every_secs: u64,
    ) -> Result<Option<Recounted>, OfferError> {
        let (shelf, now) = (self.inner.shelf.clone(), self.inner.clock.now_secs());
        let count = move || {
            if shelf.recount_state()?.due_secs(every_secs) > now {
                return Ok(None);
            }
            shelf.recount(budget, now).map(Some)
        };
        Ok(offload(&self.inner.offload, count).await??)
    }
}
