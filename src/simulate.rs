//! A grid of thousands of peers over years, in virtual time: what the engine's rules come to.
//!
//! Engine code: walk, lanes, fill weights, choosing under limits and solver ([`crate::placement`]);
//! when a holder counts, when a pack is due and which comes first ([`crate::care`]). Model: peers
//! that come, go, sleep and are cut off; disks; a map of round trips; packs as bytes that are
//! counted, those with the same holders together; audits that always tell the truth.
//!
//! No byte is moved: sealing, coding, the wire and the disk are other tests' business (`tests/it`).
//! The source mends from its own files, as it is there, or from k shards when it is gone
//! ([`Plan::source_gone`]). A pack is lost when fewer than k of its shards exist, whether or not
//! the source could still make it again.
//!
//! Everything follows from the plan, its seed included: a plan replays its history. Total.

use std::time::Duration;

use chunker::Code;

use crate::care::{Policy, Rules};
use crate::placement::choose::Limits;
use crate::placement::{lane_count, odds, solver};

mod dice;
mod filling;
mod grid;
mod holders;
mod mending;
mod plot;
mod vault;

#[cfg(test)]
mod tests;

use dice::Dice;
use grid::Grid;
use holders::Holders;
use mending::Mending;
pub use plot::svg;
use vault::Vault;

/// Between two looks at holders.
const STEP_SECS: u64 = 3600;
/// Between two audits.
const AUDIT_SECS: u64 = 6 * 3600;
/// From the moment a holder is presumed lost until its shards are elsewhere, as the solver expects.
const MENDING: Duration = Duration::from_secs(86_400);
/// Domains the solver looks at: more do not change what comes out.
const SOLVED_DOMAINS: usize = 100;

/// What to live through.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Peers besides the source.
    pub peers: u32,
    /// For how long.
    pub years: f64,
    /// The share of peers that leave for good within a year.
    pub departures: f64,
    /// The share of time a peer answers.
    pub availability: f64,
    /// How long an absence lasts on average.
    pub absence: Duration,
    /// All chance follows from it.
    pub seed: u64,
    /// What the source backs up, in bytes.
    pub data_bytes: u64,
    /// Its redundancy; solved when absent.
    pub code: Option<Code>,
    /// Where peers stand: as many households, each one owner and one failure domain. A household
    /// for each peer when absent.
    pub sites: Option<u32>,
    /// Whole sites lost for good within a year.
    pub site_losses: f64,
    /// A failure that ends.
    pub outage: Option<Outage>,
    /// How full the grid is with others' data, 0 to below 1.
    pub fill: f64,
    /// Peers of the grid whose filling is tried out.
    pub fill_sample: u32,
    /// The source is gone from the first day on; somebody else mends from k shards.
    pub source_gone: bool,
    /// What the source asks of placement.
    pub limits: Limits,
    /// When a holder is given up.
    pub rules: Rules,
    /// When a pack is mended.
    pub policy: Policy,
    /// Bytes that repair sends a second, at most.
    pub repair_up: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            peers: 10_000,
            years: 3.0,
            departures: 0.3,
            availability: 0.8,
            absence: Duration::from_secs(6 * 3600),
            seed: 1,
            data_bytes: 1 << 40,
            code: None,
            sites: None,
            site_losses: 0.0,
            outage: None,
            fill: 0.5,
            fill_sample: 200,
            source_gone: false,
            limits: Limits::default(),
            rules: Rules::default(),
            policy: Policy::default(),
            repair_up: 4 << 20,
        }
    }
}

/// Many peers cannot be reached for a while, and come back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outage {
    /// When it begins, from the start.
    pub after: Duration,
    /// How long it lasts.
    pub lasts: Duration,
    /// The share of peers it reaches.
    pub share: f64,
}

impl Outage {
    const fn lasts_at(self, now_secs: u64) -> bool {
        let from = self.after.as_secs();
        from <= now_secs && now_secs < from.saturating_add(self.lasts.as_secs())
    }
}

