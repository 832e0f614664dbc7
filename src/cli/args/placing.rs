//! Where shards may go: the flags of placement, each with its variable and its key in the settings.

use clap::Args;

use crate::api::{DomainsRule, LimitArgs, UnmetRule};
use crate::cli::parse;

/// Limits of one backup.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Placement")]
pub(crate) struct LimitFlags {
    /// Round trip to each holder, like 2ms..150ms
    #[arg(long, value_name = "MIN..MAX", value_parser = parse::range)]
    #[arg(env = "GBAK_LATENCY", hide_env_values = true)]
    latency: Option<String>,
    /// Round trip between any two holders of a pack, like 5ms..300ms
    #[arg(long, value_name = "MIN..MAX", value_parser = parse::range)]
    #[arg(env = "GBAK_SPREAD", hide_env_values = true)]
    spread: Option<String>,
    /// Most shards of a pack with one machine
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    #[arg(env = "GBAK_MAX_SHARDS_PER_PEER", hide_env_values = true)]
    max_shards_per_peer: Option<u8>,
    /// Most shards of a pack at one site
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    #[arg(env = "GBAK_MAX_SHARDS_PER_SITE", hide_env_values = true)]
    max_shards_per_site: Option<u8>,
    /// Most shards of a pack with one member
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    #[arg(env = "GBAK_MAX_SHARDS_PER_OWNER", hide_env_values = true)]
    max_shards_per_owner: Option<u8>,
    /// With fewer failure domains than shards: spread them, or refuse (strict)
    #[arg(long, value_name = "RULE", value_parser = parse::domains)]
    #[arg(env = "GBAK_DOMAINS", hide_env_values = true)]
    domains: Option<DomainsRule>,
    /// When limits cannot be met: fail, or relax them one by one
    #[arg(long, value_name = "RULE", value_parser = parse::unmet)]
    #[arg(env = "GBAK_UNMET", hide_env_values = true)]
    unmet: Option<UnmetRule>,
}

impl LimitFlags {
    /// What the engine is asked.
    pub(crate) fn args(&self) -> LimitArgs {
        LimitArgs {
            latency: self.latency.clone(),
            spread: self.spread.clone(),
            per_peer: self.max_shards_per_peer,
            per_site: self.max_shards_per_site,
            per_owner: self.max_shards_per_owner,
            domains: self.domains,
            unmet: self.unmet,
        }
    }
}
