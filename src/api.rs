//! What the command line and the agent say to each other, and what `--json` prints: plain data.
//!
//! The agent serves each [`Call`] at `POST /v1/call` on its Unix socket, and answers with JSON
//! lines: any number of [`Line::Event`], then exactly one [`Line::Done`] or [`Line::Failed`]. The
//! command line without an agent makes the same calls on an engine in its own process.
//!
//! Bytes are integers, durations float seconds, times RFC 3339, ids full lower-case hex.

use serde::{Deserialize, Serialize};

mod absence;
pub mod backend;
mod care;
pub mod codes;
mod drill;
mod drive;
mod evidence;
mod gauging;
mod guardians;
mod joining;
mod lending;
pub mod limits;
mod listing;
mod marking;
mod mounting;
mod peers;
mod placement;
mod repair;
mod retention;
mod risk;
mod serving;
mod sets;
pub mod setup;
mod status;

pub use absence::{AwayArgs, AwayView};
pub use care::{
    AuditArgs, AuditRunView, AuditSummary, AuditView, CheckArgs, CheckProblemView, CheckView,
    HolderView, VerdictView,
};
pub use drill::{DrillArgs, DrillView, ProofView};
pub use drive::{
    DonorView, DriveAct, DriveAnswer, DriveArgs, DriveDeletedView, DriveTableView, DriveView,
    WantedView,
};
pub use evidence::{EvidenceArgs, EvidenceDay, EvidenceFailure, EvidenceView, HolderEvidence};
pub use gauging::{GaugeView, GaugedView};
pub use guardians::{GuardianView, GuardiansArgs, GuardiansView, WardView};
pub use joining::{InviteArgs, InviteView, RecoverView, RewoundView};
pub use lending::{
    CountView, DiskView, DonateAct, DonateArgs, DonateView, EvacuateView, LeaveView, ScrubView,
};
pub use listing::{LsArgs, LsEntry, LsView};
pub use marking::{MarkArgs, MarkView};
pub use mounting::{MountArgs, MountView};
pub use peers::{PeerView, PeersView, PingArgs, PingView, StatedView, TotalsView};
pub use placement::{
    DomainsRule, LimitArgs, PlacedPackView, PlacedShardView, PlacementArgs, PlacementView,
    UnmetRule,
};
pub use repair::{RepairArgs, RepairView, SalvageArgs, SalvageView, SalvagedView};
pub use retention::{
    ForgetArgs, ForgetGroup, ForgetView, GroupByArgs, KeptView, PruneArgs, PruneView,
};
pub use risk::{
    FigureView, HolderRiskView, OutlookView, RestoreOddsView, RiskArgs, RiskInputsView, RiskView,
    ScenarioView, WorstDomainView,
};
pub use serving::{ServeArgs, ServeView, Served};
pub use sets::{ScheduleArgs, ScheduleView, SetView};
pub use status::{DonationView, HeadView, PacksView, StatusView};

/// One thing to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", content = "args", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Call {
    /// Back paths up.
    Backup(BackupArgs),
    /// Bring a snapshot back.
    Restore(RestoreArgs),
    /// List snapshots.
    Snapshots,
    /// Forget snapshots by rules.
    Forget(ForgetArgs),
    /// Give up packs that no snapshot needs.
    Prune(PruneArgs),
    /// List a snapshot's files.
    Ls(LsArgs),
    /// Do something with a drive.
    Drive(DriveArgs),
    /// Mount snapshots, until the call is cancelled or somebody unmounts.
    Mount(MountArgs),
    /// Serve a drive or snapshots over WebDAV, until the call is cancelled.
    Serve(ServeArgs),
    /// Who holds what.
    Placement(PlacementArgs),
    /// The table of peers.
    Peers,
    /// Whether one answers, and how fast.
    Ping(PingArgs),
    /// The backup sets and when they are due.
    Schedule(ScheduleArgs),
    /// One screen of state.
    Status,
    /// How this machine's disk is split.
    Donate,
    /// Split it differently; what is not said stays.
    DonateSet(DonateArgs),
    /// Give back what is here of others, and lend nothing any more.
    Leave,
    /// Move what is ours away from the machine of this name or id.
    Evacuate(String),
    /// How fast this machine sends and receives.
    Limits,
    /// Be slower or faster; what is not said stays.
    LimitsSet(limits::LimitsArgs),
    /// Let backups, or serving others, wait for a while.
    Pause(limits::PauseArgs),
    /// End what was paused.
    Resume,
    /// Announce an absence, or take it back.
    Away(AwayArgs),
    /// Make an invitation.
    Invite(InviteArgs),
    /// Rebuild the catalog from the grid.
    Rebuild,
    /// Bring back what was there at this time, in seconds since 1970.
    Rewind(u64),
    /// See whether everything is where it should be.
    Check(CheckArgs),
    /// See whether holders still have what they took.
    Audit(AuditArgs),
    /// Make again what is missing.
    Repair(RepairArgs),
    /// Show what audits found so far.
    Evidence(EvidenceArgs),
    /// Tag, pin or unpin snapshots.
    Mark(MarkArgs),
    /// Make snapshots again without what is lost.
    Salvage(SalvageArgs),
    /// Give a holder up for good, and make again what it had.
    PeerLost(String),
    /// Rehearse a restore.
    Drill(DrillArgs),
    /// Appoint, dismiss or list guardians.
    Guardians(GuardiansArgs),
    /// What the data is exposed to.
    Risk(RiskArgs),
    /// Measure the link to holders.
    Gauge,
}