/// A day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Day {
    /// From the start.
    pub years: f64,
    /// Shards that exist of the weakest pack.
    pub least_shards: f64,
    /// Shards that exist of a pack, on average.
    pub mean_shards: f64,
    /// What repair has sent so far.
    pub uploads_bytes: u64,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What was lived through.
    pub plan: Plan,
    /// The redundancy used.
    pub code: Code,
    /// Lanes of data.
    pub lanes: u8,
    /// Packs placed.
    pub packs: u64,
    /// Packs that found no place under the limits.
    pub packs_unplaced: u64,
    /// Packs of which fewer than k shards existed at some time.
    pub packs_lost: u64,
    /// Sent by the first backup.
    pub backup_bytes: u64,
    /// Sent by repair.
    pub uploads_bytes: u64,
    /// Read from holders by repair.
    pub reads_bytes: u64,
    /// The least that repair can send, replacing each shard that is lost once.
    pub repair_minimum_bytes: f64,
    /// Shards made again.
    pub shards_made: u64,
    /// Of them, those whose holder had not left at all.
    pub shards_made_in_vain: u64,
    /// Sent by repair during the outage and the day after it.
    pub outage_uploads_bytes: u64,
    /// Holders that left for good.
    pub departures: u64,
    /// Peers whose disk was used by the first backup.
    pub holders: u64,
    /// How far fills are from the mean, in the 95th percentile, as a share of it.
    pub fill_spread_p95: f64,
    /// Sequences of a lane computed, for each lane and look at the roster that wanted one.
    pub lookups_per_refresh: f64,
    /// Day by day.
    pub history: Vec<Day>,
}

/// Lives through a plan.
pub fn run(plan: &Plan) -> Outcome {
    let (code, lanes) = redundancy(plan);
    let rules = Rules { look_gap: Duration::from_secs(2 * STEP_SECS), ..plan.rules };
    let mut world = World {
        grid: Grid::new(plan),
        holders: Holders::new(plan),
        vault: Vault::new(plan, code),
        mending: Mending::new(plan),
        departures: Departures::new(plan),
        rules,
        lost: 0,
        history: Vec::new(),
    };
    let World { grid, holders, vault, .. } = &mut world;
    let backup_bytes = vault.back_up(plan.data_bytes, lanes, grid, holders, &rules);
    let packs = vault.batches.iter().map(|batch| batch.packs).sum();
    let used = (0..grid.peers.len()).filter(|slot| holders.knows(grid.who(*slot))).count() as u64;
    world.live(plan);
    let World { vault, mending, .. } = &world;
    let data = (packs * vault.shard_bytes() * u64::from(code.k())) as f64;
    Outcome {
        plan: plan.clone(),
        code,
        lanes,
        packs,
        packs_unplaced: vault.unplaced,
        packs_lost: world.lost,
        backup_bytes,
        uploads_bytes: mending.uploads_bytes,
        reads_bytes: mending.reads_bytes,
        repair_minimum_bytes: odds::rate_of(plan.departures) * code.n() as f64
            / f64::from(code.k())
            * data
            * plan.years,
        shards_made: mending.shards,
        shards_made_in_vain: mending.in_vain,
        outage_uploads_bytes: mending.outage_bytes,
        departures: world.departures.count,
        holders: used,
        fill_spread_p95: filling::spread(plan, code.n()),
        lookups_per_refresh: vault.lookups as f64 / vault.wanted.len().max(1) as f64,
        history: world.history,
    }
}

/// The code that was asked for or is solved, and how many lanes there are with it.
fn redundancy(plan: &Plan) -> (Code, u8) {
    let domains = plan.sites.unwrap_or(plan.peers).clamp(1, plan.peers) as usize;
    let lanes = |code: Code| lane_count(plan.peers as usize, code.n());
    if let Some(code) = plan.code {
        return (code, lanes(code));
    }
    let solved = |lanes: u8| {
        let shares = vec![plan.availability; domains.min(SOLVED_DOMAINS)];
        let (rate, delay) = (odds::rate_of(plan.departures), plan.rules.presume_after + MENDING);
        let world = solver::World::new(shares, rate, delay, plan.absence, lanes).ok();
        solver::auto(world.as_ref(), domains)
    };
    // More lanes may want more shards, and then there are fewer lanes: two rounds settle it.
    let first = solved(1).and_then(|code| solved(lanes(code)));
    // A copy elsewhere is all that one domain can give.
    let code = first.or_else(|| Code::new(1, 1).ok());
    code.map_or_else(|| unreachable!("1+1 is a code"), |code| (code, lanes(code)))
}

