//! Which packs single blocks were fetched of, and so when a pack is better fetched as a whole.

use chunker::{PackId, PackMeta};

use crate::drive::lru::Lru;

/// Packs that are remembered.
const PACKS: usize = 4096;
/// A pack of which this part would be fetched in blocks is fetched whole: 1/2.
const PART: usize = 2;

/// Single blocks that were fetched. Forgetting some costs a few more of them.
#[derive(Debug)]
pub(super) struct Touched(Lru<PackId, Blocks>);

impl Default for Touched {
    fn default() -> Self {
        Self(Lru::new(PACKS))
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Blocks {
    bytes: usize,
    last: u32,
}

impl Touched {
    /// Whether this block should be fetched by itself, which is noted then. Not when the one before
    /// it was the last: whoever goes from block to block wants them all.
    pub(super) fn takes_alone(&mut self, meta: &PackMeta, no: u32) -> bool {
        let len = meta.block_range(no as usize).map_or(usize::MAX, |range| range.len());
        let before = self.0.get(&meta.id);
        let bytes = before.unwrap_or_default().bytes.saturating_add(len);
        let goes_on = before.is_some_and(|before| before.last + 1 == no);
        if goes_on || bytes > meta.len as usize / PART {
            return false;
        }
        self.0.put(meta.id, Blocks { bytes, last: no }, 1);
        true
    }
}
