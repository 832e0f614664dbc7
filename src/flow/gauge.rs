//! How fast shards come from holders and go to them.
//!
//! Connected holders give back some shards that they keep for us, again and again, and are then
//! given the very same ones, which they have: nothing new is stored anywhere, and nothing is asked
//! for that a restore or a backup would not ask for. All are measured at once, as a backup uses
//! them. What is found is bounded by the rates in force, as a backup is.
//!
//! Bounds: [`EACH_WAY`] bytes of each holder each way, or [`WITHIN`]; what is under way then is
//! waited for until [`UNTIL`]. Memory comes out of the budget. How it fails: who keeps nothing of
//! ours, refuses or is too slow has no figure; nothing is held against it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use chunker::{PeerId, ShardId, shard_len};
use futures::future::join_all;
use p2p::{Grid, Reply, Request};
use tokio::time::{Instant, timeout_at};

use crate::budget::Budget;
use crate::flow::fetch::get_from;
use crate::flow::{Ctx, FlowError, health};

/// Bytes from each holder, and to it.
const EACH_WAY: u64 = 8 * 1024 * 1024;
/// No question begins after so long, in each way and round.
const WITHIN: Duration = Duration::from_secs(3);
/// No question is waited for longer.
const UNTIL: Duration = Duration::from_secs(15);
/// What a round that took so long has shown needs no second: the time until windows are open is
/// small beside it.
const LONG: Duration = Duration::from_secs(1);
/// Questions to one holder at once.
const AT_ONCE: usize = 4;
/// Shorter shards show how long a round trip takes rather than how much fits through.
const SHORT: u64 = 16 * 1024;

/// Bytes that went one way, and how long it took until the last of them had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flown {
    /// Of shards that went whole.
    pub bytes: u64,
    /// From the first question to the last answer.
    pub took: Duration,
}

impl Flown {
    /// Bytes a second; none when nothing went.
    pub fn rate(&self) -> Option<f64> {
        (self.bytes > 0 && !self.took.is_zero())
            .then(|| self.bytes as f64 / self.took.as_secs_f64())
    }

    /// Both, when they began at the same time.
    fn with(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, took: self.took.max(other.took) }
    }
}

/// What one holder showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HolderSpeed {
    /// Which.
    pub peer: PeerId,
    /// From it.
    pub down: Flown,
    /// To it.
    pub up: Flown,
}

/// What all showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkSpeed {
    /// Who was asked.
    pub holders: Vec<HolderSpeed>,
    /// From all at once.
    pub down: Flown,
    /// To all at once.
    pub up: Flown,
}

/// One shard that is asked for and given again and again.
#[derive(Debug, Clone)]
struct Slot {
    peer: PeerId,
    shard: ShardId,
    len: u64,
    /// How often, in the second round.
    times: u64,
    /// Once it came.
    body: Bytes,
}

/// Which way shards go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Down,
    Up,
}

/// Measures the link to holders that are connected. Cancel-safe.
pub async fn link<G: Grid>(ctx: &Ctx<G>) -> Result<LinkSpeed, FlowError> {
    let looking = ctx.clone();
    let known = ctx.work(move || shards(&looking)).await??;
    let mut slots = slots(&known, Budget::AGENT as u64);
    let room = slots.iter().map(|slot| slot.len as usize).sum();
    let _room = ctx.budget.take(room).await;
    let down = both_rounds(ctx, &mut slots, Way::Down).await;
    // Whoever gave nothing is not given anything: it may not have the shard any more.
    slots.retain(|slot| !slot.body.is_empty());
    let up = both_rounds(ctx, &mut slots, Way::Up).await;
    let of = |all: &BTreeMap<PeerId, Flown>, peer| all.get(peer).copied().unwrap_or_default();
    let holders = known.keys().filter(|peer| down.contains_key(peer));
    let holders =
        holders.map(|peer| HolderSpeed { peer: *peer, down: of(&down, peer), up: of(&up, peer) });
    let sum =
        |all: &BTreeMap<PeerId, Flown>| all.values().copied().fold(Flown::default(), Flown::with);
    Ok(LinkSpeed { holders: holders.collect(), down: sum(&down), up: sum(&up) })
}

