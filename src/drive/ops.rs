//! What a mounted tree answers, without a word of FUSE: so that it can be tested without a kernel,
//! and served otherwise than through one.
//!
//! Calls do not block. What needs the network says so with a future: the caller waits for it, as
//! long as it likes, and asks again ([`Stop::Wait`]) or takes the bytes ([`Read::Later`]).

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::future::BoxFuture;
use rustix::io::Errno;
use tokio::sync::watch;

use super::volume::Progress;
use crate::vault::tree::{Meta, Stamp};

/// The number of a file or directory.
pub type Ino = u64;

/// The topmost directory.
pub const ROOT: Ino = 1;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// A directory.
    Dir,
    /// A regular file.
    File,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A Unix socket's name.
    Socket,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
}

/// What `stat` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attr {
    /// Its number.
    pub ino: Ino,
    /// What it is.
    pub kind: Type,
    /// Bytes.
    pub size: u64,
    /// Bytes that take room: without holes.
    pub allocated: u64,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Names it has.
    pub links: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number, of devices.
    pub rdev: u64,
    /// Last read.
    pub atime: Stamp,
    /// Last written.
    pub mtime: Stamp,
    /// Last changed in any way.
    pub ctime: Stamp,
}

impl Attr {
    /// What a listing says of an entry: its number, what it is, its bytes, and the rest.
    pub(super) fn of(entry: (Ino, Type, u64), meta: &Meta) -> Self {
        let (ino, kind, size) = entry;
        Self {
            ino,
            kind,
            size,
            allocated: size,
            mode: meta.mode & 0o7777,
            links: u32::try_from(meta.links.max(1)).unwrap_or(u32::MAX),
            uid: meta.uid,
            gid: meta.gid,
            rdev: 0,
            atime: meta.mtime,
            mtime: meta.mtime,
            ctime: meta.ctime,
        }
    }
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: Vec<u8>,
    /// Its number.
    pub ino: Ino,
    /// What it is.
    pub kind: Type,
}

/// What `df` says, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Space {
    /// All of it.
    pub total: u64,
    /// What can still be written.
    pub available: u64,
    /// Files and directories.
    pub files: u64,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// An entry to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// What it is.
    pub kind: Type,
    /// Permissions asked for.
    pub mode: u32,
    /// Permissions its maker does not want to give.
    pub umask: u32,
    /// Device number, of devices.
    pub rdev: u64,
    /// Where a symbolic link points.
    pub target: Vec<u8>,
}

/// A time to be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetTime {
    /// The time it is.
    Now,
    /// This one.
    At(Stamp),
}

/// What is to be changed of an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    /// Permissions.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Size: cut off, or longer by zeros.
    pub size: Option<u64>,
    /// Read time.
    pub atime: Option<SetTime>,
    /// Write time.
    pub mtime: Option<SetTime>,
}

/// What a rename does when the new name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rename {
    /// Replaces.
    Plain,
    /// Fails.
    NoReplace,
    /// Both change places; fails when it is not taken.
    Exchange,
}

/// How room is taken or given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocate {
    /// Makes sure that the range can be written.
    Reserve {
        /// Does not make the file longer.
        keep_size: bool,
    },
    /// The range reads as zeros and takes no room.
    Punch,
    /// The range reads as zeros.
    Zero {
        /// Does not make the file longer.
        keep_size: bool,
    },
}

/// What is looked for in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seek {
    /// Bytes that were written.
    Data,
    /// A hole, or the end.
    Hole,
}

/// How an extended attribute is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XattrHow {
    /// Whether it is there or not.
    Either,
    /// It must not be there.
    Create,
    /// It must be there.
    Replace,
}

/// Why there is no answer, or not yet.
pub enum Stop {
    /// The answer is this error.
    Errno(Errno),
    /// Ask again when this is through, unless it failed.
    Wait(BoxFuture<'static, Result<(), Errno>>),
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Errno(errno) => f.debug_tuple("Errno").field(errno).finish(),
            Self::Wait(_) => f.write_str("Wait"),
        }
    }
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

