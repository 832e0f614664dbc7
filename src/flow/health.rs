//! What is known of holders, and what that makes of packs: the rules of [`care`](crate::care),
//! applied to what the catalog keeps and to who is connected now.
//!
//! Holders are looked for by [`look_around`], what audits and reads find of them goes through
//! [`note`], and [`settle`] draws the consequence: a pack of which fewer than k shards count is not
//! built upon any more (I13), though it is still read as far as it goes.
//!
//! Bounds: [`HOLDERS`] holders are kept. A record that cannot be read counts as none, since all of
//! it can be found out again. Calls block: on the offload for large vaults.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chunker::{Class, PackId, PeerId, Record, ShardId};
use p2p::usage::Kept;
use p2p::{Grid, PeerState};
use serde::{Deserialize, Serialize};
use store::{PackRow, PackState};

use crate::care::{
    Churn, Crowd, Evidence, Grade, Looks, Past, Policy, Rules, ShardState, Standing, State, Tally,
    Verdict, days_to_loss,
};
use crate::flow::{Ctx, FlowError, roots, usage};
use crate::vault::index::{PackRecord, Placed};

/// Holders kept; when there are more, those not seen for longest are forgotten.
const HOLDERS: usize = 4096;

/// What is known of a holder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Whether it is there.
    #[serde(rename = "s")]
    pub standing: Standing,
    /// What audits found.
    #[serde(rename = "e")]
    pub evidence: Evidence,
    /// It showed parts of a shard and then did not give the whole: from now on it is believed only
    /// for what it gives.
    #[serde(rename = "r", default)]
    pub withholds: bool,
    /// Shards that were made again elsewhere after it was given up.
    #[serde(rename = "m", default)]
    pub mended: Mended,
}

/// How long it took until what a holder had was elsewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mended {
    /// Shards of it that are elsewhere.
    #[serde(rename = "n")]
    shards: u64,
    /// The seconds from when it was last seen, of all of them together.
    #[serde(rename = "s")]
    secs: u64,
}

impl Mended {
    /// So many shards more, so long after it was last seen.
    pub const fn add(&mut self, shards: u64, after_secs: u64) {
        self.shards = self.shards.saturating_add(shards);
        self.secs = self.secs.saturating_add(after_secs.saturating_mul(shards));
    }

    /// The mean; none without a shard.
    pub fn mean(&self) -> Option<Duration> {
        self.secs.checked_div(self.shards).map(Duration::from_secs)
    }
}

impl Holder {
    /// What it adds to what is known of how holders come and go.
    fn past(&self) -> Past {
        Past {
            watched: self.standing.watched(),
            departed: !self.standing.state().counts(),
            mended: self.mended.mean(),
        }
    }
}

impl Record for Holder {
    const NAME: &'static str = "holder";
    const VERSION: u8 = 1;
    const LIMIT: usize = 1024 * 1024;
}

/// One challenge and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// The holder.
    pub peer: PeerId,
    /// The shard asked for.
    pub shard: ShardId,
    /// Its pack.
    pub pack: PackId,
    /// What came of it.
    pub verdict: Verdict,
}

/// Everything known of holders.
pub fn holders<G: Grid>(ctx: &Ctx<G>) -> Result<BTreeMap<PeerId, Holder>, FlowError> {
    let stored = ctx.catalog.holders()?.into_iter();
    Ok(stored.map(|(peer, bytes)| (peer, Holder::decode(&bytes).unwrap_or_default())).collect())
}

/// How holders come and go, by all that was seen of these so far.
pub(crate) fn churn(holders: &BTreeMap<PeerId, Holder>) -> Churn {
    holders.values().map(Holder::past).collect()
}

/// How often audits found every holder over the last month.
pub fn looks<G: Grid>(ctx: &Ctx<G>) -> Result<BTreeMap<PeerId, Looks>, FlowError> {
    let now = ctx.clock.now_secs();
    let all = holders(ctx)?.into_iter();
    Ok(all.map(|(peer, holder)| (peer, holder.evidence.looks(now))).collect())
}

