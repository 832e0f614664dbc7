//! Why a pack cannot be placed: what each limit cost, and which of them stands in the way.

use std::fmt;

use crate::placement::choose::Limit;

/// Why there is no placement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Only {found} of {wanted} shards can be placed; of {candidates} candidates {cost}{}",
    ways_out(helps, *exhausted)
)]
pub struct Infeasible {
    /// Shards that were to be placed.
    pub wanted: usize,
    /// As many could be.
    pub found: usize,
    /// Who was looked at.
    pub candidates: usize,
    /// What each limit cost.
    pub cost: Cost,
    /// The limits without any one of which it could be done.
    pub helps: Vec<Limit>,
    /// The limits that were dropped, in vain.
    pub relaxed: Vec<Limit>,
    /// The search was given up: there may be a placement.
    pub exhausted: bool,
}

/// What would help, as the end of a sentence.
fn ways_out(helps: &[Limit], exhausted: bool) -> String {
    let names: Vec<String> = helps.iter().map(Limit::to_string).collect();
    let mut text = match names.as_slice() {
        [] => String::new(),
        names => format!("; it could be done without {}", names.join(", or without ")),
    };
    if exhausted {
        text.push_str("; the search was given up, there may be a placement");
    }
    text
}

/// How many candidates each limit cost: each counts for the first one it failed, in this order.
/// Those against other targets are counted against the largest placement that was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// No room for a shard.
    pub full: u32,
    /// Outside the latency, or at an unknown distance.
    pub latency: u32,
    /// On probation, where none could be used any more.
    pub probation: u32,
    /// In a domain that has its shards.
    pub domains: u32,
    /// At a site that has its shards.
    pub site: u32,
    /// Of an owner that has its shards.
    pub owner: u32,
    /// Outside the spread with one that was chosen, or at an unknown distance of it.
    pub spread: u32,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            (self.full, "full"),
            (self.latency, "outside the latency"),
            (self.probation, "on probation"),
            (self.domains, "in used domains"),
            (self.site, "at used sites"),
            (self.owner, "of used owners"),
            (self.spread, "outside the spread"),
        ];
        let costs: Vec<String> = all
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        f.write_str(if costs.is_empty() { "none failed" } else { "" })?;
        f.write_str(&costs.join(", "))
    }
}