/// Bytes of a file.
pub enum Read {
    /// Here they are: fewer than asked for only at the file's end.
    Now(Bytes),
    /// They have to be fetched.
    Later(BoxFuture<'static, Result<Bytes, Errno>>),
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(bytes) => write!(f, "Now({} bytes)", bytes.len()),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

/// A tree that can be mounted.
pub trait Files: Send + Sync + 'static {
    /// The entry of this name in a directory.
    fn lookup(&self, parent: Ino, name: &[u8]) -> Result<Attr, Stop>;
    /// What is known about a file or directory.
    fn attr(&self, ino: Ino) -> Result<Attr, Stop>;
    /// The entries of a directory, `.` and `..` first.
    fn list(&self, ino: Ino) -> Result<Vec<Listed>, Stop>;
    /// Where a symbolic link points.
    fn target(&self, ino: Ino) -> Result<Vec<u8>, Stop>;
    /// Bytes of a regular file.
    fn read(&self, ino: Ino, at: u64, len: u32) -> Result<Read, Errno>;
    /// The value of an extended attribute.
    fn xattr(&self, ino: Ino, name: &[u8]) -> Result<Vec<u8>, Stop>;
    /// The names of all extended attributes.
    fn xattr_names(&self, ino: Ino) -> Result<Vec<Vec<u8>>, Stop>;
    /// How much room there is. Never waits.
    fn space(&self) -> Space;
    /// How long the kernel may answer from memory what was said about this.
    fn patience(&self, ino: Ino) -> Duration;

    /// The kernel was told of this number.
    fn remember(&self, _: Ino) {}
    /// The kernel forgot so many tellings of it.
    fn forget(&self, _: Ino, _times: u64) {}

    // A tree that is only read needs none of what follows.

    /// Where data or a hole begins, at this place or behind it.
    fn seek(&self, _: Ino, _at: u64, _: Seek) -> Result<u64, Errno> {
        Err(Errno::OPNOTSUPP)
    }
    /// Changes an entry.
    fn set_attr(&self, _: Ino, _: &Change, _: Caller) -> Result<Attr, Errno> {
        Err(Errno::ROFS)
    }
    /// Makes an entry.
    fn make(&self, _parent: Ino, _name: &[u8], _: &New, _: Caller) -> Result<Attr, Errno> {
        Err(Errno::ROFS)
    }
    /// Gives an entry another name.
    fn link(&self, _: Ino, _parent: Ino, _name: &[u8]) -> Result<Attr, Errno> {
        Err(Errno::ROFS)
    }
    /// Takes a name away that is not a directory's.
    fn unlink(&self, _parent: Ino, _name: &[u8]) -> Result<(), Errno> {
        Err(Errno::ROFS)
    }
    /// Takes an empty directory away.
    fn rmdir(&self, _parent: Ino, _name: &[u8]) -> Result<(), Errno> {
        Err(Errno::ROFS)
    }
    /// Renames.
    fn rename(&self, _from: (Ino, &[u8]), _to: (Ino, &[u8]), _: Rename) -> Result<(), Errno> {
        Err(Errno::ROFS)
    }
    /// Writes all of it; `privileged` leaves the bits that let it run as somebody else.
    fn write(&self, _: Ino, _at: u64, _bytes: &[u8], _privileged: bool) -> Result<(), Errno> {
        Err(Errno::ROFS)
    }
    /// After ENOSPC for so many bytes: how to learn that there is more room. None when none is
    /// coming.
    fn coming(&self, _bytes: u64) -> Option<watch::Receiver<Progress>> {
        None
    }
    /// Room that was coming did not come: nobody is to wait for it any more.
    fn give_up(&self) {}
    /// Takes room or gives it back.
    fn allocate(&self, _: Ino, _at: u64, _len: u64, _: Allocate) -> Result<(), Errno> {
        Err(Errno::ROFS)
    }
    /// Sets an extended attribute.
    fn set_xattr(&self, _: Ino, _name: &[u8], _value: &[u8], _: XattrHow) -> Result<(), Errno> {
        Err(Errno::ROFS)
    }
    /// Takes an extended attribute away.
    fn remove_xattr(&self, _: Ino, _name: &[u8]) -> Result<(), Errno> {
        Err(Errno::ROFS)
    }
    /// Makes a file without a name. It is gone when it is forgotten, and after a crash, unless what
    /// it holds was placed.
    fn unnamed(&self, _: Caller) -> Result<Attr, Errno> {
        Err(Errno::ROFS)
    }
    /// Gives what a file without a name holds to this name. A file that is there has these bytes
    /// from now on, all at once, and stays what it is otherwise; a new one gets these permissions.
    fn place(&self, _: Ino, _parent: Ino, _name: &[u8], _mode: u32) -> Result<Attr, Errno> {
        Err(Errno::ROFS)
    }
    /// Makes a file or directory durable here. Blocks as long as the disk takes.
    fn sync(&self, _: Ino) -> Result<(), Errno> {
        Ok(())
    }
    /// The same of a file's bytes and what it takes to find them, but not of its times.
    fn sync_bytes(&self, ino: Ino) -> Result<(), Errno> {
        self.sync(ino)
    }
}

/// A time as others take it. Nanoseconds count forwards, before 1970 as well.
pub(super) fn system_time(stamp: Stamp) -> SystemTime {
    let nanos = Duration::from_nanos(u64::from(stamp.nanos.min(999_999_999)));
    let secs = Duration::from_secs(stamp.secs.unsigned_abs());
    let whole =
        if stamp.secs < 0 { UNIX_EPOCH.checked_sub(secs) } else { UNIX_EPOCH.checked_add(secs) };
    whole.and_then(|whole| whole.checked_add(nanos)).unwrap_or(UNIX_EPOCH)
}
