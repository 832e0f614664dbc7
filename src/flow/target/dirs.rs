//! The directories of the target, opened beneath it and kept open for a while.
//!
//! A directory is opened from the nearest one that is still open, usually its parent. Opening never
//! passes a link, a mount trick of `/proc`, or the target's own edge.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{self, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::attrs::{self, Rights};

/// Directories kept open.
const KEPT: usize = 48;

/// When a directory is opened from far off, the one this many levels above it is kept too: leaving
/// a deep tree level by level must not walk down to each level from the top.
const STRIDE: usize = 32;

/// Longest piece of a path given to the kernel at once; it takes 4,095 bytes.
const PATH_BYTES: usize = 4_000;

/// How often an open is repeated that lost a race with a rename.
const RETRIES: usize = 16;

/// An open directory of the target.
#[derive(Debug)]
pub(super) struct Dir {
    pub(super) fd: OwnedFd,
    /// Open only as a place, since it may not be read.
    pub(super) held: bool,
    /// What is made in it inherits an access list.
    pub(super) default_acl: bool,
}

#[derive(Debug)]
struct Kept {
    path: Vec<u8>,
    depth: usize,
    dir: Arc<Dir>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Dirs {
    root: Arc<Dir>,
    /// The kernel has `openat2`.
    pub(super) beneath: bool,
    pub(super) capacity: usize,
    /// The one used last stands last.
    kept: Mutex<Vec<Kept>>,
}

impl Dirs {
    pub(super) fn new(root: OwnedFd) -> Self {
        let how = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        // Sandboxes that do not know the call yet refuse it in various ways.
        let beneath = fs::openat2(&root, ".", how, Mode::empty(), resolve()).is_ok();
        let root = Arc::new(Dir::readable(root));
        Self { root, beneath, capacity: KEPT, kept: Mutex::default() }
    }

    /// The target itself.
    pub(super) const fn root(&self) -> &Arc<Dir> {
        &self.root
    }

    /// Opens a directory by names that were checked; `path` is the same, joined.
    pub(super) fn open(&self, rel: &[Vec<u8>], path: &[u8]) -> Result<Arc<Dir>, Errno> {
        if rel.is_empty() {
            return Ok(Arc::clone(&self.root));
        }
        let (mut from, mut depth) = match self.nearest(path, rel.len()) {
            Nearest::Same(dir) => return Ok(dir),
            Nearest::Above(dir, depth) => (dir, depth),
        };
        if rel.len() - depth > STRIDE {
            let stop = rel.len() - STRIDE;
            from = self.open_from(&from, rel.get(depth..stop).unwrap_or_default())?;
            let stopped = rel.get(..stop).unwrap_or_default();
            self.keep(&stopped.join(&b'/'), stop, Arc::clone(&from));
            depth = stop;
        }
        let dir = self.open_from(&from, rel.get(depth..).unwrap_or_default())?;
        self.keep(path, rel.len(), Arc::clone(&dir));
        Ok(dir)
    }

    /// Keeps a directory open.
    pub(super) fn keep(&self, path: &[u8], depth: usize, dir: Arc<Dir>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|other| other.path != path);
        kept.push(Kept { path: path.to_vec(), depth, dir });
        let over = kept.len().saturating_sub(self.capacity);
        kept.drain(..over);
    }

    fn nearest(&self, path: &[u8], depth: usize) -> Nearest {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = kept.last().filter(|last| last.path == path) {
            return Nearest::Same(Arc::clone(&last.dir));
        }
        let is_above = |kept: &Kept| {
            path.starts_with(&kept.path) && path.get(kept.path.len()).is_none_or(|b| *b == b'/')
        };
        let above = (0..kept.len()).filter(|at| kept.get(*at).is_some_and(is_above));
        let Some(at) = above.max_by_key(|at| kept.get(*at).map_or(0, |kept| kept.depth)) else {
            return Nearest::Above(Arc::clone(&self.root), 0);
        };
        let found = kept.remove(at);
        let (dir, found_depth) = (Arc::clone(&found.dir), found.depth);
        kept.push(found);
        if found_depth == depth { Nearest::Same(dir) } else { Nearest::Above(dir, found_depth) }
    }

