//! Under which policy packs in the spool are to be placed.
//!
//! Flags of a command hold for all that its run makes, also for what it leaves in the spool for
//! later: beside each of those packs stands the policy of its run ([`note`]), for as long as the
//! pack is spooled ([`forget`]). Packs of runs without flags go by the settings as they are when
//! they are placed.
//!
//! A note that cannot be read counts as none, with a warning: the settings are what the owner said
//! for everything else.

use std::collections::{BTreeMap, BTreeSet};

use chunker::{PackId, PeerId, Record};
use p2p::Grid;
use store::{Bulk, CatalogError};

use crate::flow::policy::Policy;
use crate::flow::targets::Targets;
use crate::flow::{Ctx, FlowError};

fn key(id: &PackId) -> String {
    format!("spooled.policy.{id}")
}

/// Notes what the pack's run asks for beyond the settings.
pub(super) fn note(bulk: &Bulk<'_>, id: &PackId, asked: Option<&[u8]>) -> Result<(), CatalogError> {
    asked.map_or(Ok(()), |asked| bulk.set(&key(id), asked))
}

/// The pack is not in the spool any more.
pub(super) fn forget(catalog: &store::Catalog, id: &PackId) -> Result<(), CatalogError> {
    let key = key(id);
    if catalog.get(&key)?.is_some() { catalog.delete(&key) } else { Ok(()) }
}

/// The targets of spooled packs: those of the run under way for what is under its own policy, and
/// the same grid under another policy for the rest.
pub(super) struct Ours<'a, G> {
    ctx: &'a Ctx<G>,
    targets: &'a Targets,
    others: BTreeMap<Vec<u8>, (Ctx<G>, Targets)>,
}

impl<'a, G: Grid> Ours<'a, G> {
    pub(super) const fn new(ctx: &'a Ctx<G>, targets: &'a Targets) -> Self {
        Self { ctx, targets, others: BTreeMap::new() }
    }

    /// The engine and the targets for one pack.
    pub(super) fn of(&mut self, id: &PackId) -> Result<(&Ctx<G>, &Targets), FlowError> {
        let policy = self.policy(id)?;
        if policy == *self.ctx.policy {
            return Ok((self.ctx, self.targets));
        }
        let (ctx, targets) = self.others.entry(policy.encode()).or_insert_with(|| {
            let ctx = self.ctx.under(policy);
            let targets = self.targets.under(&ctx.policy);
            (ctx, targets)
        });
        Ok((&*ctx, &*targets))
    }

    /// The peers that took something under another policy: they are electors of the next head.
    pub(super) fn used(&self) -> BTreeSet<PeerId> {
        self.others.values().flat_map(|(_, targets)| targets.used()).collect()
    }

    fn policy(&self, id: &PackId) -> Result<Policy, FlowError> {
        let settings = || self.ctx.settings.as_ref().clone();
        let Some(noted) = self.ctx.catalog.get(&key(id))? else { return Ok(settings()) };
        Ok(Policy::decode(&noted).unwrap_or_else(|error| {
            let pack = id.short();
            tracing::warn!(%pack, %error, "its run's limits are lost: it goes by the settings");
            settings()
        }))
    }
}
