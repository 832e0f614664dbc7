//! What may be said of snapshots after they were made.

use clap::Args;

/// `gbak tag`
#[derive(Debug, Args)]
#[command(
    after_help = "Tags are said beside a snapshot and come back with the words; the snapshot \
                        itself never changes. Only snapshots of this machine can be tagged here."
)]
#[command(group = clap::ArgGroup::new("tags").required(true).multiple(true))]
pub(crate) struct Tag {
    /// These tags and no others (repeatable, or with commas); none when empty
    #[arg(long, value_name = "TAGS", group = "tags", conflicts_with_all = ["add", "remove"])]
    pub(crate) set: Vec<String>,
    /// These tags besides (repeatable, or with commas)
    #[arg(long, value_name = "TAGS", group = "tags")]
    pub(crate) add: Vec<String>,
    /// These tags no longer (repeatable, or with commas)
    #[arg(long, value_name = "TAGS", group = "tags")]
    pub(crate) remove: Vec<String>,
    /// ID, prefix, latest or latest~N
    #[arg(value_name = "SNAP", required = true)]
    pub(crate) snapshots: Vec<String>,
}

/// `gbak pin`, `gbak unpin`
#[derive(Debug, Args)]
pub(crate) struct Pin {
    /// ID, prefix, latest or latest~N
    #[arg(value_name = "SNAP", required = true)]
    pub(crate) snapshots: Vec<String>,
}
