//! The owner's policy of placement: what the settings say, and what a call says instead.
//!
//! Fails with a usage error when a call's range is none; the settings were checked when read.

use std::num::NonZeroU8;

use crate::api::{DomainsRule, Failure, LimitArgs, UnmetRule, codes};
use crate::config::{Placement, Range};
use crate::flow::policy::{Policy, RELAX_ORDER};
use crate::placement::choose::Limits;
use crate::placement::proximity::Proximity;

/// The policy of the settings alone.
pub(super) fn configured(settings: &Placement) -> Policy {
    let Placement { latency, spread, max_shards_per_site, max_shards_per_owner, .. } = settings;
    let count = |most: &Option<NonZeroU8>| most.map(|most| usize::from(most.get()));
    Policy {
        limits: Limits {
            proximity: Proximity { latency: *latency, spread: *spread },
            per_site: count(max_shards_per_site),
            per_owner: count(max_shards_per_owner),
            strict_domains: settings.domains == DomainsRule::Strict,
            relax: relax(settings.unmet),
        },
        per_peer: settings.max_shards_per_peer.map_or(1, NonZeroU8::get),
    }
}

/// The policy of the settings, but for what the call says.
pub(super) fn policy(settings: &Placement, said: &LimitArgs) -> Result<Policy, Failure> {
    let Policy { limits, per_peer } = configured(settings);
    let Proximity { latency, spread } = limits.proximity;
    let range = |said: &Option<String>, configured: Range| match said {
        Some(text) => text.parse().map_err(|error| {
            codes::USAGE.failure(format!("{text} is no range of round trips: {error}"))
        }),
        None => Ok(configured),
    };
    let (latency, spread) = (range(&said.latency, latency)?, range(&said.spread, spread)?);
    let count = |said: Option<u8>, configured| match said {
        Some(0) => Err(codes::USAGE.failure("A limit of 0 shards would place nothing")),
        Some(most) => Ok(Some(usize::from(most))),
        None => Ok(configured),
    };
    let strict = said.domains.map(|rule| rule == DomainsRule::Strict);
    Ok(Policy {
        limits: Limits {
            proximity: Proximity { latency, spread },
            per_site: count(said.per_site, limits.per_site)?,
            per_owner: count(said.per_owner, limits.per_owner)?,
            strict_domains: strict.unwrap_or(limits.strict_domains),
            relax: said.unmet.map_or(limits.relax, relax),
        },
        per_peer: said.per_peer.unwrap_or(per_peer).max(1),
    })
}

fn relax(rule: UnmetRule) -> Vec<crate::placement::choose::Limit> {
    match rule {
        UnmetRule::Fail => Vec::new(),
        UnmetRule::Relax => RELAX_ORDER.to_vec(),
    }
}

#[cfg(test)]
mod tests;
