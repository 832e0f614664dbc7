//! What every command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueHint};

use crate::cli::parse;

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print results and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print more; repeat for debug logs
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Show no progress
    #[arg(long, global = true, env = "GBAK_NO_PROGRESS", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    pub(crate) no_progress: bool,
    /// Read the passphrase of the key file from FILE
    #[arg(short, long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(env = "GBAK_PASSPHRASE_FILE", hide_env_values = true)]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Take the passphrase from what COMMAND prints
    #[arg(long, global = true, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    #[arg(env = "GBAK_PASSPHRASE_COMMAND", hide_env_values = true)]
    #[arg(conflicts_with = "passphrase_file")]
    pub(crate) passphrase_command: Option<String>,
    /// Wait this long for a busy home, like 5m
    #[arg(long, global = true, value_name = "DURATION", value_parser = parse::duration)]
    #[arg(env = "GBAK_RETRY_LOCK", hide_env_values = true)]
    pub(crate) retry_lock: Option<Duration>,
    /// Send at most this fast, like 1MiB/s or restic's KiB/s; the agent too, while it works for us
    #[arg(long, global = true, value_name = "SPEED", value_parser = parse::speed)]
    #[arg(env = "GBAK_LIMIT_UPLOAD", hide_env_values = true)]
    pub(crate) limit_upload: Option<u64>,
    /// Receive at most this fast
    #[arg(long, global = true, value_name = "SPEED", value_parser = parse::speed)]
    #[arg(env = "GBAK_LIMIT_DOWNLOAD", hide_env_values = true)]
    pub(crate) limit_download: Option<u64>,
    /// Take the default answer of every ordinary question
    #[arg(long, global = true)]
    pub(crate) yes: bool,
    /// Log to stderr: error, warn, info, debug, trace, or a tracing filter
    #[arg(long, global = true, value_name = "LEVEL", env = "GBAK_LOG", hide_env_values = true)]
    pub(crate) log_level: Option<String>,
}