/// One line of an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// Progress.
    Event(Event),
    /// The end: what came of it.
    Done(Box<Answer>),
    /// The end: it failed.
    Failed(Failure),
}

/// What came of a [`Call`], variant for variant.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", content = "result", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Answer {
    /// Of a backup.
    Backup(BackupSummary),
    /// Of a restore.
    Restore(RestoreSummary),
    /// The snapshots.
    Snapshots(SnapshotsView),
    /// What was forgotten.
    Forget(ForgetView),
    /// What was given up.
    Prune(PruneView),
    /// The files.
    Ls(LsView),
    /// What came of it.
    Drive(DriveAnswer),
    /// The mount has ended.
    Mount(MountView),
    /// Serving has ended.
    Serve(ServeView),
    /// Who holds what.
    Placement(PlacementView),
    /// The peers.
    Peers(PeersView),
    /// What it answered.
    Ping(PingView),
    /// The sets.
    Schedule(ScheduleView),
    /// The state.
    Status(StatusView),
    /// The split.
    Donate(DonateView),
    /// The split from now on.
    DonateSet(DonateView),
    /// Nothing of others is here any more.
    Leave(LeaveView),
    /// What moved.
    Evacuate(EvacuateView),
    /// The limits.
    Limits(limits::LimitsView),
    /// The limits from now on.
    LimitsSet(limits::LimitsView),
    /// What is paused from now on.
    Pause(limits::PauseView),
    /// What is still paused.
    Resume(limits::PauseView),
    /// What was announced.
    Away(AwayView),
    /// The invitation.
    Invite(InviteView),
    /// The catalog was rebuilt.
    Rebuild(RecoverView),
    /// Whether everything is where it should be.
    Check(CheckView),
    /// Whether holders still have what they took.
    Audit(AuditRunView),
    /// What was made again.
    Repair(RepairView),
    /// What audits found so far.
    Evidence(EvidenceView),
    /// Of how many something else is said now.
    Mark(MarkView),
    /// What was made without what is lost.
    Salvage(SalvageView),
    /// What the rehearsal showed.
    Drill(DrillView),
    /// The guardians.
    Guardians(GuardiansView),
    /// What the data is exposed to.
    Risk(RiskView),
    /// How fast the link is.
    Gauge(GaugeView),
}

/// A failure of the whole call. The command line adds the five-line explanation of its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Branch on this; also what `exit_error` prints, e.g. `gbak::placement::too_few_peers`.
    pub code: String,
    /// The process's exit code (CLI.md's table).
    pub exit: u8,
    /// What was attempted and what went wrong, one sentence with names.
    pub message: String,
    /// Commands that may help.
    pub help: Vec<String>,
}

/// Progress of a running call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "message_type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Figures so far; sent at most a few times a second.
    Status(Progress),
    /// One file or shard that failed while the rest goes on.
    Error(ProblemView),
    /// It is mounted and can be used.
    Mounted {
        /// Where.
        dir: PathBytes,
    },
    /// It is served and can be used.
    Serving {
        /// Where.
        url: String,
        /// The password; any name goes with it.
        token: String,
    },
    /// Something a person should know.
    Warning {
        /// The text, ready to print.
        message: String,
    },
}

