//! What a mounted tree answers, without a word of FUSE: so that it can be tested without a kernel,
//! and served otherwise than through one.
//!
//! Calls do not block. What needs the network says so with a future: the caller waits for it, as
//! long as it likes, and asks again ([`Stop::Wait`]) or takes the bytes ([`Read::Later`]).

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use rustix::io::Errno;

use crate::vault::tree::Stamp;

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
}
