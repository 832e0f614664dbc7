//! The signed head: the one small record that leads to a device's newest backup.
//!
//! Heads of a device form a chain: each has the next number and points back to the one before, and
//! holders keep two heads of one number as proof of a fork. What is inside is sealed for the owner;
//! holders see only whose it is and its number. The device's key signs all of it, certificate
//! included, so a head is genuine or not wherever it is found.

use chunker::{HeadHash, OwnerId, PeerId, Record, RecordError};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::cert::{self, CertError, DeviceCert};
use crate::wire::HEAD_LIMIT;

const HEAD_CONTEXT: &str = "gbak 2026 v1 head";

/// Why bytes from outside are not a genuine head.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// Not a head's record.
    #[error("Head cannot be read")]
    Record(#[from] RecordError),
    /// Not signed by a device that its owner certified.
    #[error("Head is not genuine")]
    Cert(#[from] CertError),
    /// The head is genuine but its bytes are not the ones its device would write.
    #[error("Head is not in its one form")]
    OtherForm,
}

/// One link of a device's chain of heads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedHead {
    /// Whose device signed it.
    pub cert: DeviceCert,
    /// Its number in the chain; the first is 1.
    pub seq: u64,
    /// The head before it; none for the first.
    pub prev: Option<HeadHash>,
    /// What only the owner can open.
    #[serde(with = "serde_bytes")]
    pub sealed: Vec<u8>,
    /// By the device's key.
    #[serde(with = "serde_bytes")]
    pub signature: [u8; 64],
}

/// What the device's key signs.
#[derive(Serialize, Deserialize)]
struct HeadBody {
    cert: DeviceCert,
    seq: u64,
    prev: Option<HeadHash>,
    #[serde(with = "serde_bytes")]
    sealed: Vec<u8>,
}

impl Record for SignedHead {
    const NAME: &'static str = "head";
    const VERSION: u8 = 1;
    const LIMIT: usize = HEAD_LIMIT;
}

impl Record for HeadBody {
    const NAME: &'static str = "head body";
    const VERSION: u8 = 1;
    const LIMIT: usize = HEAD_LIMIT;
}

impl SignedHead {
    /// Signs a head with the device's key, which must be the one `cert` is for.
    pub fn sign(
        key: &SigningKey,
        cert: DeviceCert,
        seq: u64,
        prev: Option<HeadHash>,
        sealed: Vec<u8>,
    ) -> Self {
        let body = HeadBody { cert, seq, prev, sealed };
        let signature = cert::sign(key, HEAD_CONTEXT, &body);
        let HeadBody { cert, seq, prev, sealed } = body;
        Self { cert, seq, prev, sealed, signature }
    }

    /// The genuine head in `bytes`. CBOR has several forms of one value, of which the signature
    /// sees none: only the form we write is taken, so that one head has one sequence of bytes
    /// everywhere.
    pub fn open(bytes: &[u8]) -> Result<Self, HeadError> {
        let head = Self::decode(bytes)?;
        head.verify()?;
        if head.encode() == bytes { Ok(head) } else { Err(HeadError::OtherForm) }
    }

    /// Checks that a device signed this, and an owner certified that device.
    pub fn verify(&self) -> Result<(), CertError> {
        self.cert.verify()?;
        let Self { cert, seq, prev, sealed, signature } = self.clone();
        let key = *cert.peer.as_bytes();
        let body = HeadBody { cert, seq, prev, sealed };
        cert::verify(&key, HEAD_CONTEXT, &body, &signature)
    }

    /// What the next head of the chain points back to.
    pub fn hash(&self) -> HeadHash {
        blake3::hash(&self.encode()).into()
    }

    /// Whose backup it leads to.
    pub fn owner(&self) -> OwnerId {
        self.cert.owner
    }

    /// The device whose chain it belongs to.
    pub fn device(&self) -> PeerId {
        self.cert.peer
    }
}

#[cfg(test)]
mod tests;
