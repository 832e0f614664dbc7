//! The key file: what a device keeps of its owner's keys, under a passphrase or in the plain.
//!
//! ```text
//! "gbak-key" | version | 0 | record                                                     | checksum
//! "gbak-key" | version | 1 | m, t, p (u32 LE) | salt 16 | commit 32 | nonce 24 | sealed | checksum
//! ```
//!
//! Plain is for machines that start unattended; the file is 0600 then, which is the caller's to see
//! to. Sealed: argon2id makes a secret of the passphrase; from it follow the key
//! (XChaCha20-Poly1305) and the commitment, which is compared before anything is opened. All before
//! the nonce is associated data, so the cost of guessing cannot be turned down unnoticed; what is
//! read has bounds on both sides, so that a forged file neither weakens the passphrase of the next
//! write nor exhausts memory.
//!
//! The checksum tells damage from a wrong passphrase; against an attacker it protects nothing, the
//! tag does. The phrase and the owner key are never in here.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use chunker::{Record, RecordError};
use p2p::cert::{Charter, DeviceCert, OwnerCert};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::vault::keys::{NONCE_LEN, Secret};

#[cfg(test)]
mod tests;

const MAGIC: &[u8; 8] = b"gbak-key";
const VERSION: u8 = 1;
const PLAIN: u8 = 0;
const SEALED: u8 = 1;
const SALT_LEN: usize = 16;
const CHECKSUM_LEN: usize = 32;
/// Everything of a sealed file before its nonce: bound to the ciphertext.
const SEALED_HEADER_LEN: usize = MAGIC.len() + 2 + 3 * 4 + SALT_LEN + 32;
/// Largest file accepted: certificates of a few hundred bytes, with ample room to grow.
const FILE_LIMIT: usize = 64 * 1024;

const SEAL_KEY: &str = "gbak 2026 v1 key file seal";
const COMMIT: &str = "gbak 2026 v1 key file commitment";

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It is sealed and no passphrase was given.
    #[error("The key file is sealed; its passphrase is needed")]
    PassphraseNeeded,
    /// It is whole, but sealed under another passphrase.
    #[error("The passphrase does not open the key file")]
    WrongPassphrase,
    /// It is not a key file, or not whole.
    #[error("The key file is damaged")]
    Damaged,
    /// It is whole and opens, and what is inside is not what it should be.
    #[error("The key file's content is damaged")]
    Content(#[source] RecordError),
    /// A newer version of the program wrote it.
    #[error("The key file has version {found}; this program reads up to {known}")]
    NewerVersion {
        /// The version found.
        found: u8,
        /// The newest version known here.
        known: u8,
    },
    /// Guessing the passphrase would cost too little, or opening it too much.
    #[error(
        "The key file asks for {memory_kib} KiB, {passes} passes and {lanes} lanes of argon2id"
    )]
    Cost {
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes over it.
        passes: u32,
        /// Lanes.
        lanes: u32,
    },
}

/// What a device keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFile {
    /// The device's ed25519 secret: its identity on the network, signs its heads.
    #[serde(rename = "d")]
    pub device_secret: Secret,
    /// The owner's word for the device; has its name.
    #[serde(rename = "D")]
    pub device_cert: DeviceCert,
    /// What the vault's keys follow from.
    #[serde(rename = "v")]
    pub vault_secret: Secret,
    /// The grid it belongs to; has its name.
    #[serde(rename = "c")]
    pub charter: Charter,
    /// The charter's word for the owner; has its name.
    #[serde(rename = "O")]
    pub owner_cert: OwnerCert,
    /// On a device that may admit owners: the charter's ed25519 secret.
    #[serde(rename = "C", skip_serializing_if = "Option::is_none", default)]
    pub charter_secret: Option<Secret>,
}

impl Record for KeyFile {
    const NAME: &'static str = "key file";
    const VERSION: u8 = 1;
    const LIMIT: usize = FILE_LIMIT;
}

/// What one guess at a passphrase costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes that could be computed side by side.
    pub lanes: u32,
}

impl Cost {
    /// The least accepted: RFC 9106's second recommendation.
    pub const LEAST: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 };
    /// The most accepted, so that a forged file cannot exhaust the machine that reads it.
    pub const MOST: Self = Self { memory_kib: 2 * 1024 * 1024, passes: 16, lanes: 16 };

    fn check(self) -> Result<Self, KeyFileError> {
        let Self { memory_kib, passes, lanes } = self;
        let (least, most) = (Self::LEAST, Self::MOST);
        let fits = (least.memory_kib..=most.memory_kib).contains(&memory_kib)
            && (least.passes..=most.passes).contains(&passes)
            && (1..=most.lanes).contains(&lanes);
        if fits { Ok(self) } else { Err(KeyFileError::Cost { memory_kib, passes, lanes }) }
    }

    /// The key and the commitment of a passphrase.
    fn stretch(self, passphrase: &str, salt: &[u8]) -> Result<(Secret, [u8; 32]), KeyFileError> {
        let Self { memory_kib, passes, lanes } = self.check()?;
        let mut stretched = Zeroizing::new([0; 32]);
        Params::new(memory_kib, passes, lanes, Some(stretched.len()))
            .map(|params| Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
            .and_then(|argon2| {
                argon2.hash_password_into(passphrase.as_bytes(), salt, &mut *stretched)
            })
            .map_err(|_| KeyFileError::Cost { memory_kib, passes, lanes })?;
        let key = Secret::new(blake3::derive_key(SEAL_KEY, &*stretched));
        Ok((key, blake3::derive_key(COMMIT, &*stretched)))
    }
}