/// Figures of a running backup or restore; names as restic's `--json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Since the start.
    pub seconds_elapsed: f64,
    /// 0 to 1; of bytes.
    pub percent_done: f64,
    /// Files found so far (all of them once the scan is through).
    pub total_files: u64,
    /// Files dealt with.
    pub files_done: u64,
    /// Bytes found so far.
    pub total_bytes: u64,
    /// Bytes dealt with.
    pub bytes_done: u64,
    /// Shard bytes acknowledged by holders (backup) or received (restore).
    pub bytes_sent: u64,
    /// Shards acknowledged.
    pub shards_placed: u64,
    /// Shards that packs made so far want.
    pub shards_wanted: u64,
    /// Distinct holders used.
    pub peers_used: u64,
    /// Problems so far.
    pub error_count: u64,
    /// What is being read or written, lossy text.
    pub current_files: Vec<String>,
}

/// One thing that failed while the rest went on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemView {
    /// The file, shard or peer, lossy text.
    pub item: String,
    /// Non-UTF-8 paths also in base64.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path_b64: Option<String>,
    /// What went wrong, one sentence.
    pub message: String,
}

/// What to back up. Paths are absolute: the command line resolves them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BackupArgs {
    /// Absolute paths, as raw bytes in hex would be unreadable: each is a list of bytes.
    pub paths: Vec<PathBytes>,
    /// The set of the settings that is backed up, instead of paths.
    pub set: Option<String>,
    /// Tags of the snapshot.
    pub tags: Vec<String>,
    /// Host name to record; the machine's own when absent.
    pub host: Option<String>,
    /// Glob patterns to leave out (gitignore syntax).
    pub exclude: Vec<String>,
    /// Leave out directories that hold a valid `CACHEDIR.TAG`.
    pub exclude_caches: bool,
    /// Leave out directories that hold a file of one of these names.
    pub exclude_if_present: Vec<String>,
    /// Leave out files larger than this many bytes.
    pub exclude_larger_than: Option<u64>,
    /// Do not cross file system boundaries.
    pub one_file_system: bool,
    /// Read every file again, changed or not.
    pub force: bool,
    /// Only say what would be done.
    pub dry_run: bool,
    /// Do not make a snapshot when nothing changed since the parent.
    pub skip_if_unchanged: bool,
    /// k+m, like `8+4`; solved from the grid when absent.
    pub redundancy: Option<String>,
    /// Where shards may go; as configured where nothing is said.
    pub limits: LimitArgs,
    /// When too few peers are there: keep sealed packs on disk and place them later.
    pub spool: bool,
    /// zstd level, 0 = no compression; when absent 3, or 1 for large files that leave as fast as
    /// they are read.
    pub compression: Option<i32>,
    /// How long to wait for peers to connect, in seconds; 10 when absent.
    pub wait_peers_secs: Option<u64>,
}

/// A path as the bytes it is; JSON shows text where it is UTF-8, else `{"b64": ...}`-free hex.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct PathBytes(pub Vec<u8>);

impl Serialize for PathBytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.serialize_str(&format!("\u{0}hex:{}", hex::encode(&self.0))),
        }
    }
}

impl<'de> Deserialize<'de> for PathBytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.strip_prefix("\u{0}hex:") {
            Some(digits) => hex::decode(digits).map(Self).map_err(serde::de::Error::custom),
            None => Ok(Self(text.into_bytes())),
        }
    }
}