    fn open_from(&self, from: &Arc<Dir>, names: &[Vec<u8>]) -> Result<Arc<Dir>, Errno> {
        let mut at: Option<OwnedFd> = None;
        let mut rest = names;
        while let Some(piece) = self.piece(rest) {
            let dir = at.as_ref().map_or(from.fd.as_fd(), AsFd::as_fd);
            let (now, then) = rest.split_at(piece);
            if then.is_empty() {
                return self.open_last(dir, &now.join(&b'/')).map(Arc::new);
            }
            at = Some(self.open_piece(dir, &now.join(&b'/'), OFlags::PATH)?);
            rest = then;
        }
        Ok(Arc::clone(from))
    }

    /// How many names can be passed at once: with `openat2` what fits into one call, else one,
    /// since only the last name of a path can be kept from being a link.
    fn piece(&self, names: &[Vec<u8>]) -> Option<usize> {
        let mut bytes = 0;
        let fits = |name: &&Vec<u8>| {
            bytes += name.len() + 1;
            bytes <= PATH_BYTES
        };
        let many = names.iter().take_while(fits).count();
        let piece = if self.beneath { many } else { many.min(1) };
        (piece > 0).then_some(piece)
    }

    fn open_last(&self, from: BorrowedFd<'_>, path: &[u8]) -> Result<Dir, Errno> {
        match self.open_piece(from, path, OFlags::RDONLY) {
            Ok(fd) => Ok(Dir::readable(fd)),
            Err(Errno::ACCESS) => self.open_piece(from, path, OFlags::PATH).map(Dir::held),
            Err(error) => Err(error),
        }
    }

    fn open_piece(
        &self,
        from: BorrowedFd<'_>,
        path: &[u8],
        access: OFlags,
    ) -> Result<OwnedFd, Errno> {
        let how = access | dir_flags();
        if !self.beneath {
            return fs::openat(from, path, how, Mode::empty());
        }
        for _ in 0..RETRIES {
            match fs::openat2(from, path, how, Mode::empty(), resolve()) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                result => return result,
            }
        }
        Err(Errno::AGAIN)
    }
}

enum Nearest {
    Same(Arc<Dir>),
    Above(Arc<Dir>, usize),
}

impl Dir {
    fn readable(fd: OwnedFd) -> Self {
        let default_acl = attrs::has_default_acl(fd.as_fd());
        Self { fd, held: false, default_acl }
    }

    const fn held(fd: OwnedFd) -> Self {
        Self { fd, held: true, default_acl: false }
    }
}

fn dir_flags() -> OFlags {
    OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn resolve() -> ResolveFlags {
    ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS
}

/// Opens a directory that was just made in `parent`, to be read.
pub(super) fn open_child(parent: &Dir, name: &[u8]) -> Result<Dir, Errno> {
    let fd = fs::openat(&parent.fd, name, dir_flags() | OFlags::RDONLY, Mode::empty())?;
    Ok(Dir { fd, held: false, default_acl: false })
}

/// Opens a directory that was there before. If it is ours but closed to us, as an earlier restore
/// may have left it, it is opened; its final permissions come at the end.
pub(super) fn open_existing(parent: &Dir, name: &[u8], rights: Rights) -> Result<Dir, Errno> {
    let place = fs::openat(&parent.fd, name, dir_flags() | OFlags::PATH, Mode::empty())?;
    let stat = fs::fstat(&place)?;
    let mode = Mode::from_raw_mode(stat.st_mode);
    let is_dir = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    if is_dir && !rights.root && stat.st_uid == rights.uid && !mode.contains(Mode::RWXU) {
        attrs::chmod_held(place.as_fd(), mode | Mode::RWXU)?;
    }
    match fs::openat(&place, ".", dir_flags() | OFlags::RDONLY, Mode::empty()) {
        Ok(fd) => Ok(Dir::readable(fd)),
        Err(Errno::ACCESS) => Ok(Dir::held(place)),
        Err(error) => Err(error),
    }
}
