//! What the owner's data is exposed to: where its shards are, by the catalog, and what is known of
//! who has them.
//!
//! What was measured is used as measured: how often audits found a holder ([`health::looks`]). What
//! was not is assumed, with figures that are meant to err to the careful side; whoever
//! shows the result says which is which (I12). Packs that wait for holders are not on the grid and
//! not in the figures; shards with devices that nobody knows any more do not count. The formulas
//! are those of [`placement::risk`](crate::placement::risk).
//!
//! It only looks. It fails as the catalog does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chunker::PeerId;
use p2p::{Grid, PeerInfo};
use store::PackState;

use crate::care::{Churn, Looks};
use crate::flow::health;
use crate::flow::presence::Presences;
use crate::flow::targets::{domains_of, presences_of};
use crate::flow::{Ctx, FlowError};
use crate::placement::Domain;
use crate::placement::domains::Domains;
use crate::placement::risk::{self, Held, Holder, Inputs, Risk, Without};
use crate::vault::index::PackRecord;

#[cfg(test)]
mod tests;

/// The share of time that a holder is taken to answer before it was ever looked for.
pub const AVAILABILITY: f64 = 0.8;

/// How many looks the assumption weighs: one look is no measurement, forty are.
const PRIOR_LOOKS: f64 = 4.0;
/// When nobody repairs.
const NEVER: Duration = Duration::from_secs(31_557_600 * 100_000);

/// Where everything is, and what is known about it.
#[derive(Debug, Clone)]
pub struct Exposure {
    /// Packs on the grid, and who has their shards.
    pub packs: Vec<Held>,
    /// Packs that are not on the grid yet.
    pub queued: u64,
    /// What the figures rest on.
    pub inputs: Inputs,
    /// Everybody who has something.
    pub holders: BTreeMap<PeerId, Known>,
    /// Devices that have something and are not known any more.
    pub strangers: BTreeSet<PeerId>,
    /// How holders come and go, and how far that was seen.
    pub churn: Churn,
    /// Whether any absence was seen.
    pub absence_seen: bool,
}

/// A holder, and how much of it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its name, by its owner's word.
    pub name: String,
    /// How often it was looked for and found; none when it never was.
    pub looks: Option<Looks>,
}

/// How it stands, or would stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// The figures, lost shards being made again.
    pub risk: Risk,
    /// The chance that any pack is lost within a year when none are.
    pub p_loss_unrepaired: f64,
}

/// Reads the records of all packs. Blocks: call it on the offload for large vaults.
pub fn exposure<G: Grid>(ctx: &Ctx<G>) -> Result<Exposure, FlowError> {
    let (mut packs, mut queued) = (Vec::new(), 0);
    ctx.catalog.for_each_pack(|row| {
        if row.state == PackState::Queued {
            queued += 1;
            return Ok(());
        }
        packs.push(held(&PackRecord::decode_stored(&row.record)?));
        Ok::<(), FlowError>(())
    })?;
    let peers = ctx.grid.peers();
    let looks = health::looks(ctx)?;
    let having: BTreeSet<PeerId> =
        packs.iter().flat_map(|pack| pack.shards.iter().map(|(_, peer)| *peer)).collect();
    let strangers =
        having.iter().copied().filter(|one| peers.iter().all(|peer| peer.peer != *one)).collect();
    let known = |peer: &PeerInfo| {
        let looks = looks.get(&peer.peer).copied().filter(|looks| looks.looks > 0);
        (peer.peer, Known { name: peer.name.clone(), looks })
    };
    let holders = peers.iter().filter(|peer| having.contains(&peer.peer)).map(known).collect();
    let presences = presences_of(ctx);
    let domains = domains_of(&peers, &presences);
    let mut inputs = inputs(&peers, &looks, &domains, &presences);
    let now_secs = ctx.clock.now_secs();
    for (peer, holder) in &mut inputs.holders {
        holder.probation = presences.is_new(peer, now_secs);
    }
    let (churn, absence_seen) = (*presences.churn(), presences.absence().is_some());
    Ok(Exposure { packs, queued, inputs, holders, strangers, churn, absence_seen })
}

fn held(record: &PackRecord) -> Held {
    let numbered = (0..=u8::MAX).zip(&record.shards);
    let shards = numbered.filter_map(|(index, shard)| Some((index, shard.holder?))).collect();
    Held { id: record.meta.id, code: record.code, shards }
}

fn inputs(
    peers: &[PeerInfo],
    looks: &BTreeMap<PeerId, Looks>,
    domains: &Domains,
    presences: &Presences,
) -> Inputs {
    let holder = |peer: &PeerInfo| Holder {
        owner: peer.owner,
        site: peer.site.clone(),
        domain: domains.domain(&peer.peer).unwrap_or(Domain::of_group(peer.peer)),
        availability: availability(looks.get(&peer.peer).copied().unwrap_or_default()),
        probation: false,
    };
    Inputs {
        holders: peers.iter().map(|peer| (peer.peer, holder(peer))).collect(),
        rate: presences.churn().rate(),
        repair: presences.churn().repair(),
        absence: presences.absence_or_assumed(),
    }
}

/// The share of looks that found a holder, drawn towards the assumption while they are few.
fn availability(looks: Looks) -> f64 {
    (looks.seen as f64 + PRIOR_LOOKS * AVAILABILITY) / (looks.looks as f64 + PRIOR_LOOKS)
}

impl Exposure {
    /// How it would stand without these.
    pub fn outlook(&self, without: &Without) -> Outlook {
        let unrepaired = Inputs { repair: NEVER, ..self.inputs.clone() };
        Outlook {
            risk: risk::assess(&self.packs, &self.inputs, without),
            p_loss_unrepaired: risk::assess(&self.packs, &unrepaired, without).p_loss_year,
        }
    }

    /// Names of the holders in a domain.
    pub fn members(&self, domain: Domain) -> Vec<PeerId> {
        let here = |peer: &&PeerId| {
            self.inputs.holders.get(*peer).is_some_and(|holder| holder.domain == domain)
        };
        self.holders.keys().filter(here).copied().collect()
    }
}
