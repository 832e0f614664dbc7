//! Guardians: who looks after this owner's shards, and whose are looked after here.

use serde::{Deserialize, Serialize};

/// What to do with guardians.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuardiansArgs {
    /// Say who they are.
    #[default]
    List,
    /// Make this machine one: a name, or the beginning of an id.
    Add(String),
    /// End this one's mandate.
    Remove(String),
}

/// The guardians, and the wards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuardiansView {
    /// `gbak.guardians/1`.
    pub schema: String,
    /// Who looks after this owner's shards.
    pub guardians: Vec<GuardianView>,
    /// Whose shards are looked after here.
    pub wards: Vec<WardView>,
    /// After a removal: how many holders know that the mandate ended, of how many asked.
    pub told: Option<(u64, u64)>,
}

/// One guardian.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuardianView {
    /// Full id.
    pub peer_id: String,
    /// Its name, when the device is known.
    pub name: Option<String>,
    /// When it was appointed, RFC 3339.
    pub since: String,
    /// When it was last given the list of shards, RFC 3339.
    pub entrusted: String,
    /// Packs on that list.
    pub packs: u64,
}

/// One owner cared for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WardView {
    /// Full id.
    pub owner_id: String,
    /// When the mandate ends, RFC 3339; none while the list is not complete.
    pub expires: Option<String>,
    /// When a device of the owner was last connected, RFC 3339.
    pub owner_seen: Option<String>,
    /// When the last round ended, RFC 3339.
    pub last_round: Option<String>,
    /// Shards put on other holders since the list came.
    pub shards_moved: u64,
}
