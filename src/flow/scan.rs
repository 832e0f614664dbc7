//! Scan: walks the source paths and tells, in tree order, what is there.
//!
//! All source paths are one tree rooted at `/`: their ancestors are directories with their real
//! metadata, and a path below another one comes up once. Within a directory entries are sorted by
//! name bytes, so that the parent snapshot can be walked beside.
//!
//! Symbolic links are never followed below a source path; above it the path is taken as it was
//! typed. Entries are looked at through their directory's descriptor, with one `statx` and one
//! `listxattr` each. There is no recursion, and only the innermost directories are held open: any
//! depth can be scanned.
//!
//! How it fails: what cannot be read, or vanishes between being listed and being looked at, is a
//! [`Problem`], and the rest goes on. An unreadable directory is kept as an empty one. Only a
//! source path that is not there at the start is an error.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::CWD;

use crate::monitor::Problem;
use crate::vault::tree::{Meta, Node};

mod accounts;
mod attrs;
mod dirs;
mod entering;
mod error;
mod reader;
mod rules;
mod sources;
#[cfg(test)]
mod tests;

pub use accounts::Accounts;
pub use error::{ScanError, SystemSaid};
pub use reader::{FileReader, SegmentKind};
pub use rules::ScanOptions;
pub use sources::plain_path;

use attrs::Attrs;
use dirs::{Entry, Id};
use entering::Wanted;
use error::ItemError;
use rules::Rules;
use sources::{Point, Sources};

/// How many directories are held open at once. Typical trees are less deep; in a deeper one a
/// directory further out is opened again when the scan comes back to it.
const OPEN_LEVELS: usize = 64;

/// What the scan comes upon next.
#[derive(Debug)]
pub enum Event {
    /// A directory begins; its entries follow, up to the matching [`Event::LeaveDir`]. The first is
    /// the root, whose name is empty.
    EnterDir {
        /// Its name in the directory that is open.
        name: Vec<u8>,
        /// Its metadata.
        meta: Meta,
        /// Its path.
        path: PathBuf,
    },
    /// The innermost directory ends.
    LeaveDir,
    /// Anything but a directory.
    Leaf(Found),
    /// Something cannot be read.
    Problem(Problem),
}

/// An entry that is not a directory.
#[derive(Debug)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// What is stored of it; a file's content is still empty.
    pub node: Node,
    /// Bytes, holes included; 0 for what is not a file.
    pub size: u64,
}

/// The walk: an iterator of [`Event`]s.
#[derive(Debug)]
pub struct Scan {
    sources: Sources,
    rules: Rules,
    attrs: Attrs,
    levels: Vec<Level>,
    /// Path of the innermost level, or of the entry being looked at; empty for the root.
    path: Vec<u8>,
    pending: VecDeque<Event>,
    begun: bool,
}

/// A directory being walked.
#[derive(Debug)]
struct Level {
    /// Always open for the innermost level.
    dir: Option<Arc<OwnedFd>>,
    id: Id,
    /// What is still to be looked at, in order.
    entries: std::vec::IntoIter<Entry>,
    /// The source paths that lead through here.
    point: Option<Point>,
    /// All entries count, not only those that lead to a source path.
    whole: bool,
    /// The file system of the source path this belongs to.
    device: u64,
    /// Length of its path.
    len: usize,
}

impl Scan {
    /// Gets ready to walk `paths`, which are absolute and exist.
    pub fn new(paths: &[PathBuf], options: ScanOptions) -> Result<Self, ScanError> {
        Ok(Self {
            sources: Sources::new(paths)?,
            rules: Rules::new(options)?,
            attrs: Attrs::new(),
            levels: Vec::new(),
            path: Vec::new(),
            pending: VecDeque::new(),
            begun: false,
        })
    }

    /// Opens a file that was just found, through its directory's descriptor: whatever happens to
    /// the path meanwhile, what is read is an entry of the directory that was scanned.
    pub fn open(&self, path: &Path) -> io::Result<FileReader> {
        let bytes = path.as_os_str().as_bytes();
        let name =
            bytes.strip_prefix(self.path.as_slice()).and_then(|rest| rest.strip_prefix(b"/"));
        let name = name.filter(|name| !name.is_empty() && !name.contains(&b'/'));
        match (name, self.levels.last().and_then(|level| level.dir.as_ref())) {
            (Some(name), Some(dir)) => FileReader::open_at(dir.as_fd(), name),
            _ => FileReader::open(path),
        }
    }

    fn begin(&mut self) {
        let point = self.sources.root();
        let named = self.sources.is_named(point);
        let wanted = Wanted { point: Some(point), named, inside: false, device: 0 };
        match attrs::look(CWD, b"/", true) {
            Ok(seen) => self.dir(CWD, b"", &seen, wanted),
            Err(error) => self.problem(&ItemError::looking(error)),
        }
    }

    /// Ends the innermost level.
    fn leave(&mut self) {
        let Some(inner) = self.levels.pop() else { return };
        self.pending.push_back(Event::LeaveDir);
        let Some(outer) = self.levels.last_mut() else { return };
        self.path.truncate(outer.len);
        if outer.dir.is_some() || outer.entries.len() == 0 {
            return;
        }
        match dirs::reopen(inner.dir.as_deref(), &self.path, outer.id, outer.whole) {
            Ok(dir) => outer.dir = Some(Arc::new(dir)),
            Err(error) => {
                outer.entries = Vec::new().into_iter();
                self.problem(&ItemError::Read(error.into()));
            }
        }
    }

    /// Closes a directory far out, to stay within the number of descriptors.
    fn close_outermost(&mut self) {
        let far = self.levels.len().checked_sub(OPEN_LEVELS + 1);
        if let Some(level) = far.and_then(|far| self.levels.get_mut(far)) {
            level.dir = None;
        }
    }

    fn problem(&mut self, error: &ItemError) {
        let item = if self.path.is_empty() { b"/" } else { self.path.as_slice() };
        self.pending.push_back(Event::Problem(Problem::new(item, error)));
    }
}

impl Iterator for Scan {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Some(event);
            }
            if !self.begun {
                self.begun = true;
                self.begin();
                continue;
            }
            let level = self.levels.last_mut()?;
            match (level.entries.next(), &level.dir) {
                (Some(entry), Some(dir)) => {
                    let dir = Arc::clone(dir);
                    self.visit(&dir, &entry);
                }
                _ => self.leave(),
            }
        }
    }
}
