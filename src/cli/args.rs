//! What may be typed. Only what is delivered is here: a command that does not exist yet is absent.
//!
//! Flags keep restic's names and letters where restic has them. Every value is checked while it is
//! parsed, so that errors of form end with exit 2 before any work starts.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum, ValueHint};

use super::parse::{self, Moment};
use crate::api::setup::Amount;
use crate::api::{GroupByArgs, Overwrite};

mod backup;
mod bench;
mod caring;
mod drive;
mod global;
mod guardians;
mod limiting;
mod marking;
mod mount;
mod placing;
mod repairing;
mod running;
mod scheduling;
mod serving;
mod shells;
mod simulate;

pub(crate) use backup::Backup;
pub(crate) use bench::Bench;
pub(crate) use caring::{Audit, Check};
pub(crate) use drive::{Drive, DriveWhat};
pub(crate) use global::Global;
pub(crate) use guardians::{Guardians, GuardiansCommand};
pub(crate) use limiting::{Away, Limits, LimitsSet, LimitsWhat, Pause};
pub(crate) use marking::{Pin, Tag};
pub(crate) use mount::{Mount, Unmount};
pub(crate) use repairing::{Repair, RepairWhat};
pub(crate) use running::{Daemon, Demo, Explain};
pub(crate) use scheduling::{
    Schedule, ScheduleFormat, ScheduleWhat, Service, ServiceInstall, ServiceWhat,
};
pub(crate) use serving::{DriveServe, Serving, Webdav};
pub(crate) use shells::{Completions, ShellName};
pub(crate) use simulate::Simulate;

/// Back up to other members' unused disk, and lend them yours.
#[derive(Debug, Parser)]
#[command(name = "gbak", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Exit codes and messages: gbak explain [CODE]")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Set this machine up: keys, donation, grid
    Init(Init),
    /// Enter a grid with an invitation
    Join(Join),
    /// Invite another machine or member
    Invite(Invite),
    /// Get everything back with the 24 words
    Recover(Recover),
    /// Back paths up, or the sets of the settings
    Backup(Backup),
    /// Show or change when the sets of the settings are backed up
    Schedule(Schedule),
    /// Restore a snapshot or a part of it
    Restore(Restore),
    /// List the snapshots
    Snapshots,
    /// Forget snapshots, by name or by rules
    Forget(Box<Forget>),
    /// Change the tags of snapshots
    Tag(Tag),
    /// Keep snapshots whatever the rules of forget say
    Pin(Pin),
    /// Leave snapshots to the rules of forget again
    Unpin(Pin),
    /// Give up what no snapshot needs, so that holders can free it
    Prune(Prune),
    /// List the files of a snapshot
    Ls(Ls),
    /// Work on the grid's disk as on one of your own
    Drive(Drive),
    /// Mount snapshots read-only
    Mount(Mount),
    /// Unmount what gbak has mounted
    Unmount(Unmount),
    /// Serve snapshots over WebDAV, read-only, to programs of this computer
    Webdav(Webdav),
    /// Show who holds the shards of a snapshot, path or pack
    Placement(Placement),
    /// Show the machines of the grid, or move your data away from one
    Peers(Peers),
    /// Show or change how this machine's disk is split
    Donate(Donate),
    /// Give back what is here of others, and lend nothing any more
    Leave,
    /// Show or change how fast this machine sends and receives
    Limits(Limits),
    /// Let backups, or serving other machines, wait for a while
    Pause(Pause),
    /// End what was paused
    Resume,
    /// Tell the others that this machine will not be here for a while
    Away(Away),
    /// Show whether everything is backed up
    Status(Status),
    /// Check that everything is still where it should be
    Check(Check),
    /// Make holders prove that they have what they took
    Audit(Audit),
    /// Make again the shards that are missing
    Repair(Repair),
    /// Rehearse a restore with what other machines hold
    Drill(Drill),
    /// Appoint machines that look after your backup while you are away
    Guardians(Guardians),
    /// Show how likely your data is lost or out of reach, and what if somebody were gone
    Risk(Risk),
    /// Live years of a grid through in virtual time
    Simulate(Box<Simulate>),
    /// Measure what this machine can do, and what would limit a backup
    Bench(Bench),
    /// Run the agent in the foreground
    Daemon(Daemon),
    /// Run the agent as a service of your login
    Service(Service),
    /// Show the main job on a small grid of this machine's own
    Demo(Demo),
    /// Explain an error code
    Explain(Explain),
    /// Print a shell completion script
    Completions(Completions),
    /// Print the version
    Version,
}

