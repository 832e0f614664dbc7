//! What `gbak drive serve` and `gbak webdav` ask and are told.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// What is served over WebDAV.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Served {
    /// A drive.
    Drive {
        /// Its name.
        name: String,
        /// Whether it can only be looked at.
        read_only: bool,
    },
    /// A snapshot, perhaps with a path; all snapshots when absent.
    Snapshots {
        /// Which.
        snapshot: Option<String>,
    },
}

/// What to serve, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServeArgs {
    /// What.
    pub what: Served,
    /// An address of this computer's own; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The password that clients have to know; a new one when absent.
    #[serde(default)]
    pub token: Option<String>,
    /// How long to wait for peers, in seconds.
    #[serde(default)]
    pub wait_peers_secs: Option<u64>,
}

/// Serving has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServeView {
    /// `gbak.serve/1`.
    pub schema: String,
    /// What was served, as it was asked for.
    pub what: Served,
}