impl Default for Cost {
    /// 256 MiB, 3 passes, 4 lanes: about a second on a small machine.
    fn default() -> Self {
        Self { memory_kib: 256 * 1024, passes: 3, lanes: 4 }
    }
}

/// Whether opening these bytes takes a passphrase.
pub fn needs_passphrase(bytes: &[u8]) -> Result<bool, KeyFileError> {
    Ok(matches!(Parsed::read(bytes)?, Parsed::Sealed(_)))
}

impl KeyFile {
    /// The file's bytes: sealed when there is a passphrase. Salt and nonce must be fresh.
    pub fn seal(
        &self,
        passphrase: Option<&str>,
        cost: Cost,
        salt: [u8; SALT_LEN],
        nonce: [u8; NONCE_LEN],
    ) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
        let record = Zeroizing::new(self.encode());
        let mut file = Zeroizing::new(Vec::with_capacity(record.len() + 256));
        file.extend_from_slice(MAGIC);
        file.push(VERSION);
        match passphrase {
            None => {
                file.push(PLAIN);
                file.extend_from_slice(&record);
            }
            Some(passphrase) => {
                file.push(SEALED);
                for figure in [cost.memory_kib, cost.passes, cost.lanes] {
                    file.extend_from_slice(&figure.to_le_bytes());
                }
                file.extend_from_slice(&salt);
                let (key, commit) = cost.stretch(passphrase, &salt)?;
                file.extend_from_slice(&commit);
                let payload = Payload { msg: &record, aad: &file };
                let sealed = cipher(&key).encrypt(&XNonce::from(nonce), payload);
                let sealed = sealed.map_err(|_| KeyFileError::Damaged)?;
                file.extend_from_slice(&nonce);
                file.extend_from_slice(&sealed);
            }
        }
        let checksum = blake3::hash(&file);
        file.extend_from_slice(checksum.as_bytes());
        Ok(file)
    }

    /// What is in the file. A passphrase that is not needed is ignored.
    pub fn open(bytes: &[u8], passphrase: Option<&str>) -> Result<Self, KeyFileError> {
        let record = match Parsed::read(bytes)? {
            Parsed::Plain(record) => Zeroizing::new(record.to_vec()),
            Parsed::Sealed(sealed) => {
                sealed.open(passphrase.ok_or(KeyFileError::PassphraseNeeded)?)?
            }
        };
        Self::decode(&record).map_err(KeyFileError::Content)
    }
}

fn cipher(key: &Secret) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.expose().into())
}

/// A file that is whole.
enum Parsed<'a> {
    Plain(&'a [u8]),
    Sealed(Sealed<'a>),
}

struct Sealed<'a> {
    cost: Cost,
    salt: &'a [u8; SALT_LEN],
    commit: &'a [u8; 32],
    /// Everything before the nonce.
    bound: &'a [u8],
    nonce: &'a [u8; NONCE_LEN],
    msg: &'a [u8],
}

impl<'a> Parsed<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, KeyFileError> {
        if bytes.len() > FILE_LIMIT {
            return Err(KeyFileError::Damaged);
        }
        let rest = bytes.strip_prefix(MAGIC).ok_or(KeyFileError::Damaged)?;
        let (&found, _) = rest.split_first().ok_or(KeyFileError::Damaged)?;
        // Before the checksum, which a later version may put elsewhere.
        if found > VERSION {
            return Err(KeyFileError::NewerVersion { found, known: VERSION });
        }
        let (file, checksum) =
            bytes.split_last_chunk::<CHECKSUM_LEN>().ok_or(KeyFileError::Damaged)?;
        if blake3::hash(file) != *checksum {
            return Err(KeyFileError::Damaged);
        }
        Self::read_whole(file).ok_or(KeyFileError::Damaged)
    }

    fn read_whole(file: &'a [u8]) -> Option<Self> {
        let (&[_, lock], rest) = file.get(MAGIC.len()..)?.split_first_chunk()?;
        if lock == PLAIN {
            return Some(Self::Plain(rest));
        }
        let (figures, rest) = rest.split_first_chunk::<12>()?;
        let figure = |at: usize| {
            let bytes = figures.get(4 * at..)?.first_chunk()?;
            Some(u32::from_le_bytes(*bytes))
        };
        let cost = Cost { memory_kib: figure(0)?, passes: figure(1)?, lanes: figure(2)? };
        let (salt, rest) = rest.split_first_chunk()?;
        let (commit, rest) = rest.split_first_chunk()?;
        let (nonce, msg) = rest.split_first_chunk()?;
        let bound = file.get(..SEALED_HEADER_LEN)?;
        (lock == SEALED).then_some(Self::Sealed(Sealed { cost, salt, commit, bound, nonce, msg }))
    }
}

impl Sealed<'_> {
    fn open(&self, passphrase: &str) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
        let (key, commit) = self.cost.stretch(passphrase, self.salt)?;
        // Compared as hashes, whose comparison takes the same time wherever they differ.
        if blake3::Hash::from(commit) != *self.commit {
            return Err(KeyFileError::WrongPassphrase);
        }
        let payload = Payload { msg: self.msg, aad: self.bound };
        let plain = cipher(&key).decrypt(&XNonce::from(*self.nonce), payload);
        plain.map(Zeroizing::new).map_err(|_| KeyFileError::Damaged)
    }
}
