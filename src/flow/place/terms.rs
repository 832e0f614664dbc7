//! Under which policy a pack is placed, from its run on and for as long as it lives.
//!
//! Flags of a command, and the limits of a backup set, hold for all that their run makes: for what
//! it leaves in the spool for later, and for the shards that replace those of holders that fail.
//! So each of its packs has the policy of its run noted beside it ([`note`]). Packs of runs without
//! any go by the settings as they are when a shard is placed.
//!
//! The note is this machine's: a machine recovered from the words goes by its settings. One that
//! cannot be read counts as none, with a warning: the settings are what the owner said for
//! everything else.

use std::collections::{BTreeMap, BTreeSet};

use chunker::{PackId, PeerId, Record};
use p2p::Grid;
use store::{Bulk, CatalogError};

use crate::flow::policy::Policy;
use crate::flow::targets::Targets;
use crate::flow::{Ctx, FlowError};

/// Notes what the pack's run asks for beyond the settings.
pub(super) fn note(bulk: &Bulk<'_>, id: &PackId, asked: Option<&[u8]>) -> Result<(), CatalogError> {
    asked.map_or(Ok(()), |asked| bulk.set_policy(id, asked))
}

/// The targets of packs of many runs: those of the run under way for what is under its own policy,
/// and the same grid under another policy for the rest.
pub(crate) struct Terms<G> {
    ctx: Ctx<G>,
    targets: Targets,
    others: BTreeMap<Vec<u8>, (Ctx<G>, Targets)>,
}

impl<G: Grid> Terms<G> {
    pub(crate) fn new(ctx: &Ctx<G>, targets: &Targets) -> Self {
        Self { ctx: ctx.clone(), targets: targets.clone(), others: BTreeMap::new() }
    }

    /// The engine and the targets for one pack.
    pub(crate) fn of(&mut self, id: &PackId) -> Result<(Ctx<G>, Targets), FlowError> {
        let policy = self.policy(id)?;
        if policy == *self.ctx.policy {
            return Ok((self.ctx.clone(), self.targets.clone()));
        }
        let other = self.others.entry(policy.encode()).or_insert_with(|| {
            let ctx = self.ctx.under(policy);
            let targets = self.targets.under(&ctx.policy);
            (ctx, targets)
        });
        Ok(other.clone())
    }

    /// The peers that took something under another policy: they are electors of the next head.
    pub(crate) fn used(&self) -> BTreeSet<PeerId> {
        self.others.values().flat_map(|(_, targets)| targets.used()).collect()
    }

    fn policy(&self, id: &PackId) -> Result<Policy, FlowError> {
        let settings = || self.ctx.settings.as_ref().clone();
        let Some(noted) = self.ctx.catalog.policy(id)? else { return Ok(settings()) };
        Ok(Policy::decode(&noted).unwrap_or_else(|error| {
            let pack = id.short();
            tracing::warn!(%pack, %error, "its run's limits are lost: it goes by the settings");
            settings()
        }))
    }
}
