//! The adapter between the kernel and [`Files`]: with what it is made of the only one that names
//! fuser.
//!
//! Each request is answered at once when it can be. What has to wait becomes a task with a
//! deadline, so that the threads that read from the kernel are always free for the next request.
//! A directory is listed once when it is opened (and again when it is rewound): what comes and goes
//! meanwhile moves nobody's place in it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use fuser::{
    BsdFileFlags, Errno as FuseErrno, FileHandle, Filesystem, FopenFlags, Generation, INodeNo,
    InitFlags, KernelConfig, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyLseek, ReplyOpen, ReplyStatfs,
    ReplyWrite, ReplyXattr, Request, TimeOrNow, WriteFlags,
};
use rustix::fs::XattrFlags;
use rustix::io::Errno;
use tokio::runtime::Handle;

use super::lock;
use super::ops::{
    Attr, Caller, Change, Files, Ino, Listed, New, Read, Rename, Seek, Stop, Type, XattrHow,
};
use super::patience;

mod convert;

use convert::{
    done, file_attr, file_type, fuse_errno, how, no_attr, reply_bytes, set_time, type_of,
};

/// Block size that `statfs` counts in and programs are told to read in, in bytes.
const BLOCK: u32 = 4096;
/// Largest write in one request, in bytes.
const MAX_WRITE: u32 = 1024 * 1024;
/// Requests that nobody waits for yet, like reads ahead, which the kernel may have sent at once.
const IN_BACKGROUND: u16 = 64;
/// `lseek`'s numbers on Linux.
const SEEK_DATA: i32 = 3;
const SEEK_HOLE: i32 = 4;
/// What `st_blocks` counts in.
const SECTOR: u64 = 512;
/// How often an answer may turn out to need something more: a directory in a directory does not,
/// so that a handful is plenty.
const ASKED_AGAIN: usize = 8;

/// A mounted tree.
#[derive(Debug)]
pub(super) struct Adapter<F> {
    files: Arc<F>,
    runtime: Handle,
    /// How long a request may wait for the grid.
    deadline: Duration,
    dirs: Arc<Mutex<Dirs>>,
}

/// Directories that are open.
#[derive(Debug, Default)]
struct Dirs {
    open: BTreeMap<u64, Arc<Vec<Listed>>>,
    next: u64,
}

impl<F: Files> Adapter<F> {
    pub(super) fn new(files: Arc<F>, runtime: Handle, deadline: Duration) -> Self {
        Self { files, runtime, deadline, dirs: Arc::default() }
    }

    fn dirs(&self) -> MutexGuard<'_, Dirs> {
        lock(&self.dirs)
    }

    /// Gives `done` what `ask` answers: now, or when what it waits for is there, or EIO at the
    /// deadline.
    fn answer<T: Send + 'static>(
        &self,
        mut ask: impl FnMut(&F) -> Result<T, Stop> + Send + 'static,
        done: impl FnOnce(&F, Result<T, FuseErrno>) + Send + 'static,
    ) {
        let mut wait = match ask(&self.files) {
            Ok(value) => return done(&self.files, Ok(value)),
            Err(Stop::Errno(errno)) => return done(&self.files, Err(fuse_errno(errno))),
            Err(Stop::Wait(wait)) => wait,
        };
        let (files, deadline) = (Arc::clone(&self.files), self.deadline);
        drop(self.runtime.spawn(async move {
            let asking = async {
                for _ in 0..ASKED_AGAIN {
                    wait.await?;
                    wait = match ask(&files) {
                        Ok(value) => return Ok(value),
                        Err(Stop::Errno(errno)) => return Err(errno),
                        Err(Stop::Wait(wait)) => wait,
                    };
                }
                Err(Errno::IO)
            };
            let answer = tokio::time::timeout(deadline, asking).await;
            done(&files, answer.unwrap_or_else(|_late| patience::late()).map_err(fuse_errno));
        }));
    }

    /// The entry that a change made.
    fn made(&self, reply: ReplyEntry, made: Result<Attr, Errno>) {
        match made {
            Ok(attr) => told(&*self.files, reply, &attr),
            Err(errno) => reply.error(fuse_errno(errno)),
        }
    }

    /// Goes on with something for which there was no room, as soon as there is.
    fn when_room(
        &self,
        bytes: u64,
        attempt: impl FnMut(&F) -> Result<(), Errno> + Send + 'static,
        answer: impl FnOnce(Result<(), Errno>) + Send + 'static,
    ) {
        let (files, patience) = (Arc::clone(&self.files), self.deadline);
        drop(self.runtime.spawn(async move {
            answer(patience::tried(&*files, bytes, patience, attempt).await);
        }));
    }

    fn make(&self, req: &Request, parent: INodeNo, name: &OsStr, new: &New) -> Result<Attr, Errno> {
        self.files.make(parent.0, name.as_bytes(), new, caller(req))
    }
}

