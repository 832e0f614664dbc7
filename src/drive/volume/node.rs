//! One file or directory of a drive, in memory and as a row of its table.
//!
//! A file's bytes are in up to three places, by position: in its data file here (`ranges`), in its
//! content of the last commit (`base`), or nowhere, which reads as zeros. `blank` says where the
//! base does not count any more. What the data file holds outside of `ranges` is never looked at:
//! so the table alone decides what a file is, at every instant.

use std::collections::BTreeMap;

use chunker::Record;
use serde::{Deserialize, Serialize};

use super::ranges::Ranges;
use crate::drive::ops::{Attr, Ino, Type};
use crate::vault::tree::{Content, Stamp, Xattr};

/// A file or directory.
#[derive(Debug, Clone)]
pub(crate) struct Inode {
    /// What `stat` says; `allocated` is worked out when asked.
    pub(crate) attr: Attr,
    /// Extended attributes by name.
    pub(crate) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What it is.
    pub(crate) body: Body,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    Dir(Dir),
    File(Data),
    Symlink(Vec<u8>),
    /// Nothing but a name: a pipe, a socket, a device.
    Other,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Dir {
    pub(crate) parent: Ino,
    pub(crate) entries: BTreeMap<Vec<u8>, Ino>,
}

/// Where a file's bytes are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Data {
    /// Its data file here.
    pub(crate) no: Option<u64>,
    /// What of it is in the data file.
    pub(crate) ranges: Ranges,
    /// The last commit's content.
    pub(crate) base: Option<Base>,
    /// Where the base is hidden by zeros.
    pub(crate) blank: Ranges,
    /// What was written since the base was made.
    pub(crate) fresh: Ranges,
    /// Grows with every change of the bytes.
    pub(crate) changed: u64,
}

/// A content that is in a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Base {
    /// Its chunks.
    #[serde(rename = "c")]
    pub(crate) content: Content,
    /// Its bytes.
    #[serde(rename = "s")]
    pub(crate) size: u64,
    /// Bytes of it that take room.
    #[serde(rename = "b")]
    pub(crate) allocated: u64,
    /// The number of the commit.
    #[serde(rename = "n")]
    pub(crate) commit: u64,
    /// `changed` at the commit: while it is the same, the base is all of the file.
    #[serde(rename = "v")]
    pub(crate) of: u64,
}

/// Where a part of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    Here,
    Base,
    Nowhere,
}

impl Data {
    /// Whether the base is all of it.
    pub(crate) fn is_clean(&self) -> bool {
        self.base.as_ref().is_some_and(|base| base.of == self.changed)
    }

    /// Parts of `from..to` in order.
    pub(crate) fn parts(&self, from: u64, to: u64) -> Vec<(u64, u64, Where)> {
        let mut all = Vec::new();
        let size = self.base.as_ref().map_or(0, |base| base.size);
        for (start, end, here) in self.ranges.parts(from, to) {
            if here {
                all.push((start, end, Where::Here));
                continue;
            }
            let covered = end.min(size).max(start);
            for (start, end, blank) in self.blank.parts(start, covered) {
                all.push((start, end, if blank { Where::Nowhere } else { Where::Base }));
            }
            if covered < end {
                all.push((covered, end, Where::Nowhere));
            }
        }
        all
    }

    /// Bytes of `from..to` are in the data file now.
    pub(crate) fn wrote(&mut self, from: u64, to: u64) {
        self.ranges.insert(from, to);
        self.blank.remove(from, to);
        if self.base.is_some() {
            self.fresh.insert(from, to);
        }
    }

    /// Whether `from..to` is what it is in the base.
    pub(crate) fn is_as_in_base(&self, from: u64, to: u64) -> bool {
        let all = to - from;
        self.blank.missing(from, to) == all && self.fresh.missing(from, to) == all
    }

    /// Forgets what is at `from..to`: zeros from now on.
    pub(crate) fn erase(&mut self, from: u64, to: u64) {
        self.ranges.remove(from, to);
        if let Some(base) = &self.base {
            self.blank.insert(from, to.min(base.size));
        }
    }

    /// Bytes that take room somewhere.
    fn allocated(&self) -> u64 {
        let base = self.base.as_ref().map_or(0, |base| base.allocated);
        if self.is_clean() {
            base
        } else {
            base.saturating_sub(self.blank.bytes()).max(self.ranges.bytes())
        }
    }
}

impl Inode {
    /// What `stat` says.
    pub(crate) fn stat(&self) -> Attr {
        let allocated = match &self.body {
            Body::File(data) => data.allocated().min(self.attr.size),
            Body::Dir(_) => self.attr.size,
            _ => 0,
        };
        Attr { allocated, ..self.attr }
    }

    /// Bytes in the data file, and bytes anywhere.
    pub(crate) fn weight(&self) -> (u64, u64) {
        match &self.body {
            Body::File(data) => (data.ranges.bytes(), data.allocated().min(self.attr.size)),
            _ => (0, 0),
        }
    }

