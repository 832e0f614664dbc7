//! What may be typed of what is mounted.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};

use crate::cli::parse;

/// `gbak mount`
///
/// Mounts a snapshot, or a directory of it, read-only; all snapshots when none is named. Nothing is
/// fetched before it is looked at. Stays until Ctrl-C or `gbak unmount DIR`.
#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
pub(crate) struct Mount {
    /// ID, prefix, latest or latest~N, and :PATH for a part of it; all snapshots when absent
    #[arg(value_name = "SNAP[:PATH]")]
    pub(crate) snapshot: Option<String>,
    /// Directory to mount on
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
    /// Let other users of this computer in
    #[arg(long)]
    pub(crate) allow_other: bool,
    /// How long to wait for peers to connect
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) wait_peers: Option<Duration>,
}

/// `gbak unmount`
#[derive(Debug, Args)]
pub(crate) struct Unmount {
    /// Directory it is mounted on
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
}
