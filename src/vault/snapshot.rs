//! A snapshot: one backup run's record. Its id is the chunk id (class `Snapshot`) of its encoding,
//! so whoever can name it can verify it, and two equal runs are one.
//!
//! The encoding is canonical: decoding and encoding again gives the same bytes, hence the same id.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use chunker::{Class, CutParams, PeerId, Record, SnapshotId, VaultKeys};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::vault::tree::{Piece, Stamp};

#[cfg(test)]
mod tests;

/// One backup run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When the run began.
    #[serde(rename = "t")]
    pub time: Stamp,
    /// The machine's name. Untrusted text, like every text here.
    #[serde(rename = "h")]
    pub hostname: String,
    /// Who ran it.
    #[serde(rename = "u")]
    pub username: String,
    /// What was backed up: absolute paths, raw bytes.
    #[serde(rename = "P")]
    pub paths: Vec<ByteBuf>,
    /// Labels.
    #[serde(rename = "T", skip_serializing_if = "Vec::is_empty", default)]
    pub tags: Vec<String>,
    /// The chunks (class `Tree`) of the topmost listing.
    #[serde(rename = "r")]
    pub root: Vec<Piece>,
    /// The snapshot it was compared with.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<SnapshotId>,
    /// Whether everything is in it.
    #[serde(rename = "s")]
    pub state: SnapshotState,
    /// The device that made it.
    #[serde(rename = "d")]
    pub device: PeerId,
    /// The program that made it, with its version.
    #[serde(rename = "v")]
    pub program: String,
    /// Counts.
    #[serde(rename = "n")]
    pub totals: Totals,
    /// How file data was cut.
    #[serde(rename = "c")]
    pub cut: CutParams,
    /// How large files were cut; as all others when absent, which is how it was at first.
    #[serde(rename = "l", skip_serializing_if = "Option::is_none", default)]
    pub large: Option<LargeCut>,
}

/// How large files are cut. Which way a file is cut depends on its length alone, so that it is the
/// same in every run: a file that grows past `from` is cut anew once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LargeCut {
    /// Files of at least this many bytes.
    #[serde(rename = "f")]
    pub from: u64,
    /// The sizes of their chunks.
    #[serde(rename = "c")]
    pub cut: CutParams,
}

impl LargeCut {
    /// What is done now. Below 64 MiB a file's whole list of chunks is small whatever is done, and
    /// above are images, databases and mailboxes, which change in blocks, and archives and films,
    /// which do not change at all and for which a longer list is all the cost.
    pub const fn now() -> Self {
        Self { from: 64 << 20, cut: CutParams::fine() }
    }

    /// Whether a file of so many bytes is cut so.
    pub const fn is_for(&self, size: u64) -> bool {
        size >= self.from
    }
}

/// Whether a snapshot has everything that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SnapshotState {
    /// The run came to its end.
    #[serde(rename = "c")]
    Complete,
    /// It was stopped: what was read so far.
    #[serde(rename = "i")]
    Interrupted,
}

/// What a run counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Files in the snapshot.
    #[serde(rename = "f")]
    pub files: u64,
    /// Directories in the snapshot.
    #[serde(rename = "d")]
    pub dirs: u64,
    /// Bytes of all its files.
    #[serde(rename = "b")]
    pub bytes: u64,
    /// Bytes of chunks that were new.
    #[serde(rename = "a")]
    pub data_added: u64,
    /// The same, compressed.
    #[serde(rename = "p")]
    pub data_added_packed: u64,
    /// Files that could not be read.
    #[serde(rename = "x")]
    pub problems: u64,
}

impl Record for Snapshot {
    const NAME: &'static str = "snapshot";
    const VERSION: u8 = 1;
    /// Tens of thousands of paths and tags.
    const LIMIT: usize = 16 * 1024 * 1024;
}

impl Snapshot {
    /// Its name.
    pub fn id(&self, keys: &VaultKeys) -> SnapshotId {
        SnapshotId::from_bytes(*keys.chunk_id(Class::Snapshot, &self.encode()).as_bytes())
    }

    /// Whether it is of these paths, in whatever order they are given.
    pub fn same_paths(&self, paths: &[PathBuf]) -> bool {
        let ours: BTreeSet<&[u8]> = self.paths.iter().map(|path| path.as_slice()).collect();
        let theirs: BTreeSet<&[u8]> =
            paths.iter().map(|path| path.as_os_str().as_bytes()).collect();
        ours == theirs
    }
}
