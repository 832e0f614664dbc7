//! `pause` and `resume`: backups, or serving others, wait for a while.

use std::sync::Arc;

use tokio_util::sync::DropGuard;

use super::Run;
use crate::api::limits::{PauseArgs, PauseView, PausedView};
use crate::api::{Failure, codes};
use crate::daemon::failure::failure;
use crate::daemon::regulator::{Until, Why};
use crate::daemon::views;

/// Longest pause with an end, in seconds: ten years.
const LONGEST: u64 = 10 * 365 * 24 * 3600;

impl Run {
    /// In force when this returns, and kept over a restart.
    pub(super) async fn pause(&self, args: PauseArgs) -> Result<PauseView, Failure> {
        let regulator = Arc::clone(&self.engine.regulator);
        let secs = args.secs.map(|secs| secs.clamp(1, LONGEST));
        let paused = self.ctx.work(move || regulator.pause(args.serving, secs)).await?;
        paused.map_err(not_kept)?;
        Ok(self.paused())
    }

    pub(super) async fn resume(&self) -> Result<PauseView, Failure> {
        let regulator = Arc::clone(&self.engine.regulator);
        self.ctx.work(move || regulator.resume()).await?.map_err(not_kept)?;
        Ok(self.paused())
    }

    pub(super) fn paused(&self) -> PauseView {
        let held = self.engine.regulator.holding();
        PauseView {
            schema: "gbak.pause/1".to_owned(),
            backups: held.backups.map(view),
            serving: held.serving.map(view),
        }
    }

    /// What somebody has paused and might forget, in a sentence.
    pub(super) fn paused_by_hand(&self) -> Option<String> {
        match self.engine.regulator.holding().backups? {
            why @ Why::Asked(_) => Some(format!("Backups are paused {}", words(&view(why)))),
            Why::Battery | Why::Metered => None,
        }
    }

    /// Fails while backups are paused; else what must be kept while one runs, so that stopping it
    /// does not wait for the end of a pause that began meanwhile.
    pub(super) fn unless_paused(&self) -> Result<DropGuard, Failure> {
        match self.engine.regulator.holding().backups {
            None => Ok(self.engine.regulator.lift_on(self.cancel.clone())),
            Some(why) => {
                let message = format!("Backups are paused {}", words(&view(why)));
                Err(failure(codes::PAUSED, message, &["gbak resume", "gbak limits"]))
            }
        }
    }
}

fn not_kept(error: std::io::Error) -> Failure {
    codes::DISK.failure(format!("The pause cannot be kept: {error}"))
}

fn view(why: Why) -> PausedView {
    let (reason, until) = match why {
        Why::Asked(Until::Time(secs)) => ("asked", Some(views::time_secs(secs))),
        Why::Asked(Until::Resumed) => ("asked", None),
        Why::Battery => ("battery", None),
        Why::Metered => ("metered", None),
    };
    PausedView { reason: reason.to_owned(), until }
}

fn words(view: &PausedView) -> String {
    match (view.reason.as_str(), &view.until) {
        ("battery", _) => "while this machine runs on battery".to_owned(),
        ("metered", _) => "while the network is metered".to_owned(),
        (_, Some(until)) => format!("until {until}"),
        (_, None) => "until somebody resumes them".to_owned(),
    }
}
