//! How a pack's record is written, and what must hold before it is believed. (What the pack itself
//! claims, [`PackMeta`] checks as it is decoded.)

use chunker::{Code, PackMeta, PeerId, ShardId};
use serde::{Deserialize, Serialize};

use super::{PackRecord, Placed};

const ID_LEN: usize = chunker::id::ID_LEN;
/// A holder's entry: the index of its shard, then the peer.
const HOLDER_LEN: usize = 1 + ID_LEN;
/// A pack's record, flat.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct PackRecordWire {
    #[serde(rename = "m")]
    pub(super) meta: PackMeta,
    #[serde(rename = "c")]
    pub(super) code: Code,
    #[serde(rename = "l")]
    pub(super) lane: u8,
    /// The shards' names: all `n`, or one when they are all the same.
    #[serde(rename = "s", with = "serde_bytes")]
    pub(super) names: Vec<u8>,
    /// An entry for each shard that has a holder, by ascending index.
    #[serde(rename = "h", with = "serde_bytes", skip_serializing_if = "Vec::is_empty", default)]
    pub(super) holders: Vec<u8>,
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Inconsistent {
    #[error("{bytes} bytes of shard names do not make {wanted} shards")]
    Names { bytes: usize, wanted: usize },
    #[error("{bytes} bytes of holders are not whole entries")]
    Holders { bytes: usize },
    #[error("shard {index} does not exist or has two holders")]
    HolderIndex { index: u8 },
}

impl From<PackRecord> for PackRecordWire {
    fn from(record: PackRecord) -> Self {
        let PackRecord { meta, code, lane, shards } = record;
        let same = shards.windows(2).all(|pair| pair[0].id == pair[1].id);
        let named = if same { 1 } else { shards.len() };
        let names = shards.iter().take(named).flat_map(|shard| *shard.id.as_bytes()).collect();
        let mut holders = Vec::new();
        for (index, shard) in (0..=u8::MAX).zip(&shards) {
            if let Some(holder) = shard.holder {
                holders.push(index);
                holders.extend_from_slice(holder.as_bytes());
            }
        }
        Self { meta, code, lane, names, holders }
    }
}

impl TryFrom<PackRecordWire> for PackRecord {
    type Error = Inconsistent;

    fn try_from(wire: PackRecordWire) -> Result<Self, Inconsistent> {
        let mut shards = names(&wire.names, wire.code.n())?;
        assign(&mut shards, &wire.holders)?;
        let PackRecordWire { meta, code, lane, .. } = wire;
        Ok(Self { meta, code, lane, shards })
    }
}

fn names(bytes: &[u8], wanted: usize) -> Result<Vec<Placed>, Inconsistent> {
    let (names, rest) = bytes.as_chunks::<ID_LEN>();
    let whole = rest.is_empty() && (names.len() == wanted || names.len() == 1);
    if !whole {
        return Err(Inconsistent::Names { bytes: bytes.len(), wanted });
    }
    let placed = |name: &[u8; ID_LEN]| Placed { id: ShardId::from_bytes(*name), holder: None };
    Ok(names.iter().cycle().take(wanted).map(placed).collect())
}

fn assign(shards: &mut [Placed], bytes: &[u8]) -> Result<(), Inconsistent> {
    let (entries, rest) = bytes.as_chunks::<HOLDER_LEN>();
    if !rest.is_empty() {
        return Err(Inconsistent::Holders { bytes: bytes.len() });
    }
    let mut next = 0;
    for &[index, ref peer @ ..] in entries {
        let wrong = Inconsistent::HolderIndex { index };
        if usize::from(index) < next {
            return Err(wrong);
        }
        let shard = shards.get_mut(usize::from(index)).ok_or(wrong)?;
        shard.holder = Some(PeerId::from_bytes(*peer));
        next = usize::from(index) + 1;
    }
    Ok(())
}