/// What this machine lends.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct LendArgs {
    /// Disk to lend: a size, a percentage of what is free, or none
    #[arg(long, value_name = "SIZE|%|none", value_parser = parse::amount)]
    pub(crate) donate: Option<Amount>,
    /// Free space of the disk below which nothing more is taken in
    #[arg(long, value_name = "SIZE|%", value_parser = parse::amount)]
    pub(crate) min_free: Option<Amount>,
    /// Part of the donation that always stays empty
    #[arg(long, value_name = "SIZE", value_parser = parse::size)]
    pub(crate) safe_area: Option<u64>,
}

/// Where this machine listens and how it finds others.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ReachArgs {
    /// Listen on this multiaddress (repeatable)
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Vec<String>,
    /// Address of a member to begin with (repeatable)
    #[arg(long, value_name = "ADDR")]
    pub(crate) bootstrap: Vec<String>,
    /// Do not look for members on the local network
    #[arg(long)]
    pub(crate) no_mdns: bool,
    /// Name of the place this machine stands at, shown to the other members
    #[arg(long, value_name = "NAME")]
    pub(crate) site: Option<String>,
}

/// Where words are kept.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PhraseArgs {
    /// File with the 24 words; written (0600) when absent, read when present
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) phrase_file: Option<PathBuf>,
    /// Write the recovery kit to FILE (0600)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) kit: Option<PathBuf>,
    /// Do not ask to type three of the words again
    #[arg(long)]
    pub(crate) skip_phrase_check: bool,
}

/// What `init` and `join` share.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct NewHome {
    /// Name of this machine; the host name when absent
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) lend: LendArgs,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
    #[command(flatten)]
    pub(crate) phrase: PhraseArgs,
    /// Then run the agent as a service of your login
    #[arg(long)]
    pub(crate) service: bool,
    /// Ask nothing
    #[arg(long)]
    pub(crate) non_interactive: bool,
}

/// `gbak init`
#[derive(Debug, Args)]
pub(crate) struct Init {
    #[command(flatten)]
    pub(crate) home: NewHome,
    /// Join the grid of this invitation
    #[arg(long, value_name = "INVITE", conflicts_with = "grid")]
    pub(crate) join: Option<String>,
    /// Name of the grid to found
    #[arg(long, value_name = "NAME")]
    pub(crate) grid: Option<String>,
}

/// `gbak join`
#[derive(Debug, Args)]
pub(crate) struct Join {
    /// The invitation: gbak1...
    pub(crate) invite: String,
    #[command(flatten)]
    pub(crate) home: NewHome,
}

/// `gbak invite`
#[derive(Debug, Args)]
pub(crate) struct Invite {
    /// How long it is valid
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse::duration)]
    pub(crate) expires: Duration,
}

/// `gbak recover`
#[derive(Debug, Args)]
pub(crate) struct Recover {
    /// Rebuild the index of the home that is here from the grid
    #[arg(long, conflicts_with_all = ["phrase_file", "kit", "name", "listen", "bootstrap"])]
    pub(crate) rebuild: bool,
    /// Bring back what was there at this time, though it was deleted since: 2026-11-24, "2026-11-24
    /// 18:00" or 2d (ago). Holders keep what is deleted for a week
    #[arg(long, value_name = "WHEN", value_parser = parse::moment)]
    pub(crate) as_of: Option<Moment>,
    /// File with the 24 words; - reads stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) phrase_file: Option<PathBuf>,
    /// Recovery kit: the words and addresses are taken from it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with = "phrase_file")]
    pub(crate) kit: Option<PathBuf>,
    /// Name of this machine; the host name when absent
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) lend: LendArgs,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
    /// Ask nothing
    #[arg(long)]
    pub(crate) non_interactive: bool,
}