/// What came of a backup. Names as restic's summary where they exist.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BackupSummary {
    /// The snapshot made; none in a dry run or when skipped.
    pub snapshot_id: Option<String>,
    /// Its parent, if one was found.
    pub parent: Option<String>,
    /// Files not in the parent.
    pub files_new: u64,
    /// Files that differ from the parent.
    pub files_changed: u64,
    /// Files taken over from the parent unread.
    pub files_unmodified: u64,
    /// Directories not in the parent.
    pub dirs_new: u64,
    /// All files of the snapshot.
    pub total_files_processed: u64,
    /// All their bytes.
    pub total_bytes_processed: u64,
    /// Bytes of chunks that were not in the vault.
    pub data_added: u64,
    /// The same after compression.
    pub data_added_packed: u64,
    /// Shard and head bytes acknowledged by holders.
    pub bytes_sent: u64,
    /// What can be lost.
    pub redundancy: RedundancyView,
    /// Limits that could not be met and were dropped, by name.
    pub relaxed: Vec<String>,
    /// What should be known about how it is kept, one sentence each.
    pub notes: Vec<String>,
    /// Packs sealed but not placed yet.
    pub queued_packs: u64,
    /// Distinct holders used.
    pub peers_used: u64,
    /// Holders that keep the new head durably, of how many asked.
    pub witnesses: WitnessView,
    /// Seconds from start to end.
    pub seconds_elapsed: f64,
    /// Files and shards that failed.
    pub problems: Vec<ProblemView>,
    /// Whether this was a dry run.
    pub dry_run: bool,
    /// The exit code: 0, 3 (problems) or 4 (queued or below wanted redundancy).
    pub exit: u8,
}

/// Redundancy of what was stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedundancyView {
    /// Shards needed.
    pub k: u8,
    /// Shards to spare.
    pub m: u8,
    /// Distinct failure domains used.
    pub domains: u64,
    /// How many domains may vanish now without losing anything.
    pub can_lose: u64,
    /// How it was chosen: asked for, solved from measurements, or by a table and why.
    #[serde(default)]
    pub by: String,
}

/// How many holders confirmed a head.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessView {
    /// Asked.
    pub asked: u64,
    /// Confirmed.
    pub confirmed: u64,
}

/// What to restore and where to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RestoreArgs {
    /// `ID`, prefix, `latest`, `latest~N`, or any of these with `:PATH`.
    pub snapshot: String,
    /// Absolute path of the directory to restore under; made when absent.
    pub target: PathBytes,
    /// Glob patterns; only matching paths when not empty.
    pub include: Vec<String>,
    /// Glob patterns to leave out.
    pub exclude: Vec<String>,
    /// What to do with files that exist. Absent: the target must be empty.
    pub overwrite: Option<Overwrite>,
    /// Read every restored file back and compare.
    pub verify: bool,
    /// Only say what would be done.
    pub dry_run: bool,
    /// How long to wait for peers to connect, in seconds; 10 when absent.
    pub wait_peers_secs: Option<u64>,
}

/// What to do with files that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overwrite {
    /// Replace those whose size or modification time differs.
    IfChanged,
    /// Replace all.
    Always,
    /// Replace those older than the snapshot's.
    IfNewer,
    /// Keep all.
    Never,
}

/// What came of a restore.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RestoreSummary {
    /// The snapshot restored.
    pub snapshot_id: String,
    /// Entries written: files, directories, links and the rest.
    pub files_restored: u64,
    /// Left as they were because of the overwrite rule.
    pub files_skipped: u64,
    /// Bytes of file content written.
    pub bytes_restored: u64,
    /// Shard bytes received.
    pub bytes_received: u64,
    /// Files read back and found identical (with `verify`).
    pub files_verified: u64,
    /// Seconds from start to end.
    pub seconds_elapsed: f64,
    /// What could not be restored, file by file, and shards that were rejected.
    pub problems: Vec<ProblemView>,
    /// The exit code: 0, 3 (something could not be restored) or 6 (data loss).
    pub exit: u8,
}

/// All snapshots, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotsView {
    /// `gbak.snapshots/1`.
    pub schema: String,
    /// The snapshots.
    pub snapshots: Vec<SnapshotView>,
}

/// One snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotView {
    /// Full id.
    pub id: String,
    /// When it was started, RFC 3339.
    pub time: String,
    /// On which host.
    pub hostname: String,
    /// Which paths.
    pub paths: Vec<PathBytes>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether no rule forgets it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// How many files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// `complete`, `interrupted`, or `queued` (not on the grid yet).
    pub state: String,
}

/// Fewest digits that name a device.
const MIN_PREFIX: usize = 4;

/// Whether a device of this name and id is called so: by its name, or by the beginning of its id.
pub fn is_called(wanted: &str, name: &str, id: &str) -> bool {
    let prefix = wanted.to_ascii_lowercase();
    name == wanted || (prefix.len() >= MIN_PREFIX && id.starts_with(&prefix))
}