/// The kernel learns of an entry.
fn told<F: Files>(files: &F, reply: ReplyEntry, attr: &Attr) {
    files.remember(attr.ino);
    reply.entry(&files.patience(attr.ino), &file_attr(attr), Generation(0));
}

fn caller(req: &Request) -> Caller {
    Caller { uid: req.uid(), gid: req.gid() }
}

impl<F: Files> Filesystem for Adapter<F> {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> std::io::Result<()> {
        // Each of these makes it faster and changes nothing else; old kernels have not all.
        for wish in [
            InitFlags::FUSE_PARALLEL_DIROPS,
            InitFlags::FUSE_DO_READDIRPLUS,
            InitFlags::FUSE_READDIRPLUS_AUTO,
            InitFlags::FUSE_CACHE_SYMLINKS,
        ] {
            config.add_capabilities(wish).unwrap_or_default();
        }
        // Lists are kept here and checked there; who may run a file as somebody else is ours to
        // take back, so that the kernel need not ask before every write.
        for wish in [
            InitFlags::FUSE_POSIX_ACL,
            InitFlags::FUSE_DONT_MASK,
            InitFlags::FUSE_HANDLE_KILLPRIV_V2,
        ] {
            config.add_capabilities(wish).unwrap_or_default();
        }
        config.set_max_write(MAX_WRITE).unwrap_or_default();
        config.set_max_background(IN_BACKGROUND).unwrap_or_default();
        Ok(())
    }

    fn forget(&self, _: &Request, ino: INodeNo, nlookup: u64) {
        self.files.forget(ino.0, nlookup);
    }

    fn setattr(
        &self,
        req: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let (atime, mtime) = (atime.map(set_time), mtime.map(set_time));
        let change = Change { mode, uid, gid, size, atime, mtime };
        match self.files.set_attr(ino.0, &change, caller(req)) {
            Ok(attr) => reply.attr(&self.files.patience(attr.ino), &file_attr(&attr)),
            Err(errno) => reply.error(fuse_errno(errno)),
        }
    }

    fn mknod(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        rdev: u32,
        reply: ReplyEntry,
    ) {
        let (kind, rdev) = (type_of(mode), u64::from(rdev));
        let new = New { kind, mode, umask, rdev, target: Vec::new() };
        self.made(reply, self.make(req, parent, name, &new));
    }

    fn mkdir(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        let new = New { kind: Type::Dir, mode, umask, rdev: 0, target: Vec::new() };
        self.made(reply, self.make(req, parent, name, &new));
    }

    fn symlink(
        &self,
        req: &Request,
        parent: INodeNo,
        link_name: &OsStr,
        target: &Path,
        reply: ReplyEntry,
    ) {
        let target = target.as_os_str().as_bytes().to_vec();
        let new = New { kind: Type::Symlink, mode: 0o777, umask: 0, rdev: 0, target };
        self.made(reply, self.make(req, parent, link_name, &new));
    }

    fn create(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let new = New { kind: Type::File, mode, umask, rdev: 0, target: Vec::new() };
        match self.make(req, parent, name, &new) {
            Ok(attr) => {
                self.files.remember(attr.ino);
                let patience = self.files.patience(attr.ino);
                let keep = FopenFlags::FOPEN_KEEP_CACHE;
                let (attr, handle) = (file_attr(&attr), FileHandle(0));
                reply.created(&patience, &attr, Generation(0), handle, keep);
            }
            Err(errno) => reply.error(fuse_errno(errno)),
        }
    }

