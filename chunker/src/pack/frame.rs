//! One pack's key and its frames: ChaCha20-Poly1305 with nonces that count.
//!
//! The key and its commitment come out of one derivation from the vault's sealing key and the
//! pack's salt. No nonce repeats under a key: the kind of frame and the block's number are in it,
//! and whether the block is the last one. Opening checks the tag before it gives a single byte.

use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, Key, KeyInit, Nonce, Tag};
use zeroize::Zeroize;

use super::layout::{COMMIT_LEN, HEADER_LEN, MAGIC, PACK_MAX, SUITE};
use crate::error::Error;
use crate::id::{ID_LEN, VaultId};
use crate::keys::{KEY_LEN, VaultKeys};

pub(super) const SALT_LEN: usize = 32;
pub(super) const TAG_LEN: usize = 16;

const PACK: &str = "gbak 2026 v1 pack";

/// Which part of a pack is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    Prologue,
    Directory,
    Block { no: u32, last: bool },
}

impl Frame {
    fn nonce(self) -> [u8; 12] {
        let (kind, no) = match self {
            Self::Prologue => (0, 0),
            Self::Directory => (1, 0),
            Self::Block { no, last: false } => (2, no),
            Self::Block { no, last: true } => (3, no),
        };
        nonce(kind, no)
    }

    fn number(self) -> u32 {
        match self {
            Self::Prologue | Self::Directory => 0,
            Self::Block { no, .. } => no,
        }
    }
}

/// The nonce under which padding is drawn; no [`Frame`] has its kind.
const PADDING: u8 = 4;

fn nonce(kind: u8, no: u32) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[0] = kind;
    nonce[8..].copy_from_slice(&no.to_be_bytes());
    nonce
}

/// Seals and opens one pack's frames.
pub(super) struct PackKey {
    cipher: ChaCha20Poly1305,
    commit: blake3::Hash,
    vault: VaultId,
}

impl PackKey {
    /// The key of the pack with this salt.
    pub(super) fn derive(keys: &VaultKeys, salt: &[u8; SALT_LEN]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(PACK);
        hasher.update(keys.seal());
        hasher.update(salt);
        let (mut key, mut commit) = (Key::default(), [0; COMMIT_LEN]);
        let mut output = hasher.finalize_xof();
        output.fill(&mut key);
        output.fill(&mut commit);
        assert!(key.len() == KEY_LEN, "the cipher's keys have the length of ours");
        let cipher = ChaCha20Poly1305::new(&key);
        key.zeroize();
        Self { cipher, commit: commit.into(), vault: keys.vault() }
    }

    /// Whether a pack with this commitment was sealed with this key. Takes the same time for all.
    pub(super) fn made(&self, commit: &[u8; COMMIT_LEN]) -> bool {
        self.commit == *commit
    }

    /// Writes the part of a pack that is not sealed.
    pub(super) fn write_header(&self, salt: &[u8; SALT_LEN], to: &mut [u8]) {
        assert!(to.len() == HEADER_LEN, "the header has a fixed length");
        let parts: [&[u8]; 4] = [&MAGIC, &[SUITE], salt, self.commit.as_bytes()];
        to.copy_from_slice(&parts.concat());
    }

    /// Seals what `frame_bytes` holds, all but its end, where the tag goes.
    pub(super) fn seal(
        &self,
        frame: Frame,
        about: &[u8],
        frame_bytes: &mut [u8],
    ) -> Result<(), Error> {
        let too_large = Error::TooLarge { len: frame_bytes.len(), limit: PACK_MAX };
        let Some((body, tag_room)) = frame_bytes.split_last_chunk_mut::<TAG_LEN>() else {
            return Err(too_large);
        };
        let (nonce, aad) = (Nonce::from(frame.nonce()), self.aad(frame, about));
        match self.cipher.encrypt_inout_detached(&nonce, &aad, body.into()) {
            Ok(tag) => {
                tag_room.copy_from_slice(&tag);
                Ok(())
            }
            Err(_) => Err(too_large),
        }
    }

    /// Puts the plaintext of a sealed frame into `plain`, in place of what was there; none if a bit
    /// of the frame, or of what is said about it, is not as it was.
    pub(super) fn open(
        &self,
        frame: Frame,
        about: &[u8],
        sealed: &[u8],
        plain: &mut Vec<u8>,
    ) -> Option<()> {
        plain.clear();
        let (body, tag) = sealed.split_last_chunk::<TAG_LEN>()?;
        plain.extend_from_slice(body);
        let (nonce, aad) = (Nonce::from(frame.nonce()), self.aad(frame, about));
        let through = plain.as_mut_slice().into();
        self.cipher.decrypt_inout_detached(&nonce, &aad, through, &Tag::from(*tag)).ok()
    }

    /// Fills `room`, which is zero, with bytes that look like all the others.
    pub(super) fn pad(&self, room: &mut [u8]) -> Result<(), Error> {
        let limit = PACK_MAX;
        let (len, nonce) = (room.len(), Nonce::from(nonce(PADDING, 0)));
        // The tag is not kept: padding is covered by the pack's hash, and nobody reads it.
        match self.cipher.encrypt_inout_detached(&nonce, &[], room.into()) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::TooLarge { len, limit }),
        }
    }

    fn aad(&self, frame: Frame, about: &[u8]) -> Vec<u8> {
        let mut aad = Vec::with_capacity(1 + ID_LEN + 4 + about.len());
        aad.push(SUITE);
        aad.extend_from_slice(self.vault.as_bytes());
        aad.extend_from_slice(&frame.number().to_le_bytes());
        aad.extend_from_slice(about);
        aad
    }
}
