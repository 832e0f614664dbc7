//! `donate`: how the disks are split, and splitting them differently while the agent runs.
//!
//! Invariants: a split that a disk cannot carry changes nothing; the settings are durable before
//! the shelf goes by them, and both happen even if the caller hangs up in between. Lending less
//! than is stored deletes nothing: new shards are refused until there is room again (I7). A new
//! disk is marked before the settings name it, so that a crash leaves at most an unused mark.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use store::{CannotCarry, DiskState, Donation, Gauge, Presence, Shelf, ShelfError, StatvfsGauge};

use super::Run;
use crate::api::{
    CountView, DiskView, DonateAct, DonateArgs, DonateView, Failure, PathBytes, ScrubView, codes,
};
use crate::config::{Amount, Config, Donate, LentDisk};
use crate::daemon::disks;
use crate::daemon::engine::{Engine, EngineError};
use crate::daemon::failure::{failure, told};
use crate::daemon::views;

impl Run {
    pub(super) async fn donation(&self) -> Result<DonateView, Failure> {
        let engine = Arc::clone(&self.engine);
        self.ctx.work(move || view(engine.host.shelf())).await?
    }

    /// In force when this returns, also for whoever asks for our offer.
    pub(super) async fn donate(&self, args: DonateArgs) -> Result<DonateView, Failure> {
        let engine = Arc::clone(&self.engine);
        let changed = self.ctx.work(move || {
            change(&engine, args)?;
            view(engine.host.shelf())
        });
        let view = changed.await??;
        match self.engine.host.offer().await {
            Ok(offer) => self.engine.swarm.members().set_offer(offer),
            // Measured again in a moment.
            Err(error) => tracing::warn!(error = %told(&error), "the offer lags behind"),
        }
        // What is stored may be more than what is lent by now.
        self.engine.watch.now.notify_one();
        Ok(view)
    }
}

/// Checks the new split, keeps it, and goes by it from now on. Blocks.
fn change(engine: &Engine, args: DonateArgs) -> Result<(), Failure> {
    let _changing = engine.changing.lock().unwrap_or_else(PoisonError::into_inner);
    let file = engine.home.config();
    // Read anew: somebody may have edited it since this engine started.
    let before = Config::load(&file)?.donate;
    let shelf = engine.host.shelf();
    let paths: Vec<PathBuf> = args.disks.iter().map(path).collect();
    let (mut donate, mut empty) = (before.clone(), Vec::new());
    match args.act {
        DonateAct::Add => donate.disks.extend(added(&before, &paths, &args)?),
        DonateAct::Stop => empty = stopped(shelf, &mut donate, &paths)?,
        DonateAct::Set | DonateAct::Shrink => split(&mut donate, &paths, &args)?,
    }
    check(shelf, &before, &donate, args.act)?;
    for disk in donate.disks.iter().filter(|disk| before.disk(&disk.path).is_none()) {
        disks::claim(shelf, disk).map_err(EngineError::from)?;
    }
    Config::save_donate(&file, &donate)?;
    for disk in empty {
        shelf.detach(disk.no).map_err(EngineError::from)?;
    }
    disks::apply(shelf, &donate).map_err(EngineError::from)?;
    Ok(())
}

fn path(bytes: &PathBytes) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(&bytes.0))
}

fn split(donate: &mut Donate, paths: &[PathBuf], args: &DonateArgs) -> Result<(), Failure> {
    if paths.is_empty() {
        donate.apply(args.lend);
    }
    for path in paths {
        let disk = donate.disks.iter_mut().find(|disk| disk.path == *path);
        disk.ok_or_else(|| not_lent(path))?.apply(args.lend);
    }
    Ok(())
}

/// New entries; makes the directories, whose parents must be there.
fn added(before: &Donate, paths: &[PathBuf], args: &DonateArgs) -> Result<Vec<LentDisk>, Failure> {
    let one = |path: &PathBuf| {
        if before.disk(path).is_some() {
            let message = format!("{} is lent already", path.display());
            return Err(failure(codes::USAGE, message, &["gbak donate set SIZE --disk PATH"]));
        }
        match std::fs::create_dir(path) {
            Err(source) if source.kind() != std::io::ErrorKind::AlreadyExists => {
                Err(EngineError::Io { path: path.clone(), source }.into())
            }
            _ => {
                let donate = Amount::Bytes(0);
                let (path, min_free, safe_area) = (path.clone(), None, None);
                let mut disk = LentDisk { path, donate, min_free, safe_area };
                disk.apply(args.lend);
                Ok(disk)
            }
        }
    };
    paths.iter().map(one).collect()
}

/// Lends nothing of these, or of all. Returns those that can be forgotten: added, and empty.
fn stopped(
    shelf: &Shelf,
    donate: &mut Donate,
    paths: &[PathBuf],
) -> Result<Vec<DiskState>, Failure> {
    if let Some(path) = paths.iter().find(|path| donate.disk(path).is_none()) {
        return Err(not_lent(path));
    }
    if paths.is_empty() {
        donate.size = Amount::Bytes(0);
    }
    let meant = |disk: &Path| paths.is_empty() || paths.iter().any(|path| path == disk);
    for disk in donate.disks.iter_mut().filter(|disk| meant(&disk.path)) {
        disk.donate = Amount::Bytes(0);
    }
    let states = shelf.disks().map_err(EngineError::from)?;
    let empty = |state: &DiskState| state.usage.shards == 0 && state.presence == Presence::Here;
    let forget: Vec<DiskState> = states
        .into_iter()
        .filter(|state| empty(state) && donate.disk(&state.path).is_some() && meant(&state.path))
        .collect();
    donate.disks.retain(|disk| forget.iter().all(|state| state.path != disk.path));
    Ok(forget)
}

