//! A directory's listing: what a snapshot remembers of files, and how their content is put
//! together.
//!
//! A directory is serialized as one [`Tree`] record, cut into chunks of class `Tree`; its parent
//! names those chunks, up to the snapshot. So an unchanged directory is the same chunks again and
//! costs nothing. Names are raw bytes: what the file system holds, UTF-8 or not.

use std::collections::BTreeSet;

use chunker::{ChunkId, Record};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// Longest list of pieces kept inside a node. A longer one moves to chunks of its own, so that a
/// huge file does not make its whole directory's listing huge.
pub const INLINE_PIECES: usize = 64;

/// Largest serialized listing accepted: about 10 million entries.
pub const TREE_LIMIT: usize = 2 * 1024 * 1024 * 1024;

/// Longest name of one entry, in bytes: what file systems accept.
pub const NAME_LIMIT: usize = 255;

/// The entries of one directory, sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// Sorted by name bytes, no name twice.
    #[serde(rename = "n")]
    pub nodes: Vec<Node>,
}

impl Record for Tree {
    const NAME: &'static str = "tree";
    const VERSION: u8 = 1;
    const LIMIT: usize = TREE_LIMIT;
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// The name within its directory: never empty, `.` or `..`, no `/`, no NUL. Untrusted when
    /// read.
    #[serde(rename = "n", with = "serde_bytes")]
    pub name: Vec<u8>,
    /// What it is.
    #[serde(rename = "k")]
    pub kind: Kind,
    /// What is known about it.
    #[serde(rename = "m")]
    pub meta: Meta,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A directory.
    #[serde(rename = "d")]
    Dir {
        /// The chunks (class `Tree`) of its serialized [`Tree`].
        #[serde(rename = "t")]
        tree: Vec<Piece>,
    },
    /// A regular file.
    #[serde(rename = "f")]
    File {
        /// Bytes, holes included.
        #[serde(rename = "s")]
        size: u64,
        /// Where they are.
        #[serde(rename = "c")]
        content: Content,
    },
    /// A symbolic link.
    #[serde(rename = "l")]
    Symlink {
        /// Where it points, as stored.
        #[serde(rename = "t", with = "serde_bytes")]
        target: Vec<u8>,
    },
    /// A named pipe.
    #[serde(rename = "p")]
    Fifo,
    /// A Unix socket (its name; nothing can be said of its peers).
    #[serde(rename = "s")]
    Socket,
    /// A character device.
    #[serde(rename = "c")]
    CharDevice {
        /// Device number.
        #[serde(rename = "r")]
        rdev: u64,
    },
    /// A block device.
    #[serde(rename = "b")]
    BlockDevice {
        /// Device number.
        #[serde(rename = "r")]
        rdev: u64,
    },
}

/// A file's bytes, in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Content {
    /// At most [`INLINE_PIECES`] pieces.
    #[serde(rename = "i")]
    Inline(Vec<Piece>),
    /// Chunks (class `Tree`) which, concatenated, are a [`PieceList`] record.
    #[serde(rename = "l")]
    Listed(Vec<Piece>),
}

/// The pieces of a large file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PieceList {
    /// In file order.
    #[serde(rename = "p")]
    pub pieces: Vec<Piece>,
}

impl Record for PieceList {
    const NAME: &'static str = "piece list";
    const VERSION: u8 = 1;
    const LIMIT: usize = TREE_LIMIT;
}

/// A run of bytes: a chunk, or a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Piece {
    /// How many bytes.
    #[serde(rename = "l")]
    pub len: u64,
    /// The chunk that holds them; none for a hole (zeros that take no disk).
    #[serde(rename = "c", skip_serializing_if = "Option::is_none", default)]
    pub chunk: Option<ChunkId>,
}