/// Notes who is connected just now. Returns those that are thought of otherwise than before.
pub fn look_around<G: Grid>(
    ctx: &Ctx<G>,
    rules: &Rules,
) -> Result<Vec<(PeerId, State)>, FlowError> {
    let now = ctx.clock.now_secs();
    let peers = ctx.grid.peers();
    let mut all = holders(ctx)?;
    let known: Vec<PeerId> = all.keys().copied().collect();
    for info in &peers {
        all.entry(info.peer).or_default();
    }
    let online = online(ctx);
    let waited = all.iter().filter(|(_, holder)| holder.standing.state().counts());
    let (mut count, mut silent) = (0, 0);
    for (peer, _) in waited {
        count += 1;
        silent += usize::from(!online.contains(peer));
    }
    let crowd = Crowd::of(silent, count);
    let mut changed = Vec::new();
    let said: BTreeMap<PeerId, u64> =
        peers.iter().map(|info| (info.peer, info.offer.away_until_secs)).collect();
    for (peer, holder) in &mut all {
        if let Some(until) = said.get(peer).filter(|_| online.contains(peer)) {
            holder.standing.announced(now, *until, rules);
        }
        let before = holder.standing.state();
        holder.standing.look(now, online.contains(peer), crowd, rules);
        if holder.standing.state() != before {
            changed.push((*peer, holder.standing.state()));
        }
    }
    let forgotten = surplus(&all, &known);
    ctx.catalog.bulk(|bulk| {
        for (peer, holder) in &all {
            if forgotten.contains(peer) {
                bulk.drop_holder(peer)?;
            } else {
                bulk.put_holder(peer, &holder.encode())?;
            }
        }
        Ok(())
    })?;
    Ok(changed)
}

/// Which holders are too many: first those just met, then those not seen for longest.
fn surplus(all: &BTreeMap<PeerId, Holder>, known: &[PeerId]) -> BTreeSet<PeerId> {
    let mut order: Vec<&PeerId> = all.keys().collect();
    let seen = |peer: &PeerId| all.get(peer).and_then(|holder| holder.standing.seen_secs());
    order.sort_by_key(|peer| (known.binary_search(peer).is_ok(), seen(peer)));
    order.into_iter().take(all.len().saturating_sub(HOLDERS)).copied().collect()
}