/// `gbak restore`
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// ID, prefix, latest or latest~N, and :PATH for a part of it
    #[arg(value_name = "SNAP[:PATH]")]
    pub(crate) snapshot: String,
    /// Directory to restore under; made when absent
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) target: PathBuf,
    /// Restore only what matches PATTERN (repeatable)
    #[arg(short, long, value_name = "PATTERN")]
    pub(crate) include: Vec<String>,
    /// Leave out what matches PATTERN (repeatable)
    #[arg(short, long, value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,
    /// What to do with files that exist; without it the directory must be empty
    #[arg(long, value_name = "WHEN")]
    pub(crate) overwrite: Option<OverwriteWhen>,
    /// Read every restored file back and compare
    #[arg(long)]
    pub(crate) verify: bool,
    /// Only say what would be done
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// How long to wait for peers to connect
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) wait_peers: Option<Duration>,
}

/// When an existing file is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OverwriteWhen {
    /// Size or modification time differs
    IfChanged,
    /// Always
    Always,
    /// It is older than the snapshot's
    IfNewer,
    /// Never
    Never,
}

impl From<OverwriteWhen> for Overwrite {
    fn from(when: OverwriteWhen) -> Self {
        match when {
            OverwriteWhen::IfChanged => Self::IfChanged,
            OverwriteWhen::Always => Self::Always,
            OverwriteWhen::IfNewer => Self::IfNewer,
            OverwriteWhen::Never => Self::Never,
        }
    }
}

/// `gbak forget`
///
/// Forgets the snapshots named, or what no rule keeps, of the snapshots this machine made. Times
/// count in UTC.
#[derive(Debug, Args)]
#[command(override_usage = "gbak forget [OPTIONS] <SNAP...|--keep-...>")]
#[command(after_help = "Forgotten snapshots cannot be restored any more. Their space on other \
                        machines is freed after gbak prune.\n\
                        Snapshots of your other machines are not touched: run it there.")]
#[command(group = ArgGroup::new("rules").required(true).multiple(true).args([
    "last", "hourly", "daily", "weekly", "monthly", "yearly", "within", "keep_tag", "snapshots",
]))]
pub(crate) struct Forget {
    /// Forget these, whatever their age: id, prefix, latest or latest~N
    #[arg(value_name = "SNAP", conflicts_with_all = [
        "last", "hourly", "daily", "weekly", "monthly", "yearly", "within", "keep_tag",
    ])]
    pub(crate) snapshots: Vec<String>,
    /// Prune afterwards
    #[arg(long)]
    pub(crate) prune: bool,
    /// Keep the newest N snapshots, or unlimited
    #[arg(short = 'l', long = "keep-last", value_name = "N", value_parser = parse::count)]
    pub(crate) last: Option<u32>,
    /// Keep the newest of each of N hours
    #[arg(short = 'H', long = "keep-hourly", value_name = "N", value_parser = parse::count)]
    pub(crate) hourly: Option<u32>,
    /// Keep the newest of each of N days
    #[arg(short = 'd', long = "keep-daily", value_name = "N", value_parser = parse::count)]
    pub(crate) daily: Option<u32>,
    /// Keep the newest of each of N weeks
    #[arg(short = 'w', long = "keep-weekly", value_name = "N", value_parser = parse::count)]
    pub(crate) weekly: Option<u32>,
    /// Keep the newest of each of N months
    #[arg(short = 'm', long = "keep-monthly", value_name = "N", value_parser = parse::count)]
    pub(crate) monthly: Option<u32>,
    /// Keep the newest of each of N years
    #[arg(short = 'y', long = "keep-yearly", value_name = "N", value_parser = parse::count)]
    pub(crate) yearly: Option<u32>,
    /// Keep what is not older than this before the newest, like 1y6m14d12h
    #[arg(long = "keep-within", value_name = "SPAN")]
    pub(crate) within: Option<String>,
    /// Keep what has all of these tags, comma-separated (repeatable)
    #[arg(long, value_name = "TAGS")]
    pub(crate) keep_tag: Vec<String>,
    /// Judge together what has these in common: host, paths, tags, or nothing
    #[arg(short, long, value_name = "WHAT", default_value = "host,paths")]
    #[arg(value_parser = parse::group_by)]
    pub(crate) group_by: GroupByArgs,
    /// Only say what would be forgotten, and why the rest is kept
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// How long to wait for peers to connect
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) wait_peers: Option<Duration>,
}

