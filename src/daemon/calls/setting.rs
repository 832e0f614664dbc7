//! Backup sets: what a set means for a backup, when sets are due, and noting what became of a run.
//!
//! Sets are read from the settings' file whenever they are needed, so that a changed file counts
//! at once. The notes are changed under the lock of the settings.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, PoisonError};

use jiff::tz::TimeZone;

use super::Run;
use crate::api::{
    BackupArgs, BackupSummary, Failure, LimitArgs, PathBytes, ScheduleArgs, ScheduleView, SetView,
    codes,
};
use crate::config::{BackupSet, Config, Range};
use crate::daemon::engine::{Engine, EngineError};
use crate::daemon::turns::{Habit, Turn, Turns};
use crate::daemon::views;

/// The sets, and what is known of their runs.
pub(in crate::daemon) struct Timetable {
    pub(in crate::daemon) config: Config,
    turns: Turns,
    habit: Habit,
    now_secs: u64,
}

impl Timetable {
    /// When this set is due, in seconds since 1970.
    fn due_secs(&self, set: &BackupSet) -> Option<u64> {
        let now = (self.now_secs, &TimeZone::system());
        self.turns.of(&set.name).due_secs(set, &self.habit, now)
    }

    /// The set that has been due for longest.
    pub(in crate::daemon) fn due(&self) -> Option<&BackupSet> {
        let due = self.config.backup.sets.iter().filter_map(|set| Some((self.due_secs(set)?, set)));
        let first = due.min_by_key(|(due, _)| *due)?;
        (first.0 <= self.now_secs).then_some(first.1)
    }

    fn set(&self, name: &str) -> Result<&BackupSet, Failure> {
        let found = self.config.backup.sets.iter().find(|set| set.name == name);
        found.ok_or_else(|| codes::USAGE.failure(format!("No backup set is called {name}")))
    }
}

impl Engine {
    /// As the settings' file has it now, for an agent that has been there since then.
    pub(in crate::daemon) async fn timetable(
        &self,
        since_secs: u64,
    ) -> Result<Timetable, EngineError> {
        let (file, home) = (self.home.config(), self.home.root().to_owned());
        let (seed, now_secs) = (*self.me().as_bytes(), self.ctx.clock.now_secs());
        let load = move || {
            let config = Config::load(&file)?;
            let habit = Habit {
                jitter_secs: config.schedule.jitter.0,
                run_missed: config.schedule.run_missed,
                seed,
                since_secs,
            };
            Ok::<_, EngineError>(Timetable { config, turns: Turns::load(&home), habit, now_secs })
        };
        crate::offload::offload(&self.ctx.offload, load).await?
    }

    /// Changes what is known of the runs of sets, durably.
    async fn note(&self, change: impl FnOnce(&mut Turns) + Send + 'static) -> Result<(), Failure> {
        let (file, home) = (self.home.config(), self.home.root().to_owned());
        let changing = Arc::clone(&self.changing);
        let work = move || {
            let _changing = changing.lock().unwrap_or_else(PoisonError::into_inner);
            let sets = Config::load(&file)?.backup.sets;
            let mut turns = Turns::load(&home);
            change(&mut turns);
            let saved = turns.save(&home, &sets);
            saved.map_err(|source| EngineError::Io { path: home, source })
        };
        let noted: Result<(), EngineError> =
            crate::offload::offload(&self.ctx.offload, work).await.map_err(EngineError::from)?;
        Ok(noted?)
    }
}

impl Run {
    pub(super) async fn schedule(&self, args: ScheduleArgs) -> Result<ScheduleView, Failure> {
        if let ScheduleArgs::Skip(name) = args {
            let table = self.engine.timetable(0).await?;
            let Some(due) = table.due_secs(table.set(&name)?) else {
                return Err(codes::USAGE.failure(format!("The set {name} has no schedule")));
            };
            let through = due.max(table.now_secs);
            self.engine.note(move |turns| turns.skip(&name, through)).await?;
        }
        let table = self.engine.timetable(self.ctx.clock.now_secs()).await?;
        let sets = table.config.backup.sets.iter().map(|set| view(set, &table)).collect();
        let agent = self.engine.is_agent();
        Ok(ScheduleView { schema: "gbak.schedule/1".to_owned(), agent, sets })
    }

    /// The sets whose last good backup is too old, in a sentence each.
    pub(super) async fn late_sets(&self) -> Result<Vec<String>, Failure> {
        let view = self.schedule(ScheduleArgs::Show).await?;
        let late = view.sets.into_iter().filter(|set| set.late);
        let told = late.map(|SetView { name, last_good, .. }| match last_good {
            None => format!("The set {name} has never been backed up"),
            Some(good) => format!("The set {name} was last backed up at {good}: too long ago"),
        });
        Ok(told.collect())
    }

    /// Backs a set up, and notes what became of it.
    pub(super) async fn backup_set(
        &self,
        name: String,
        args: BackupArgs,
    ) -> Result<BackupSummary, Failure> {
        if !args.paths.is_empty() {
            return Err(codes::USAGE.failure("A set is backed up, or paths: not both"));
        }
        let started = self.ctx.clock.now_secs();
        let table = self.engine.timetable(0).await?;
        let (args, dry_run) = (of_set(table.set(&name)?, args.clone()), args.dry_run);
        let result = self.backup_paths(args).await;
        let exit = match &result {
            Ok(summary) => summary.exit,
            // It was not tried.
            Err(failure) if failure.code == codes::PAUSED.name => return result,
            Err(failure) => failure.exit,
        };
        if !dry_run {
            self.engine.note(move |turns| turns.ran(&name, started, exit)).await?;
        }
        result
    }
}

/// What was asked, with what the set says.
fn of_set(set: &BackupSet, args: BackupArgs) -> BackupArgs {
    let range = |range: Range| (!range.is_any()).then(|| range.to_string());
    let LimitArgs { latency, spread, .. } = args.limits.clone();
    let bytes = |path: &OsStr| PathBytes(path.as_bytes().to_vec());
    BackupArgs {
        paths: set.sources.iter().map(|path| bytes(path.as_os_str())).collect(),
        tags: super::joined(&set.tags, args.tags),
        exclude: super::joined(&set.exclude, args.exclude),
        one_file_system: args.one_file_system || set.one_file_system,
        skip_if_unchanged: args.skip_if_unchanged || set.skip_if_unchanged,
        redundancy: args.redundancy.or_else(|| set.redundancy.clone()),
        limits: LimitArgs {
            latency: latency.or_else(|| range(set.latency)),
            spread: spread.or_else(|| range(set.spread)),
            ..args.limits
        },
        ..args
    }
}

fn view(set: &BackupSet, table: &Timetable) -> SetView {
    let Turn { started_secs, exit, good_secs, .. } = table.turns.of(&set.name);
    let time = |secs: u64| (secs > 0).then(|| views::time_secs(secs));
    let max_age = set.max_age.map(|period| period.0.as_secs());
    let old = |limit: u64| table.now_secs.saturating_sub(good_secs) > limit;
    SetView {
        name: set.name.clone(),
        sources: set
            .sources
            .iter()
            .map(|path| PathBytes(path.as_os_str().as_bytes().to_vec()))
            .collect(),
        schedule: set.schedule.as_ref().map(ToString::to_string),
        next: table.due_secs(set).map(|due| views::time_secs(due.max(table.now_secs))),
        last_started: time(started_secs),
        last_exit: (started_secs > 0).then_some(exit),
        last_good: time(good_secs),
        max_age_secs: max_age,
        late: max_age.is_some_and(old),
    }
}

#[cfg(test)]
mod tests;
