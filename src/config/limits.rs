//! `[limits]`: what this machine may use of its line and of itself.

use p2p::rate::Rates;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::window::Window;
use crate::api::limits::Speed;

/// Most windows: a person writes them.
const WINDOWS: usize = 64;

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
    /// Connections in all, opened by either side.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "connections")]
    pub connections: Option<u32>,
    /// Connections with one device.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "per_peer")]
    pub connections_per_peer: Option<u32>,
    /// Processors to compute on; all of them when absent.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "threads")]
    pub threads: Option<u32>,
    /// How far others go before us, 0 to 19, as `nice` has it.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "nice")]
    pub nice: Option<u8>,
    /// How far others' disk access goes before ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub io: Option<Io>,
    /// What to do while a battery feeds this machine.
    pub on_battery: Then,
    /// What to do while the network costs by the byte.
    pub on_metered: Then,
    /// Other speeds at some times of day. The first that holds counts.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "windows")]
    pub windows: Vec<Window>,
}

/// What to do while something is scarce.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// Go on as ever.
    #[default]
    Run,
    /// Go on at a quarter of the speed.
    Limit,
    /// Wait.
    Pause,
}

/// Classes of disk access, as `ionice` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Io {
    /// Only when nobody else wants the disk.
    Idle,
    /// After others.
    Low,
    /// As others.
    Normal,
}

impl Limits {
    /// The rates these are, outside all windows.
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

fn connections<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    within(deserializer, 1..=100_000, "a number of connections from 1 to 100000")
}

fn per_peer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    // Two: both sides may dial at the same moment.
    within(deserializer, 2..=16, "a number of connections from 2 to 16")
}

fn threads<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    within(deserializer, 1..=1024, "a number of processors from 1 to 1024")
}

fn nice<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    within(deserializer, 0..=19, "a niceness from 0 to 19")
}

fn within<'de, D: Deserializer<'de>, N: Deserialize<'de> + PartialOrd>(
    deserializer: D,
    range: std::ops::RangeInclusive<N>,
    what: &str,
) -> Result<Option<N>, D::Error> {
    let number = N::deserialize(deserializer)?;
    if range.contains(&number) {
        Ok(Some(number))
    } else {
        Err(de::Error::custom(format!("not {what}")))
    }
}

fn windows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Window>, D::Error> {
    let windows = Vec::deserialize(deserializer)?;
    if windows.len() > WINDOWS {
        return Err(de::Error::custom(format!("more than {WINDOWS} windows")));
    }
    Ok(windows)
}
