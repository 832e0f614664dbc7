//! An announced absence: question and answer.

use serde::{Deserialize, Serialize};

/// For how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AwayArgs {
    /// Seconds; absent takes an announcement back.
    pub secs: Option<u64>,
}

/// What was announced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AwayView {
    /// `gbak.away/1`.
    pub schema: String,
    /// Until when, RFC 3339; none when it was taken back.
    pub until: Option<String>,
    /// Machines that heard of it.
    pub told: u64,
    /// Machines that are connected; the others hear of it when they are.
    pub asked: u64,
}
