//! `gbak simulate`: what may be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};

use crate::cli::parse;

/// `gbak simulate`
///
/// Lives years of a grid through in virtual time, with the rules gbak places and repairs by, and
/// with counted bytes instead of real ones. The same values and the same seed give one history.
#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// Peers besides the source
    #[arg(long, default_value = "1000")]
    #[arg(value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub(crate) peers: u32,
    /// For how many years
    #[arg(long, default_value = "3", value_parser = parse::years)]
    pub(crate) years: f64,
    /// Share of peers that leave for good within a year
    #[arg(long, value_name = "SHARE", default_value = "0.3", value_parser = parse::share)]
    pub(crate) departures: f64,
    /// Share of time a peer answers
    #[arg(long, value_name = "SHARE", default_value = "0.8", value_parser = parse::share)]
    pub(crate) availability: f64,
    /// How long an absence lasts on average
    #[arg(long, value_name = "DURATION", default_value = "6h", value_parser = parse::duration)]
    pub(crate) absence: Duration,
    /// What all chance follows from; printed, and another one each time when absent
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// What the source backs up
    #[arg(long, value_name = "SIZE", default_value = "1TiB", value_parser = parse::size)]
    pub(crate) data: u64,
    /// Needed and spare shards, like 8+4; solved from the other values when absent
    #[arg(long, value_name = "K+M", value_parser = parse::redundancy)]
    pub(crate) redundancy: Option<String>,
    /// Round trips from source to holders, like 2ms..150ms
    #[arg(long, value_name = "RANGE")]
    pub(crate) latency: Option<String>,
    /// Round trips between holders of a pack, like 5ms..300ms
    #[arg(long, value_name = "RANGE")]
    pub(crate) spread: Option<String>,
    /// Households the peers stand in; one for each when absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) sites: Option<u32>,
    /// Whole sites lost for good within a year
    #[arg(long, value_name = "N", default_value = "0", value_parser = parse::count_a_year)]
    pub(crate) site_losses: f64,
    /// Half-way through, peers cannot be reached for so long
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) outage: Option<Duration>,
    /// The share of peers an outage reaches
    #[arg(long, value_name = "SHARE", default_value = "0.4", value_parser = parse::share)]
    pub(crate) outage_share: f64,
    /// How full the peers are with others' data
    #[arg(long, value_name = "SHARE", default_value = "0.5", value_parser = parse::share)]
    pub(crate) fill: f64,
    /// The source is gone from the first day on: others mend, from k shards of each pack
    #[arg(long)]
    pub(crate) source_gone: bool,
    /// Draw the run to FILE
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) svg: Option<PathBuf>,
}