/// Notes what an audit found of holders, whole or not at all. Of two at once, one's findings could
/// be lost: the caller runs one at a time.
pub fn note<G: Grid>(ctx: &Ctx<G>, findings: &[Finding], rules: &Rules) -> Result<(), FlowError> {
    let now = ctx.clock.now_secs();
    let mut all = holders(ctx)?;
    let mut answered: BTreeMap<PeerId, bool> = BTreeMap::new();
    for finding in findings {
        let holder = all.entry(finding.peer).or_default();
        holder.evidence.add(finding.shard, finding.verdict, now);
        if finding.verdict == Verdict::Proved {
            holder.standing.proved(now, rules);
        }
        *answered.entry(finding.peer).or_default() |= finding.verdict != Verdict::Unreachable;
    }
    for (peer, answered) in &answered {
        all.entry(*peer).or_default().evidence.look(*answered, now);
    }
    ctx.catalog.bulk(|bulk| {
        for (peer, holder) in all.iter().filter(|(peer, _)| answered.contains_key(peer)) {
            bulk.put_holder(peer, &holder.encode())?;
        }
        for Finding { peer, shard, verdict, .. } in findings {
            match verdict {
                Verdict::Proved => bulk.set_found(peer, shard)?,
                Verdict::Wrong | Verdict::Refused => bulk.set_gone(peer, shard, now)?,
                Verdict::Unreachable | Verdict::Slow => {}
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// Changes what is known of one holder.
pub fn change<G: Grid>(
    ctx: &Ctx<G>,
    peer: PeerId,
    change: impl FnOnce(&mut Holder),
) -> Result<(), FlowError> {
    let mut holder = holders(ctx)?.remove(&peer).unwrap_or_default();
    change(&mut holder);
    Ok(ctx.catalog.bulk(|bulk| bulk.put_holder(&peer, &holder.encode()))?)
}

/// A holder took a shard in: it has that one now, and if it was given up, it counts again.
pub(crate) fn count_in<G: Grid>(
    ctx: &Ctx<G>,
    peer: PeerId,
    shard: ShardId,
) -> Result<(), FlowError> {
    if ctx.catalog.is_gone(&peer, &shard)? {
        ctx.catalog.bulk(|bulk| bulk.set_found(&peer, &shard))?;
    }
    let Some(stored) = ctx.catalog.holder(&peer)? else { return Ok(()) };
    let mut holder = Holder::decode(&stored).unwrap_or_default();
    if holder.standing.state().counts() {
        return Ok(());
    }
    holder.standing.proved(ctx.clock.now_secs(), &Rules::default());
    Ok(ctx.catalog.bulk(|bulk| bulk.put_holder(&peer, &holder.encode()))?)
}

/// The peers that are connected.
pub(crate) fn online<G: Grid>(ctx: &Ctx<G>) -> BTreeSet<PeerId> {
    let peers = ctx.grid.peers().into_iter();
    peers.filter(|peer| peer.state == PeerState::Online).map(|peer| peer.peer).collect()
}

/// What every shard counts for, as of now.
#[derive(Debug, Clone)]
pub(crate) struct View {
    online: BTreeSet<PeerId>,
    states: BTreeMap<PeerId, State>,
    /// At what yearly rate holders leave.
    base: f64,
    rates: BTreeMap<PeerId, f64>,
    /// Who failed an audit of late.
    failed: BTreeSet<PeerId>,
    /// Who gave wrong bytes, or nothing of what it had just proved to have.
    liars: BTreeSet<PeerId>,
    gone: BTreeSet<(PeerId, ShardId)>,
}

impl View {
    /// As of now.
    pub(crate) fn now<G: Grid>(ctx: &Ctx<G>) -> Result<Self, FlowError> {
        let (now, holders) = (ctx.clock.now_secs(), holders(ctx)?);
        let states = holders.iter().map(|(peer, known)| (*peer, known.standing.state())).collect();
        let base = churn(&holders).rate();
        let rate = |known: &Holder| known.evidence.score(now).rate(base);
        let rates = holders.iter().map(|(peer, known)| (*peer, rate(known))).collect();
        let counts = |known: &Holder| known.evidence.counts(now);
        let lied = |known: &Holder| known.withholds || counts(known)[Verdict::Wrong as usize] > 0;
        let failed = |known: &Holder| known.evidence.score(now).failed > 0;
        let of = |is: &dyn Fn(&Holder) -> bool| {
            holders.iter().filter(|(_, known)| is(known)).map(|(peer, _)| *peer).collect()
        };
        let (failed, liars) = (of(&failed), of(&lied));
        let gone = ctx.catalog.gone()?.into_iter().collect();
        Ok(Self { online: online(ctx), states, base, rates, failed, liars, gone })
    }

    /// What is thought of a holder.
    pub(crate) fn state(&self, peer: &PeerId) -> State {
        self.states.get(peer).copied().unwrap_or_default()
    }

    /// Whether nothing speaks against giving it something.
    pub(crate) fn is_trusted(&self, peer: &PeerId) -> bool {
        self.state(peer).counts() && !self.failed.contains(peer) && !self.is_liar(peer)
    }

    /// Whether it is given nothing, whoever else there is.
    pub(crate) fn is_liar(&self, peer: &PeerId) -> bool {
        self.liars.contains(peer)
    }

    /// Whether it is connected.
    pub(crate) fn is_online(&self, peer: &PeerId) -> bool {
        self.online.contains(peer)
    }

    /// At what yearly rate its shards are expected to go.
    pub(crate) fn rate(&self, peer: &PeerId) -> f64 {
        self.rates.get(peer).copied().unwrap_or(self.base)
    }

    /// What a shard counts for.
    pub(crate) fn shard(&self, placed: &Placed) -> ShardState {
        let Some(peer) = placed.holder else { return ShardState::Gone };
        if !self.state(&peer).counts() || self.gone.contains(&(peer, placed.id)) {
            ShardState::Gone
        } else if self.is_online(&peer) {
            ShardState::Here
        } else {
            ShardState::Silent
        }
    }

    /// A pack's shards, counted.
    pub(crate) fn tally(&self, record: &PackRecord) -> Tally {
        let shards = record.shards.iter().map(|placed| self.shard(placed));
        Tally::of(record.code, shards).among(self.online.len())
    }

    /// How many days it takes on average until a pack is lost, when nobody mends it.
    pub(crate) fn days_to_loss(&self, record: &PackRecord) -> f64 {
        let counted = record.shards.iter().filter(|placed| self.shard(placed) != ShardState::Gone);
        let rates: Vec<f64> =
            counted.filter_map(|placed| Some(self.rate(&placed.holder?))).collect();
        days_to_loss(usize::from(record.code.k()), &rates)
    }
}

/// Calls `each` with every pack that is in use: of index packs, only those that the newest manifest
/// and head of this device name.
pub(crate) fn for_each_in_use<G: Grid>(
    ctx: &Ctx<G>,
    mut each: impl FnMut(&PackRow, PackRecord),
) -> Result<(), FlowError> {
    let roots = roots::own(ctx)?;
    ctx.catalog.for_each_pack(|row| {
        let is_index = row.class == Class::Index as u8 || row.class == Class::Snapshot as u8;
        if !is_index || roots.contains_key(&row.id) {
            each(row, PackRecord::decode_stored(&row.record)?);
        }
        Ok::<(), FlowError>(())
    })
}

/// Says of every pack whether later backups may build on it: not when fewer than k of its shards
/// count (I13). Returns how many are thought of otherwise than before.
pub fn settle<G: Grid>(ctx: &Ctx<G>) -> Result<u64, FlowError> {
    let view = View::now(ctx)?;
    let mut changed = Vec::new();
    for_each_in_use(ctx, |row, record| {
        let sound = row.state == PackState::Queued || view.tally(&record).grade() < Grade::Lost;
        if sound != row.healthy {
            changed.push((row.id, sound));
        }
    })?;
    ctx.catalog.bulk(|bulk| {
        for (id, sound) in &changed {
            bulk.set_healthy(id, *sound)?;
        }
        Ok(())
    })?;
    Ok(changed.len() as u64)
}

/// How safe the packs are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Health {
    /// All packs in use.
    pub total: u64,
    /// Every shard counts.
    pub full: u64,
    /// More than k count, but not all.
    pub degraded: u64,
    /// Exactly k do.
    pub at_risk: u64,
    /// Fewer do.
    pub lost: u64,
    /// Packs of which fewer than k shards are with holders that are connected now.
    pub out_of_reach: u64,
    /// Packs that are to be mended.
    pub due: u64,
    /// Packs in the spool.
    pub queued: u64,
    /// The smallest number of connected holders beyond k.
    pub min_live_above_k: Option<i64>,
    /// The smallest number of shards that count beyond k.
    pub min_held_above_k: Option<i64>,
    /// In how many days the first pack would be lost on average, when nobody mended anything.
    pub days_to_loss: Option<f64>,
    /// What each holder keeps of ours, by our records.
    pub kept_by: BTreeMap<PeerId, Kept>,
    /// Holders of ours that are not simply there.
    pub holders: BTreeMap<PeerId, State>,
}

/// Goes through every pack's record.
pub fn health<G: Grid>(ctx: &Ctx<G>, policy: Policy) -> Result<Health, FlowError> {
    let view = View::now(ctx)?;
    let mut health = Health { queued: ctx.spool.list().len() as u64, ..Health::default() };
    for_each_in_use(ctx, |row, record| {
        health.count(&view, policy, &record, row.state == PackState::Queued);
    })?;
    for peer in health.kept_by.keys() {
        let state = view.state(peer);
        if state != State::Present {
            health.holders.insert(*peer, state);
        }
    }
    Ok(health)
}

impl Health {
    fn count(&mut self, view: &View, policy: Policy, record: &PackRecord, queued: bool) {
        usage::add(&mut self.kept_by, record);
        self.total += 1;
        if queued {
            return;
        }
        let tally = view.tally(record);
        let grade = match tally.grade() {
            Grade::Full => &mut self.full,
            Grade::Degraded => &mut self.degraded,
            Grade::AtRisk => &mut self.at_risk,
            Grade::Lost => &mut self.lost,
        };
        *grade += 1;
        let days = view.days_to_loss(record);
        self.days_to_loss = Some(self.days_to_loss.map_or(days, |least| least.min(days)));
        let live = tally.here as i64 - tally.k as i64;
        self.out_of_reach += u64::from(live < 0 && tally.grade() != Grade::Lost);
        self.due += u64::from(policy.wants_repair(record.code, &tally));
        let least = |old: Option<i64>, new: i64| Some(old.map_or(new, |old| old.min(new)));
        self.min_live_above_k = least(self.min_live_above_k, live);
        self.min_held_above_k = least(self.min_held_above_k, tally.spare());
    }
}