    /// The row of the table.
    pub(crate) fn row(&self) -> Vec<u8> {
        let attr = &self.attr;
        let xattr = |(name, value): (&Vec<u8>, &Vec<u8>)| Xattr {
            name: name.clone(),
            value: value.clone(),
        };
        let mut row = Row {
            kind: kind_no(attr.kind),
            mode: attr.mode,
            links: attr.links,
            uid: attr.uid,
            gid: attr.gid,
            rdev: attr.rdev,
            size: attr.size,
            times: [attr.atime, attr.mtime, attr.ctime],
            xattrs: self.xattrs.iter().map(xattr).collect(),
            parent: 0,
            target: Vec::new(),
            data: None,
        };
        match &self.body {
            Body::Dir(dir) => row.parent = dir.parent,
            Body::Symlink(target) => row.target = target.clone(),
            Body::File(data) => {
                row.data = Some(DataRow {
                    no: data.no,
                    ranges: data.ranges.runs().collect(),
                    fresh: data.fresh.runs().collect(),
                    blank: data.blank.runs().collect(),
                    base: data.base.clone(),
                    changed: data.changed,
                });
            }
            Body::Other => {}
        }
        row.encode()
    }

    /// What a row says; `None` when no program of ours wrote it.
    pub(crate) fn from_row(ino: Ino, row: &[u8]) -> Option<Self> {
        let row = Row::decode(row).ok()?;
        let kind = kind_of(row.kind)?;
        let [atime, mtime, ctime] = row.times;
        let body = match kind {
            Type::Dir => Body::Dir(Dir { parent: row.parent, entries: BTreeMap::new() }),
            Type::Symlink => Body::Symlink(row.target),
            Type::File => {
                let data = row.data?;
                Body::File(Data {
                    no: data.no,
                    ranges: Ranges::of(&data.ranges),
                    base: data.base,
                    blank: Ranges::of(&data.blank),
                    fresh: Ranges::of(&data.fresh),
                    changed: data.changed,
                })
            }
            _ => Body::Other,
        };
        let attr = Attr {
            ino,
            kind,
            size: row.size,
            allocated: 0,
            mode: row.mode,
            links: row.links,
            uid: row.uid,
            gid: row.gid,
            rdev: row.rdev,
            atime,
            mtime,
            ctime,
        };
        let xattrs = row.xattrs.into_iter().map(|xattr| (xattr.name, xattr.value)).collect();
        Some(Self { attr, xattrs, body })
    }
}

/// A row of the table of inodes.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    #[serde(rename = "k")]
    kind: u8,
    #[serde(rename = "p")]
    mode: u32,
    #[serde(rename = "h")]
    links: u32,
    #[serde(rename = "u")]
    uid: u32,
    #[serde(rename = "g")]
    gid: u32,
    #[serde(rename = "r")]
    rdev: u64,
    #[serde(rename = "s")]
    size: u64,
    /// Read, written, changed.
    #[serde(rename = "t")]
    times: [Stamp; 3],
    #[serde(rename = "x", skip_serializing_if = "Vec::is_empty", default)]
    xattrs: Vec<Xattr>,
    /// Of a directory: the one above.
    #[serde(rename = "d", default)]
    parent: Ino,
    /// Of a symbolic link.
    #[serde(rename = "l", with = "serde_bytes", default)]
    target: Vec<u8>,
    /// Of a file.
    #[serde(rename = "f", skip_serializing_if = "Option::is_none", default)]
    data: Option<DataRow>,
}

#[derive(Debug, Serialize, Deserialize)]
struct DataRow {
    #[serde(rename = "n")]
    no: Option<u64>,
    #[serde(rename = "h")]
    ranges: Vec<(u64, u64)>,
    #[serde(rename = "w", skip_serializing_if = "Vec::is_empty", default)]
    fresh: Vec<(u64, u64)>,
    #[serde(rename = "z", skip_serializing_if = "Vec::is_empty", default)]
    blank: Vec<(u64, u64)>,
    #[serde(rename = "b")]
    base: Option<Base>,
    #[serde(rename = "v")]
    changed: u64,
}

impl Record for Row {
    const NAME: &'static str = "drive inode";
    const VERSION: u8 = 1;
    /// A file of millions of pieces, or one with a megabyte of attributes.
    const LIMIT: usize = 256 * 1024 * 1024;
}

const KINDS: [Type; 7] = [
    Type::Dir,
    Type::File,
    Type::Symlink,
    Type::Fifo,
    Type::Socket,
    Type::CharDevice,
    Type::BlockDevice,
];

fn kind_no(kind: Type) -> u8 {
    KINDS.iter().position(|one| *one == kind).unwrap_or_default() as u8
}

fn kind_of(no: u8) -> Option<Type> {
    KINDS.get(usize::from(no)).copied()
}
