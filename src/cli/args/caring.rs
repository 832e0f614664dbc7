//! What may be typed to see whether all is still there.

use std::time::Duration;

use clap::Args;

use crate::cli::parse;

/// `gbak check`: exit 0, 5 (damage), 6 (data loss) or 21 (too few holders answer to tell)
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Fetch every pack from its holders, verify and open it
    #[arg(long)]
    pub(crate) read_data: bool,
    /// The same for some packs: 2/5 is the second of five parts, 10% a random tenth
    #[arg(long, value_name = "PART|%", conflicts_with = "read_data")]
    pub(crate) read_data_subset: Option<String>,
    /// How long to wait for peers to connect
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) wait_peers: Option<Duration>,
}

/// `gbak audit`: exit 0, 5 (holders failed), 6 (data loss) or 21 (no holder answered)
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Name or id of one machine; all holders when absent
    pub(crate) peer: Option<String>,
    /// Ask nobody: show what audits found in the last 30 days (--json has all of it)
    #[arg(long)]
    pub(crate) history: bool,
    /// How long to wait for peers to connect
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) wait_peers: Option<Duration>,
}
