//! [`Volume`] as a tree that can be mounted.

use std::time::Duration;

use rustix::io::Errno;
use tokio::sync::watch;

use super::node::Body;
use super::{Progress, Volume};
use crate::drive::ops::{
    Allocate, Attr, Caller, Change, Files, Ino, Listed, New, Read, Rename, Seek, Space, Stop, Type,
    XattrHow,
};

/// Every change of the tree passes through the mount: the kernel may remember what it was told.
const PATIENCE: Duration = Duration::from_secs(3600);

impl Files for Volume {
    fn lookup(&self, parent: Ino, name: &[u8]) -> Result<Attr, Stop> {
        Ok(self.do_lookup(parent, name)?)
    }

    fn attr(&self, ino: Ino) -> Result<Attr, Stop> {
        Ok(self.do_attr(ino)?)
    }

    fn list(&self, ino: Ino) -> Result<Vec<Listed>, Stop> {
        let state = self.state();
        let dir = state.dir(ino)?;
        let dots = |name: &[u8], ino| Listed { name: name.to_vec(), ino, kind: Type::Dir };
        let mut all = vec![dots(b".", ino), dots(b"..", dir.parent)];
        for (name, ino) in &dir.entries {
            let kind = state.get(*ino)?.attr.kind;
            all.push(Listed { name: name.clone(), ino: *ino, kind });
        }
        Ok(all)
    }

    fn target(&self, ino: Ino) -> Result<Vec<u8>, Stop> {
        match &self.state().get(ino)?.body {
            Body::Symlink(target) => Ok(target.clone()),
            _ => Err(Errno::INVAL.into()),
        }
    }

    fn read(&self, ino: Ino, at: u64, len: u32) -> Result<Read, Errno> {
        self.do_read(ino, at, len)
    }

    fn xattr(&self, ino: Ino, name: &[u8]) -> Result<Vec<u8>, Stop> {
        Ok(self.do_xattr(ino, name)?)
    }

    fn xattr_names(&self, ino: Ino) -> Result<Vec<Vec<u8>>, Stop> {
        Ok(self.do_xattr_names(ino)?)
    }

    fn space(&self) -> Space {
        self.do_space()
    }

    fn patience(&self, _: Ino) -> Duration {
        PATIENCE
    }

    fn coming(&self, bytes: u64) -> Option<watch::Receiver<Progress>> {
        self.do_coming(bytes)
    }

    fn give_up(&self) {
        self.do_give_up();
    }

    fn remember(&self, ino: Ino) {
        *self.state().known.entry(ino).or_default() += 1;
    }

    fn forget(&self, ino: Ino, times: u64) {
        let mut state = self.state();
        let Some(known) = state.known.get_mut(&ino) else { return };
        *known = known.saturating_sub(times);
        if *known == 0 {
            state.known.remove(&ino);
            state.drop_if_gone(ino);
        }
    }

    fn set_attr(&self, ino: Ino, change: &Change, who: Caller) -> Result<Attr, Errno> {
        self.writable()?;
        self.do_set_attr(ino, change, who)
    }

    fn make(&self, parent: Ino, name: &[u8], new: &New, who: Caller) -> Result<Attr, Errno> {
        self.writable()?;
        self.do_make(parent, name, new, who)
    }

    fn link(&self, ino: Ino, parent: Ino, name: &[u8]) -> Result<Attr, Errno> {
        self.writable()?;
        self.do_link(ino, parent, name)
    }

    fn unlink(&self, parent: Ino, name: &[u8]) -> Result<(), Errno> {
        self.writable()?;
        self.do_unlink(parent, name)
    }

    fn rmdir(&self, parent: Ino, name: &[u8]) -> Result<(), Errno> {
        self.writable()?;
        self.do_rmdir(parent, name)
    }

    fn rename(&self, from: (Ino, &[u8]), to: (Ino, &[u8]), how: Rename) -> Result<(), Errno> {
        self.writable()?;
        self.do_rename(from, to, how)
    }

    fn write(&self, ino: Ino, at: u64, bytes: &[u8], privileged: bool) -> Result<(), Errno> {
        self.writable()?;
        self.do_write(ino, at, bytes, privileged)
    }

    fn allocate(&self, ino: Ino, at: u64, len: u64, how: Allocate) -> Result<(), Errno> {
        self.writable()?;
        self.do_allocate(ino, at, len, how)
    }

    fn seek(&self, ino: Ino, at: u64, what: Seek) -> Result<u64, Errno> {
        self.do_seek(ino, at, what)
    }

    fn set_xattr(&self, ino: Ino, name: &[u8], value: &[u8], how: XattrHow) -> Result<(), Errno> {
        self.writable()?;
        self.do_set_xattr(ino, name, value, how)
    }

    fn remove_xattr(&self, ino: Ino, name: &[u8]) -> Result<(), Errno> {
        self.writable()?;
        self.do_remove_xattr(ino, name)
    }

    fn unnamed(&self, who: Caller) -> Result<Attr, Errno> {
        self.writable()?;
        Ok(self.do_unnamed(who))
    }

    fn place(&self, ino: Ino, parent: Ino, name: &[u8], mode: u32) -> Result<Attr, Errno> {
        self.writable()?;
        self.do_place(ino, (parent, name), mode)
    }

    fn sync(&self, ino: Ino) -> Result<(), Errno> {
        self.do_sync(ino)
    }

    fn sync_bytes(&self, ino: Ino) -> Result<(), Errno> {
        self.do_sync_bytes(ino)
    }
}