/// The state of a run.
#[derive(Debug)]
struct World {
    grid: Grid,
    holders: Holders,
    vault: Vault,
    mending: Mending,
    departures: Departures,
    rules: Rules,
    lost: u64,
    history: Vec<Day>,
}

impl World {
    fn live(&mut self, plan: &Plan) {
        let end = (plan.years * odds::YEAR.as_secs_f64()) as u64;
        let mut due = false;
        for now in (STEP_SECS..=end).step_by(STEP_SECS as usize) {
            if self.departures.until(now, &mut self.grid) > 0 {
                self.count_lost(plan);
            }
            let audit = now.is_multiple_of(AUDIT_SECS);
            due |= self.holders.look(&self.grid, now, audit, &self.rules);
            if due || self.mending.is_busy() {
                let World { grid, holders, vault, mending, rules, .. } = self;
                due = mending.work(now, grid, holders, vault, rules);
                self.count_lost(plan);
            }
            if now.is_multiple_of(86_400) {
                self.holders.forget(&self.grid);
                self.note(now);
            }
        }
    }

    /// Packs of which too little exists count as lost once; what the source makes again counts
    /// anew.
    fn count_lost(&mut self, plan: &Plan) {
        let k = usize::from(self.vault.code.k());
        for batch in &mut self.vault.batches {
            let alive = Vault::alive(batch, &self.grid);
            if alive < k && !batch.lost {
                batch.lost = true;
                self.lost += batch.packs;
            } else if alive >= k && !plan.source_gone {
                batch.lost = false;
            }
        }
    }

    fn note(&mut self, now: u64) {
        let alive = |batch: &vault::Batch| (batch.packs, Vault::alive(batch, &self.grid));
        let all: Vec<(u64, usize)> = self.vault.batches.iter().map(alive).collect();
        let packs: u64 = all.iter().map(|(packs, _)| packs).sum();
        let shards: u64 = all.iter().map(|(packs, alive)| packs * *alive as u64).sum();
        self.history.push(Day {
            years: now as f64 / odds::YEAR.as_secs_f64(),
            least_shards: all.iter().map(|(_, alive)| *alive).min().unwrap_or_default() as f64,
            mean_shards: shards as f64 / packs.max(1) as f64,
            uploads_bytes: self.mending.uploads_bytes,
        });
    }
}

/// Who leaves, and when.
#[derive(Debug)]
struct Departures {
    dice: Dice,
    /// Mean seconds between two of the whole grid.
    between: f64,
    between_sites: f64,
    next: f64,
    next_site: f64,
    count: u64,
}

impl Departures {
    fn new(plan: &Plan) -> Self {
        let year = odds::YEAR.as_secs_f64();
        let every = |a_year: f64| if a_year > 0.0 { year / a_year } else { f64::INFINITY };
        let between = every(odds::rate_of(plan.departures) * f64::from(plan.peers));
        let between_sites = every(plan.site_losses);
        let mut dice = Dice::new(plan.seed, "departures");
        let (next, next_site) = (dice.wait(between), dice.wait(between_sites));
        Self { dice, between, between_sites, next, next_site, count: 0 }
    }

    /// Lets those go whose time has come. How many went.
    fn until(&mut self, now: u64, grid: &mut Grid) -> u64 {
        let before = self.count;
        while self.next <= now as f64 {
            let slot = self.dice.below(grid.peers.len());
            grid.leaves(slot);
            self.count += 1;
            self.next += self.dice.wait(self.between);
        }
        while self.next_site <= now as f64 {
            let site = self.dice.below(grid.sites());
            for slot in grid.at_site(site) {
                grid.leaves(slot);
                self.count += 1;
            }
            self.next_site += self.dice.wait(self.between_sites);
        }
        self.count - before
    }
}
