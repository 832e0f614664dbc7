//! What audits found of holders over the last month, as it is kept: question and answer.

use serde::{Deserialize, Serialize};

/// Whose evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EvidenceArgs {
    /// A device's name, or the beginning of its id; all holders when absent.
    pub peer: Option<String>,
}

/// The evidence.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EvidenceView {
    /// `gbak.evidence/1`.
    pub schema: String,
    /// How many days it goes back.
    pub window_days: u64,
    /// Each holder's.
    pub holders: Vec<HolderEvidence>,
}

/// What is known of one holder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HolderEvidence {
    /// Full id.
    pub peer_id: String,
    /// Its name, when the device is known.
    pub name: Option<String>,
    /// `present`, `suspect`, `away`, `presumed lost` or `lost`.
    pub standing: String,
    /// Share of what it was asked for that it proved; none before the first audit.
    pub correctness: Option<f64>,
    /// Share of audits in which it answered at all; none before the first.
    pub presence: Option<f64>,
    /// Verdicts of each day, oldest first.
    pub days: Vec<EvidenceDay>,
    /// The newest failures, oldest first.
    pub failures: Vec<EvidenceFailure>,
}

/// Verdicts of one day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EvidenceDay {
    /// When it began, RFC 3339.
    pub day: String,
    /// Answered with the shard's bytes.
    pub proved: u64,
    /// Answered with other bytes.
    pub wrong: u64,
    /// Declined, or not held.
    pub refused: u64,
    /// Not to be asked.
    pub unreachable: u64,
    /// Not answered in time, three times.
    pub slow: u64,
}

/// One challenge that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EvidenceFailure {
    /// When, RFC 3339.
    pub time: String,
    /// The shard that was asked for.
    pub shard_id: String,
    /// `wrong` or `refused`.
    pub verdict: String,
}
