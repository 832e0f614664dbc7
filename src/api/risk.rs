//! What the owner's data is exposed to: the question and its answer.

use serde::{Deserialize, Serialize};

use super::HolderView;

/// Whom to imagine gone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RiskArgs {
    /// Names of machines or members, or the beginnings of ids.
    pub without: Vec<String>,
    /// Labels of sites.
    pub without_sites: Vec<String>,
}

/// How it stands, and how it would.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RiskView {
    /// `gbak.risk/1`.
    pub schema: String,
    /// Without everybody who was named.
    #[serde(flatten)]
    pub outlook: OutlookView,
    /// As it is; without each of those who were named; without all of them, when they are several.
    pub scenarios: Vec<ScenarioView>,
    /// What the figures rest on.
    pub inputs: RiskInputsView,
}

/// One case.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScenarioView {
    /// Who is gone in it, as it was asked for; nobody, when it is as it is.
    pub without: Vec<String>,
    /// How many holders these are.
    pub holders_gone: u64,
    /// The figures.
    #[serde(flatten)]
    pub outlook: OutlookView,
}

/// The figures of one case.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutlookView {
    /// Packs that are on the grid.
    pub packs: u64,
    /// Of them, those with fewer shards than they need.
    pub packs_lost: u64,
    /// The chance that any pack is lost within a year, when lost shards are made again.
    pub p_loss_year: f64,
    /// The same when they are not.
    pub p_loss_year_unrepaired: f64,
    /// The chance that everything can be restored, by how long one waits for holders.
    pub p_restore: RestoreOddsView,
    /// How long the weakest pack lasts on average when nothing is repaired from now on; absent when
    /// there is no pack.
    pub days_to_loss_weakest: Option<f64>,
    /// That pack, full id.
    pub weakest_pack: Option<String>,
    /// So many holders can be lost, whichever they are, and no pack is.
    pub can_lose: u64,
    /// The same for failure domains.
    pub can_lose_domains: u64,
    /// The domain whose loss would cost most.
    pub worst_domain: Option<WorstDomainView>,
}

/// Chances of restoring everything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RestoreOddsView {
    /// At any one moment.
    pub now: f64,
    /// Within a day.
    #[serde(rename = "1d")]
    pub day: f64,
    /// Within a week.
    #[serde(rename = "7d")]
    pub week: f64,
    /// Within two weeks.
    #[serde(rename = "14d")]
    pub fortnight: f64,
}

/// Holders that fail together, and what that would cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorstDomainView {
    /// Who they are.
    pub holders: Vec<HolderView>,
    /// Packs that would be lost with them.
    pub packs_lost: u64,
}

/// What the figures rest on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RiskInputsView {
    /// Everybody who has something.
    pub holders: Vec<HolderRiskView>,
    /// Holders that nobody knows any more: their shards do not count.
    pub strangers: u64,
    /// Packs that wait for holders: not in the figures.
    pub packs_queued: u64,
    /// Share of holders that leave for good within a year.
    pub departures_per_year: FigureView,
    /// From a departure until the shards are elsewhere.
    pub repair_days: FigureView,
    /// How long an absence lasts.
    pub absence_days: FigureView,
    /// How far back looks count, in days.
    pub window_days: u64,
}

/// A figure, and where it is from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FigureView {
    /// The figure.
    pub value: f64,
    /// `measured` or `assumed`: what it rests on more.
    pub source: String,
}

/// What is known of a holder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HolderRiskView {
    /// Full id.
    pub peer_id: String,
    /// Its name.
    pub name: String,
    /// The site its owner declared.
    pub site: Option<String>,
    /// Its failure domain.
    pub domain: String,
    /// Share of time it is taken to answer.
    pub availability: FigureView,
    /// Audits in which it answered.
    pub seen: u64,
    /// All audits of it.
    pub looks: u64,
}
