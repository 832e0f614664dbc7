//! What `gbak bench` is told of the link.

use serde::{Deserialize, Serialize};

/// How fast shards came from holders and went to them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GaugeView {
    /// `gbak.gauge/1`.
    pub schema: String,
    /// Machines that are online, whether or not they could be measured.
    pub peers_online: u64,
    /// Those that keep something of ours to measure with.
    pub holders: Vec<GaugedView>,
    /// Bytes a second from all of them at once; absent when nothing came.
    pub down_bytes_per_second: Option<u64>,
    /// The same to them.
    pub up_bytes_per_second: Option<u64>,
}

/// What one holder showed while all were measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GaugedView {
    /// Full id.
    pub peer_id: String,
    /// Its name.
    pub name: String,
    /// There and back, in milliseconds.
    pub rtt_ms: Option<f64>,
    /// Bytes a second from it.
    pub down_bytes_per_second: Option<u64>,
    /// Bytes a second to it.
    pub up_bytes_per_second: Option<u64>,
}
