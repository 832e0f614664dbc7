//! Setting metadata, by descriptor only.
//!
//! The order matters: a new owner takes set-id bits and capabilities away, so the owner comes
//! first; permissions rewrite an access list, so lists come after them; everything touches the
//! times, so these come last.

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::{
    self, AtFlags, CWD, FileType, Gid, Mode, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags,
};
use rustix::io::Errno;

use super::error::AttrError;
use crate::flow::scan::SystemSaid;
use crate::vault::tree::{Meta, Stamp, Xattr};

const ACL: &str = "system.posix_acl_access";
const DEFAULT_ACL: &str = "system.posix_acl_default";

/// The kernel's limits of a name and a value.
const XATTR_NAME: usize = 255;
const XATTR_VALUE: usize = 64 * 1024;

/// What this process may do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rights {
    pub(super) uid: u32,
    /// May give files away.
    pub(super) root: bool,
}

impl Rights {
    pub(super) fn of_process() -> Self {
        let uid = rustix::process::geteuid();
        Self { uid: uid.as_raw(), root: uid.is_root() }
    }
}

/// Whose metadata to set.
#[derive(Debug, Clone, Copy)]
pub(super) enum Handle<'a> {
    /// What is open.
    Open(BorrowedFd<'a>),
    /// What is open only as a place.
    Held {
        fd: BorrowedFd<'a>,
        /// Where it stands, for kernels that cannot set the times of a place.
        entry: Option<(BorrowedFd<'a>, &'a [u8])>,
    },
}

impl<'a> Handle<'a> {
    pub(super) const fn held(fd: BorrowedFd<'a>) -> Self {
        Self::Held { fd, entry: None }
    }
}

/// Sets everything that can be set; returns what could not.
pub(super) fn apply(
    handle: Handle<'_>,
    kind: FileType,
    meta: &Meta,
    rights: Rights,
) -> Vec<AttrError> {
    let mut failures = Vec::new();
    let owned = match set_owner(handle, meta, rights) {
        Ok(owned) => owned,
        Err(error) => {
            let source = SystemSaid::from(error);
            failures.push(AttrError::Owner { uid: meta.uid, gid: meta.gid, source });
            false
        }
    };
    if kind != FileType::Symlink
        && let Err(error) = set_mode(handle, kind, meta.mode, owned)
    {
        failures.push(AttrError::Mode(error.into()));
    }
    failures.extend(set_xattrs(handle, &meta.xattrs, rights, owned));
    if let Err(error) = set_mtime(handle, meta.mtime) {
        failures.push(AttrError::Time(error.into()));
    }
    failures
}

/// Returns whether the owner is the one it should be.
fn set_owner(handle: Handle<'_>, meta: &Meta, rights: Rights) -> Result<bool, Errno> {
    // The number that means 'leave it' is nobody's.
    if meta.uid == u32::MAX || meta.gid == u32::MAX {
        return if rights.root { Err(Errno::INVAL) } else { Ok(false) };
    }
    let (user, group) = (Uid::from_raw(meta.uid), Gid::from_raw(meta.gid));
    let set = |user| match handle {
        Handle::Open(fd) => fs::fchown(fd, user, Some(group)),
        Handle::Held { fd, .. } => fs::chownat(fd, "", user, Some(group), AtFlags::EMPTY_PATH),
    };
    if rights.root {
        return set(Some(user)).map(|()| true);
    }
    // One's own file may go to one's other groups.
    Ok(meta.uid == rights.uid && set(None).is_ok())
}

fn set_mode(handle: Handle<'_>, kind: FileType, mode: u32, owned: bool) -> Result<(), Errno> {
    let mut mode = Mode::from_raw_mode(mode & 0o7777);
    if !owned && kind != FileType::Directory {
        // They would give away the rights of whoever restores.
        mode -= Mode::SUID | Mode::SGID;
    }
    match handle {
        Handle::Open(fd) => fs::fchmod(fd, mode),
        Handle::Held { fd, .. } => chmod_held(fd, mode),
    }
}

fn set_xattrs(
    handle: Handle<'_>,
    xattrs: &[Xattr],
    rights: Rights,
    owned: bool,
) -> Option<AttrError> {
    let is_ours = |xattr: &&Xattr| {
        let name = xattr.name.as_slice();
        let privileged = name.starts_with(b"trusted.") || name.starts_with(b"security.");
        if privileged { rights.root && (owned || name != b"security.capability") } else { true }
    };
    let failure = |xattr: &Xattr| {
        set_xattr(handle, xattr).err().map(|error| (xattr.name.clone(), SystemSaid::from(error)))
    };
    let mut failures = xattrs.iter().filter(is_ours).filter_map(failure);
    let (name, source) = failures.next()?;
    let name = name.get(..XATTR_NAME.min(name.len())).unwrap_or_default().to_vec();
    Some(AttrError::Xattr { name, others: failures.count(), source })
}

fn set_xattr(handle: Handle<'_>, xattr: &Xattr) -> Result<(), Errno> {
    let Xattr { name, value } = xattr;
    if name.is_empty() || name.len() > XATTR_NAME || name.contains(&0) {
        return Err(Errno::INVAL);
    }
    if value.len() > XATTR_VALUE {
        return Err(Errno::TOOBIG);
    }
    match handle {
        Handle::Open(fd) => fs::fsetxattr(fd, name, value, XattrFlags::empty()),
        Handle::Held { fd, .. } => fs::setxattr(through(fd), name, value, XattrFlags::empty()),
    }
}

fn set_mtime(handle: Handle<'_>, mtime: Stamp) -> Result<(), Errno> {
    // Larger numbers have meanings of their own, like 'now'.
    if mtime.nanos >= 1_000_000_000 {
        return Err(Errno::INVAL);
    }
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: mtime.secs, tv_nsec: mtime.nanos.into() },
    };
    match handle {
        Handle::Open(fd) => fs::futimens(fd, &times),
        Handle::Held { fd, entry } => {
            match (fs::utimensat(fd, "", &times, AtFlags::EMPTY_PATH), entry) {
                (Err(Errno::INVAL | Errno::NOENT), Some((dir, name))) => {
                    fs::utimensat(dir, name, &times, AtFlags::SYMLINK_NOFOLLOW)
                }
                (result, _) => result,
            }
        }
    }
}

/// Sets the permissions of what is open only as a place.
pub(super) fn chmod_held(fd: BorrowedFd<'_>, mode: Mode) -> Result<(), Errno> {
    fs::chmodat(CWD, through(fd), mode, AtFlags::empty())
}

/// The path that leads to exactly the thing behind a descriptor, for calls that take no place.
fn through(fd: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

/// Whether what is made in this directory gets an access list from it.
pub(super) fn has_default_acl(dir: BorrowedFd<'_>) -> bool {
    fs::fgetxattr_query(dir, DEFAULT_ACL).is_ok_and(|len| len > 0)
}

/// Takes away the access lists a new file or directory got from the directory it was made in.
pub(super) fn drop_inherited(fd: BorrowedFd<'_>) {
    for name in [ACL, DEFAULT_ACL] {
        ignore_absent(fs::fremovexattr(fd, name));
    }
}

/// The same for what is open only as a place.
pub(super) fn drop_inherited_held(fd: BorrowedFd<'_>) {
    ignore_absent(fs::removexattr(through(fd), ACL));
}

fn ignore_absent(result: Result<(), Errno>) {
    match result {
        Ok(()) | Err(Errno::NODATA | Errno::NOTSUP) => {}
        Err(error) => tracing::debug!(%error, "an inherited access list stays"),
    }
}
