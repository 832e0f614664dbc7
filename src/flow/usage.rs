//! What holders say under their signature that they keep of ours, beside what our records say.
//!
//! A statement is a claim: it shows that both sides count alike, and gives the owner something in
//! the holder's own hand. Whether the bytes are there is found by audits. Each is asked for with a
//! fresh number, verified, and kept with our own figure of the same moment, so that an absent
//! holder's last word stays comparable. Whoever answers nothing, or something that does not verify,
//! leaves what was known before.
//!
//! Our figure is taken before and after the question: what a backup or a move changes in between
//! counts as either.

use std::collections::BTreeMap;
use std::time::Duration;

use chunker::{PeerId, Record, shard_len};
use futures::StreamExt;
use p2p::usage::{Kept, Question, StatementError, UsageStatement};
use p2p::{Grid, Reply, Request};
use serde::{Deserialize, Serialize};

use crate::entropy;
use crate::flow::{Ctx, FlowError, health};
use crate::vault::index::PackRecord;

/// Holders asked at the same time.
const AT_ONCE: usize = 32;
/// Most holders asked in one go; those whose word is oldest come first.
const MOST: usize = 512;
/// Catalog key of a holder's word, before its id.
const KEY: &str = "usage.";

/// A holder's word, and what our records said at the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stated {
    /// The signed word.
    #[serde(rename = "s")]
    pub said: UsageStatement,
    /// What it should hold by our records.
    #[serde(rename = "m")]
    pub mine: Kept,
    /// When it was heard, by our clock, in seconds since the Unix epoch.
    #[serde(rename = "h")]
    pub heard_secs: u64,
}

impl Record for Stated {
    const NAME: &'static str = "heard usage statement";
    const VERSION: u8 = 1;
    const LIMIT: usize = 8192;
}

/// How a holder's word compares with our records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// Both say the same.
    Same,
    /// It keeps more: of this owner's other devices, or what is not yet released.
    More,
    /// It keeps less than it took.
    Less,
}

impl Match {
    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::More => "more",
            Self::Less => "less",
        }
    }
}

impl Stated {
    /// How it compares.
    pub const fn compared(&self) -> Match {
        let (said, mine) = (self.said.held, self.mine);
        if said.shards == mine.shards && said.bytes == mine.bytes {
            Match::Same
        } else if said.shards < mine.shards || said.bytes < mine.bytes {
            Match::Less
        } else {
            Match::More
        }
    }
}

/// What each holder should keep, by our records. Blocks on a large vault.
pub fn mine<G: Grid>(ctx: &Ctx<G>) -> Result<BTreeMap<PeerId, Kept>, FlowError> {
    let mut mine = BTreeMap::new();
    health::for_each_in_use(ctx, |_, record| add(&mut mine, &record))?;
    Ok(mine)
}

/// Adds a pack's shards to what their holders should keep.
pub(crate) fn add(mine: &mut BTreeMap<PeerId, Kept>, record: &PackRecord) {
    let each = shard_len(record.code, record.meta.len as usize) as u64;
    for holder in record.holders() {
        let kept: &mut Kept = mine.entry(holder).or_default();
        kept.shards += 1;
        kept.bytes += each;
    }
}

/// The last word of each of these devices, where it gave one. What cannot be read counts as none.
pub fn known<G: Grid>(
    ctx: &Ctx<G>,
    peers: impl IntoIterator<Item = PeerId>,
) -> Result<BTreeMap<PeerId, Stated>, FlowError> {
    let mut known = BTreeMap::new();
    for peer in peers {
        let kept = ctx.catalog.get(&key(&peer))?;
        if let Some(Ok(stated)) = kept.map(|bytes| Stated::decode(&bytes)) {
            known.insert(peer, stated);
        }
    }
    Ok(known)
}

/// Asks every connected holder, waiting `wait` for all of them together, and keeps what verifies.
/// Says how many did. May be cut off anywhere: what is kept is kept at the end.
pub async fn ask<G: Grid>(ctx: &Ctx<G>, wait: Duration) -> Result<usize, FlowError> {
    let before = counted(ctx).await?;
    let online = health::online(ctx);
    let heard = known(ctx, online.iter().copied())?;
    let whom = |peer: &PeerId| before.contains_key(peer) || heard.contains_key(peer);
    let mut asked: Vec<PeerId> = online.into_iter().filter(whom).collect();
    if asked.is_empty() {
        return Ok(0);
    }
    asked.sort_by_key(|peer| heard.get(peer).map_or(0, |stated| stated.heard_secs));
    asked.truncate(MOST);
    let answers = futures::stream::iter(asked).map(|peer| ask_one(ctx, peer));
    let mut answers = answers.buffer_unordered(AT_ONCE);
    let mut said = BTreeMap::new();
    let gather = async {
        while let Some((peer, answer)) = answers.next().await {
            said.extend(answer.map(|answer| (peer, answer)));
        }
    };
    // Whoever is slower keeps the word it gave before.
    tokio::time::timeout(wait, gather).await.unwrap_or_default();
    let (after, now) = (counted(ctx).await?, ctx.clock.now_secs());
    let kept = said.len();
    ctx.catalog.bulk(|bulk| {
        for (peer, said) in said {
            let of = |all: &BTreeMap<PeerId, Kept>| all.get(&peer).copied().unwrap_or_default();
            let mine = nearest(said.held, of(&before), of(&after));
            let stated = Stated { said, mine, heard_secs: now };
            bulk.set(&key(&peer), &stated.encode())?;
        }
        Ok(())
    })?;
    Ok(kept)
}

async fn counted<G: Grid>(ctx: &Ctx<G>) -> Result<BTreeMap<PeerId, Kept>, FlowError> {
    let counting = ctx.clone();
    ctx.work(move || mine(&counting)).await?
}

async fn ask_one<G: Grid>(ctx: &Ctx<G>, peer: PeerId) -> (PeerId, Option<UsageStatement>) {
    let nonce = u64::from_le_bytes(entropy::bytes(&*ctx.entropy));
    let question = Question { holder: peer, owner: ctx.device.owner(), nonce };
    let said = match ctx.grid.ask(peer, Request::Usage { nonce }).await {
        Ok(Reply::Usage(said)) => said,
        Ok(other) => {
            tracing::debug!(peer = %peer.short(), reply = other.name(), "no usage statement");
            return (peer, None);
        }
        Err(error) => {
            tracing::debug!(peer = %peer.short(), %error, "no usage statement");
            return (peer, None);
        }
    };
    match said.verify(&question, ctx.clock.now_secs()) {
        Ok(()) => (peer, Some(*said)),
        Err(error) => {
            refused(peer, error);
            (peer, None)
        }
    }
}

fn refused(peer: PeerId, error: StatementError) {
    tracing::warn!(peer = %peer.short(), %error, "a holder's usage statement is not taken");
}

/// What between our two figures comes nearest to what was said.
fn nearest(said: Kept, one: Kept, other: Kept) -> Kept {
    let between = |said: u64, one: u64, other: u64| said.clamp(one.min(other), one.max(other));
    Kept {
        shards: between(said.shards, one.shards, other.shards),
        bytes: between(said.bytes, one.bytes, other.bytes),
    }
}

fn key(peer: &PeerId) -> String {
    format!("{KEY}{peer}")
}

#[cfg(test)]
mod tests;