/// Shards with each connected holder that can be measured with: the longest, [`AT_ONCE`] of each.
/// Blocks.
fn shards<G: Grid>(ctx: &Ctx<G>) -> Result<BTreeMap<PeerId, Vec<(u64, ShardId)>>, FlowError> {
    let online = health::online(ctx);
    let mut known: BTreeMap<PeerId, Vec<(u64, ShardId)>> = BTreeMap::new();
    health::for_each_in_use(ctx, |_, record| {
        let len = shard_len(record.code, record.meta.len as usize) as u64;
        if !(SHORT..=EACH_WAY).contains(&len) {
            return;
        }
        for placed in &record.shards {
            let Some(peer) = placed.holder.filter(|peer| online.contains(peer)) else { continue };
            let some = known.entry(peer).or_default();
            let at = some.partition_point(|(other, _)| *other >= len);
            if at < AT_ONCE {
                some.insert(at, (len, placed.id));
                some.truncate(AT_ONCE);
            }
        }
    })?;
    Ok(known)
}

/// As many of each holder as fit into `room` together, the longest first; who does not fit in is
/// left out.
fn slots(known: &BTreeMap<PeerId, Vec<(u64, ShardId)>>, room: u64) -> Vec<Slot> {
    let (mut slots, mut used) = (Vec::new(), 0);
    for nth in 0..AT_ONCE {
        for (peer, some) in known {
            let Some((len, shard)) = some.get(nth).copied() else { continue };
            if used + len <= room {
                used += len;
                slots.push(Slot { peer: *peer, shard, len, times: 0, body: Bytes::new() });
            }
        }
    }
    let mut beside: BTreeMap<PeerId, u64> = BTreeMap::new();
    slots.iter().for_each(|slot| *beside.entry(slot.peer).or_default() += 1);
    for slot in &mut slots {
        let share = EACH_WAY / beside.get(&slot.peer).copied().unwrap_or(1);
        slot.times = share / slot.len.max(1);
    }
    slots
}

/// Each shard once, which opens windows; and when that was quick, as often as bounds allow.
async fn both_rounds<G: Grid>(
    ctx: &Ctx<G>,
    slots: &mut [Slot],
    way: Way,
) -> BTreeMap<PeerId, Flown> {
    let first = round(ctx, slots, way, |_| 1).await;
    let took = first.values().map(|flown| flown.took).max().unwrap_or_default();
    if took >= LONG {
        return first;
    }
    let second = round(ctx, slots, way, |slot| slot.times).await;
    if second.values().all(|flown| flown.bytes == 0) { first } else { second }
}

/// All slots at once, each one question after the other.
async fn round<G: Grid>(
    ctx: &Ctx<G>,
    slots: &mut [Slot],
    way: Way,
    times: impl Fn(&Slot) -> u64,
) -> BTreeMap<PeerId, Flown> {
    let began = Instant::now();
    // Collected, because the compiler cannot prove a future `Send` that keeps the closure.
    let each: Vec<_> = slots.iter_mut().map(|slot| (times(slot), slot)).collect();
    let each = each.into_iter().map(|(times, slot)| repeat(ctx, slot, way, (times, began)));
    let mut by_peer: BTreeMap<PeerId, Flown> = BTreeMap::new();
    for (peer, flown) in join_all(each).await {
        let sum = by_peer.entry(peer).or_default();
        *sum = sum.with(flown);
    }
    by_peer
}

async fn repeat<G: Grid>(
    ctx: &Ctx<G>,
    slot: &mut Slot,
    way: Way,
    (times, began): (u64, Instant),
) -> (PeerId, Flown) {
    let mut flown = Flown::default();
    for _ in 0..times {
        if began.elapsed() >= WITHIN {
            break;
        }
        let moved = timeout_at(began + UNTIL, once(ctx, slot, way)).await;
        if !moved.unwrap_or_default() {
            break;
        }
        flown = flown.with(Flown { bytes: slot.len, took: began.elapsed() });
    }
    (slot.peer, flown)
}

/// One shard, one way; says whether it went.
async fn once<G: Grid>(ctx: &Ctx<G>, slot: &mut Slot, way: Way) -> bool {
    let Slot { peer, shard, ref mut body, .. } = *slot;
    match way {
        Way::Down => match get_from(ctx, shard, peer).await {
            Ok(bytes) => {
                *body = bytes;
                true
            }
            Err(error) => {
                tracing::debug!(peer = %peer.short(), %error, "the link cannot be measured");
                false
            }
        },
        Way::Up => {
            let request = Request::Put { shard, body: body.clone() };
            matches!(ctx.grid.ask(peer, request).await, Ok(Reply::Stored))
        }
    }
}

#[cfg(test)]
mod tests;
