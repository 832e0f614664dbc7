//! `peers` and `status`: who is there, what is where, and how safe it is.
//!
//! Every figure comes from a record or a measurement of now; what is not known is absent (I12).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chunker::OwnerId;
use futures::FutureExt;
use p2p::{Grid, Offer, PeerId, PeerInfo, PeerState};
use store::Usage;

use super::{Run, WAIT_LOOK};
use crate::api::{
    AuditView, DonationView, Failure, HeadView, PacksView, PeerView, PeersView, PlacedPackView,
    PlacedShardView, PlacementArgs, PlacementView, StatusView, TotalsView,
};
use crate::care::State;
use crate::care::evidence::WINDOW_DAYS;
use crate::daemon::engine::EngineError;
use crate::daemon::patience;
use crate::daemon::views;
use crate::flow::health::{self, Health, Holder};
use crate::flow::standing::{self, Standing};
use crate::flow::targets::{domains_of, presences_of};
use crate::flow::usage::Match;
use crate::flow::{drill, look, publish, usage, whereabouts};
use crate::placement::domains::Domains;
use crate::vault::index::{PackRecord, Placed};

/// How long holders have to say what they keep of ours; whoever is slower is shown with its last
/// word.
const WAIT_WORD: Duration = Duration::from_secs(2);

impl Run {
    pub(super) async fn peers(&self) -> Result<PeersView, Failure> {
        self.settle(WAIT_LOOK).await?;
        usage::ask(&self.ctx, WAIT_WORD).await?;
        let health = self.health().await?;
        let shelf = self.engine.host.shelf().clone();
        let here = self.ctx.work(move || shelf.usage_by_owner()).await?;
        let here: BTreeMap<_, Usage> = here.map_err(EngineError::from)?.into_iter().collect();
        let (holders, now) = (health::holders(&self.ctx)?, self.ctx.clock.now_secs());
        let me = self.me().await?;
        let peers = self.ctx.grid.peers();
        let stated = usage::known(&self.ctx, peers.iter().map(|info| info.peer))?;
        let first = first_devices(&peers);
        let view = |info: &p2p::PeerInfo| PeerView {
            mine_here_bytes: health.kept_by.get(&info.peer).map_or(0, |kept| kept.bytes),
            stated: stated.get(&info.peer).map(views::stated),
            // Shards are an owner's, not a device's: said once, of the owner's first device.
            theirs_here_bytes: if first.contains(&info.peer) {
                here.get(&info.owner).map_or(0, |usage| usage.bytes)
            } else {
                0
            },
            ..known_of(views::peer(info), holders.get(&info.peer), now)
        };
        let peers: Vec<_> = peers.iter().map(view).collect();
        let (totals, can_lose) = (totals(&me, &peers), can_lose(&health));
        Ok(PeersView { schema: "gbak.peers/1".to_owned(), me, peers, totals, can_lose })
    }

