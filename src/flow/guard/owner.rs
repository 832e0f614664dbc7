//! The owner's side: who is guardian, what they are given, and what they did.

use std::collections::BTreeMap;

use bytes::Bytes;
use chunker::{PackId, PeerId, Record};
use p2p::mandate::LIFE_SECS;
use p2p::wire::WARD_PARTS;
use p2p::{Grid, Mandate, PeerState, Reply, Request};
use serde::{Deserialize, Serialize};
use store::PackState;

use crate::flow::targets::Targets;
use crate::flow::{AskError, Ctx, FlowError, fetch};
use crate::placement::Lane;
use crate::vault::index::PackRecord;
use crate::ward::{Parts, WALK_PEERS, Watch};

/// Catalog key.
pub(crate) const GUARDIANS: &str = "guardians";

/// The peers that look after this owner's shards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guardians {
    /// By device.
    #[serde(rename = "g")]
    pub all: BTreeMap<PeerId, Guardian>,
}

/// What one of them was given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guardian {
    /// When it was appointed, in seconds since the Unix epoch.
    #[serde(rename = "s")]
    pub since_secs: u64,
    /// When it was last given the list; 0 while it never was.
    #[serde(rename = "e")]
    pub entrusted_secs: u64,
    /// How many packs were on the list.
    #[serde(rename = "p")]
    pub packs: u64,
}

impl Record for Guardians {
    const NAME: &'static str = "guardians";
    const VERSION: u8 = 1;
    const LIMIT: usize = 64 * 1024;
}

/// Who they are.
pub fn guardians<G: Grid>(ctx: &Ctx<G>) -> Result<Guardians, FlowError> {
    let bytes = ctx.catalog.get(GUARDIANS)?;
    Ok(bytes.and_then(|bytes| Guardians::decode(&bytes).ok()).unwrap_or_default())
}

/// Gives a peer a fresh mandate and the list of all shards as it is now, and remembers it as a
/// guardian. Call [`collect`] before, or what it did is forgotten and done again.
pub async fn entrust<G: Grid>(ctx: &Ctx<G>, guardian: PeerId) -> Result<Guardian, FlowError> {
    let now = ctx.clock.now_secs();
    let before = guardians(ctx)?.all.get(&guardian).copied();
    // Mandates are numbered by time: two in one second would be one.
    let since = now.max(before.map_or(0, |before| before.entrusted_secs + 1));
    let device = &ctx.device;
    let (cert, end) = (device.cert.clone(), since.saturating_add(LIFE_SECS));
    let mandate = Mandate::sign(&device.key, cert, guardian, since, end);
    let (parts, packs) = list(ctx)?;
    if parts.len() > WARD_PARTS as usize {
        return Err(FlowError::TooLargeToGuard { packs });
    }
    for (part, body) in (0..).zip(&parts) {
        let request = Request::Entrust {
            mandate: Box::new(mandate.clone()),
            part,
            parts: parts.len() as u32,
            body: body.clone(),
        };
        match ctx.grid.ask(guardian, request).await.map_err(AskError::from)? {
            Reply::Entrusted => {}
            other => return Err(unexpected(guardian, other).into()),
        }
    }
    let since_secs = before.map_or(since, |before| before.since_secs);
    let entry = Guardian { since_secs, entrusted_secs: since, packs };
    let mut all = guardians(ctx)?;
    all.all.insert(guardian, entry);
    ctx.catalog.set(GUARDIANS, &all.encode())?;
    Ok(entry)
}

