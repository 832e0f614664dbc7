//! Keys: what follows from the phrase, and from a vault's secret. One key per purpose, each under a
//! context string that is used nowhere else.
//!
//! ```text
//! phrase -> root -+-> owner key     signs device certificates; wiped after init and recover
//!                 +-> charter key   a founder's: signs owner certificates
//!                 +-> vault secret -+-> chunk ids, cut points, packs (chunker::VaultKeys)
//!                                   +-> placement key
//!                                   +-> local seal, head seal
//! ```
//!
//! Long-lived keys seal with XChaCha20-Poly1305 under a random nonce that the caller draws; no key
//! meets two messages under one nonce as long as its randomness is. Secrets are wiped on drop and
//! show nothing in `Debug`.

use std::fmt;
use std::ops::Deref;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use chunker::VaultId;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::placement::PlacementKey;
use crate::vault::FormatError;

#[cfg(test)]
mod tests;

const OWNER: &str = "gbak 2026 v1 owner signing";
const CHARTER: &str = "gbak 2026 v1 charter signing";
const VAULT: &str = "gbak 2026 v1 vault master";
const PLACEMENT: &str = "gbak 2026 v1 placement walk";

/// Bytes of the random nonce in front of everything sealed here.
pub const NONCE_LEN: usize = 24;
/// Bytes of the tag at its end.
const TAG_LEN: usize = 16;
/// The version of the sealed form: `version | nonce | ciphertext | tag`.
const SEAL_VERSION: u8 = 1;

/// 32 bytes nobody else may have.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

impl Secret {
    /// Takes these bytes; the caller wipes its own copy.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Secret {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl Deref for Secret {
    type Target = [u8; 32];

    fn deref(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_bytes::deserialize(deserializer).map(Self)
    }
}

/// What the phrase stands for. Kept only while init or recover runs.
#[derive(Debug, Clone)]
pub struct RootSecret(Secret);

impl RootSecret {
    pub(crate) fn new(entropy: &[u8; 32]) -> Self {
        Self(Secret::new(*entropy))
    }

    /// Signs the certificates of the owner's devices; its public half is the owner's id.
    pub fn owner_key(&self) -> SigningKey {
        self.signing_key(OWNER)
    }

    /// Signs the certificates of a grid's owners, when this owner founded the grid.
    pub fn charter_key(&self) -> SigningKey {
        self.signing_key(CHARTER)
    }

    /// What the keys of the owner's private vault follow from.
    pub fn vault_secret(&self) -> Secret {
        derive(VAULT, &self.0)
    }

    fn signing_key(&self, context: &str) -> SigningKey {
        SigningKey::from_bytes(&derive(context, &self.0))
    }
}

/// The key for `context` under `secret`.
fn derive(context: &str, secret: &[u8; 32]) -> Secret {
    Secret(blake3::derive_key(context, secret))
}

/// The placement key of the vault with this secret.
pub(super) fn placement_key(vault_secret: &[u8; 32]) -> PlacementKey {
    PlacementKey::from_bytes(*derive(PLACEMENT, vault_secret))
}

/// A long-lived key that seals whole messages for one purpose of one vault.
#[derive(Debug, Clone)]
pub(super) struct SealKey {
    key: Secret,
    /// `version | purpose's context | vault id`: binds what is sealed to what it is for.
    bound: Vec<u8>,
    what: &'static str,
}

impl SealKey {
    /// The key for `context` (globally unique) in the vault with this secret. Errors call what it
    /// seals `what`.
    pub(super) fn derive(
        context: &'static str,
        what: &'static str,
        vault_secret: &[u8; 32],
        vault: &VaultId,
    ) -> Self {
        let mut bound = vec![SEAL_VERSION];
        bound.extend_from_slice(context.as_bytes());
        bound.extend_from_slice(vault.as_bytes());
        Self { key: derive(context, vault_secret), bound, what }
    }

    /// Seals `plain` under a nonce that was drawn for it alone.
    pub(super) fn seal(&self, plain: &[u8], nonce: [u8; NONCE_LEN]) -> Vec<u8> {
        let payload = Payload { msg: plain, aad: &self.bound };
        let encrypted = self.cipher().encrypt(&XNonce::from(nonce), payload);
        assert!(encrypted.is_ok(), "sealing in memory fails only beyond 256 GiB");
        let mut sealed = vec![SEAL_VERSION];
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&encrypted.unwrap_or_default());
        sealed
    }

    /// Opens what [`SealKey::seal`] made, of at most `limit` plaintext bytes.
    pub(super) fn open(
        &self,
        sealed: &[u8],
        limit: usize,
    ) -> Result<Zeroizing<Vec<u8>>, FormatError> {
        let (what, len) = (self.what, sealed.len());
        if len > limit + 1 + NONCE_LEN + TAG_LEN {
            return Err(FormatError::TooLarge { what, len, limit });
        }
        let (&version, rest) = sealed.split_first().ok_or(FormatError::Truncated { what, len })?;
        if version != SEAL_VERSION {
            return Err(FormatError::Version { what, found: version, known: SEAL_VERSION });
        }
        let (nonce, msg) = rest
            .split_first_chunk::<NONCE_LEN>()
            .filter(|(_, msg)| msg.len() >= TAG_LEN)
            .ok_or(FormatError::Truncated { what, len })?;
        let payload = Payload { msg, aad: &self.bound };
        let plain = self.cipher().decrypt(&XNonce::from(*nonce), payload);
        plain.map(Zeroizing::new).map_err(|_| FormatError::NotOurs { what })
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.key.expose().into())
    }
}