    pub(super) async fn status(&self) -> Result<StatusView, Failure> {
        self.settle(WAIT_LOOK).await?;
        let health = self.health().await?;
        let ctx = self.ctx.clone();
        let standing = self.ctx.work(move || standing::standing(&ctx)).await??;
        let peers = self.ctx.grid.peers();
        let online = peers.iter().filter(|peer| peer.state == PeerState::Online).count();
        let newest = look::snapshots(&self.ctx)?.into_iter().next_back();
        let head = publish::current_head(&self.ctx)?;
        let offer = self.measured().await?;
        let absent = absent(&health, &peers);
        let (level, mut reasons) = judge(&health, online, peers.len(), newest.is_some(), absent);
        let (warned, notes) = standing_told(&standing);
        let level = if level == "ok" && warned.is_some() { "warning" } else { level };
        reasons.extend(warned);
        let less = self.keep_less(&peers)?;
        let level = if level == "ok" && !less.is_empty() { "warning" } else { level };
        reasons.extend(less);
        let late = self.late_sets().await?;
        let level = if level == "ok" && !late.is_empty() { "warning" } else { level };
        reasons.extend(late);
        let paused = self.paused_by_hand();
        let level = if level == "ok" && paused.is_some() { "warning" } else { level };
        reasons.extend(paused);
        let agent = self.engine.is_agent();
        let proof = drill::drills(&self.ctx)?.proved;
        Ok(StatusView {
            schema: "gbak.status/1".to_owned(),
            level: level.to_owned(),
            reasons,
            name: self.ctx.device.cert.name.clone(),
            peer_id: self.ctx.device.peer().to_string(),
            listen: if agent { self.engine.swarm.listen_addresses() } else { Vec::new() },
            agent,
            peers_online: online as u64,
            peers_known: peers.len() as u64,
            packs: packs(&health),
            min_live_above_k: health.min_live_above_k,
            can_lose: can_lose(&health),
            days_to_loss: health.days_to_loss,
            domains: standing.least.map(|kept| kept.domains as u64),
            can_lose_domains: standing.least.map(|kept| kept.can_lose as u64),
            notes,
            last_drill: proof.as_ref().map(|proof| views::time_secs(proof.secs)),
            proof: proof.map(super::drilling::proof),
            last_backup: newest.map(|listed| views::time(listed.snapshot.time)),
            head: head.map(|head| HeadView { seq: head.seq, fingerprint: head.hash().short() }),
            donation: donation(offer),
        })
    }

    pub(super) async fn placement(&self, args: PlacementArgs) -> Result<PlacementView, Failure> {
        self.settle(WAIT_LOOK).await?;
        let records = whereabouts::packs(&self.ctx, &args.what.0).boxed().await?;
        let peers = self.ctx.grid.peers();
        let domains = domains_of(&peers, &presences_of(&self.ctx));
        let peers: BTreeMap<_, _> = peers.into_iter().map(|info| (info.peer, info)).collect();
        let packs = records.iter().map(|record| placed(record, &peers, &domains)).collect();
        Ok(PlacementView { schema: "gbak.placement/1".to_owned(), packs })
    }

    pub(super) async fn health(&self) -> Result<Health, Failure> {
        let ctx = self.ctx.clone();
        let policy = patience::policy(&self.engine.config);
        Ok(self.ctx.work(move || health::health(&ctx, policy)).await??)
    }

    /// Holders that say themselves that they keep less of ours than they took.
    fn keep_less(&self, peers: &[PeerInfo]) -> Result<Vec<String>, Failure> {
        let stated = usage::known(&self.ctx, peers.iter().map(|info| info.peer))?;
        let less = |info: &&PeerInfo| {
            stated.get(&info.peer).is_some_and(|stated| stated.compared() == Match::Less)
        };
        let told = |info: &PeerInfo| {
            format!("{0} says that it keeps less of yours than it took: gbak audit {0}", info.name)
        };
        Ok(peers.iter().filter(less).map(told).collect())
    }

    async fn measured(&self) -> Result<Offer, Failure> {
        Ok(self.engine.host.offer().await?)
    }

    async fn me(&self) -> Result<PeerView, Failure> {
        let hello = self.engine.swarm.members().hello();
        let offer = self.measured().await?;
        Ok(PeerView {
            peer_id: hello.device.peer.to_string(),
            name: hello.device.name,
            owner_id: hello.device.owner.to_string(),
            state: "online".to_owned(),
            rtt_ms: None,
            site: hello.site,
            total_bytes: offer.total_bytes,
            reserved_bytes: offer.reserved_bytes,
            donated_bytes: offer.donated_bytes,
            used_bytes: offer.used_bytes,
            free_bytes: offer.free_bytes,
            mine_here_bytes: 0,
            stated: None,
            theirs_here_bytes: 0,
            path: "none".to_owned(),
            audit: AuditView::default(),
            standing: State::Present.word().to_owned(),
            away_until: None,
            last_seen: None,
            since: views::time_secs(hello.device.since_secs),
        })
    }
}

