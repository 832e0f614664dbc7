//! What reports look like outside: plain conversions, no decisions but the exit code.

use chunker::Record;
use p2p::{Path, PeerInfo, PeerState};
use tokio::time::Instant;

use super::events::problem_view;
use crate::api::{
    AuditView, BackupSummary, LsEntry, PathBytes, PeerView, RecoverView, RedundancyView,
    RestoreSummary, RewoundView, SnapshotView, StatedView, WitnessView,
};
use crate::flow::backup::BackupReport;
use crate::flow::look::{Entry, Listed};
use crate::flow::recover::RecoverReport;
use crate::flow::restore::RestoreReport;
use crate::flow::rewind::RewindReport;
use crate::flow::targets::By;
use crate::flow::usage::Stated;
use crate::placement::solver::Goal;
use crate::vault::snapshot::SnapshotState;
use crate::vault::tree::{Kind, Stamp};

/// RFC 3339; a time outside of what can be written is shown as seconds.
pub(crate) fn time(stamp: Stamp) -> String {
    match jiff::Timestamp::new(stamp.secs, stamp.nanos.min(999_999_999) as i32) {
        Ok(time) => time.to_string(),
        Err(_) => format!("@{}", stamp.secs),
    }
}

/// The same of whole seconds.
pub(crate) fn time_secs(secs: u64) -> String {
    time(Stamp { secs: i64::try_from(secs).unwrap_or(i64::MAX), nanos: 0 })
}

pub(crate) fn backup(report: &BackupReport, dry_run: bool, started: Instant) -> BackupSummary {
    let counts = report.counts;
    let short = report.queued_packs > 0
        || report.snapshot_queued
        || (report.snapshot.is_some() && report.kept.missing > 0);
    BackupSummary {
        snapshot_id: report.snapshot.map(|id| id.to_string()),
        parent: report.parent.map(|id| id.to_string()),
        files_new: counts.files_new,
        files_changed: counts.files_changed,
        files_unmodified: counts.files_unmodified,
        dirs_new: counts.dirs_new,
        total_files_processed: counts.files(),
        total_bytes_processed: counts.bytes,
        data_added: counts.data_added,
        data_added_packed: counts.data_added_packed,
        bytes_sent: 0,
        redundancy: RedundancyView {
            k: report.code.k(),
            m: report.code.m(),
            domains: report.kept.domains as u64,
            can_lose: report.kept.can_lose as u64,
            by: report.by.to_string(),
        },
        relaxed: report.relaxed.iter().map(ToString::to_string).collect(),
        notes: if report.snapshot.is_some() { notes(report) } else { Vec::new() },
        queued_packs: report.queued_packs,
        peers_used: report.peers_used as u64,
        witnesses: WitnessView {
            asked: report.witnesses.0 as u64,
            confirmed: report.witnesses.1 as u64,
        },
        seconds_elapsed: started.elapsed().as_secs_f64(),
        problems: report.problems.iter().map(problem_view).collect(),
        dry_run,
        exit: match (report.problems.is_empty(), short && !dry_run) {
            (false, _) => 3,
            (true, true) => 4,
            (true, false) => 0,
        },
    }
}

/// What should be known of a backup with fewer failure domains than shards.
fn notes(report: &BackupReport) -> Vec<String> {
    let (n, domains) = (report.code.n(), report.kept.domains);
    let mut notes = Vec::new();
    if !report.relaxed.is_empty() {
        let names: Vec<String> = report.relaxed.iter().map(ToString::to_string).collect();
        notes.push(format!("limits that could not be met and were dropped: {}", names.join(", ")));
    }
    if let By::Solved(unmet) = &report.by
        && unmet.contains(&Goal::Loss)
    {
        notes.push(
            "no redundancy keeps the risk of loss below one in a million a year here".to_owned(),
        );
    }
    if domains < n {
        notes.push(crowded(n, domains, report.kept.can_lose));
    }
    notes
}

/// That shards share failure domains, and what it means.
pub(crate) fn crowded(shards: usize, domains: usize, can_lose: usize) -> String {
    let places = if domains == 1 { "1 place".to_owned() } else { format!("{domains} places") };
    match can_lose {
        0 if domains <= 1 => {
            format!("all {shards} shards are in {places}: whoever loses it loses the backup")
        }
        0 => format!("{shards} shards share {places}: one lost place may lose the backup"),
        _ => format!("{shards} shards share {places}: {can_lose} of them may be lost"),
    }
}

pub(crate) fn restore(report: &RestoreReport, started: Instant) -> RestoreSummary {
    RestoreSummary {
        snapshot_id: report.snapshot.to_string(),
        files_restored: report.restored,
        files_skipped: report.skipped,
        bytes_restored: report.bytes,
        bytes_received: 0,
        files_verified: report.verified,
        seconds_elapsed: started.elapsed().as_secs_f64(),
        problems: report.problems.iter().map(problem_view).collect(),
        exit: match (report.problems.is_empty(), report.lost_packs) {
            (_, 1..) => 6,
            (false, 0) => 3,
            (true, 0) => 0,
        },
    }
}

