//! A holder's signed word about what it keeps for an owner, so that both see one figure.
//!
//! It is said in answer to a number that the owner's device drew, and names holder, owner and time:
//! whoever shows it later shows what that holder said then, and an older word does not pass for a
//! new one. It is a claim, not a proof of possession: what audits are for. The signature covers a
//! context of its own, so that nothing signed for another purpose verifies as one.

use chunker::{OwnerId, PeerId, Record};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::cert::{self, CertError, DeviceCert};

const USAGE_CONTEXT: &str = "gbak 2026 v1 usage statement";

/// How far a holder's clock may be from ours, in seconds.
pub const SKEW_SECS: u64 = 24 * 3600;

/// Why a statement says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// Not signed by a device that its owner certified.
    #[error("Usage statement is not genuine")]
    Cert(#[from] CertError),
    /// It is another holder's, about another owner, or was said to another question.
    #[error("Usage statement answers another question")]
    OtherQuestion,
    /// It is of another time than now, by more than [`SKEW_SECS`].
    #[error("Usage statement is not of this time")]
    OtherTime,
}

/// How much is kept, in so many shards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Shards.
    #[serde(rename = "n")]
    pub shards: u64,
    /// Their bytes.
    #[serde(rename = "b")]
    pub bytes: u64,
}

/// What a holder keeps for an owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageStatement {
    /// The holder's device, which signed.
    pub cert: DeviceCert,
    /// For whom it keeps.
    pub owner: OwnerId,
    /// The number of the question.
    pub nonce: u64,
    /// When it was said, by the holder's clock, in seconds since the Unix epoch.
    pub at_secs: u64,
    /// What the owner holds a lease on.
    pub held: Kept,
    /// What the owner gave up and is still in quarantine; not part of the other.
    pub left: Kept,
    /// By the device's key.
    #[serde(with = "serde_bytes")]
    pub signature: [u8; 64],
}

/// What the device's key signs.
#[derive(Serialize, Deserialize)]
struct UsageBody {
    cert: DeviceCert,
    owner: OwnerId,
    nonce: u64,
    at_secs: u64,
    held: Kept,
    left: Kept,
}

impl Record for UsageStatement {
    const NAME: &'static str = "usage statement";
    const VERSION: u8 = 1;
    const LIMIT: usize = 4096;
}

impl Record for UsageBody {
    const NAME: &'static str = "usage statement body";
    const VERSION: u8 = 1;
    const LIMIT: usize = 4096;
}

/// Who was asked what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The holder that was asked.
    pub holder: PeerId,
    /// For whom.
    pub owner: OwnerId,
    /// A number drawn for this question alone.
    pub nonce: u64,
}

impl UsageStatement {
    /// Signs what is `held` and `left`, with the key that `cert` is for.
    pub fn sign(
        key: &SigningKey,
        cert: DeviceCert,
        (owner, nonce): (OwnerId, u64),
        at_secs: u64,
        (held, left): (Kept, Kept),
    ) -> Self {
        let body = UsageBody { cert, owner, nonce, at_secs, held, left };
        let signature = cert::sign(key, USAGE_CONTEXT, &body);
        let UsageBody { cert, owner, nonce, at_secs, held, left } = body;
        Self { cert, owner, nonce, at_secs, held, left, signature }
    }

    /// Checks that this is the answer to `question`, said about now and signed by the holder.
    pub fn verify(&self, question: &Question, now_secs: u64) -> Result<(), StatementError> {
        let Question { holder, owner, nonce } = *question;
        if (self.cert.peer, self.owner, self.nonce) != (holder, owner, nonce) {
            return Err(StatementError::OtherQuestion);
        }
        if self.at_secs.abs_diff(now_secs) > SKEW_SECS {
            return Err(StatementError::OtherTime);
        }
        Ok(self.verify_signature()?)
    }

    /// Checks that the device it names signed this, whenever and for whomever that was.
    pub fn verify_signature(&self) -> Result<(), CertError> {
        self.cert.verify()?;
        let Self { cert, owner, nonce, at_secs, held, left, signature } = self.clone();
        let key = *cert.peer.as_bytes();
        let body = UsageBody { cert, owner, nonce, at_secs, held, left };
        cert::verify(&key, USAGE_CONTEXT, &body, &signature)
    }

    /// Whether its name stays within its limit.
    pub(crate) fn is_bounded(&self) -> bool {
        self.cert.name.len() <= cert::NAME_LIMIT
    }
}

#[cfg(test)]
mod tests;
