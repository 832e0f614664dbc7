//! Who belongs to a grid: charter -> owner -> device, each signed by the one before.
//!
//! Signatures cover `context string | 0x00 | encoded body record`, so that bytes signed for one
//! purpose never verify for another. Every `verify` bounds the names it covers; text from a
//! certificate that was not verified must not be shown. A certificate has no end: leaving a grid is
//! the charter's to say.

use chunker::{GridId, OwnerId, PeerId, Record};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
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

/// Longest name of a grid, member or device, in bytes.
pub const NAME_LIMIT: usize = 64;

const OWNER_CONTEXT: &str = "gbak 2026 v1 owner certificate";
const DEVICE_CONTEXT: &str = "gbak 2026 v1 device certificate";

/// Why a certificate proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertError {
    /// The certificate is for another grid than the charter founds.
    #[error("Certificate is for another grid")]
    WrongGrid,
    /// A name is longer than [`NAME_LIMIT`] or has control characters.
    #[error("Certificate has a name that is too long or not plain text")]
    BadName,
    /// The signer's or the subject's key is not an ed25519 public key.
    #[error("Certificate names a key that is none")]
    BadKey,
    /// The signature was not made by the key that should have made it, over these fields.
    #[error("Certificate's signature does not verify")]
    BadSignature,
}

impl Charter {
    /// Founds a grid: whoever holds `key` decides who is a member.
    pub fn found(name: impl Into<String>, key: &SigningKey, founded_secs: u64) -> Self {
        Self { name: name.into(), key: key.verifying_key().to_bytes(), founded_secs }
    }

    /// The grid this charter founds.
    pub fn id(&self) -> GridId {
        blake3::hash(&self.encode()).into()
    }
}

impl OwnerCert {
    /// Makes `owner` a member of `grid`, in the name of the holder of the charter's key.
    pub fn sign(
        charter_key: &SigningKey,
        grid: GridId,
        owner: OwnerId,
        name: impl Into<String>,
        since_secs: u64,
    ) -> Self {
        let body = OwnerBody { grid, owner, name: name.into(), since_secs };
        let signature = sign(charter_key, OWNER_CONTEXT, &body);
        let OwnerBody { grid, owner, name, since_secs } = body;
        Self { grid, owner, name, since_secs, signature }
    }

    /// Checks that the charter's key signed this.
    pub fn verify(&self, charter: &Charter) -> Result<(), CertError> {
        if charter.id() != self.grid {
            return Err(CertError::WrongGrid);
        }
        check_name(&charter.name)?;
        check_name(&self.name)?;
        check_key(self.owner.as_bytes())?;
        let Self { grid, owner, name, since_secs, signature } = self.clone();
        let body = OwnerBody { grid, owner, name, since_secs };
        verify(&charter.key, OWNER_CONTEXT, &body, &signature)
    }
}

impl DeviceCert {
    /// Makes `peer` a device of the owner whose key this is.
    pub fn sign(
        owner_key: &SigningKey,
        peer: PeerId,
        name: impl Into<String>,
        since_secs: u64,
    ) -> Self {
        let owner = OwnerId::from_bytes(owner_key.verifying_key().to_bytes());
        let body = DeviceBody { owner, peer, name: name.into(), since_secs };
        let signature = sign(owner_key, DEVICE_CONTEXT, &body);
        let DeviceBody { owner, peer, name, since_secs } = body;
        Self { owner, peer, name, since_secs, signature }
    }

    /// Checks that the owner it names signed this. Whether that owner is a member, it cannot say.
    pub fn verify(&self) -> Result<(), CertError> {
        check_name(&self.name)?;
        check_key(self.peer.as_bytes())?;
        let Self { owner, peer, name, since_secs, signature } = self.clone();
        let body = DeviceBody { owner, peer, name, since_secs };
        verify(owner.as_bytes(), DEVICE_CONTEXT, &body, &signature)
    }
}

/// What the charter's key signs.
#[derive(Serialize, Deserialize)]
struct OwnerBody {
    grid: GridId,
    owner: OwnerId,
    name: String,
    since_secs: u64,
}

/// What the owner's key signs.
#[derive(Serialize, Deserialize)]
struct DeviceBody {
    owner: OwnerId,
    peer: PeerId,
    name: String,
    since_secs: u64,
}

impl Record for OwnerBody {
    const NAME: &'static str = "owner certificate body";
    const VERSION: u8 = 1;
    const LIMIT: usize = 4096;
}

impl Record for DeviceBody {
    const NAME: &'static str = "device certificate body";
    const VERSION: u8 = 1;
    const LIMIT: usize = 4096;
}

/// Signs `context | 0x00 | record`.
pub(crate) fn sign(key: &SigningKey, context: &str, body: &impl Record) -> [u8; 64] {
    key.sign(&signed_bytes(context, body)).to_bytes()
}

/// Checks a signature made by [`sign`]. Strict: no small-order keys, no second form of a signature.
pub(crate) fn verify(
    key: &[u8; 32],
    context: &str,
    body: &impl Record,
    signature: &[u8; 64],
) -> Result<(), CertError> {
    let key = VerifyingKey::from_bytes(key).map_err(|_| CertError::BadKey)?;
    let signature = Signature::from_bytes(signature);
    key.verify_strict(&signed_bytes(context, body), &signature).map_err(|_| CertError::BadSignature)
}

fn signed_bytes(context: &str, body: &impl Record) -> Vec<u8> {
    let mut bytes = context.as_bytes().to_vec();
    bytes.push(0);
    bytes.extend_from_slice(&body.encode());
    bytes
}

fn check_name(name: &str) -> Result<(), CertError> {
    let plain = name.len() <= NAME_LIMIT && !name.chars().any(char::is_control);
    if plain { Ok(()) } else { Err(CertError::BadName) }
}

fn check_key(key: &[u8; 32]) -> Result<(), CertError> {
    match VerifyingKey::from_bytes(key) {
        Ok(key) if !key.is_weak() => Ok(()),
        _ => Err(CertError::BadKey),
    }
}

#[cfg(test)]
mod tests;