pub(crate) fn recover(report: RecoverReport) -> RecoverView {
    RecoverView {
        schema: "gbak.recover/1".to_owned(),
        snapshots: report.snapshots,
        head_seq: report.head_seq,
        witnesses_asked: report.asked as u64,
        witnesses_confirmed: report.confirmed as u64,
        devices: report.devices as u64,
        warnings: report.warnings,
        rewound: None,
    }
}

/// The same with what came back of an earlier time.
pub(crate) fn rewound(view: RecoverView, as_of_secs: u64, report: RewindReport) -> RecoverView {
    let RewindReport { heads, snapshots, shards_kept, shards_missing, shards_silent, warnings } =
        report;
    let devices = heads.len() as u64;
    let rewound =
        RewoundView { as_of_secs, devices, snapshots, shards_kept, shards_missing, shards_silent };
    RecoverView {
        snapshots: view.snapshots + snapshots,
        warnings: view.warnings.into_iter().chain(warnings).collect(),
        rewound: Some(rewound),
        ..view
    }
}

pub(crate) fn snapshot(listed: &Listed) -> SnapshotView {
    let snapshot = &listed.snapshot;
    let state = match snapshot.state {
        _ if listed.queued => "queued",
        SnapshotState::Complete => "complete",
        SnapshotState::Interrupted => "interrupted",
    };
    SnapshotView {
        id: listed.id.to_string(),
        time: time(snapshot.time),
        hostname: snapshot.hostname.clone(),
        paths: snapshot.paths.iter().map(|path| PathBytes(path.to_vec())).collect(),
        tags: snapshot.tags.clone(),
        pinned: listed.pinned,
        files: snapshot.totals.files,
        bytes: snapshot.totals.bytes,
        state: state.to_owned(),
    }
}

pub(crate) fn entry(entry: Entry) -> LsEntry {
    let (kind, size, target) = match entry.node.kind {
        Kind::Dir { .. } => ("dir", 0, None),
        Kind::File { size, .. } => ("file", size, None),
        Kind::Symlink { target } => ("symlink", 0, Some(PathBytes(target))),
        Kind::Fifo => ("fifo", 0, None),
        Kind::Socket => ("socket", 0, None),
        Kind::CharDevice { .. } => ("chardev", 0, None),
        Kind::BlockDevice { .. } => ("blockdev", 0, None),
    };
    let meta = entry.node.meta;
    LsEntry {
        path: PathBytes(entry.path),
        kind: kind.to_owned(),
        mode: meta.mode,
        uid: meta.uid,
        gid: meta.gid,
        size,
        mtime: time(meta.mtime),
        target,
    }
}

/// Whether a device can be asked, in a word.
pub(crate) const fn state(state: PeerState) -> &'static str {
    match state {
        PeerState::Online => "online",
        PeerState::Away => "away",
        PeerState::Offline => "offline",
    }
}

/// Another device; what is where is the caller's to fill in.
pub(crate) fn peer(info: &PeerInfo) -> PeerView {
    PeerView {
        peer_id: info.peer.to_string(),
        name: info.name.clone(),
        owner_id: info.owner.to_string(),
        state: state(info.state).to_owned(),
        rtt_ms: info.rtt.map(|rtt| rtt.as_secs_f64() * 1000.0),
        site: info.site.clone(),
        total_bytes: info.offer.total_bytes,
        reserved_bytes: info.offer.reserved_bytes,
        donated_bytes: info.offer.donated_bytes,
        used_bytes: info.offer.used_bytes,
        free_bytes: info.offer.free_bytes,
        mine_here_bytes: 0,
        stated: None,
        theirs_here_bytes: 0,
        path: match info.path {
            Path::Lan => "lan",
            Path::Direct => "direct",
            Path::Relay => "relay",
            Path::None => "none",
        }
        .to_owned(),
        audit: AuditView::default(),
        standing: String::new(),
        away_until: Some(info.offer.away_until_secs).filter(|until| *until > 0).map(time_secs),
        last_seen: None,
        since: time_secs(info.since_secs),
    }
}

/// What a holder says that it keeps.
pub(crate) fn stated(stated: &Stated) -> StatedView {
    let Stated { said, mine, heard_secs } = stated;
    StatedView {
        shards: said.held.shards,
        bytes: said.held.bytes,
        left_shards: said.left.shards,
        left_bytes: said.left.bytes,
        mine_shards: mine.shards,
        mine_bytes: mine.bytes,
        compared: stated.compared().word().to_owned(),
        at: time_secs(said.at_secs),
        heard: time_secs(*heard_secs),
        statement: hex::encode(said.encode()),
    }
}
