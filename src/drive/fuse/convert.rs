//! What the kernel's protocol calls things, and what we do.

use std::time::UNIX_EPOCH;

use fuser::{Errno as FuseErrno, FileAttr, FileType, INodeNo, ReplyEmpty, ReplyXattr, TimeOrNow};
use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use super::{BLOCK, SECTOR};
use crate::drive::ops::{Allocate, Attr, SetTime, Type, system_time};
use crate::vault::tree::Stamp;

pub(super) fn done(reply: ReplyEmpty, result: Result<(), Errno>) {
    match result {
        Ok(()) => reply.ok(),
        Err(errno) => reply.error(fuse_errno(errno)),
    }
}

pub(super) fn fuse_errno(errno: Errno) -> FuseErrno {
    FuseErrno::from_i32(errno.raw_os_error())
}

/// A time as fuser gives it: before 1970 it takes the seconds and the nanoseconds backwards both.
pub(super) fn set_time(time: TimeOrNow) -> SetTime {
    let at = match time {
        TimeOrNow::Now => return SetTime::Now,
        TimeOrNow::SpecificTime(at) => at,
    };
    SetTime::At(match at.duration_since(UNIX_EPOCH) {
        Ok(since) => Stamp { secs: since.as_secs() as i64, nanos: since.subsec_nanos() },
        Err(before) => {
            let before = before.duration();
            Stamp { secs: -(before.as_secs() as i64), nanos: before.subsec_nanos() }
        }
    })
}

/// What the file type bits of a mode say.
pub(super) fn type_of(mode: u32) -> Type {
    match rustix::fs::FileType::from_raw_mode(mode) {
        rustix::fs::FileType::Fifo => Type::Fifo,
        rustix::fs::FileType::Socket => Type::Socket,
        rustix::fs::FileType::CharacterDevice => Type::CharDevice,
        rustix::fs::FileType::BlockDevice => Type::BlockDevice,
        _ => Type::File,
    }
}

/// What `fallocate` is asked for; `None` for what is not offered.
pub(super) fn how(mode: i32) -> Option<Allocate> {
    let flags = FallocateFlags::from_bits(mode as u32)?;
    let keep_size = flags.contains(FallocateFlags::KEEP_SIZE);
    let rest = flags - FallocateFlags::KEEP_SIZE;
    if rest.is_empty() {
        Some(Allocate::Reserve { keep_size })
    } else if rest == FallocateFlags::PUNCH_HOLE && keep_size {
        Some(Allocate::Punch)
    } else if rest == FallocateFlags::ZERO_RANGE {
        Some(Allocate::Zero { keep_size })
    } else {
        None
    }
}

pub(super) fn file_type(kind: Type) -> FileType {
    match kind {
        Type::Dir => FileType::Directory,
        Type::File => FileType::RegularFile,
        Type::Symlink => FileType::Symlink,
        Type::Fifo => FileType::NamedPipe,
        Type::Socket => FileType::Socket,
        Type::CharDevice => FileType::CharDevice,
        Type::BlockDevice => FileType::BlockDevice,
    }
}

pub(super) fn file_attr(attr: &Attr) -> FileAttr {
    FileAttr {
        ino: INodeNo(attr.ino),
        size: attr.size,
        blocks: attr.allocated.div_ceil(SECTOR),
        atime: system_time(attr.atime),
        mtime: system_time(attr.mtime),
        ctime: system_time(attr.ctime),
        crtime: UNIX_EPOCH,
        kind: file_type(attr.kind),
        perm: (attr.mode & 0o7777) as u16,
        nlink: attr.links,
        uid: attr.uid,
        gid: attr.gid,
        // The protocol has 32 bits, as the kernel's own numbers do.
        rdev: attr.rdev as u32,
        blksize: BLOCK,
        flags: 0,
    }
}

/// What stands for no entry.
pub(super) fn no_attr() -> FileAttr {
    FileAttr {
        ino: INodeNo(0),
        size: 0,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: FileType::RegularFile,
        perm: 0,
        nlink: 0,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: BLOCK,
        flags: 0,
    }
}

/// Answers a question for bytes that is asked twice: for the size first, when `size` is 0.
pub(super) fn reply_bytes(reply: ReplyXattr, size: u32, bytes: &[u8]) {
    match (size, u32::try_from(bytes.len())) {
        (0, Ok(len)) => reply.size(len),
        (room, Ok(len)) if len <= room => reply.data(bytes),
        _ => reply.error(FuseErrno::ERANGE),
    }
}

#[cfg(test)]
mod tests;
