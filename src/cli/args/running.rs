//! What may be typed to run the agent, to see the main job, and to have a code explained.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// `gbak daemon`
#[derive(Debug, Args)]
pub(crate) struct Daemon {
    /// Listen on this multiaddress instead of the configured ones (repeatable)
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Vec<String>,
    /// Address of a member to try besides the known ones (repeatable)
    #[arg(long, value_name = "ADDR")]
    pub(crate) bootstrap: Vec<String>,
    /// Do not look for members on the local network
    #[arg(long)]
    pub(crate) no_mdns: bool,
}

/// `gbak demo`
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The tree to back up; a small generated one when absent
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
}

/// `gbak explain`
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Like gbak::grid::no_peers, or an exit code; all codes when absent
    pub(crate) code: Option<String>,
}
