//! Carries calls out on an engine: waits for peers, runs the verb, shows what came of it.
//!
//! Invariants: at most one call at a time writes the owner's backup, the others wait for it; a call
//! that is cancelled ends with `gbak::run::interrupted`, a backup after it has kept what it had
//! read.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use p2p::swarm::Swarm;
use p2p::{Grid, Invite};
use tokio::sync::MutexGuard;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use super::failure::failure;
use super::{policy, views};
use crate::api::{
    self, Answer, BackupArgs, BackupSummary, Call, Failure, InviteArgs, InviteView, LsArgs, LsView,
    RecoverView, RestoreArgs, RestoreSummary, SnapshotsView, codes,
};
use crate::entropy;
use crate::flow::backup::{self, BackupPlan};
use crate::flow::restore::{self, Overwrite, RestorePlan};
use crate::flow::scan::ScanOptions;
use crate::flow::{Ctx, FlowError, look, recover, rewind};
use crate::host::token_hash;
use crate::monitor::{Monitor, Tally};
use crate::vault::view::SnapshotSpec;

mod absenting;
mod caring;
mod drilling;
mod driving;
mod evidence;
mod following;
mod forgetting;
mod gauging;
mod guarding;
mod leaving;
mod lending;
mod limiting;
mod looking;
mod mending;
pub(super) mod mounting;
mod pausing;
mod pinging;
mod remembering;
mod risking;
mod serving;
mod setting;

pub(super) use drilling::plan as drill_plan;

/// How long to wait for peers when the caller did not say.
const WAIT_PEERS: Duration = Duration::from_secs(10);
/// How long to wait for them before a look at who is there.
const WAIT_LOOK: Duration = Duration::from_secs(3);
/// zstd's strongest level.
const MAX_LEVEL: i32 = 22;
/// Longest life of an invitation, in seconds: 30 days.
const INVITE_SECS: u64 = 30 * 24 * 3600;

impl Engine {
    /// Carries one call out. Not cancel-safe: stop it through `cancel`.
    pub async fn call(
        self: &Arc<Self>,
        call: Call,
        monitor: Arc<dyn Monitor>,
        cancel: CancellationToken,
    ) -> Result<Answer, Failure> {
        let engine = Arc::clone(self);
        let tally = Arc::new(Tally::new(monitor));
        let ctx = self.ctx.watched_by(tally.clone());
        let run = Run { engine, ctx, tally, cancel, started: Instant::now() };
        match call {
            Call::Backup(args) => run.backup(args).boxed().await.map(Answer::Backup),
            Call::Restore(args) => run.restore(args).boxed().await.map(Answer::Restore),
            Call::Drive(args) => run.drive(args).boxed().await.map(Answer::Drive),
            Call::Mount(args) => run.mount(args).boxed().await.map(Answer::Mount),
            Call::Serve(args) => run.serve(args).boxed().await.map(Answer::Serve),
            Call::Drill(args) => run.drill(args).boxed().await.map(Answer::Drill),
            other => tokio::select! { biased;
                () = run.cancel.cancelled() => {
                    Err(codes::INTERRUPTED.failure("Stopped on request"))
                }
                answer = run.look(other).boxed() => answer,
            },
        }
    }

    /// The right to write the owner's backup.
    pub(super) fn try_write(&self) -> Option<MutexGuard<'_, ()>> {
        self.writing.try_lock().ok()
    }
}

/// One call being carried out.
struct Run {
    engine: Arc<Engine>,
    ctx: Ctx<Swarm>,
    tally: Arc<Tally>,
    cancel: CancellationToken,
    started: Instant,
}

