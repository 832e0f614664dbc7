//! What `gbak backup` takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};

use super::placing::LimitFlags;
use crate::cli::parse;

/// `gbak backup`
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// Files and directories; all sets of the settings when absent
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,
    /// Back up this set of the settings (repeatable)
    #[arg(long, value_name = "NAME", conflicts_with = "paths")]
    pub(crate) set: Vec<String>,
    /// Leave out what matches PATTERN (gitignore syntax, repeatable)
    #[arg(short, long, value_name = "PATTERN", help_heading = "Selection")]
    pub(crate) exclude: Vec<String>,
    /// Read patterns from FILE, one a line (repeatable)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(help_heading = "Selection")]
    pub(crate) exclude_file: Vec<PathBuf>,
    /// Leave out directories marked with CACHEDIR.TAG
    #[arg(long, help_heading = "Selection")]
    pub(crate) exclude_caches: bool,
    /// Leave out directories that hold NAME (repeatable)
    #[arg(long, value_name = "NAME", help_heading = "Selection")]
    pub(crate) exclude_if_present: Vec<String>,
    /// Leave out files larger than SIZE
    #[arg(long, value_name = "SIZE", value_parser = parse::size, help_heading = "Selection")]
    pub(crate) exclude_larger_than: Option<u64>,
    /// Stay on the file systems of the paths given
    #[arg(short = 'x', long, help_heading = "Selection")]
    pub(crate) one_file_system: bool,
    /// Tags of the snapshot, comma-separated (repeatable)
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub(crate) tag: Vec<String>,
    /// Host name to record
    #[arg(short = 'H', long, env = "GBAK_HOST", hide_env_values = true)]
    pub(crate) host: Option<String>,
    /// Read every file again, changed or not
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Only say what would be done
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Make no snapshot when nothing changed
    #[arg(long)]
    pub(crate) skip_if_unchanged: bool,
    /// Needed and spare shards, like 8+4; solved from the grid when absent
    #[arg(long, value_name = "K+M", value_parser = parse::redundancy)]
    pub(crate) redundancy: Option<String>,
    /// When peers are missing, keep packs here and let the agent place them later
    #[arg(long)]
    pub(crate) spool: bool,
    /// auto, off, fastest, better, max, or a zstd level
    #[arg(long, value_name = "MODE", default_value = "auto", value_parser = parse::compression)]
    #[arg(env = "GBAK_COMPRESSION", hide_env_values = true)]
    pub(crate) compression: parse::Compression,
    /// How long to wait for peers to connect
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) wait_peers: Option<Duration>,
    #[command(flatten)]
    pub(crate) limits: LimitFlags,
}
