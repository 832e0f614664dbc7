//! What is known about a device of the grid.

use std::net::IpAddr;
use std::time::Duration;

use chunker::{OwnerId, PeerId};
use serde::{Deserialize, Serialize};

/// Most addresses at which a peer was reached that are remembered: nobody moves faster.
pub const REACHED_LIMIT: usize = 4;

/// The disk a device offers, as it announces it. All figures in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Size of the file system that holds the donation.
    pub total_bytes: u64,
    /// Kept for the computer's own use.
    pub reserved_bytes: u64,
    /// Lent to the grid.
    pub donated_bytes: u64,
    /// Taken by shards, quarantine included.
    pub used_bytes: u64,
    /// What new shards may still take, after floor and safe area.
    pub free_bytes: u64,
    /// Stored here, and has to go elsewhere: owners are asked to move it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub moving_bytes: u64,
    /// Until when it expects to be away, in seconds since 1970; 0 when it said nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub away_until_secs: u64,
}

/// What is not said is not sent.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Whether a device can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeerState {
    /// Connected and admitted.
    Online,
    /// It announced an absence.
    Away,
    /// Not connected; may come back.
    Offline,
}

/// How its packets travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Path {
    /// The same machine or local network.
    Lan,
    /// A direct connection over the internet.
    Direct,
    /// Through a relay.
    Relay,
    /// No connection.
    None,
}

/// One row of the roster, as this device sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerInfo {
    /// The device.
    pub peer: PeerId,
    /// The member it belongs to, proven by its certificate chain.
    pub owner: OwnerId,
    /// The name its owner gave it. Untrusted text: escape before printing.
    pub name: String,
    /// Where it listens, as multiaddresses without the `/p2p` part.
    pub addresses: Vec<String>,
    /// Where connections to it ended that proved its key: the newest first, at most
    /// [`REACHED_LIMIT`], of this run. Unlike [`Self::addresses`] nobody can make them up.
    pub reached: Vec<IpAddr>,
    /// Whether it can be asked now.
    pub state: PeerState,
    /// Smallest round trip measured over the recent window; none before the first answer.
    pub rtt: Option<Duration>,
    /// How its packets travel.
    pub path: Path,
    /// What it lends, by its own word.
    pub offer: Offer,
    /// The site label its owner declared.
    pub site: Option<String>,
    /// When its device certificate was made, seconds since the Unix epoch.
    pub since_secs: u64,
}
