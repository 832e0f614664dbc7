//! Who belongs to a grid: charter -> owner -> device, each signed by the one before.
//!
//! Signatures cover `context string | 0x00 | encoded body record`, so that bytes signed for one purpose
//! never verify for another.

use chunker::{GridId, OwnerId, PeerId, Record};
use serde::{Deserialize, Serialize};

/// A grid's founding document. Its BLAKE3 is the [`GridId`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charter {
    /// The grid's name. Untrusted text until the grid id has been compared.
    pub name: String,
    /// The ed25519 public key that certifies owners.
    pub key: [u8; 32],
    /// When the grid was founded, seconds since the Unix epoch.
    pub founded_secs: u64,
}

/// The charter's word that an owner is a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerCert {
    /// Of which grid.
    pub grid: GridId,
    /// Which member.
    pub owner: OwnerId,
    /// The member's name.
    pub name: String,
    /// When it was signed, seconds since the Unix epoch.
    pub since_secs: u64,
    /// By the charter key.
    #[serde(with = "serde_bytes")]
    pub signature: [u8; 64],
}

/// An owner's word that a device is theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCert {
    /// Whose.
    pub owner: OwnerId,
    /// Which device.
    pub peer: PeerId,
    /// The device's name.
    pub name: String,
    /// When it was signed, seconds since the Unix epoch.
    pub since_secs: u64,
    /// By the owner key.
    #[serde(with = "serde_bytes")]
    pub signature: [u8; 64],
}

impl Record for Charter {
    const NAME: &'static str = "charter";
    const VERSION: u8 = 1;
    const LIMIT: usize = 4096;
}