/// How many more holders may be lost.
fn can_lose(health: &Health) -> Option<u64> {
    health.min_held_above_k.map(|spare| spare.max(0) as u64)
}

/// A device with what looks and audits found of it.
fn known_of(view: PeerView, known: Option<&Holder>, now: u64) -> PeerView {
    let Some(Holder { standing, evidence, .. }) = known else {
        return PeerView { standing: State::default().word().to_owned(), ..view };
    };
    let score = evidence.score(now);
    PeerView {
        audit: AuditView { proved: score.proved, failed: score.failed, window_days: WINDOW_DAYS },
        standing: standing.state().word().to_owned(),
        last_seen: standing.seen_secs().map(views::time_secs),
        ..view
    }
}

/// Of every owner the device that has been a member for longest.
fn first_devices(peers: &[PeerInfo]) -> BTreeSet<PeerId> {
    let mut first: BTreeMap<OwnerId, &PeerInfo> = BTreeMap::new();
    for info in peers {
        let known = first.entry(info.owner).or_insert(info);
        if (info.since_secs, info.peer) < (known.since_secs, known.peer) {
            *known = info;
        }
    }
    first.into_values().map(|info| info.peer).collect()
}

fn placed(
    record: &PackRecord,
    peers: &BTreeMap<PeerId, PeerInfo>,
    domains: &Domains,
) -> PlacedPackView {
    let shard = |(index, shard): (u8, &Placed)| {
        let info = shard.holder.and_then(|peer| peers.get(&peer));
        let state = match (shard.holder, info) {
            (None, _) => "queued",
            (Some(_), None) => "unknown",
            (Some(_), Some(info)) => views::state(info.state),
        };
        PlacedShardView {
            index,
            shard_id: shard.id.to_string(),
            peer_id: shard.holder.map(|peer| peer.to_string()),
            name: info.map(|info| info.name.clone()),
            distance_ms: info.and_then(|info| info.rtt).map(|rtt| rtt.as_secs_f64() * 1e3),
            domain: shard.holder.and_then(|peer| domains.domain(&peer)).map(|id| id.to_string()),
            state: state.to_owned(),
        }
    };
    PlacedPackView {
        pack_id: record.meta.id.to_string(),
        k: record.code.k(),
        m: record.code.m(),
        lane: record.lane,
        shards: (0..=u8::MAX).zip(&record.shards).map(shard).collect(),
    }
}

fn totals(me: &PeerView, peers: &[PeerView]) -> TotalsView {
    let all = || std::iter::once(me).chain(peers);
    TotalsView {
        peers: all().count() as u64,
        online: all().filter(|peer| peer.state == "online").count() as u64,
        total_bytes: sum(all().map(|peer| peer.total_bytes)),
        reserved_bytes: sum(all().map(|peer| peer.reserved_bytes)),
        donated_bytes: sum(all().map(|peer| peer.donated_bytes)),
        used_bytes: sum(all().map(|peer| peer.used_bytes)),
        mine_here_bytes: sum(all().map(|peer| peer.mine_here_bytes)),
        theirs_here_bytes: sum(all().map(|peer| peer.theirs_here_bytes)),
        // What an absent peer has free is not known, only what it had.
        free_bytes: sum(all().filter(|peer| peer.state == "online").map(|peer| peer.free_bytes)),
    }
}

/// Figures of others are their own word: a sum must not overflow on it.
fn sum(figures: impl Iterator<Item = u64>) -> u64 {
    figures.fold(0, u64::saturating_add)
}

const fn packs(health: &Health) -> PacksView {
    PacksView {
        total: health.total,
        full: health.full,
        degraded: health.degraded,
        at_risk: health.at_risk,
        lost: health.lost,
        out_of_reach: health.out_of_reach,
        queued: health.queued,
    }
}

