//! What the scan leaves out.
//!
//! A path that was named is never left out by a pattern, a size or a marker: whoever names it wants
//! it. Only [`ScanOptions::skip`] is stronger.

use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rustix::fs::{CWD, FileType, Mode, OFlags, Statx};

use super::attrs;
use super::dirs::{Entry, Id, id_of};
use super::error::ScanError;

/// The name of a cache directory's tag, and how it begins: <https://bford.info/cachedir/>.
const CACHE_TAG: &[u8] = b"CACHEDIR.TAG";
const CACHE_SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// What to leave out.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    /// Patterns as in a `.gitignore` at the root of the file system, later ones stronger. One with
    /// a slash inside but none in front matches at any depth, since there is no directory it could
    /// be relative to.
    pub exclude: Vec<String>,
    /// Leave out what is in directories with a `CACHEDIR.TAG`; the tag stays.
    pub exclude_caches: bool,
    /// Leave out what is in directories that have an entry of one of these names; that entry stays.
    pub exclude_if_present: Vec<String>,
    /// Leave out files with more bytes.
    pub exclude_larger_than: Option<u64>,
    /// Stay on the file systems of the source paths; mount points are kept as empty directories.
    pub one_file_system: bool,
    /// Absolute paths that are always left out, named or not: gbak's own home.
    pub skip: Vec<PathBuf>,
}

/// What becomes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is backed up.
    In,
    /// The directory is, what is in it is not.
    Hollow,
    /// It is not.
    Out,
    /// It never is.
    Skipped,
}

/// The options, ready for use.
#[derive(Debug)]
pub(super) struct Rules {
    patterns: Gitignore,
    options: ScanOptions,
    /// Directories among the paths to skip, however they are reached.
    skip_dirs: Vec<Id>,
}

impl Rules {
    pub(super) fn new(options: ScanOptions) -> Result<Self, ScanError> {
        let mut builder = GitignoreBuilder::new("/");
        let bad = |pattern: &str, source| ScanError::BadPattern { pattern: pattern.into(), source };
        for pattern in &options.exclude {
            let line = at_any_depth(pattern);
            builder.add_line(None, &line).map_err(|source| bad(pattern, source))?;
        }
        let patterns = builder.build().map_err(|source| bad("", source))?;
        let mut skip_dirs = Vec::new();
        for path in &options.skip {
            let found = attrs::look(CWD, path.as_os_str().as_bytes(), true);
            let dir = found.ok().filter(|stat| attrs::file_type(stat) == FileType::Directory);
            skip_dirs.extend(dir.as_ref().map(id_of));
        }
        Ok(Self { patterns, options, skip_dirs })
    }

    /// What becomes of the entry at `path`. `below`: the file system of the source path it lies
    /// below; none for a source path and what leads to it.
    pub(super) fn judge(&self, path: &[u8], stat: &Statx, below: Option<u64>) -> Verdict {
        let is_dir = attrs::file_type(stat) == FileType::Directory;
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        let id = id_of(stat);
        if (is_dir && self.skip_dirs.contains(&id)) || self.options.skip.iter().any(|s| s == path) {
            return Verdict::Skipped;
        }
        let Some(device) = below else { return Verdict::In };
        if self.patterns.matched(path, is_dir).is_ignore() {
            return Verdict::Out;
        }
        if self.options.one_file_system && id.device != device {
            return if is_dir { Verdict::Hollow } else { Verdict::Out };
        }
        let limit = self.options.exclude_larger_than.unwrap_or(u64::MAX);
        let is_file = attrs::file_type(stat) == FileType::RegularFile;
        if is_file && stat.stx_size > limit { Verdict::Out } else { Verdict::In }
    }

    /// The entry because of which the rest of its directory is left out.
    pub(super) fn marker(&self, dir: BorrowedFd<'_>, entries: &[Entry]) -> Option<Vec<u8>> {
        let has = |name: &[u8]| entries.iter().any(|entry| entry.name == name);
        if self.options.exclude_caches && has(CACHE_TAG) && is_cache_tag(dir) {
            return Some(CACHE_TAG.to_vec());
        }
        let names = self.options.exclude_if_present.iter().map(String::as_bytes);
        names.into_iter().find(|name| has(name)).map(<[u8]>::to_vec)
    }
}

/// `a/b` becomes `**/a/b`.
fn at_any_depth(pattern: &str) -> String {
    let (not, rest) = match pattern.strip_prefix('!') {
        Some(rest) => ("!", rest),
        None => ("", pattern),
    };
    let inside = rest.trim_end_matches('/').contains('/');
    if inside && !rest.starts_with('/') && !rest.starts_with("**/") && !rest.starts_with('#') {
        format!("{not}**/{rest}")
    } else {
        pattern.to_owned()
    }
}

fn is_cache_tag(dir: BorrowedFd<'_>) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(tag) = rustix::fs::openat(dir, CACHE_TAG, flags, Mode::empty()) else { return false };
    let is_file = attrs::look(tag.as_fd(), b"", false)
        .is_ok_and(|stat| attrs::file_type(&stat) == FileType::RegularFile);
    let mut start = [0; CACHE_SIGNATURE.len()];
    is_file && std::fs::File::from(tag).read_exact(&mut start).is_ok() && start == *CACHE_SIGNATURE
}
