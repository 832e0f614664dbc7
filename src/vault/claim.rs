//! A device's claim to be the one that writes a drive: a part of its head, so that it is signed,
//! sealed, numbered and witnessed like everything else the device says.
//!
//! Who may claim, and when a claim is overruled, are the rules of `flow/fence/rules.rs`.

use chunker::{PeerId, Record};
use serde::{Deserialize, Serialize};

/// Most peers that decide about one drive: a majority of them is asked again and again, and all are
/// named in every head. Three may be gone.
pub const ELECTORS: usize = 7;
/// Most drives that a device claims: half of what a head can carry, with twice [`ELECTORS`] each.
pub const CLAIMS_LIMIT: usize = 12;

/// One drive as one device sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The drive's name.
    #[serde(rename = "n")]
    pub drive: String,
    /// Grows by one with every claim of any device: the highest counts.
    #[serde(rename = "e")]
    pub epoch: u64,
    /// Whether the device still writes; otherwise it gave the drive back.
    #[serde(rename = "h")]
    pub held: bool,
    /// Whether a majority said that nobody else had claimed this epoch.
    #[serde(rename = "c", skip_serializing_if = "std::ops::Not::not", default)]
    pub confirmed: bool,
    /// The peers of which a majority decides.
    #[serde(rename = "w")]
    pub electors: Vec<PeerId>,
    /// The peers that decided before, until a majority of both has seen the change.
    #[serde(rename = "b", skip_serializing_if = "Vec::is_empty", default)]
    pub before: Vec<PeerId>,
}

/// All claims of this device, as its next head will name them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// One for each drive.
    #[serde(rename = "c")]
    pub all: Vec<Claim>,
}

impl Record for Claims {
    const NAME: &'static str = "drive claims";
    const VERSION: u8 = 1;
    /// What a head can carry.
    const LIMIT: usize = p2p::wire::HEAD_LIMIT;
}

impl Claims {
    /// The claim to a drive.
    pub fn get(&self, drive: &str) -> Option<&Claim> {
        self.all.iter().find(|claim| claim.drive == drive)
    }

    /// Puts a claim in place of the one to the same drive.
    pub fn put(&mut self, claim: Claim) {
        self.all.retain(|old| old.drive != claim.drive);
        self.all.push(claim);
    }
}
