//! `donate`: how the disk is split, and splitting it differently while the agent runs.
//!
//! Invariants: a split that the disk cannot carry changes nothing; the settings are durable before
//! the shelf goes by them, and both happen even if the caller hangs up in between. Lending less
//! than is stored deletes nothing: new shards are refused until there is room again (I7).

use std::path::Path;
use std::sync::{Arc, PoisonError};

use store::{CannotCarry, Donation, Figures, Shelf};

use super::Run;
use crate::api::setup::Lend;
use crate::api::{DiskView, DonateView, Failure, codes};
use crate::config::Config;
use crate::daemon::engine::{Engine, EngineError};
use crate::daemon::failure::{failure, told};

impl Run {
    pub(super) async fn donation(&self) -> Result<DonateView, Failure> {
        let engine = Arc::clone(&self.engine);
        self.ctx.work(move || view(engine.host.shelf(), &engine.home.shelf())).await?
    }

    /// In force when this returns, also for whoever asks for our offer.
    pub(super) async fn donate(&self, lend: Lend) -> Result<DonateView, Failure> {
        let engine = Arc::clone(&self.engine);
        let changed = self.ctx.work(move || {
            split(&engine, lend)?;
            view(engine.host.shelf(), &engine.home.shelf())
        });
        let view = changed.await??;
        match self.engine.host.offer().await {
            Ok(offer) => self.engine.swarm.members().set_offer(offer),
            // Measured again in a moment.
            Err(error) => tracing::warn!(error = %told(&error), "the offer lags behind"),
        }
        Ok(view)
    }
}

/// Checks the new split, keeps it, and goes by it from now on. Blocks.
fn split(engine: &Engine, lend: Lend) -> Result<(), Failure> {
    let _changing = engine.changing.lock().unwrap_or_else(PoisonError::into_inner);
    let file = engine.home.config();
    // Read anew: somebody may have edited it since this engine started.
    let mut config = Config::load(&file)?;
    config.donate.apply(lend);
    let shelf = engine.host.shelf();
    let used_bytes = shelf.usage().map_err(EngineError::from)?.bytes;
    let space = shelf.space().map_err(EngineError::from)?;
    let donation = config.donate.on(space, used_bytes);
    donation.check(space, used_bytes).map_err(|refused| too_large(refused, donation))?;
    config.save(&file)?;
    shelf.set_donation(donation);
    Ok(())
}

fn too_large(refused: CannotCarry, donation: Donation) -> Failure {
    let size = |bytes| bytesize::ByteSize::b(bytes).display().iec().to_string();
    let message = format!(
        "The disk cannot carry a donation of {}: what is free or lent, less a floor of {} and a \
         safe area of {}, is {}",
        size(refused.wanted_bytes),
        size(donation.min_free_bytes),
        size(donation.safe_area_bytes),
        size(refused.carried_bytes),
    );
    failure(codes::DONATION, message, &["gbak donate", "gbak donate set SIZE"])
}

fn view(shelf: &Shelf, path: &Path) -> Result<DonateView, Failure> {
    let figures = shelf.figures().map_err(EngineError::from)?;
    let space = shelf.space().map_err(EngineError::from)?;
    let donation = shelf.donation();
    let disk = DiskView {
        path: path.to_string_lossy().into_owned(),
        total_bytes: figures.total_bytes,
        free_bytes: space.free_bytes,
        reserved_bytes: figures.reserved_bytes,
        donated_bytes: figures.donated_bytes,
        used_bytes: figures.used_bytes,
        quarantined_bytes: shelf.quarantined().map_err(EngineError::from)?.bytes,
        safe_area_bytes: donation.safe_area_bytes,
        floor_bytes: donation.min_free_bytes,
        floor_ok: figures.floor_ok,
        available_bytes: if figures.floor_ok { figures.free_bytes } else { 0 },
        state: state(&figures).to_owned(),
    };
    Ok(DonateView { schema: "gbak.donate/1".to_owned(), disks: vec![disk] })
}

/// The first that holds: what a person should look at comes before what is as it should be.
const fn state(figures: &Figures) -> &'static str {
    if !figures.floor_ok {
        "below-floor"
    } else if figures.used_bytes > figures.donated_bytes {
        "over"
    } else if figures.donated_bytes == 0 {
        "off"
    } else if figures.free_bytes == 0 {
        "full"
    } else {
        "open"
    }
}

#[cfg(test)]
mod tests;
