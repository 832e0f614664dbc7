//! Bytes and whole trees: read, written, removed, moved, copied. As deep as a tree may be, and with
//! little memory.

use std::sync::Arc;

use bytes::Bytes;
use rustix::io::Errno;

use super::path::Found;
use super::{PIECE, Shared};
use crate::drive::ops::{
    Attr, Change, Files, Ino, Listed, New, Read, Rename, Seek, Stop, Type, XattrHow,
};
use crate::drive::patience::{late, tried};

impl Shared {
    /// Up to `len` bytes.
    pub(super) async fn read(
        self: &Arc<Self>,
        ino: Ino,
        at: u64,
        len: u32,
    ) -> Result<Bytes, Errno> {
        match self.work(move |shared| shared.files.read(ino, at, len)).await? {
            Read::Now(bytes) => Ok(bytes),
            Read::Later(later) => {
                tokio::time::timeout(self.deadline, later).await.unwrap_or_else(|_late| late())
            }
        }
    }

    /// Writes all of it; waits when there is no room yet.
    pub(super) async fn write(
        self: &Arc<Self>,
        ino: Ino,
        at: u64,
        bytes: Bytes,
    ) -> Result<(), Errno> {
        let again = bytes.clone();
        let written = self.work(move |shared| shared.files.write(ino, at, &bytes, false)).await;
        if written != Err(Errno::NOSPC) {
            return written;
        }
        let attempt = |files: &dyn Files| files.write(ino, at, &again, false);
        tried(&*self.files, again.len() as u64, self.deadline, attempt).await
    }

    pub(super) fn make(&self, parent: Ino, name: &[u8], new: &New) -> Result<Attr, Errno> {
        let attr = self.files.make(parent, name, new, self.who)?;
        self.kernel.entry(parent, name);
        Ok(attr)
    }

    /// Takes away what has this name, and everything below it.
    pub(super) fn remove(&self, parent: Ino, name: &[u8]) -> Result<(), Errno> {
        let top = at_once(self.files.lookup(parent, name))?;
        if top.kind != Type::Dir {
            return self.unlink(parent, name, top.ino);
        }
        let mut open = vec![(parent, name.to_vec(), top.ino, self.entries(top.ino)?)];
        while let Some((_, _, dir, left)) = open.last_mut() {
            let dir = *dir;
            match left.pop() {
                Some(entry) if entry.kind == Type::Dir => {
                    let below = self.entries(entry.ino)?;
                    open.push((dir, entry.name, entry.ino, below));
                }
                Some(entry) => self.unlink(dir, &entry.name, entry.ino)?,
                None => {
                    let Some((parent, name, ..)) = open.pop() else { break };
                    self.files.rmdir(parent, &name)?;
                    self.kernel.entry(parent, &name);
                }
            }
        }
        Ok(())
    }

    fn unlink(&self, parent: Ino, name: &[u8], ino: Ino) -> Result<(), Errno> {
        self.files.unlink(parent, name)?;
        self.kernel.entry(parent, name);
        self.kernel.attr(ino);
        Ok(())
    }

    fn entries(&self, dir: Ino) -> Result<Vec<Listed>, Errno> {
        let mut all = at_once(self.files.list(dir))?;
        all.retain(|entry| !matches!(&*entry.name, b"." | b".."));
        Ok(all)
    }

    /// Gives something another name. What has that name already goes, after it was replaced.
    pub(super) fn rename(&self, ino: Ino, from: &Found, to: &Found) -> Result<(), Errno> {
        let (one, two) = ((from.parent, &from.name[..]), (to.parent, &to.name[..]));
        let moved = match self.files.rename(one, two, Rename::Plain) {
            Err(Errno::EXIST | Errno::NOTEMPTY | Errno::ISDIR | Errno::NOTDIR)
                if to.attr.is_some() =>
            {
                self.files.rename(one, two, Rename::Exchange)?;
                self.remove(from.parent, &from.name)
            }
            moved => moved,
        };
        self.kernel.entry(from.parent, &from.name);
        self.kernel.entry(to.parent, &to.name);
        self.kernel.attr(ino);
        if let Some(gone) = to.attr {
            self.kernel.attr(gone.ino);
        }
        moved
    }