    fn link(
        &self,
        _: &Request,
        ino: INodeNo,
        newparent: INodeNo,
        newname: &OsStr,
        reply: ReplyEntry,
    ) {
        self.made(reply, self.files.link(ino.0, newparent.0, newname.as_bytes()));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(reply, self.files.unlink(parent.0, name.as_bytes()));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(reply, self.files.rmdir(parent.0, name.as_bytes()));
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let how = match flags {
            none if none.is_empty() => Rename::Plain,
            RenameFlags::RENAME_NOREPLACE => Rename::NoReplace,
            RenameFlags::RENAME_EXCHANGE => Rename::Exchange,
            _ => return reply.error(FuseErrno::EINVAL),
        };
        let (from, to) = ((parent.0, name.as_bytes()), (newparent.0, newname.as_bytes()));
        done(reply, self.files.rename(from, to, how));
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        write_flags: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let privileged = !write_flags.contains(WriteFlags::FUSE_WRITE_KILL_SUIDGID);
        // No request is longer than its protocol's 32 bits.
        let len = data.len() as u32;
        let answer = move |written| match written {
            Ok(()) => reply.written(len),
            Err(errno) => reply.error(fuse_errno(errno)),
        };
        match self.files.write(ino.0, offset, data, privileged) {
            Err(Errno::NOSPC) => {
                // Copied only where somebody has to wait.
                let (ino, data) = (ino.0, data.to_vec());
                let write = move |files: &F| files.write(ino, offset, &data, privileged);
                self.when_room(u64::from(len), write, answer);
            }
            written => answer(written),
        }
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, data: bool, reply: ReplyEmpty) {
        let files = &self.files;
        done(reply, if data { files.sync_bytes(ino.0) } else { files.sync(ino.0) });
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        done(reply, self.files.sync(ino.0));
    }

    fn fallocate(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let Some(how) = how(mode) else { return reply.error(FuseErrno::EOPNOTSUPP) };
        let allocate = move |files: &F| files.allocate(ino.0, offset, length, how);
        match allocate(&self.files) {
            Err(Errno::NOSPC) => self.when_room(length, allocate, move |made| done(reply, made)),
            made => done(reply, made),
        }
    }

    fn lseek(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: i64,
        whence: i32,
        reply: ReplyLseek,
    ) {
        let what = match whence {
            SEEK_DATA => Seek::Data,
            SEEK_HOLE => Seek::Hole,
            _ => return reply.error(FuseErrno::EINVAL),
        };
        let at = u64::try_from(offset).map_err(|_negative| Errno::NXIO);
        match at.and_then(|at| self.files.seek(ino.0, at, what)) {
            Ok(found) => reply.offset(found as i64),
            Err(errno) => reply.error(fuse_errno(errno)),
        }
    }

    fn setxattr(
        &self,
        _: &Request,
        ino: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        _: u32,
        reply: ReplyEmpty,
    ) {
        let flags = XattrFlags::from_bits_truncate(flags as u32);
        let how = if flags.contains(XattrFlags::CREATE) {
            XattrHow::Create
        } else if flags.contains(XattrFlags::REPLACE) {
            XattrHow::Replace
        } else {
            XattrHow::Either
        };
        done(reply, self.files.set_xattr(ino.0, name.as_bytes(), value, how));
    }

    fn removexattr(&self, _: &Request, ino: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(reply, self.files.remove_xattr(ino.0, name.as_bytes()));
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let name = name.as_bytes().to_vec();
        let ask = move |files: &F| files.lookup(parent.0, &name);
        self.answer(ask, move |files, answer| match answer {
            Ok(attr) => told(files, reply, &attr),
            // That there is no such name may be remembered as well.
            Err(errno) if errno.code() == Errno::NOENT.raw_os_error() => {
                reply.entry(&files.patience(parent.0), &no_attr(), Generation(0));
            }
            Err(errno) => reply.error(errno),
        });
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        self.answer(
            move |files| files.attr(ino.0),
            |files, answer| match answer {
                Ok(attr) => reply.attr(&files.patience(attr.ino), &file_attr(&attr)),
                Err(errno) => reply.error(errno),
            },
        );
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        self.answer(
            move |files| files.target(ino.0),
            |_, answer| match answer {
                Ok(target) => reply.data(&target),
                Err(errno) => reply.error(errno),
            },
        );
    }

