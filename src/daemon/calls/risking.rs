//! `risk`: whom is meant, and the figures as they are shown.
//!
//! Whoever answers to a name is imagined gone, machines and members alike: a what-if errs to the
//! careful side.

use std::collections::BTreeSet;

use p2p::{Grid, PeerInfo};

use super::{Run, WAIT_LOOK};
use crate::api::{
    Failure, FigureView, HolderRiskView, HolderView, OutlookView, RestoreOddsView, RiskArgs,
    RiskInputsView, RiskView, ScenarioView, WorstDomainView, codes,
};
use crate::care::evidence::WINDOW_DAYS;
use crate::flow::risk::{self, Exposure, Outlook};
use crate::placement::Domain;
use crate::placement::risk::Without;

#[cfg(test)]
mod tests;

/// Fewest digits that name somebody.
const MIN_PREFIX: usize = 4;
const DAY_SECS: f64 = 86_400.0;

impl Run {
    pub(super) async fn risk(&self, args: RiskArgs) -> Result<RiskView, Failure> {
        self.settle(WAIT_LOOK).await?;
        let peers = self.ctx.grid.peers();
        let hellos = self.engine.swarm.members().known();
        let owners = hellos.into_iter().filter_map(|hello| hello.owner);
        let owners: Vec<Named> =
            owners.map(|cert| Named { name: cert.name, owner: cert.owner }).collect();
        let named = args.without.iter().map(|name| {
            let without = whom(&peers, &owners, name)?;
            Ok((name.clone(), without))
        });
        let sites = args.without_sites.iter().map(|label| {
            let without = site(&peers, label)?;
            Ok((format!("site {label}"), without))
        });
        let without: Vec<(String, Without)> = named.chain(sites).collect::<Result<_, Failure>>()?;
        let ctx = self.ctx.clone();
        let exposure = self.ctx.work(move || risk::exposure(&ctx)).await??;
        // The chain of a large vault's many sets takes a while.
        Ok(self.ctx.work(move || view(&exposure, without)).await?)
    }
}

/// A member's name.
struct Named {
    name: String,
    owner: p2p::OwnerId,
}

/// Every machine and member of that name, or whose id begins so.
fn whom(peers: &[PeerInfo], owners: &[Named], wanted: &str) -> Result<Without, Failure> {
    let prefix = wanted.to_ascii_lowercase();
    let begins = |id: &str| prefix.len() >= MIN_PREFIX && id.starts_with(&prefix);
    let devices = peers.iter().filter(|info| info.name == wanted || begins(&info.peer.to_string()));
    let members = owners.iter().filter(|one| one.name == wanted || begins(&one.owner.to_string()));
    let without = Without {
        peers: devices.map(|info| info.peer).collect(),
        owners: members.map(|one| one.owner).collect(),
        ..Without::default()
    };
    if without.peers.is_empty() && without.owners.is_empty() {
        let message = format!("No known machine or member is called {wanted}");
        return Err(Failure {
            help: vec!["gbak peers".to_owned()],
            ..codes::USAGE.failure(message)
        });
    }
    Ok(without)
}

fn site(peers: &[PeerInfo], label: &str) -> Result<Without, Failure> {
    let same = |site: &&str| site.trim().to_lowercase() == label.trim().to_lowercase();
    // As others wrote it.
    let labels: BTreeSet<&str> = peers.iter().filter_map(|info| info.site.as_deref()).collect();
    let sites: BTreeSet<String> =
        labels.iter().filter(|site| same(site)).map(|site| (*site).to_owned()).collect();
    if sites.is_empty() {
        let known: Vec<&str> = labels.into_iter().collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let message = format!("No known machine is at a site {label}; declared sites: {known}");
        return Err(codes::USAGE.failure(message));
    }
    Ok(Without { sites, ..Without::default() })
}