/// `gbak prune`
///
/// Gives up the packs of this machine that no snapshot needs, copies what is needed out of those
/// that are mostly not, and tells holders what is still wanted. They free the rest after their
/// quarantine.
#[derive(Debug, Args)]
pub(crate) struct Prune {
    /// How much of what is kept may be unneeded: less means more copying
    #[arg(long, value_name = "%", default_value = "5%", value_parser = parse::percent)]
    pub(crate) max_unused: Option<f64>,
    /// How long holders are left with what was given up before they are told
    #[arg(long, value_name = "DURATION", default_value = "23h", value_parser = parse::duration)]
    pub(crate) keep_delete: Duration,
    /// Only say what would be done
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// How long to wait for peers to connect
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) wait_peers: Option<Duration>,
}

/// `gbak ls`
#[derive(Debug, Args)]
pub(crate) struct Ls {
    /// ID, prefix, latest or latest~N, and :PATH for a part of it
    #[arg(value_name = "SNAP[:PATH]", default_value = "latest")]
    pub(crate) snapshot: String,
    /// Show mode, owner, size and time
    #[arg(short, long)]
    pub(crate) long: bool,
    /// How long to wait for peers to connect
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) wait_peers: Option<Duration>,
}

/// `gbak placement`
#[derive(Debug, Args)]
pub(crate) struct Placement {
    /// Snapshot (with :PATH a part of it), absolute path in the latest one, or pack id
    #[arg(value_name = "SNAP|PATH|PACK", value_hint = ValueHint::AnyPath)]
    pub(crate) what: PathBuf,
}

/// `gbak peers`
#[derive(Debug, Args)]
pub(crate) struct Peers {
    #[command(subcommand)]
    pub(crate) what: Option<PeersWhat>,
    /// Show every amount: disk, reserved, used, and what share of it is mine
    #[arg(long)]
    pub(crate) wide: bool,
}

/// What to do about the machines of the grid; to list them when nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum PeersWhat {
    /// List them
    Ls,
    /// Show all that is known of one
    Show {
        /// Its name, or the beginning of its id
        #[arg(value_name = "NAME")]
        peer: String,
    },
    /// Ask one whether it answers, and how fast: exit 21 when it does not
    Ping {
        /// Its name, or the beginning of its id
        #[arg(value_name = "NAME")]
        peer: String,
        /// How often
        #[arg(short, long, value_name = "N", default_value_t = 3)]
        #[arg(value_parser = clap::value_parser!(u32).range(1..=100))]
        count: u32,
    },
    /// Give one up for good, and make again elsewhere what it had
    #[command(after_help = "Exit as `gbak repair`. A machine given up that comes back is counted \
                            in again.")]
    Lost {
        /// Its name, or the beginning of its id
        #[arg(value_name = "NAME")]
        peer: String,
    },
    /// Move your data away from one: exit 4 when some has nowhere to go
    Evacuate {
        /// Its name, or the beginning of its id
        #[arg(value_name = "NAME")]
        peer: String,
    },
}

/// `gbak donate`
#[derive(Debug, Args)]
pub(crate) struct Donate {
    #[command(subcommand)]
    pub(crate) what: Option<DonateWhat>,
}

