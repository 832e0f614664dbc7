//! The envelope around everything that is stored or sent: a version, then a CBOR body.
//!
//! A record is `version (1 byte) | CBOR`. Decoding is bounded three ways before a value exists: the
//! caller states the largest size it accepts, nesting is limited to [`MAX_DEPTH`], and trailing
//! bytes are an error. Old versions stay readable: a type lists what it can read in
//! [`Record::upgrade`].

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Deepest nesting of CBOR arrays, maps and tags that is followed. Our own formats need less than
/// 12.
pub const MAX_DEPTH: usize = 32;

/// Why bytes are not the record they should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// More bytes than the reader accepts for this kind of record.
    #[error("Record {name} has {len} bytes, more than the {limit} accepted")]
    TooLarge {
        /// What was read.
        name: &'static str,
        /// Its size in bytes.
        len: usize,
        /// The most accepted, in bytes.
        limit: usize,
    },
    /// No bytes at all.
    #[error("Record {name} is empty")]
    Empty {
        /// What was read.
        name: &'static str,
    },
    /// Written by a newer version of the program.
    #[error("Record {name} has version {found}; this program reads up to {known}")]
    Version {
        /// What was read.
        name: &'static str,
        /// The version found.
        found: u8,
        /// The newest version known here.
        known: u8,
    },
    /// Not well-formed, or not of the record's shape.
    #[error("Record {name} is malformed")]
    Malformed {
        /// What was read.
        name: &'static str,
        /// What the decoder says.
        #[source]
        source: ciborium::de::Error<std::io::Error>,
    },
    /// Bytes follow the record's end.
    #[error("Record {name} has {extra} bytes after its end")]
    Trailing {
        /// What was read.
        name: &'static str,
        /// How many bytes are left over.
        extra: usize,
    },
}

/// A type that is stored or sent as a versioned record.
pub trait Record: Serialize + DeserializeOwned {
    /// What messages call it.
    const NAME: &'static str;
    /// The version written today.
    const VERSION: u8;
    /// The largest encoded size accepted from outside, in bytes.
    const LIMIT: usize;

    /// Reads an older version's body. The default knows none.
    fn upgrade(version: u8, _body: &[u8]) -> Result<Self, RecordError> {
        Err(RecordError::Version { name: Self::NAME, found: version, known: Self::VERSION })
    }

    /// The record's bytes.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![Self::VERSION];
        // Writing to memory cannot fail, and our types have no maps with unserializable keys.
        let written = ciborium::into_writer(self, &mut bytes);
        assert!(written.is_ok(), "a record of our own always encodes");
        bytes
    }

    /// The record in `bytes`, which must hold nothing else.
    fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > Self::LIMIT {
            let (name, len, limit) = (Self::NAME, bytes.len(), Self::LIMIT);
            return Err(RecordError::TooLarge { name, len, limit });
        }
        let Some((&version, body)) = bytes.split_first() else {
            return Err(RecordError::Empty { name: Self::NAME });
        };
        if version == Self::VERSION {
            decode_body(Self::NAME, body)
        } else {
            Self::upgrade(version, body)
        }
    }
}

/// Decodes one CBOR value that fills `body` exactly; for use in [`Record::upgrade`].
pub fn decode_body<T: DeserializeOwned>(
    name: &'static str,
    mut body: &[u8],
) -> Result<T, RecordError> {
    let value = ciborium::de::from_reader_with_recursion_limit(&mut body, MAX_DEPTH)
        .map_err(|source| RecordError::Malformed { name, source })?;
    if body.is_empty() { Ok(value) } else { Err(RecordError::Trailing { name, extra: body.len() }) }
}
