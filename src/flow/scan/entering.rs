//! What the scan does with one entry: enter it, report it, or leave it out.

use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use rustix::fs::{FileType, Statx};

use super::attrs::{self, Of};
use super::dirs::{self, Entry};
use super::error::ItemError;
use super::rules::Verdict;
use super::sources::Point;
use super::{Event, Found, Level, Scan};
use crate::vault::tree::{Kind, Node};

/// What the source paths say of an entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Source paths lead here or through here.
    pub(super) point: Option<Point>,
    /// It is a source path itself.
    pub(super) named: bool,
    /// It lies in a directory that counts as a whole.
    pub(super) inside: bool,
    /// The file system of the source path it lies below.
    pub(super) device: u64,
}

impl Wanted {
    /// Above every source path it belongs to, where links are part of how the path was typed.
    const fn is_ancestor(self) -> bool {
        !self.named && !self.inside
    }
}

impl Scan {
    /// Looks at one entry of the innermost level, which is open at `dir`.
    pub(super) fn visit(&mut self, dir: &OwnedFd, entry: &Entry) {
        let Some(level) = self.levels.last() else { return };
        let point = level.point.and_then(|point| self.sources.below(point, &entry.name));
        let named = point.is_some_and(|point| self.sources.is_named(point));
        let wanted = Wanted { point, named, inside: level.whole, device: level.device };
        let len = level.len;
        self.path.truncate(len);
        self.path.push(b'/');
        self.path.extend_from_slice(&entry.name);
        match attrs::look(dir.as_fd(), &entry.name, wanted.is_ancestor()) {
            Ok(seen) if attrs::file_type(&seen) == FileType::Directory => {
                self.dir(dir.as_fd(), &entry.name, &seen, wanted);
            }
            Ok(seen) => self.leaf(dir.as_fd(), &entry.name, &seen, wanted),
            Err(error) => self.problem(&ItemError::looking(error)),
        }
        let len = self.levels.last().map_or(0, |level| level.len);
        self.path.truncate(len);
    }

    /// Enters a directory as far as the rules allow.
    pub(super) fn dir(&mut self, at: BorrowedFd<'_>, name: &[u8], seen: &Statx, wanted: Wanted) {
        let whole = match self.judge(seen, wanted) {
            Verdict::In => wanted.named || wanted.inside,
            Verdict::Hollow => false,
            Verdict::Out if wanted.point.is_some() => false,
            Verdict::Out => return,
            Verdict::Skipped => return self.skipped(wanted),
        };
        let Some((dir, mut whole)) = self.open_dir(at, name, seen, whole, wanted) else { return };
        let stat = attrs::look(dir.as_fd(), b"", false).unwrap_or(*seen);
        if whole && dirs::id_of(&stat) != dirs::id_of(seen) {
            // Replaced in this instant, or mounted by being opened: it has to pass once more.
            whole = matches!(self.judge(&stat, wanted), Verdict::In);
        }
        let id = dirs::id_of(&stat);
        let of = if whole { Of::Open(dir.as_fd()) } else { Of::Held(dir.as_fd()) };
        self.enter_event(name, &stat, of);
        let entries = self.entries(&dir, whole, wanted.point);
        self.levels.push(Level {
            dir: Some(std::sync::Arc::new(dir)),
            id,
            entries: entries.into_iter(),
            point: wanted.point,
            whole,
            device: if wanted.named { id.device } else { wanted.device },
            len: self.path.len(),
        });
        self.close_outermost();
    }

    /// Opens a directory, at least to pass through it; otherwise keeps it as an empty one.
    fn open_dir(
        &mut self,
        at: BorrowedFd<'_>,
        name: &[u8],
        seen: &Statx,
        whole: bool,
        wanted: Wanted,
    ) -> Option<(OwnedFd, bool)> {
        let name_or_root = if name.is_empty() { b"/" } else { name };
        let open = |whole| dirs::open(at, name_or_root, whole, wanted.is_ancestor(), seen);
        let error = match open(whole) {
            Ok(dir) => return Some((dir, whole)),
            Err(error) => error,
        };
        if whole
            && wanted.point.is_some_and(|point| self.sources.leads_on(point))
            && let Ok(dir) = open(false)
        {
            self.problem(&ItemError::Read(error.into()));
            return Some((dir, false));
        }
        self.enter_event(name, seen, Of::Entry(at, name_or_root));
        self.problem(&ItemError::Read(error.into()));
        self.pending.push_back(Event::LeaveDir);
        None
    }

    fn enter_event(&mut self, name: &[u8], stat: &Statx, of: Of<'_>) {
        let (meta, problem) = self.attrs.meta(stat, of, &self.path);
        let path = if self.path.is_empty() { PathBuf::from("/") } else { self.path_buf() };
        self.pending.push_back(Event::EnterDir { name: name.to_vec(), meta, path });
        if let Some(problem) = problem {
            self.problem(&problem);
        }
    }

    /// What is to be looked at in a directory, sorted.
    fn entries(&mut self, dir: &OwnedFd, whole: bool, point: Option<Point>) -> Vec<Entry> {
        let mut entries = Vec::new();
        if whole {
            let result = dirs::list(dir, &mut entries);
            if let Some(marker) = self.rules.marker(dir.as_fd(), &entries) {
                entries.retain(|entry| entry.name == marker);
            }
            if let Err(error) = result {
                self.problem(&ItemError::Read(error.into()));
            }
        }
        if let Some(point) = point {
            // A source path that is not listed any more will be missed when it is looked at.
            entries.extend(self.sources.names(point).map(|name| Entry { name: name.to_vec() }));
        }
        entries.sort_unstable();
        entries.dedup();
        entries
    }

    /// Reports an entry that is not a directory.
    fn leaf(&mut self, at: BorrowedFd<'_>, name: &[u8], stat: &Statx, wanted: Wanted) {
        if wanted.point.is_some_and(|point| self.sources.leads_on(point)) || wanted.is_ancestor() {
            self.problem(&ItemError::NotADirectory);
        }
        if wanted.is_ancestor() {
            return;
        }
        match self.judge(stat, wanted) {
            Verdict::In => {}
            Verdict::Hollow | Verdict::Out => return,
            Verdict::Skipped => return self.skipped(wanted),
        }
        let kind = match attrs::kind(at, name, stat) {
            Ok(kind) => kind,
            Err(error) => return self.problem(&error),
        };
        let (meta, problem) = self.attrs.meta(stat, Of::Entry(at, name), &self.path);
        if let Some(problem) = problem {
            self.problem(&problem);
        }
        let size = if matches!(kind, Kind::File { .. }) { stat.stx_size } else { 0 };
        let node = Node { name: name.to_vec(), kind, meta };
        self.pending.push_back(Event::Leaf(Found { path: self.path_buf(), node, size }));
    }

    /// What the rules say of the entry at the current path.
    fn judge(&self, stat: &Statx, wanted: Wanted) -> Verdict {
        let below = (wanted.inside && !wanted.named).then_some(wanted.device);
        self.rules.judge(&self.path, stat, below)
    }

    /// A source path that leads into what is always left out is told; anything else goes silently.
    fn skipped(&mut self, wanted: Wanted) {
        if wanted.point.is_some() {
            self.problem(&ItemError::Skipped);
        }
    }

    fn path_buf(&self) -> PathBuf {
        PathBuf::from(OsString::from_vec(self.path.clone()))
    }
}
