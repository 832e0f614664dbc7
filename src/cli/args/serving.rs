//! What may be typed of what is served over WebDAV.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};

use crate::cli::parse;

/// Where, and for whom.
#[derive(Debug, Args)]
pub(crate) struct Serving {
    /// Address of this computer's own to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Keep the password in FILE, made when it is not there; a new one each time when absent
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) token_file: Option<PathBuf>,
    /// How long to wait for peers to connect
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) wait_peers: Option<Duration>,
}

/// `gbak webdav`
///
/// Serves a snapshot, or a directory of it, read-only to programs of this computer; all snapshots
/// when none is named. Nothing is fetched before it is looked at. Stays until Ctrl-C.
#[derive(Debug, Args)]
pub(crate) struct Webdav {
    /// ID, prefix, latest or latest~N, and :PATH for a part of it; all snapshots when absent
    #[arg(value_name = "SNAP[:PATH]")]
    pub(crate) snapshot: Option<String>,
    #[command(flatten)]
    pub(crate) serving: Serving,
}

/// `gbak drive serve`
///
/// Serves a drive to programs of this computer that know the password, mounted or not. Stays until
/// Ctrl-C, which makes a last commit unless the drive is mounted as well.
#[derive(Debug, Args)]
pub(crate) struct DriveServe {
    /// The drive
    pub(crate) name: String,
    /// Let nobody change anything
    #[arg(long)]
    pub(crate) read_only: bool,
    #[command(flatten)]
    pub(crate) serving: Serving,
}