    /// Makes something like `from` under another name, with everything below it, durable when it
    /// returns. What fails leaves what was copied so far.
    pub(super) async fn copy(
        self: &Arc<Self>,
        from: Attr,
        parent: Ino,
        name: Vec<u8>,
    ) -> Result<(), Errno> {
        let mut todo = vec![(from, parent, name)];
        // The disk takes them together in less time than one by one.
        let mut made_here = Vec::new();
        while let Some((from, parent, name)) = todo.pop() {
            if from.kind == Type::File {
                made_here.push(self.copy_file(from, parent, name).await?);
                continue;
            }
            let ino = from.ino;
            let target = match from.kind {
                Type::Symlink => self.ask(|files| files.target(ino)).await?,
                _ => Vec::new(),
            };
            let (kind, mode, rdev) = (from.kind, from.mode, from.rdev);
            let new = New { kind, mode, umask: 0, rdev, target };
            let made = self.work(move |shared| {
                let made = shared.make(parent, &name, &new)?;
                shared.copy_xattrs(ino, made.ino)?;
                Ok(made)
            });
            let made = made.await?;
            made_here.push(made.ino);
            if from.kind == Type::Dir {
                for entry in self.ask(|files| files.list(ino)).await? {
                    if !matches!(&*entry.name, b"." | b"..") {
                        let attr = self.ask(|files| files.attr(entry.ino)).await?;
                        todo.push((attr, made.ino, entry.name));
                    }
                }
            }
        }
        self.work(move |shared| made_here.into_iter().try_for_each(|ino| shared.files.sync(ino)))
            .await
    }

    /// Copies a file with its holes; it has its name when it is whole. Returns its number.
    async fn copy_file(
        self: &Arc<Self>,
        from: Attr,
        parent: Ino,
        name: Vec<u8>,
    ) -> Result<Ino, Errno> {
        // Better now than after all of it was fetched.
        if from.allocated > self.files.space().available {
            return Err(Errno::NOSPC);
        }
        let copy = self.files.unnamed(self.who)?.ino;
        let placed = async {
            self.copy_bytes(from, copy).await?;
            let placing = self.work(move |shared| {
                let there = at_once(shared.files.lookup(parent, &name)).ok();
                let attr = shared.files.place(copy, parent, &name, from.mode & 0o777)?;
                if there.is_none() {
                    shared.copy_xattrs(from.ino, attr.ino)?;
                }
                shared.kernel.bytes(attr.ino);
                shared.kernel.entry(parent, &name);
                Ok(attr.ino)
            });
            placing.await
        };
        let placed = placed.await;
        self.files.forget(copy, 1);
        placed
    }

    async fn copy_bytes(self: &Arc<Self>, from: Attr, copy: Ino) -> Result<(), Errno> {
        let mut at = 0;
        while at < from.size {
            at = match self.files.seek(from.ino, at, Seek::Data) {
                Ok(data) => data,
                Err(Errno::NXIO) => break,
                Err(errno) => return Err(errno),
            };
            let end = self.files.seek(from.ino, at, Seek::Hole).unwrap_or(from.size);
            let len = end.saturating_sub(at).min(PIECE as u64) as u32;
            let bytes = self.read(from.ino, at, len).await?;
            if bytes.is_empty() {
                break;
            }
            let len = bytes.len() as u64;
            self.write(copy, at, bytes).await?;
            at += len;
        }
        let (size, who) = (from.size, self.who);
        let change = Change { size: Some(size), ..Change::default() };
        self.work(move |shared| shared.files.set_attr(copy, &change, who)).await.map(drop)
    }

    /// What is the file's own, and may be set by hand.
    fn copy_xattrs(&self, from: Ino, to: Ino) -> Result<(), Errno> {
        for name in at_once(self.files.xattr_names(from))? {
            let value = at_once(self.files.xattr(from, &name))?;
            self.files.set_xattr(to, &name, &value, XattrHow::Either)?;
        }
        Ok(())
    }
}

/// The answer of a tree that is here.
pub(super) fn at_once<T>(answer: Result<T, Stop>) -> Result<T, Errno> {
    answer.map_err(|stop| match stop {
        Stop::Errno(errno) => errno,
        // What can be changed waits for nothing.
        Stop::Wait(_) => Errno::IO,
    })
}