impl Run {
    /// What changes nothing of the backup, or can be cut off at any point.
    async fn look(&self, call: Call) -> Result<Answer, Failure> {
        match call {
            Call::Snapshots => Ok(Answer::Snapshots(self.snapshots()?)),
            Call::Forget(args) => self.forget(args).await.map(Answer::Forget),
            Call::Prune(args) => self.prune(args).await.map(Answer::Prune),
            Call::Ls(args) => self.ls(args).await.map(Answer::Ls),
            Call::Placement(args) => self.placement(args).await.map(Answer::Placement),
            Call::Ping(args) => self.ping(args).await.map(Answer::Ping),
            Call::Schedule(args) => self.schedule(args).await.map(Answer::Schedule),
            Call::Peers => self.peers().await.map(Answer::Peers),
            Call::Status => self.status().await.map(Answer::Status),
            Call::Donate => self.donation().await.map(Answer::Donate),
            Call::DonateSet(lend) => self.donate(lend).await.map(Answer::DonateSet),
            Call::Leave => self.leave().await.map(Answer::Leave),
            Call::Evacuate(peer) => self.evacuate(&peer).await.map(Answer::Evacuate),
            Call::Limits => Ok(Answer::Limits(self.limits())),
            Call::Pause(args) => self.pause(args).await.map(Answer::Pause),
            Call::Away(args) => self.away(args).await.map(Answer::Away),
            Call::Resume => self.resume().await.map(Answer::Resume),
            Call::LimitsSet(args) => self.limit(args).await.map(Answer::LimitsSet),
            Call::Invite(args) => self.invite(args).await.map(Answer::Invite),
            Call::Rebuild => self.rebuild().await.map(Answer::Rebuild),
            Call::Rewind(at_secs) => self.rewind(at_secs).await.map(Answer::Rebuild),
            Call::Check(args) => self.check(args).await.map(Answer::Check),
            Call::Audit(args) => self.audit(args).await.map(Answer::Audit),
            Call::PeerLost(peer) => self.peer_lost(&peer).await.map(Answer::Repair),
            Call::Evidence(args) => self.evidence(&args).await.map(Answer::Evidence),
            Call::Mark(args) => self.mark(args).await.map(Answer::Mark),
            Call::Salvage(args) => self.salvage(args).await.map(Answer::Salvage),
            Call::Repair(args) => self.repair(args).await.map(Answer::Repair),
            Call::Risk(args) => self.risk(args).await.map(Answer::Risk),
            Call::Gauge => self.gauge().await.map(Answer::Gauge),
            Call::Guardians(args) => self.guardians(args).await.map(Answer::Guardians),
            _ => Err(codes::INTERNAL.failure("This version does not know the call")),
        }
    }

    async fn backup(&self, args: BackupArgs) -> Result<BackupSummary, Failure> {
        match args.set.clone() {
            Some(set) => self.backup_set(set, args).await,
            None => self.backup_paths(args).await,
        }
    }

    async fn backup_paths(&self, args: BackupArgs) -> Result<BackupSummary, Failure> {
        let wait = wait(args.wait_peers_secs);
        let dry_run = args.dry_run;
        let ctx = self.ctx.under(policy::policy(&self.engine.config.placement, &args.limits)?);
        let plan = self.backup_plan(args)?;
        let _lift = if dry_run { None } else { Some(self.unless_paused()?) };
        let _writing = self.write().await?;
        self.settle(wait).await?;
        let report = backup::backup(&ctx, plan, &self.cancel).boxed().await?;
        if report.interrupted {
            let kept = report.snapshot.map_or_else(
                || "nothing was kept".to_owned(),
                |id| format!("snapshot {} keeps what was read", id.short()),
            );
            return Err(codes::INTERRUPTED.failure(format!("Stopped on request; {kept}")));
        }
        let summary = views::backup(&report, dry_run, self.started);
        Ok(BackupSummary { bytes_sent: self.tally.moved(), ..summary })
    }

    fn backup_plan(&self, args: BackupArgs) -> Result<BackupPlan, Failure> {
        let defaults = &self.engine.config;
        let redundancy = args.redundancy.as_ref().or(defaults.placement.redundancy.as_ref());
        let code = redundancy
            .map(|text| text.parse().map_err(|_| FlowError::Redundancy { text: text.clone() }));
        let level = args.compression;
        if let Some(level) = level.filter(|level| !(0..=MAX_LEVEL).contains(level)) {
            let message = format!("Compression level {level} is not between 0 and {MAX_LEVEL}");
            return Err(codes::USAGE.failure(message));
        }
        Ok(BackupPlan {
            paths: args.paths.into_iter().map(path).collect(),
            scan: ScanOptions {
                exclude: joined(&defaults.backup.exclude, args.exclude),
                exclude_caches: args.exclude_caches || defaults.backup.exclude_caches,
                exclude_if_present: joined(
                    &defaults.backup.exclude_if_present,
                    args.exclude_if_present,
                ),
                exclude_larger_than: args.exclude_larger_than,
                one_file_system: args.one_file_system,
                skip: vec![self.engine.home.root().to_owned()],
            },
            tags: args.tags,
            hostname: args.host.unwrap_or_else(hostname),
            username: username(),
            force: args.force,
            dry_run: args.dry_run,
            skip_if_unchanged: args.skip_if_unchanged,
            code: code.transpose()?,
            spool: args.spool,
            level,
        })
    }

    async fn restore(&self, args: RestoreArgs) -> Result<RestoreSummary, Failure> {
        let spec = parse_spec(&args.snapshot)?;
        let target = path(args.target);
        if !target.is_absolute() {
            let message = format!("{} is not an absolute path", target.display());
            return Err(codes::USAGE.failure(message));
        }
        self.settle(wait(args.wait_peers_secs)).await?;
        let plan = RestorePlan {
            spec,
            target,
            include: args.include,
            exclude: args.exclude,
            overwrite: args.overwrite.map(overwrite),
            verify: args.verify,
            dry_run: args.dry_run,
        };
        let report = restore::restore(&self.ctx, plan, &self.cancel).boxed().await?;
        if self.cancel.is_cancelled() {
            let message = "Stopped on request; run it again with --overwrite if-changed to go on";
            return Err(codes::INTERRUPTED.failure(message));
        }
        let summary = views::restore(&report, self.started);
        Ok(RestoreSummary { bytes_received: self.tally.moved(), ..summary })
    }

