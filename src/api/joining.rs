//! Invitations, and what a recovery found.

use serde::{Deserialize, Serialize};

/// Terms of an invitation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InviteArgs {
    /// Seconds it is valid for.
    pub expires_secs: u64,
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteView {
    /// `gbak.invite/1`.
    pub schema: String,
    /// The string to hand over.
    pub invite: String,
    /// Until when, RFC 3339.
    pub expires: String,
}

/// What a recovery (or a rebuild of the catalog) found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoverView {
    /// `gbak.recover/1`.
    pub schema: String,
    /// Snapshots found.
    pub snapshots: u64,
    /// Number of the newest head.
    pub head_seq: u64,
    /// Holders asked for heads.
    pub witnesses_asked: u64,
    /// Holders that gave that newest head.
    pub witnesses_confirmed: u64,
    /// Devices of this owner whose heads were found.
    pub devices: u64,
    /// What was odd: forks, damaged segments, silent holders. One sentence each.
    pub warnings: Vec<String>,
    /// What came back of an earlier time, when that was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rewound: Option<RewoundView>,
}

/// What came back of an earlier time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RewoundView {
    /// That time, in seconds since 1970.
    pub as_of_secs: u64,
    /// Devices of which holders had a head by then.
    pub devices: u64,
    /// Snapshots that are known now and were not before.
    pub snapshots: u64,
    /// Shards their holders have and keep.
    pub shards_kept: u64,
    /// Shards their holders do not have any more.
    pub shards_missing: u64,
    /// Shards whose holders did not answer.
    pub shards_silent: u64,
}
