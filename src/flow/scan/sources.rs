//! The source paths as a tree: which entries they name, and which lead to them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::error::{ScanError, SystemSaid};

/// A place in the tree of source paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point(usize);

/// All source paths, merged.
#[derive(Debug)]
pub(super) struct Sources {
    points: Vec<Named>,
}

#[derive(Debug, Default)]
struct Named {
    /// A source path ends here.
    named: bool,
    /// Names that lead on.
    below: BTreeMap<Vec<u8>, Point>,
}

impl Sources {
    /// Merges `paths`, all of which must exist.
    pub(super) fn new(paths: &[PathBuf]) -> Result<Self, ScanError> {
        if paths.is_empty() {
            return Err(ScanError::NoPaths);
        }
        let plain = paths.iter().map(|path| plain_path(path)).collect::<Result<Vec<_>, _>>()?;
        let mut sources = Self { points: vec![Named::default()] };
        for path in &plain {
            sources.add(path);
        }
        for path in &plain {
            sources.check_links(path)?;
        }
        Ok(sources)
    }

    fn add(&mut self, path: &Path) {
        let mut at = 0;
        for name in names_of(path) {
            let next = self.points.len();
            let Some(point) = self.points.get_mut(at) else { return };
            at = point.below.entry(name.to_vec()).or_insert(Point(next)).0;
            if at == next {
                self.points.push(Named::default());
            }
        }
        if let Some(point) = self.points.get_mut(at) {
            point.named = true;
        }
    }

    /// A path below another source path must not lead through a link, which is stored as a link.
    fn check_links(&self, path: &Path) -> Result<(), ScanError> {
        let (mut at, mut way) = (self.root(), PathBuf::from("/"));
        let mut inside = self.is_named(at);
        let mut names = names_of(path).peekable();
        while let Some(name) = names.next() {
            way.push(std::ffi::OsStr::from_bytes(name));
            at = self.below(at, name).unwrap_or(at);
            inside |= self.is_named(at);
            if inside && names.peek().is_some() && way.is_symlink() {
                return Err(ScanError::ThroughLink { path: path.to_owned(), link: way });
            }
        }
        Ok(())
    }

    /// The root directory.
    #[expect(clippy::unused_self, reason = "a point belongs to its sources")]
    pub(super) const fn root(&self) -> Point {
        Point(0)
    }

    /// The place `name` leads to from `point`.
    pub(super) fn below(&self, point: Point, name: &[u8]) -> Option<Point> {
        self.points.get(point.0)?.below.get(name).copied()
    }

    /// Whether a source path ends here.
    pub(super) fn is_named(&self, point: Point) -> bool {
        self.points.get(point.0).is_some_and(|point| point.named)
    }

    /// Whether source paths lead on from here.
    pub(super) fn leads_on(&self, point: Point) -> bool {
        self.points.get(point.0).is_some_and(|point| !point.below.is_empty())
    }

    /// The names that lead on from here.
    pub(super) fn names(&self, point: Point) -> impl Iterator<Item = &[u8]> {
        self.points.get(point.0).into_iter().flat_map(|point| point.below.keys().map(Vec::as_slice))
    }
}

fn names_of(path: &Path) -> impl Iterator<Item = &[u8]> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.as_bytes()),
        _ => None,
    })
}

/// An absolute, existing path without `.` and `..`. Where `..` occurs, what stands before it is
/// resolved as the kernel would; links elsewhere stay as they were typed.
pub fn plain_path(path: &Path) -> Result<PathBuf, ScanError> {
    if !path.is_absolute() {
        return Err(ScanError::NotAbsolute(path.to_owned()));
    }
    let trouble = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            ScanError::NotFound(path.to_owned())
        }
        _ => ScanError::Unreachable { path: path.to_owned(), source: SystemSaid::from(error) },
    };
    let mut plain = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => plain.push(name),
            Component::ParentDir => {
                plain = fs::canonicalize(&plain).map_err(trouble)?;
                plain.pop();
            }
            _ => {}
        }
    }
    fs::symlink_metadata(&plain).map_err(trouble)?;
    Ok(plain)
}