/// Refuses a split that a disk cannot carry, and two donations of one disk. What is not changed is
/// not judged: somebody else may have filled that disk meanwhile.
fn check(shelf: &Shelf, before: &Donate, after: &Donate, act: DonateAct) -> Result<(), Failure> {
    let states = shelf.disks().map_err(EngineError::from)?;
    let mut lent = Vec::new();
    let home = disks::home(&states).map(|state| (state.path.clone(), None));
    let added = after.disks.iter().map(|disk| (disk.path.clone(), Some(disk)));
    for (path, disk) in home.into_iter().chain(added) {
        let state = states.iter().find(|state| state.path == path);
        let used_bytes = state.map_or(0, |state| state.usage.bytes);
        let measured = StatvfsGauge.measure(&path);
        let changed = match disk {
            None => {
                (before.size, before.min_free, before.safe_area)
                    != (after.size, after.min_free, after.safe_area)
            }
            Some(disk) => before.disk(&path) != Some(disk),
        };
        let away = state.is_some_and(|state| state.presence != Presence::Here);
        let space = match measured {
            Ok(space) if !away => space,
            _ if !changed => continue,
            _ => return Err(failure(codes::DISK, away_text(&path), &["gbak donate"])),
        };
        let of = |donate: &Donate, disk: Option<&LentDisk>| match disk {
            None => donate.on(space, used_bytes),
            Some(disk) => donate.on_disk(disk, space, used_bytes),
        };
        let donation = of(after, disk);
        if changed {
            let fits = donation.check(space, used_bytes);
            fits.map_err(|refused| too_large(refused, donation))?;
        }
        if let (DonateAct::Shrink, Some(state)) = (act, state.filter(|_| changed))
            && donation.size_bytes > state.donation.size_bytes
        {
            return Err(grows(&path));
        }
        if donation.size_bytes > 0 {
            lent.push(path);
        }
    }
    disks::on_one_file_system(&lent).map_or(Ok(()), |(one, other)| Err(twice(&one, &other)))
}

fn not_lent(path: &Path) -> Failure {
    let message = format!("Nothing is lent of {}", path.display());
    failure(codes::USAGE, message, &["gbak donate add PATH --size SIZE"])
}

fn away_text(path: &Path) -> String {
    format!("The disk of {} is away, so its split cannot be changed", path.display())
}

fn grows(path: &Path) -> Failure {
    let message = format!("That is more than is lent of {} now", path.display());
    failure(codes::USAGE, message, &["gbak donate", "gbak donate set SIZE"])
}

fn twice(one: &Path, other: &Path) -> Failure {
    let (one, other) = (one.display(), other.display());
    let message = format!("{one} and {other} are on one disk, which can be lent only once");
    failure(codes::USAGE, message, &["gbak donate", "gbak donate set none"])
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

fn view(shelf: &Shelf) -> Result<DonateView, Failure> {
    let states = shelf.disks().map_err(EngineError::from)?;
    let disks = states.iter().map(disk_view).collect();
    let scrub = scrub_view(shelf).map_err(EngineError::from)?;
    let count = count_view(shelf).map_err(EngineError::from)?;
    Ok(DonateView { schema: "gbak.donate/1".to_owned(), disks, scrub, count })
}

fn count_view(shelf: &Shelf) -> Result<CountView, ShelfError> {
    let Some(last) = shelf.recount_state()?.last else { return Ok(CountView::default()) };
    Ok(CountView {
        last: Some(views::time_secs(last.ended_secs)),
        files: last.files,
        bytes: last.bytes,
        orphans: last.orphans,
        lost: last.lost,
        corrected: last.miscounted + last.sums,
        skipped: last.skipped,
    })
}

fn scrub_view(shelf: &Shelf) -> Result<ScrubView, ShelfError> {
    let (scrub, damage) = (shelf.scrub_state()?, shelf.damage()?);
    let last = scrub.last.unwrap_or_default();
    Ok(ScrubView {
        last: scrub.last.map(|pass| views::time_secs(pass.ended_secs)),
        shards: last.shards,
        bytes: last.bytes,
        found: last.lost,
        skipped: last.skipped,
        running: scrub.current.map(|pass| pass.shards),
        rotten: damage.rotten,
        missing: damage.missing,
    })
}

fn disk_view(disk: &DiskState) -> DiskView {
    let figures = &disk.figures;
    DiskView {
        path: disk.path.to_string_lossy().into_owned(),
        total_bytes: figures.total_bytes,
        free_bytes: disk.space.free_bytes,
        reserved_bytes: figures.reserved_bytes,
        donated_bytes: figures.donated_bytes,
        used_bytes: figures.used_bytes,
        quarantined_bytes: disk.quarantined.bytes,
        safe_area_bytes: disk.donation.safe_area_bytes,
        floor_bytes: disk.donation.min_free_bytes,
        floor_ok: figures.floor_ok,
        available_bytes: if figures.floor_ok { figures.free_bytes } else { 0 },
        state: state(disk).to_owned(),
    }
}

/// The first that holds: what a person should look at comes before what is as it should be.
const fn state(disk: &DiskState) -> &'static str {
    let figures = &disk.figures;
    match disk.presence {
        Presence::Away => "away",
        Presence::Wrong => "wrong-disk",
        Presence::Here if !figures.floor_ok => "below-floor",
        Presence::Here if figures.donated_bytes == 0 => "off",
        Presence::Here if figures.used_bytes > figures.donated_bytes => "over",
        Presence::Here if figures.free_bytes == 0 => "full",
        Presence::Here => "open",
    }
}

#[cfg(test)]
mod tests;