    /// Neither opening nor closing is news: told so, the kernel keeps both to itself, and what it
    /// has of a file with it.
    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.error(FuseErrno::ENOSYS);
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let later = match self.files.read(ino.0, offset, size) {
            Ok(Read::Now(bytes)) => return reply.data(&bytes),
            Ok(Read::Later(later)) => later,
            Err(errno) => return reply.error(fuse_errno(errno)),
        };
        let deadline = self.deadline;
        drop(self.runtime.spawn(async move {
            match tokio::time::timeout(deadline, later)
                .await
                .unwrap_or_else(|_late| patience::late())
            {
                Ok(bytes) => reply.data(&bytes),
                Err(errno) => reply.error(fuse_errno(errno)),
            }
        }));
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.error(FuseErrno::ENOSYS);
    }

    fn opendir(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let dirs = Arc::clone(&self.dirs);
        self.answer(
            move |files| files.list(ino.0),
            move |_, answer| match answer {
                Ok(listed) => {
                    let mut dirs = lock(&dirs);
                    dirs.next += 1;
                    let handle = dirs.next;
                    dirs.open.insert(handle, Arc::new(listed));
                    reply.opened(FileHandle(handle), FopenFlags::empty());
                }
                Err(errno) => reply.error(errno),
            },
        );
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let listed = match self.listed(ino.0, fh, offset) {
            Ok(listed) => listed,
            Err(errno) => return reply.error(errno),
        };
        for (at, entry) in (1_u64..).zip(&*listed).skip(offset as usize) {
            let kind = file_type(entry.kind);
            if reply.add(INodeNo(entry.ino), at, kind, OsStr::from_bytes(&entry.name)) {
                break;
            }
        }
        reply.ok();
    }

    fn readdirplus(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        let listed = match self.listed(ino.0, fh, offset) {
            Ok(listed) => listed,
            Err(errno) => return reply.error(errno),
        };
        for (at, entry) in (1_u64..).zip(&*listed).skip(offset as usize) {
            // What went since the directory was opened is not shown any more.
            let Ok(attr) = self.files.attr(entry.ino) else { continue };
            let (name, patience) = (OsStr::from_bytes(&entry.name), self.files.patience(attr.ino));
            let (ino, attr) = (INodeNo(entry.ino), file_attr(&attr));
            if reply.add(ino, at, name, &patience, &attr, Generation(0)) {
                break;
            }
            if !matches!(&*entry.name, b"." | b"..") {
                self.files.remember(entry.ino);
            }
        }
        reply.ok();
    }

    fn releasedir(&self, _: &Request, _: INodeNo, fh: FileHandle, _: OpenFlags, reply: ReplyEmpty) {
        self.dirs().open.remove(&fh.0);
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let space = self.files.space();
        let blocks = |bytes: u64| bytes / u64::from(BLOCK);
        let (total, free) = (blocks(space.total), blocks(space.available));
        reply.statfs(total, free, free, space.files, 0, BLOCK, 255, BLOCK);
    }

    fn getxattr(&self, _: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        let name = name.as_bytes().to_vec();
        self.answer(
            move |files| files.xattr(ino.0, &name),
            move |_, answer| match answer {
                Ok(value) => reply_bytes(reply, size, &value),
                Err(errno) => reply.error(errno),
            },
        );
    }

    fn listxattr(&self, _: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        self.answer(
            move |files| files.xattr_names(ino.0),
            move |_, answer| match answer {
                Ok(names) => {
                    let mut list = Vec::new();
                    for name in names {
                        list.extend_from_slice(&name);
                        list.push(0);
                    }
                    reply_bytes(reply, size, &list);
                }
                Err(errno) => reply.error(errno),
            },
        );
    }
}

impl<F: Files> Adapter<F> {
    /// What an open directory had when it was opened or rewound.
    fn listed(&self, ino: Ino, fh: FileHandle, offset: u64) -> Result<Arc<Vec<Listed>>, FuseErrno> {
        let known = self.dirs().open.get(&fh.0).cloned().ok_or(FuseErrno::EBADF)?;
        if offset > 0 {
            return Ok(known);
        }
        // Just opened, or rewound; what is not there at once is as it was.
        let Ok(fresh) = self.files.list(ino) else { return Ok(known) };
        let fresh = Arc::new(fresh);
        self.dirs().open.insert(fh.0, Arc::clone(&fresh));
        Ok(fresh)
    }
}
