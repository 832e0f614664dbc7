//! A guardian's mandate: an owner's word that another member's device may look after its shards.
//!
//! With it the guardian may ask holders whether they have the owner's shards, make them prove it,
//! read shards, and put shards there for the owner: what rebuilding from ciphertext takes. It
//! cannot delete, touch heads, or open anything. A mandate ends by itself after at most
//! [`LIFE_SECS`], and at once where the owner said that mandates below a later number are revoked.

use chunker::{OwnerId, PeerId, Record};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::cert::{self, CertError, DeviceCert};

const MANDATE_CONTEXT: &str = "gbak 2026 v1 guardian mandate";

/// Longest life of a mandate in seconds: an owner that is away for a year is still cared for.
pub const LIFE_SECS: u64 = 400 * 24 * 3600;
/// How far ahead of ours the clock of who signed may be, in seconds.
const SKEW_SECS: u64 = 24 * 3600;

/// Why a mandate gives no right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MandateError {
    /// Not signed by a device that its owner certified.
    #[error("Mandate is not genuine")]
    Cert(#[from] CertError),
    /// Its time is over, or has not come, or is longer than [`LIFE_SECS`].
    #[error("Mandate is not valid now")]
    Expired,
    /// It is for another device.
    #[error("Mandate is for another device")]
    OtherGuardian,
}

/// What lets a guardian act for an owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mandate {
    /// The owner's device that signed it.
    pub cert: DeviceCert,
    /// The device that may act.
    pub guardian: PeerId,
    /// When it was signed, in seconds since the Unix epoch; also its number: a revocation ends all
    /// mandates up to a number.
    pub since_secs: u64,
    /// From when on it gives no right any more.
    pub expires_secs: u64,
    /// By the device's key.
    #[serde(with = "serde_bytes")]
    pub signature: [u8; 64],
}

/// What the device's key signs.
#[derive(Serialize, Deserialize)]
struct MandateBody {
    cert: DeviceCert,
    guardian: PeerId,
    since_secs: u64,
    expires_secs: u64,
}

impl Record for MandateBody {
    const NAME: &'static str = "mandate body";
    const VERSION: u8 = 1;
    const LIMIT: usize = 4096;
}

impl Mandate {
    /// Signs a mandate with the key that `cert` is for.
    pub fn sign(
        key: &SigningKey,
        cert: DeviceCert,
        guardian: PeerId,
        since_secs: u64,
        expires_secs: u64,
    ) -> Self {
        let body = MandateBody { cert, guardian, since_secs, expires_secs };
        let signature = cert::sign(key, MANDATE_CONTEXT, &body);
        let MandateBody { cert, guardian, since_secs, expires_secs } = body;
        Self { cert, guardian, since_secs, expires_secs, signature }
    }

    /// Checks that a device of the owner signed this for `guardian`, and that it is valid now.
    /// Whether the owner is a member, and whether it was revoked, it cannot say.
    pub fn verify(&self, guardian: &PeerId, now_secs: u64) -> Result<(), MandateError> {
        if self.guardian != *guardian {
            return Err(MandateError::OtherGuardian);
        }
        let begun = self.since_secs <= now_secs.saturating_add(SKEW_SECS);
        let bounded = self.expires_secs.saturating_sub(self.since_secs) <= LIFE_SECS;
        if !begun || !bounded || now_secs >= self.expires_secs {
            return Err(MandateError::Expired);
        }
        self.cert.verify()?;
        let Self { cert, guardian, since_secs, expires_secs, signature } = self.clone();
        let key = *cert.peer.as_bytes();
        let body = MandateBody { cert, guardian, since_secs, expires_secs };
        Ok(cert::verify(&key, MANDATE_CONTEXT, &body, &signature)?)
    }

    /// Whether its name stays within its limit.
    pub(crate) fn is_bounded(&self) -> bool {
        self.cert.name.len() <= cert::NAME_LIMIT
    }

    /// For whom the guardian acts.
    pub const fn owner(&self) -> OwnerId {
        self.cert.owner
    }
}

#[cfg(test)]
mod tests;