    fn snapshots(&self) -> Result<SnapshotsView, Failure> {
        let all = look::snapshots(&self.ctx)?;
        let schema = "gbak.snapshots/1".to_owned();
        Ok(SnapshotsView { schema, snapshots: all.iter().map(views::snapshot).collect() })
    }

    async fn ls(&self, args: LsArgs) -> Result<LsView, Failure> {
        let spec = parse_spec(&args.snapshot)?;
        self.settle(wait(args.wait_peers_secs)).await?;
        let (id, entries) = look::ls(&self.ctx, &spec).boxed().await?;
        Ok(LsView {
            schema: "gbak.ls/1".to_owned(),
            snapshot_id: id.to_string(),
            entries: entries.into_iter().map(views::entry).collect(),
        })
    }

    async fn rebuild(&self) -> Result<RecoverView, Failure> {
        let _writing = self.write().await?;
        self.settle(WAIT_PEERS).await?;
        Ok(views::recover(recover::rebuild(&self.ctx).boxed().await?))
    }

    /// What other devices published is learnt first, so that what comes back is beside it.
    async fn rewind(&self, at_secs: u64) -> Result<RecoverView, Failure> {
        self.settle(WAIT_PEERS).await?;
        let _writing = self.write().await?;
        let known = recover::recover(&self.ctx).boxed().await?;
        let report = rewind::rewind(&self.ctx, at_secs).boxed().await?;
        Ok(views::rewound(views::recover(known), at_secs, report))
    }

    /// Durable here before it is handed out: an invitation that was printed is honoured.
    async fn invite(&self, args: InviteArgs) -> Result<InviteView, Failure> {
        let host = self.engine.host.clone();
        if !host.admits() {
            let message = "This device cannot admit members: only the grid's founder can";
            return Err(failure(codes::INVITE, message, &[]));
        }
        let now = self.ctx.clock.now_secs();
        let expires = now.saturating_add(args.expires_secs.clamp(1, INVITE_SECS));
        let token: [u8; 16] = entropy::bytes(&*self.ctx.entropy);
        let noted =
            self.ctx.work(move || host.shelf().invite_put(token_hash(&token), expires, now));
        noted.await?.map_err(super::engine::EngineError::from)?;
        let invite = Invite {
            grid: self.engine.swarm.members().grid(),
            peer: self.ctx.grid.me(),
            addresses: self.engine.swarm.told_addresses(),
            token,
            expires_secs: expires,
        };
        Ok(InviteView {
            schema: "gbak.invite/1".to_owned(),
            invite: invite.to_string(),
            expires: views::time_secs(expires),
        })
    }

    /// Waits until nobody else writes the backup.
    async fn write(&self) -> Result<MutexGuard<'_, ()>, Failure> {
        if let Some(guard) = self.engine.try_write() {
            return Ok(guard);
        }
        self.ctx.monitor.warn("another backup is running; waiting for it to end");
        tokio::select! { biased;
            () = self.cancel.cancelled() => Err(codes::INTERRUPTED.failure("Stopped on request")),
            guard = self.engine.writing.lock() => Ok(guard),
        }
    }

    /// Waits until every known peer has answered or failed to, at most this long.
    async fn settle(&self, wait: Duration) -> Result<(), Failure> {
        tokio::select! { biased;
            () = self.cancel.cancelled() => Err(codes::INTERRUPTED.failure("Stopped on request")),
            () = self.engine.swarm.settle(wait) => Ok(()),
        }
    }
}

fn wait(secs: Option<u64>) -> Duration {
    secs.map_or(WAIT_PEERS, Duration::from_secs)
}

fn path(bytes: api::PathBytes) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.0))
}

fn joined(defaults: &[String], given: Vec<String>) -> Vec<String> {
    defaults.iter().cloned().chain(given).collect()
}

fn parse_spec(text: &str) -> Result<SnapshotSpec, FlowError> {
    Ok(SnapshotSpec::parse(text.as_bytes())?)
}

const fn overwrite(rule: api::Overwrite) -> Overwrite {
    match rule {
        api::Overwrite::IfChanged => Overwrite::IfChanged,
        api::Overwrite::Always => Overwrite::Always,
        api::Overwrite::IfNewer => Overwrite::IfNewer,
        api::Overwrite::Never => Overwrite::Never,
    }
}

fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Recorded for people to read; the numeric owner of every file is recorded anyway.
fn username() -> String {
    std::env::var("USER").unwrap_or_else(|_| rustix::process::getuid().as_raw().to_string())
}
