//! `gbak bench`: what may be typed.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::cli::parse;

/// `gbak bench`
///
/// Measures what this machine, its disk and the link to holders can do, and says what would limit
/// a backup and a restore. Holders give some of what they keep of yours and get it again, at most
/// 8 MiB each way with each of them: nothing new stays with them, and nothing on the disk.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Try the disk below DIR
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
    /// Read files at PATH, past the cache
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) source: Option<PathBuf>,
    /// How much to work on; of a source sixteen times as much is read
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = parse::size)]
    pub(crate) size: u64,
    /// Needed and spare shards, like 8+4
    #[arg(long, value_name = "K+M", default_value = "3+2", value_parser = parse::redundancy)]
    pub(crate) redundancy: String,
    /// How fast your connection sends, like 5MiB; what is measured or the limit when absent
    #[arg(long, value_name = "SPEED", value_parser = parse::speed)]
    pub(crate) link: Option<u64>,
}