/// What to do with the donation; to show it when nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum DonateWhat {
    /// Show how the disk is split
    Show,
    /// Lend more or less of a disk, from now on
    Set(DonateSet),
    /// Lend from one disk more
    Add(DonateAdd),
    /// Lend less of a disk than now
    Shrink(DonateShrink),
    /// Lend nothing any more; an added disk that is empty is forgotten
    Stop(DonateStop),
}

/// `gbak donate set`
#[derive(Debug, Args)]
pub(crate) struct DonateSet {
    /// Disk to lend: a size, a percentage of what is free or lent, or none
    #[arg(value_name = "SIZE|%|none", value_parser = parse::amount)]
    pub(crate) size: Amount,
    /// Free space of the disk below which nothing more is taken in
    #[arg(long, value_name = "SIZE|%", value_parser = parse::amount)]
    pub(crate) min_free: Option<Amount>,
    /// Kept empty above that
    #[arg(long, value_name = "SIZE", value_parser = parse::size)]
    pub(crate) safe_area: Option<u64>,
    /// A disk that was added, instead of the home's own; may be given again
    #[arg(long, value_name = "PATH")]
    pub(crate) disk: Vec<PathBuf>,
}

/// `gbak donate add`
#[derive(Debug, Args)]
pub(crate) struct DonateAdd {
    /// A directory on the disk, for gbak alone; made when absent
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// Disk to lend: a size, or a percentage of what is free
    #[arg(long, value_name = "SIZE|%", value_parser = parse::amount)]
    pub(crate) size: Amount,
    /// Free space of the disk below which nothing more is taken in; as at home when absent
    #[arg(long, value_name = "SIZE|%", value_parser = parse::amount)]
    pub(crate) min_free: Option<Amount>,
    /// Kept empty above that; as at home when absent
    #[arg(long, value_name = "SIZE", value_parser = parse::size)]
    pub(crate) safe_area: Option<u64>,
}

/// `gbak donate shrink`
#[derive(Debug, Args)]
pub(crate) struct DonateShrink {
    /// What is still lent: a size, or a percentage of what is free or lent
    #[arg(value_name = "SIZE|%", value_parser = parse::amount)]
    pub(crate) size: Amount,
    /// A disk that was added, instead of the home's own; may be given again
    #[arg(long, value_name = "PATH")]
    pub(crate) disk: Vec<PathBuf>,
}

/// `gbak donate stop`
#[derive(Debug, Args)]
pub(crate) struct DonateStop {
    /// Only of this disk; may be given again
    #[arg(long, value_name = "PATH")]
    pub(crate) disk: Vec<PathBuf>,
}

/// `gbak status`: exit 0, 30 (warning) or 31 (critical)
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Critical when the last backup is older, like 2d
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) max_age: Option<Duration>,
    /// Wait until the agent answers; then exit 0 whatever the state
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) wait_ready: Option<Duration>,
}

/// `gbak drill`: exit 0, 5 (not all could be restored), 6 (data loss) or 21 (no holder answered)
#[derive(Debug, Args)]
pub(crate) struct Drill {
    /// Restore so many files, drawn at random
    #[arg(long, value_name = "N", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) files: u32,
    /// Restore at most this much
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = parse::size)]
    pub(crate) max_bytes: u64,
    /// Set so many machines aside, drawn at random, as if they were gone
    #[arg(long, value_name = "M", default_value_t = 0)]
    pub(crate) without_peers: u32,
    /// How long to wait for peers to connect
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) wait_peers: Option<Duration>,
}

/// `gbak risk`
#[derive(Debug, Args)]
#[command(after_help = "What is not measured yet is assumed, and said. Losses in common beyond \
                        owners and sites (a bad update, one country) are in none of the figures.")]
pub(crate) struct Risk {
    /// What if this machine or member were gone: a name, or the beginning of an id (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) without: Vec<String>,
    /// What if everything at this site were gone (repeatable)
    #[arg(long, value_name = "LABEL")]
    pub(crate) without_site: Vec<String>,
}
