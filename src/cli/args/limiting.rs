//! What may be typed about limits.

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::parse;

/// `gbak limits`
#[derive(Debug, Args)]
pub(crate) struct Limits {
    #[command(subcommand)]
    pub(crate) what: Option<LimitsWhat>,
}

/// What to do with the limits; to show them when nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum LimitsWhat {
    /// Show the limits in force
    Show,
    /// Be slower or faster, from now on; what is not said stays
    Set(LimitsSet),
}

/// `gbak limits set`
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct LimitsSet {
    /// To all other machines together: like 4MiB/s, restic's KiB/s, or unlimited
    #[arg(long, value_name = "SPEED", value_parser = parse::speed)]
    pub(crate) up: Option<u64>,
    /// From all other machines together
    #[arg(long, value_name = "SPEED", value_parser = parse::speed)]
    pub(crate) down: Option<u64>,
    /// To each machine
    #[arg(long, value_name = "SPEED", value_parser = parse::speed)]
    pub(crate) per_peer_up: Option<u64>,
    /// From each machine
    #[arg(long, value_name = "SPEED", value_parser = parse::speed)]
    pub(crate) per_peer_down: Option<u64>,
    /// Whether machines on the local network are limited as well
    #[arg(long, value_name = "true|false")]
    pub(crate) limit_lan: Option<bool>,
}

/// `gbak pause`
#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// How long, like 2h; until gbak resume when absent
    #[arg(value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) long: Option<Duration>,
    /// Stop serving other machines instead: they can neither store here nor fetch what is theirs
    #[arg(long)]
    pub(crate) serving: bool,
}

/// `gbak away`
#[derive(Debug, Args)]
#[command(
    after_help = "Others count on what this machine holds until then, and do not make it again \
                        elsewhere. Nobody waits longer than 30 days."
)]
#[command(group = clap::ArgGroup::new("how").required(true))]
pub(crate) struct Away {
    /// For how long, like 14d
    #[arg(value_name = "DURATION", value_parser = parse::duration, group = "how")]
    pub(crate) long: Option<Duration>,
    /// Take an announcement back
    #[arg(long, group = "how")]
    pub(crate) back: bool,
}
