//! `gbak limits`: how fast this machine sends and receives. Speeds are bytes per second.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use bytesize::ByteSize;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The lowest limit there is, in bytes per second: below it transfers would run into the network's
/// deadlines.
pub const LOWEST_SPEED: u64 = 32 * 1024;

/// Limits to set, as far as they were said; what was not said stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitsArgs {
    /// To all other machines together; 0 for unlimited.
    pub up: Option<u64>,
    /// From all of them together; 0 for unlimited.
    pub down: Option<u64>,
    /// To each of them; 0 for unlimited.
    pub per_peer_up: Option<u64>,
    /// From each of them; 0 for unlimited.
    pub per_peer_down: Option<u64>,
    /// Whether machines on the local network are limited as well.
    pub limit_lan: Option<bool>,
}

/// Limits that hold while one command runs, beside the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CallLimits {
    /// Bytes per second to all other machines together; 0 for unlimited.
    pub up: Option<u64>,
    /// From all of them together; 0 for unlimited.
    pub down: Option<u64>,
}

/// The limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsView {
    /// `gbak.limits/1`.
    pub schema: String,
    /// What holds now, the command line's limits included.
    pub in_force: SpeedsView,
    /// What the settings say.
    pub configured: SpeedsView,
    /// What makes the two differ: a window, a battery, the command line.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// Why backups wait, if they do.
    #[serde(default)]
    pub backups_paused: Option<PausedView>,
    /// Why other machines are not served, if they are not.
    #[serde(default)]
    pub serving_paused: Option<PausedView>,
    /// Bytes sent to other machines since the agent started.
    pub sent_bytes: u64,
    /// Bytes received from them.
    pub received_bytes: u64,
}

/// Bytes per second; absent where there is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpeedsView {
    /// To all other machines together.
    pub up: Option<u64>,
    /// From all of them together.
    pub down: Option<u64>,
    /// To each of them.
    pub per_peer_up: Option<u64>,
    /// From each of them.
    pub per_peer_down: Option<u64>,
    /// Whether machines on the local network are limited as well.
    pub limit_lan: bool,
}

/// What to pause, and for how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PauseArgs {
    /// Seconds; until somebody says otherwise when absent.
    pub secs: Option<u64>,
    /// Serving other machines instead of backups.
    pub serving: bool,
}

/// What is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseView {
    /// `gbak.pause/1`.
    pub schema: String,
    /// Why backups wait, if they do.
    pub backups: Option<PausedView>,
    /// Why other machines are not served, if they are not.
    pub serving: Option<PausedView>,
}

/// Why something waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausedView {
    /// `asked`, `battery` or `metered`.
    pub reason: String,
    /// When it ends by itself, RFC 3339; absent when nobody knows.
    pub until: Option<String>,
}

/// Bytes per second, like `4 MiB/s`; `unlimited` by default. A bare number is in KiB/s, as restic
/// has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Speed(pub Option<NonZeroU64>);

/// Text that is not a speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotASpeed {
    /// Not understood.
    #[error("not a speed like \"4 MiB/s\", \"500\" (KiB/s) or \"unlimited\"")]
    Form,
    /// Transfers would run into the network's deadlines.
    #[error("the lowest limit is {} KiB/s; to stop, use gbak pause", LOWEST_SPEED / 1024)]
    TooLow,
}

impl Speed {
    /// So many bytes per second, 0 for unlimited.
    pub fn from_bytes(bytes: u64) -> Result<Self, NotASpeed> {
        match NonZeroU64::new(bytes) {
            Some(rate) if rate.get() < LOWEST_SPEED => Err(NotASpeed::TooLow),
            rate => Ok(Self(rate)),
        }
    }

    /// Bytes per second, 0 for unlimited.
    pub fn bytes(self) -> u64 {
        self.0.map_or(0, NonZeroU64::get)
    }
}

impl FromStr for Speed {
    type Err = NotASpeed;

    fn from_str(text: &str) -> Result<Self, NotASpeed> {
        let text = text.trim();
        if matches!(text, "unlimited" | "off" | "none") {
            return Ok(Self(None));
        }
        if let Ok(kibibytes) = text.parse::<u64>() {
            return Self::from_bytes(kibibytes.checked_mul(1024).ok_or(NotASpeed::Form)?);
        }
        let size = text.strip_suffix("/s").unwrap_or(text).trim_end();
        Self::from_bytes(size.parse::<ByteSize>().map_err(|_| NotASpeed::Form)?.as_u64())
    }
}

/// Exact: what is printed reads back as the same speed.
impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("unlimited"),
            Some(rate) => {
                const UNITS: [(u64, &str); 3] =
                    [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
                let fits = |(unit, _): &&(u64, &str)| rate.get().is_multiple_of(*unit);
                match UNITS.iter().find(fits) {
                    Some((unit, name)) => write!(f, "{} {name}/s", rate.get() / unit),
                    None => write!(f, "{rate} B/s"),
                }
            }
        }
    }
}

impl Serialize for Speed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Speed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