/// All packs that are placed, in parts as they travel, and how many packs they are.
fn list<G: Grid>(ctx: &Ctx<G>) -> Result<(Vec<Bytes>, u64), FlowError> {
    let targets = Targets::now(ctx);
    let mut walks: BTreeMap<u8, Vec<PeerId>> = BTreeMap::new();
    let mut parts = Parts::default();
    let mut packs = 0;
    ctx.catalog.for_each_pack(|row| {
        let record = PackRecord::decode_stored(&row.record)?;
        if record.holders().next().is_none() {
            return Ok::<(), FlowError>(());
        }
        packs += 1;
        let walk = walks.entry(record.lane).or_insert_with(|| {
            let walk = targets.sequence(ctx, Lane::from_number(record.lane));
            walk.iter().take(WALK_PEERS).copied().collect()
        });
        let shards: Vec<_> = record.shards.iter().map(|shard| (shard.id, shard.holder)).collect();
        parts.add((record.meta.id, record.meta.len, record.code, record.lane), &shards, walk);
        Ok(())
    })?;
    let parts = parts.finish().iter().map(|part| Bytes::from(part.encode())).collect();
    Ok((parts, packs))
}

/// Asks a guardian what it did and enters it. Returns the packs whose holders changed: their
/// records are new in the catalog and have to be published.
pub async fn collect<G: Grid>(ctx: &Ctx<G>, guardian: PeerId) -> Result<Vec<PackId>, FlowError> {
    let reply = ctx.grid.ask(guardian, Request::WardNews).await.map_err(AskError::from)?;
    let Reply::WardNews { body } = reply else {
        return Err(unexpected(guardian, reply).into());
    };
    let watch = Watch::decode(&body)?;
    let mut changed = Vec::new();
    let mut claims: BTreeMap<PackId, Vec<(u8, PeerId)>> = BTreeMap::new();
    for moved in watch.moves {
        claims.entry(moved.pack).or_default().push((moved.index, moved.holder));
    }
    for (pack, moves) in claims {
        // A pack that was forgotten meanwhile is nobody's concern.
        let Ok(mut record) = fetch::record_of(ctx, &pack) else { continue };
        let before = record.clone();
        for (index, holder) in moves {
            confirm(ctx, &mut record, index, holder).await;
        }
        if record != before {
            // As a pack that was just placed: the next head tells where it is now.
            ctx.catalog.set_pack(&pack, PackState::Placed, &record.encode_stored())?;
            changed.push(pack);
        }
    }
    Ok(changed)
}

/// Believes the holder, not the guardian.
async fn confirm<G: Grid>(ctx: &Ctx<G>, record: &mut PackRecord, index: u8, holder: PeerId) {
    let Some(shard) = record.shards.get(usize::from(index)).map(|placed| placed.id) else { return };
    let twice = record.holders().any(|other| other == holder);
    let asked = ctx.grid.ask(holder, Request::Have { shards: vec![shard] }).await;
    if !twice && matches!(asked, Ok(Reply::Have { held }) if held == [true]) {
        record.set_holder(index, holder);
    }
}

/// Ends a guardian's mandates: here, at the guardian, and at every holder that answers now. How
/// many of how many confirmed; those that do not answer believe it until the mandate ends.
pub async fn dismiss<G: Grid>(ctx: &Ctx<G>, guardian: PeerId) -> Result<(usize, usize), FlowError> {
    let mut all = guardians(ctx)?;
    let entry = all.all.remove(&guardian).unwrap_or_default();
    ctx.catalog.set(GUARDIANS, &all.encode())?;
    let through_secs = ctx.clock.now_secs().max(entry.entrusted_secs);
    let peers: Vec<PeerId> = ctx
        .grid
        .peers()
        .into_iter()
        .filter(|peer| peer.state == PeerState::Online)
        .map(|peer| peer.peer)
        .collect();
    let asks = peers.iter().map(|peer| async move {
        let request = Request::Revoke { guardian, through_secs };
        matches!(ctx.grid.ask(*peer, request).await, Ok(Reply::Revoked))
    });
    let confirmed = futures::future::join_all(asks).await;
    Ok((confirmed.iter().filter(|confirmed| **confirmed).count(), confirmed.len()))
}

fn unexpected(peer: PeerId, reply: Reply) -> AskError {
    match reply {
        Reply::Refused(refusal) => AskError::Refused { peer, refusal },
        _ => p2p::GridError::WrongReply { peer }.into(),
    }
}
