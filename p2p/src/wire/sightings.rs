//! What a device says of whom it measured: claims, bounded by the message they come in.

use chunker::PeerId;
use serde::{Deserialize, Serialize};

/// Most sightings in one [`Reply::Located`](crate::Reply::Located): the nearest say most.
pub const SIGHTINGS_LIMIT: usize = 64;

/// A round trip that the sender says it measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// To whom.
    pub peer: PeerId,
    /// Its least, in microseconds.
    pub micros: u32,
}
