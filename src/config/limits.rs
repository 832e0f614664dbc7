//! `[limits]`: what this machine may use of its line.

use p2p::rate::Rates;
use serde::{Deserialize, Serialize};

use crate::api::limits::Speed;

/// What this machine may use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// To all other devices together.
    pub up: Speed,
    /// From all other devices together.
    pub down: Speed,
    /// To each of them.
    pub per_peer_up: Speed,
    /// From each of them.
    pub per_peer_down: Speed,
    /// Whether devices on the local network are limited as well.
    pub limit_lan: bool,
}

impl Limits {
    /// The rates these are, at any time of day.
    pub const fn rates(&self) -> Rates {
        Rates {
            up: self.up.0,
            down: self.down.0,
            peer_up: self.per_peer_up.0,
            peer_down: self.per_peer_down.0,
            limit_lan: self.limit_lan,
        }
    }
}
