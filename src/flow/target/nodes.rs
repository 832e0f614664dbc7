//! Links, pipes, sockets and devices.
//!
//! They cannot be opened to set their metadata. So they are held as a place (`O_PATH`) right after
//! they were made, checked to be what was made, and changed through that descriptor.

use std::os::fd::AsFd;

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::attrs::{self, Handle, Rights};
use super::error::{TargetError, io};
use super::temp::{self, Temps};
use super::{Dir, Place};
use crate::monitor::Problem;
use crate::vault::tree::{Kind, Meta};

/// Longest target of a symbolic link, in bytes.
const LINK_BYTES: usize = 4095;

/// An entry that is neither a file nor a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special<'a> {
    /// A symbolic link to this.
    Symlink(&'a [u8]),
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character device of this number.
    CharDevice(u64),
    /// A block device of this number.
    BlockDevice(u64),
}

impl<'a> Special<'a> {
    /// What a node is, unless it is a file or a directory.
    pub fn of(kind: &'a Kind) -> Option<Self> {
        match kind {
            Kind::Symlink { target } => Some(Self::Symlink(target)),
            Kind::Fifo => Some(Self::Fifo),
            Kind::Socket => Some(Self::Socket),
            Kind::CharDevice { rdev } => Some(Self::CharDevice(*rdev)),
            Kind::BlockDevice { rdev } => Some(Self::BlockDevice(*rdev)),
            Kind::File { .. } | Kind::Dir { .. } => None,
        }
    }

    const fn file_type(self) -> FileType {
        match self {
            Self::Symlink(_) => FileType::Symlink,
            Self::Fifo => FileType::Fifo,
            Self::Socket => FileType::Socket,
            Self::CharDevice(_) => FileType::CharacterDevice,
            Self::BlockDevice(_) => FileType::BlockDevice,
        }
    }

    const fn rdev(self) -> u64 {
        match self {
            Self::CharDevice(rdev) | Self::BlockDevice(rdev) => rdev,
            _ => 0,
        }
    }

    fn create(self, dir: &Dir, name: &[u8]) -> Result<(), Errno> {
        match self {
            Self::Symlink(to) => fs::symlinkat(to, &dir.fd, name),
            _ => fs::mknodat(&dir.fd, name, self.file_type(), Mode::RUSR | Mode::WUSR, self.rdev()),
        }
    }
}

/// Makes `what` at `place`.
pub(super) fn make(
    temps: &Temps,
    rights: Rights,
    place: &Place<'_>,
    what: Special<'_>,
    (meta, overwrite): (&Meta, bool),
) -> Result<Vec<Problem>, TargetError> {
    match what {
        Special::Symlink(to) if to.is_empty() || to.len() > LINK_BYTES || to.contains(&0) => {
            return Err(TargetError::BadLink { path: place.path.clone() });
        }
        Special::CharDevice(_) | Special::BlockDevice(_) if !rights.root => {
            return Err(TargetError::NeedsRoot { path: place.path.clone() });
        }
        _ => {}
    }
    match what.create(&place.dir, place.name) {
        Ok(()) => return set_meta(rights, place, place.name, what, meta),
        Err(Errno::EXIST) if overwrite => {}
        Err(Errno::EXIST) => return Err(TargetError::Exists { path: place.path.clone() }),
        Err(error) => return Err(io("create", &place.path)(error)),
    }
    let temp = temps.name();
    what.create(&place.dir, &temp).map_err(io("create", &place.path))?;
    let made = set_meta(rights, place, &temp, what, meta);
    let settled = made.and_then(|problems| {
        temp::settle(place, &temp, true, || Ok(()))?;
        Ok(problems)
    });
    if settled.is_err() {
        forget(&place.dir, &temp);
    }
    settled
}

fn set_meta(
    rights: Rights,
    place: &Place<'_>,
    name: &[u8],
    what: Special<'_>,
    meta: &Meta,
) -> Result<Vec<Problem>, TargetError> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let held = fs::openat(&place.dir.fd, name, flags, Mode::empty());
    let held = held.map_err(io("open", &place.path))?;
    let stat = fs::fstat(&held).map_err(io("look at", &place.path))?;
    let is_device = what.rdev() != 0;
    if FileType::from_raw_mode(stat.st_mode) != what.file_type()
        || (is_device && stat.st_rdev != what.rdev())
    {
        return Err(TargetError::Disturbed { path: place.path.clone() });
    }
    if place.dir.default_acl {
        attrs::drop_inherited_held(held.as_fd());
    }
    let handle = Handle::Held { fd: held.as_fd(), entry: Some((place.dir.fd.as_fd(), name)) };
    let failures = attrs::apply(handle, what.file_type(), meta, rights);
    Ok(failures.into_iter().map(|error| Problem::new(place.path.as_slice(), &error)).collect())
}

/// Gives what is at `first` a second name.
pub(super) fn link(
    temps: &Temps,
    first: &Place<'_>,
    second: &Place<'_>,
    overwrite: bool,
) -> Result<(), TargetError> {
    let link =
        |name: &[u8]| fs::linkat(&first.dir.fd, first.name, &second.dir.fd, name, AtFlags::empty());
    match link(second.name) {
        Ok(()) => return Ok(()),
        Err(Errno::EXIST) if overwrite => {}
        Err(Errno::EXIST) => return Err(TargetError::Exists { path: second.path.clone() }),
        Err(error) => return Err(io("link", &second.path)(error)),
    }
    let temp = temps.name();
    link(&temp).map_err(io("link", &second.path))?;
    let settled = temp::settle(second, &temp, true, || Ok(()));
    // Renaming onto another name of the same file does nothing, and so leaves this name.
    forget(&second.dir, &temp);
    settled
}

/// Removes a temporary name if it is still there.
fn forget(dir: &Dir, temp: &[u8]) {
    match fs::unlinkat(&dir.fd, temp, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => tracing::debug!(%error, "a temporary entry stays"),
    }
}