fn view(exposure: &Exposure, named: Vec<(String, Without)>) -> RiskView {
    let scenario = |labels: Vec<String>, without: &Without| ScenarioView {
        without: labels,
        holders_gone: gone(exposure, without),
        outlook: outlook(exposure, &exposure.outlook(without)),
    };
    let mut scenarios = vec![scenario(Vec::new(), &Without::default())];
    let mut all = Without::default();
    let labels: Vec<String> = named.iter().map(|(label, _)| label.clone()).collect();
    for (label, without) in named {
        scenarios.push(scenario(vec![label], &without));
        all.peers.extend(without.peers);
        all.owners.extend(without.owners);
        all.sites.extend(without.sites);
    }
    if labels.len() > 1 {
        scenarios.push(scenario(labels, &all));
    }
    RiskView {
        schema: "gbak.risk/1".to_owned(),
        outlook: scenarios.last().map(|last| last.outlook.clone()).unwrap_or_default(),
        scenarios,
        inputs: inputs(exposure),
    }
}

fn gone(exposure: &Exposure, without: &Without) -> u64 {
    let holders = exposure.holders.keys();
    let known = holders.filter_map(|peer| Some((peer, exposure.inputs.holders.get(peer)?)));
    known.filter(|(peer, holder)| without.takes(peer, holder)).count() as u64
}

fn outlook(exposure: &Exposure, outlook: &Outlook) -> OutlookView {
    let risk = &outlook.risk;
    let [now, day, week, fortnight] = risk.p_restore;
    OutlookView {
        packs: risk.packs,
        packs_lost: risk.lost,
        p_loss_year: risk.p_loss_year,
        p_loss_year_unrepaired: outlook.p_loss_unrepaired,
        p_restore: RestoreOddsView { now, day, week, fortnight },
        days_to_loss_weakest: risk.time_to_loss.map(|time| time.as_secs_f64() / DAY_SECS),
        weakest_pack: risk.weakest.map(|pack| pack.to_string()),
        can_lose: risk.can_lose as u64,
        can_lose_domains: risk.can_lose_domains as u64,
        worst_domain: risk.worst_domain.map(|(domain, packs_lost)| WorstDomainView {
            holders: members(exposure, domain),
            packs_lost,
        }),
    }
}

fn members(exposure: &Exposure, domain: Domain) -> Vec<HolderView> {
    let name = |peer| exposure.holders.get(&peer).map(|known| known.name.clone());
    let members = exposure.members(domain).into_iter();
    members.map(|peer| HolderView { peer_id: peer.to_string(), name: name(peer) }).collect()
}

fn inputs(exposure: &Exposure) -> RiskInputsView {
    let (churn, days) =
        (&exposure.churn, |time: std::time::Duration| time.as_secs_f64() / DAY_SECS);
    let holder = |(peer, known): (&p2p::PeerId, &risk::Known)| {
        let holder = exposure.inputs.holders.get(peer)?;
        let looks = known.looks.unwrap_or_default();
        Some(HolderRiskView {
            peer_id: peer.to_string(),
            name: known.name.clone(),
            site: holder.site.clone(),
            domain: holder.domain.to_string(),
            availability: figure(holder.availability, known.looks.is_some()),
            seen: looks.seen,
            looks: looks.looks,
        })
    };
    RiskInputsView {
        holders: exposure.holders.iter().filter_map(holder).collect(),
        strangers: exposure.strangers.len() as u64,
        packs_queued: exposure.queued,
        departures_per_year: figure(churn.departures(), churn.is_rate_measured()),
        repair_days: figure(days(exposure.inputs.repair), churn.is_repair_measured()),
        absence_days: figure(days(exposure.inputs.absence), exposure.absence_seen),
        window_days: WINDOW_DAYS,
    }
}

fn figure(value: f64, measured: bool) -> FigureView {
    let source = if measured { "measured" } else { "assumed" };
    FigureView { value, source: source.to_owned() }
}