/// What is known about an entry besides its content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// Permission bits with setuid, setgid and sticky (`st_mode & 0o7777`).
    #[serde(rename = "p")]
    pub mode: u32,
    /// Numeric owner.
    #[serde(rename = "u")]
    pub uid: u32,
    /// Numeric group.
    #[serde(rename = "g")]
    pub gid: u32,
    /// The owner's name on the source.
    #[serde(rename = "U", skip_serializing_if = "Option::is_none", default)]
    pub user: Option<String>,
    /// The group's name on the source.
    #[serde(rename = "G", skip_serializing_if = "Option::is_none", default)]
    pub group: Option<String>,
    /// Modification time.
    #[serde(rename = "t")]
    pub mtime: Stamp,
    /// Change time: never restored, used to see what changed.
    #[serde(rename = "c")]
    pub ctime: Stamp,
    /// Inode number: to see what changed and which names are one file.
    #[serde(rename = "i")]
    pub inode: u64,
    /// Device the file system was mounted as: as for `inode`.
    #[serde(rename = "d")]
    pub device: u64,
    /// Number of names; more than one on a non-directory means a hard link.
    #[serde(rename = "h")]
    pub links: u64,
    /// Extended attributes, POSIX ACLs (`system.posix_acl_*`) and file capabilities included.
    #[serde(rename = "x", skip_serializing_if = "Vec::is_empty", default)]
    pub xattrs: Vec<Xattr>,
}

/// A point in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// Seconds since the Unix epoch; negative before it.
    #[serde(rename = "s")]
    pub secs: i64,
    /// Nanoseconds into that second, below 10^9.
    #[serde(rename = "n")]
    pub nanos: u32,
}

/// One extended attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Xattr {
    /// Its full name, like `user.comment`.
    #[serde(rename = "n", with = "serde_bytes")]
    pub name: Vec<u8>,
    /// Its value.
    #[serde(rename = "v", with = "serde_bytes")]
    pub value: Vec<u8>,
}

impl Content {
    /// A file without bytes.
    pub const fn empty() -> Self {
        Self::Inline(Vec::new())
    }
}

/// Why an entry of a listing must not be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum NameFault {
    /// No name.
    #[error("An entry has no name")]
    Empty,
    /// `.` or `..`: it would be the directory itself or the one above.
    #[error("An entry is named like the directory itself or the one above")]
    Dots,
    /// A `/`: it would be somewhere else.
    #[error("An entry's name has a slash")]
    Slash,
    /// A NUL, which ends a name early.
    #[error("An entry's name has a zero byte")]
    Nul,
    /// More than [`NAME_LIMIT`] bytes.
    #[error("An entry's name has more than {NAME_LIMIT} bytes")]
    TooLong,
    /// An entry before it has the same name: one would be written through the other.
    #[error("An entry's name was used before in this directory")]
    Duplicate,
}

/// What is wrong with a name by itself.
pub fn name_fault(name: &[u8]) -> Option<NameFault> {
    if name.is_empty() {
        Some(NameFault::Empty)
    } else if name == b"." || name == b".." {
        Some(NameFault::Dots)
    } else if name.contains(&b'/') {
        Some(NameFault::Slash)
    } else if name.contains(&0) {
        Some(NameFault::Nul)
    } else if name.len() > NAME_LIMIT {
        Some(NameFault::TooLong)
    } else {
        None
    }
}

/// Whether a name can be one entry of a directory.
pub fn valid_name(name: &[u8]) -> bool {
    name_fault(name).is_none()
}

/// Whether a file can be taken over from its `old` node unread: a regular file then and now (`meta`
/// and `size` are a regular file's), of the same size, times and inode. Device numbers are not
/// compared: they may change when the machine starts.
pub fn unchanged(old: &Node, meta: &Meta, size: u64) -> bool {
    let Kind::File { size: old_size, .. } = old.kind else { return false };
    let Meta { mtime, ctime, inode, .. } = &old.meta;
    old_size == size && *mtime == meta.mtime && *ctime == meta.ctime && *inode == meta.inode
}

impl Tree {
    /// The entries that must not be restored, by their position, and why. A listing is what the
    /// owner's keys sealed, which proves who made it, not that it is harmless.
    pub fn faults(&self) -> Vec<(usize, NameFault)> {
        let mut seen = BTreeSet::new();
        let numbered = self.nodes.iter().enumerate();
        numbered
            .filter_map(|(at, node)| {
                let repeated = (!seen.insert(&node.name)).then_some(NameFault::Duplicate);
                Some((at, name_fault(&node.name).or(repeated)?))
            })
            .collect()
    }
}
