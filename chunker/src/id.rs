//! Every 32-byte name in the system, each a type of its own so that one can never be taken for
//! another.
//!
//! `Display` prints the full lower-case hex form (what users and JSON see), `Debug` the first eight
//! digits (what logs see). In CBOR an id is a byte string of 32, in human-readable formats the hex
//! form.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};

/// Length of every id in bytes.
pub const ID_LEN: usize = 32;

/// A text that is not 64 hexadecimal digits, or bytes that are not 32.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Not an id: expected 64 hexadecimal digits")]
pub struct NotAnId;

/// Reads bytes or hex, whichever the format holds.
pub(crate) struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = [u8; ID_LEN];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("32 bytes or 64 hexadecimal digits")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        parse_hex(text).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

pub(crate) fn parse_hex(text: &str) -> Result<[u8; ID_LEN], NotAnId> {
    let mut bytes = [0; ID_LEN];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| NotAnId)?;
    Ok(bytes)
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; ID_LEN]);

        impl $name {
            /// The id with these bytes.
            pub const fn from_bytes(bytes: [u8; ID_LEN]) -> Self {
                Self(bytes)
            }

            /// The bytes of this id.
            pub const fn as_bytes(&self) -> &[u8; ID_LEN] {
                &self.0
            }

            /// The first eight hexadecimal digits, for tables and logs.
            pub fn short(&self) -> String {
                hex::encode(&self.0[..4])
            }
        }

        impl From<blake3::Hash> for $name {
            fn from(hash: blake3::Hash) -> Self {
                Self(*hash.as_bytes())
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = NotAnId;

            fn try_from(bytes: &[u8]) -> Result<Self, NotAnId> {
                bytes.try_into().map(Self).map_err(|_| NotAnId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                parse_hex(text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.serialize_str(&hex::encode(self.0))
                } else {
                    serializer.serialize_bytes(&self.0)
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    deserializer.deserialize_str(IdVisitor).map(Self)
                } else {
                    deserializer.deserialize_bytes(IdVisitor).map(Self)
                }
            }
        }
    };
}

id_type! {
    /// Names a chunk: keyed BLAKE3 of its plaintext, under a key per vault and object class.
    ChunkId
}
id_type! {
    /// Names a pack: BLAKE3 of its sealed bytes.
    PackId
}
id_type! {
    /// Names a shard: BLAKE3 of its bytes, so whoever has the name can verify the bytes.
    ShardId
}
id_type! {
    /// Names a snapshot: the [`ChunkId`] of its serialized record.
    SnapshotId
}
id_type! {
    /// Names a device on the grid: its ed25519 public key, which is also its libp2p identity.
    PeerId
}
id_type! {
    /// Names a member: the ed25519 public key derived from the recovery phrase.
    OwnerId
}
id_type! {
    /// Names a grid: BLAKE3 of its charter.
    GridId
}
id_type! {
    /// Names a vault: derived from the vault's secret, bound into everything it seals.
    VaultId
}
id_type! {
    /// BLAKE3 of a head's signed bytes: what the next head of the chain points back to.
    HeadHash
}