const fn donation(offer: Offer) -> DonationView {
    DonationView {
        total_bytes: offer.total_bytes,
        reserved_bytes: offer.reserved_bytes,
        donated_bytes: offer.donated_bytes,
        used_bytes: offer.used_bytes,
        free_bytes: offer.free_bytes,
    }
}

/// What a person should do something about, and what is good to know, of how packs share places.
fn standing_told(standing: &Standing) -> (Option<String>, Vec<String>) {
    let warned = (standing.one_loss > 0).then(|| {
        format!("{} packs would be lost with one place (a house, a member)", standing.one_loss)
    });
    let shared = standing.crowded > 0 && standing.one_loss == 0;
    let notes = shared.then(|| {
        let lose = standing.least.map_or(0, |kept| kept.can_lose);
        format!(
            "{} packs have fewer places than shards; {lose} places may be lost",
            standing.crowded
        )
    });
    (warned, notes.into_iter().collect())
}

/// The level, and why: the most important reason first.
fn judge(
    health: &Health,
    online: usize,
    known: usize,
    any_backup: bool,
    absent: Vec<String>,
) -> (&'static str, Vec<String>) {
    let mut critical = Vec::new();
    let mut warning = Vec::new();
    if health.lost > 0 {
        critical.push(format!(
            "{} of {} packs have too few shards left to be restored; what the files here still \
             have is stored again by the next backup",
            health.lost, health.total
        ));
    }
    if health.at_risk > 0 {
        critical.push(format!(
            "{} of {} packs have just enough shards left: one more machine lost, and they are gone",
            health.at_risk, health.total
        ));
    }
    if health.out_of_reach > 0 {
        critical.push(format!(
            "{} of {} packs cannot be restored from the peers that are connected now",
            health.out_of_reach, health.total
        ));
    }
    if !any_backup {
        warning.push("Nothing has been backed up yet".to_owned());
    }
    if health.queued > 0 {
        warning.push(format!("{} packs wait for peers with room", health.queued));
    }
    if health.degraded > 0 {
        let spare = health.min_held_above_k.unwrap_or_default().max(0);
        warning.push(format!(
            "{} of {} packs have shards missing: {spare} more machines may be lost, no more",
            health.degraded, health.total
        ));
    }
    if health.due > 0 {
        warning.push(format!("{} packs are to be repaired", health.due));
    }
    let whole = health.at_risk == 0 && health.lost == 0;
    if whole && health.min_held_above_k.is_some_and(|spare| spare <= 0) {
        warning.push("Some data has no spare: one lost machine loses it".to_owned());
    }
    warning.extend(absent);
    if known == 0 {
        warning.push("No other device is known yet: invite somebody".to_owned());
    } else if online == 0 {
        warning.push(format!("None of {known} known devices is connected"));
    }
    let level = match (critical.is_empty(), warning.is_empty()) {
        (false, _) => "critical",
        (true, false) => "warning",
        (true, true) => "ok",
    };
    critical.extend(warning);
    (level, critical)
}

/// The holders of ours that are not simply there.
fn absent(health: &Health, peers: &[PeerInfo]) -> Vec<String> {
    let name = |peer: &PeerId| {
        let info = peers.iter().find(|info| info.peer == *peer);
        info.map_or_else(|| peer.short(), |info| info.name.clone())
    };
    let until = |peer: &PeerId| {
        let info = peers.iter().find(|info| info.peer == *peer);
        let announced = info.map_or(0, |info| info.offer.away_until_secs);
        if announced == 0 {
            String::new()
        } else {
            format!(" until {}", views::time_secs(announced))
        }
    };
    let said = health.holders.iter().filter(|(_, state)| **state > State::Suspect);
    said.map(|(peer, state)| match state {
        State::Away => {
            format!("{} is away{}; what it holds is still counted", name(peer), until(peer))
        }
        state => {
            format!("{} is {}: what it held is made again elsewhere", name(peer), state.word())
        }
    })
    .collect()
}

#[cfg(test)]
mod tests;
