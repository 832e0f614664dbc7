//! Compares two trees: every byte and every attribute that a restore promises to bring back.
//!
//! Not compared: access and change times, inode numbers. Which names share one file is.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// How much of a file is compared at a time.
const STEP: usize = 1024 * 1024;

/// What a comparison came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Entries in the first tree.
    pub entries: u64,
    /// Bytes of file content in it.
    pub bytes: u64,
    /// One sentence for each difference.
    pub differences: Vec<String>,
}

/// Compares what is below `left` with what is below `right`; not the two directories themselves.
pub fn compare(left: &Path, right: &Path) -> io::Result<Comparison> {
    let mut comparison = Comparison::default();
    let (ours, theirs) = (listing(left)?, listing(right)?);
    for path in theirs.keys().filter(|path| !ours.contains_key(*path)) {
        comparison.differs(path, "exists only in the second tree");
    }
    for (path, meta) in &ours {
        comparison.entries += 1;
        match theirs.get(path) {
            None => comparison.differs(path, "is missing in the second tree"),
            Some(other) => comparison.entry(path, (left, meta), (right, other))?,
        }
    }
    let (ours, theirs) = (same_files(&ours), same_files(&theirs));
    for group in ours.difference(&theirs) {
        let names: Vec<_> = group.iter().map(|path| path.display().to_string()).collect();
        comparison.differences.push(format!("{} are not one file any more", names.join(", ")));
    }
    Ok(comparison)
}

fn listing(root: &Path) -> io::Result<BTreeMap<PathBuf, Metadata>> {
    let mut found = BTreeMap::new();
    let mut open = vec![PathBuf::new()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(root.join(&dir))? {
            let path = dir.join(entry?.file_name());
            let meta = fs::symlink_metadata(root.join(&path))?;
            if meta.is_dir() {
                open.push(path.clone());
            }
            found.insert(path, meta);
        }
    }
    Ok(found)
}

/// Groups of names that are one file.
fn same_files(listing: &BTreeMap<PathBuf, Metadata>) -> BTreeSet<Vec<PathBuf>> {
    let mut groups: BTreeMap<(u64, u64), Vec<PathBuf>> = BTreeMap::new();
    for (path, meta) in listing.iter().filter(|(_, meta)| !meta.is_dir() && meta.nlink() > 1) {
        groups.entry((meta.dev(), meta.ino())).or_default().push(path.clone());
    }
    groups.into_values().filter(|group| group.len() > 1).collect()
}

impl Comparison {
    fn differs(&mut self, path: &Path, how: &str) {
        self.differences.push(format!("{} {how}", path.display()));
    }

    fn entry(
        &mut self,
        path: &Path,
        (left, ours): (&Path, &Metadata),
        (right, theirs): (&Path, &Metadata),
    ) -> io::Result<()> {
        let (left, right) = (left.join(path), right.join(path));
        if kind(ours) != kind(theirs) {
            self.differs(path, "is of another kind");
            return Ok(());
        }
        for (what, same) in [
            ("mode", ours.mode() == theirs.mode()),
            ("owner", ours.uid() == theirs.uid()),
            ("group", ours.gid() == theirs.gid()),
            ("modification time", mtime(ours) == mtime(theirs)),
            ("size", ours.is_dir() || ours.size() == theirs.size()),
            ("device number", ours.rdev() == theirs.rdev()),
        ] {
            if !same {
                self.differs(path, &format!("has another {what}"));
            }
        }
        if xattrs(&left)? != xattrs(&right)? {
            self.differs(path, "has other extended attributes");
        }
        if ours.is_symlink() && fs::read_link(&left)? != fs::read_link(&right)? {
            self.differs(path, "points elsewhere");
        }
        if ours.is_file() {
            self.bytes += ours.size();
            if !same_bytes(&left, &right)? {
                self.differs(path, "has other content");
            }
        }
        Ok(())
    }
}

fn kind(meta: &Metadata) -> (bool, bool, bool, bool, bool, bool, bool) {
    let kind = meta.file_type();
    (
        kind.is_dir(),
        kind.is_file(),
        kind.is_symlink(),
        kind.is_fifo(),
        kind.is_socket(),
        kind.is_char_device(),
        kind.is_block_device(),
    )
}

fn mtime(meta: &Metadata) -> (i64, i64) {
    (meta.mtime(), meta.mtime_nsec())
}

fn xattrs(path: &Path) -> io::Result<BTreeMap<OsString, Vec<u8>>> {
    let names = match xattr::list(path) {
        Ok(names) => names,
        // A file system without attributes has none.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let mut found = BTreeMap::new();
    for name in names.filter(|name| !name.as_bytes().starts_with(b"security.selinux")) {
        let value = xattr::get(path, &name)?.unwrap_or_default();
        found.insert(name, value);
    }
    Ok(found)
}

fn same_bytes(left: &Path, right: &Path) -> io::Result<bool> {
    let (mut left, mut right) = (File::open(left)?, File::open(right)?);
    let (mut a, mut b) = (Vec::with_capacity(STEP), Vec::with_capacity(STEP));
    loop {
        a.clear();
        b.clear();
        left.by_ref().take(STEP as u64).read_to_end(&mut a)?;
        right.by_ref().take(STEP as u64).read_to_end(&mut b)?;
        if a != b {
            return Ok(false);
        }
        if a.is_empty() {
            return Ok(true);
        }
    }
}
