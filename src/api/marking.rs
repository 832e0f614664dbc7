//! What is said of snapshots after they were made: question and answer.

use serde::{Deserialize, Serialize};

/// Of which snapshots to say what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MarkArgs {
    /// As in `restore`.
    pub snapshots: Vec<String>,
    /// These tags and no others.
    pub set: Option<Vec<String>>,
    /// These tags besides.
    pub add: Vec<String>,
    /// These tags no longer.
    pub remove: Vec<String>,
    /// Whether rules may forget them; tags are left as they are then.
    pub pinned: Option<bool>,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MarkView {
    /// `gbak.mark/1`.
    pub schema: String,
    /// Snapshots that were named.
    pub snapshots: u64,
    /// Of them, those of which something else is said now.
    pub changed: u64,
}
