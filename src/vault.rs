//! The owner's side: keys, and the formats of everything a backup consists of besides file content.
//!
//! ```text
//! head (signed, numbered, sealed HeadBody) -> manifest -> segments -> packs -> shards and holders
//!                                                      -> snapshots -> trees -> files -> chunks
//! ```
//!
//! Everything here is pure: bytes to values and back. All that is read may come from a damaged
//! disk, a hostile peer or a newer version: decoding is bounded, checks that a record makes sense
//! before it is used, and fails with a [`FormatError`]. Every format is versioned (I14).

use chunker::{Record, RecordError, VaultId, VaultKeys};

use crate::placement::PlacementKey;
use crate::vault::keys::SealKey;
use crate::vault::manifest::HeadBody;

pub mod claim;
pub mod index;
pub mod keys;
pub mod keystore;
pub mod manifest;
pub mod phrase;
pub mod retention;
pub mod snapshot;
pub mod tree;
pub mod view;

#[cfg(test)]
mod tests;

pub use keys::{NONCE_LEN, RootSecret, Secret};
pub use phrase::{Phrase, PhraseError};

const LOCAL: &str = "gbak 2026 v1 local state";
const HEAD: &str = "gbak 2026 v1 head seal";

/// Most plaintext bytes of something sealed for this disk: the largest snapshot record, and then
/// some.
pub const LOCAL_LIMIT: usize = 64 * 1024 * 1024;

/// Why bytes are not what they should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// Not a record of that kind, or one that contradicts itself.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Larger than anything that is written.
    #[error("{what} has {len} bytes, more than the {limit} accepted")]
    TooLarge {
        /// What was read.
        what: &'static str,
        /// Its size in bytes.
        len: usize,
        /// The most accepted, in bytes.
        limit: usize,
    },
    /// Too short to be complete.
    #[error("{what} breaks off after {len} bytes")]
    Truncated {
        /// What was read.
        what: &'static str,
        /// Its size in bytes.
        len: usize,
    },
    /// Written by a newer version of the program.
    #[error("{what} has version {found}; this program reads up to {known}")]
    Version {
        /// What was read.
        what: &'static str,
        /// The version found.
        found: u8,
        /// The newest version known here.
        known: u8,
    },
    /// The tag does not fit: damaged, or sealed under another vault's key.
    #[error("{what} is damaged or belongs to another vault")]
    NotOurs {
        /// What was read.
        what: &'static str,
    },
}

/// A vault's keys, as a device keeps them.
#[derive(Debug)]
pub struct Vault {
    keys: VaultKeys,
    placement: PlacementKey,
    local: SealKey,
    head: SealKey,
}

impl Vault {
    /// The vault with this secret.
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        let keys = VaultKeys::derive(secret);
        let id = keys.vault();
        Self {
            placement: keys::placement_key(secret),
            local: SealKey::derive(LOCAL, "Local state", secret, &id),
            head: SealKey::derive(HEAD, "Head", secret, &id),
            keys,
        }
    }

    /// The vault's name.
    pub fn id(&self) -> VaultId {
        self.keys.vault()
    }

    /// Names, cuts and seals chunks and packs.
    pub const fn keys(&self) -> &VaultKeys {
        &self.keys
    }

    /// Says where shards go.
    pub const fn placement_key(&self) -> &PlacementKey {
        &self.placement
    }

    /// Seals something for this machine's disk. The nonce must be fresh.
    pub fn seal_local(&self, plain: &[u8], nonce: [u8; NONCE_LEN]) -> Vec<u8> {
        self.local.seal(plain, nonce)
    }

    /// Opens what [`Vault::seal_local`] made.
    pub fn open_local(&self, sealed: &[u8]) -> Result<Vec<u8>, FormatError> {
        Ok(std::mem::take(&mut *self.local.open(sealed, LOCAL_LIMIT)?))
    }

    /// Seals a head's body. The nonce must be fresh.
    pub fn seal_head(&self, body: &HeadBody, nonce: [u8; NONCE_LEN]) -> Vec<u8> {
        self.head.seal(&body.encode(), nonce)
    }

    /// Opens what [`Vault::seal_head`] made.
    pub fn open_head(&self, sealed: &[u8]) -> Result<HeadBody, FormatError> {
        Ok(HeadBody::decode(&self.head.open(sealed, HeadBody::LIMIT)?)?)
    }
}
