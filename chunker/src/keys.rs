//! The vault's keys as this crate needs them: one per purpose, derived from the vault's secret.
//!
//! `blake3::derive_key` with one context string per key; no key serves two purposes. Chunk ids have
//! a key per [`Class`], so that bytes named as one kind of object can never pass for another. Keys
//! are wiped when the last clone is dropped and never printed. Deriving cannot fail.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::Error;
use crate::id::{ChunkId, VaultId};

/// Length of every key in bytes.
pub(crate) const KEY_LEN: usize = 32;

const VAULT_ID: &str = "gbak 2026 v1 vault id";
const CHUNK_ID: [&str; CLASSES.len()] = [
    "gbak 2026 v1 chunk id data",
    "gbak 2026 v1 chunk id tree",
    "gbak 2026 v1 chunk id snapshot",
    "gbak 2026 v1 chunk id index",
];
const CHUNKER: &str = "gbak 2026 v1 chunker";
const SEAL: &str = "gbak 2026 v1 pack seal";
const SALT: &str = "gbak 2026 v1 pack salt";

/// What a chunk's bytes are: never read as one what was sealed as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
#[repr(u8)]
pub enum Class {
    /// Content of files.
    Data = 0,
    /// Listings of directories, and long lists of chunks.
    Tree = 1,
    /// A snapshot's record.
    Snapshot = 2,
    /// Index segments and manifests.
    Index = 3,
}

/// Every class, in the order of their numbers.
const CLASSES: [Class; 4] = [Class::Data, Class::Tree, Class::Snapshot, Class::Index];

impl From<Class> for u8 {
    fn from(class: Class) -> Self {
        class as Self
    }
}

impl TryFrom<u8> for Class {
    type Error = Error;

    fn try_from(found: u8) -> Result<Self, Error> {
        let class = CLASSES.get(usize::from(found)).copied();
        class.ok_or(Error::Unknown { what: "class of chunks", found })
    }
}

#[derive(Zeroize, ZeroizeOnDrop)]
struct Secrets {
    chunk_id: [[u8; KEY_LEN]; CLASSES.len()],
    chunker: [u8; KEY_LEN],
    seal: [u8; KEY_LEN],
    salt: [u8; KEY_LEN],
}

/// The keys of one vault. Clones are cheap and share the same memory.
#[derive(Clone)]
pub struct VaultKeys {
    vault: VaultId,
    secrets: Arc<Secrets>,
}

impl fmt::Debug for VaultKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultKeys").field("vault", &self.vault).finish_non_exhaustive()
    }
}

impl VaultKeys {
    /// The keys of the vault with this secret.
    pub fn derive(secret: &[u8; KEY_LEN]) -> Self {
        let key = |context| blake3::derive_key(context, secret);
        let secrets = Secrets {
            chunk_id: CHUNK_ID.map(key),
            chunker: key(CHUNKER),
            seal: key(SEAL),
            salt: key(SALT),
        };
        Self { vault: VaultId::from_bytes(key(VAULT_ID)), secrets: Arc::new(secrets) }
    }

    /// The vault's name: not a secret, bound into everything that is sealed.
    pub const fn vault(&self) -> VaultId {
        self.vault
    }

    /// The name of a chunk of this class.
    pub fn chunk_id(&self, class: Class, plain: &[u8]) -> ChunkId {
        blake3::keyed_hash(&self.secrets.chunk_id[class as usize], plain).into()
    }

    /// Where the cutter's table comes from.
    pub(crate) fn chunker(&self) -> &[u8; KEY_LEN] {
        &self.secrets.chunker
    }

    /// What packs' keys are derived from.
    pub(crate) fn seal(&self) -> &[u8; KEY_LEN] {
        &self.secrets.seal
    }

    /// A hash that turns a pack's content and random bytes into its salt.
    ///
    /// Random bytes alone would do while the generator works. With the content hashed in, a broken
    /// generator or a cloned machine can repeat a pack but never put two contents under one key.
    pub(crate) fn salt_hasher(&self) -> blake3::Hasher {
        blake3::Hasher::new_keyed(&self.secrets.salt)
    }
}
