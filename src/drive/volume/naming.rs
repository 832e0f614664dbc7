//! Entries of directories: made, linked, taken away, renamed. Who may is the kernel's to check.

use std::sync::Arc;

use rustix::io::Errno;

use super::acl::{self, Acl};
use super::node::{Body, Inode};
use super::{State, Volume, new_inode};
use crate::drive::ops::{Attr, Caller, Ino, New, Rename, Type};
use crate::vault::tree::{NAME_LIMIT, Stamp};

/// Names that one file can have.
const LINKS_LIMIT: u32 = 65_000;
/// Longest target of a symbolic link.
const TARGET_LIMIT: usize = 4095;
const SETGID: u32 = 0o2000;

fn checked(name: &[u8]) -> Result<(), Errno> {
    if name.len() > NAME_LIMIT { Err(Errno::NAMETOOLONG) } else { Ok(()) }
}

impl State {
    pub(super) fn entry(&self, dir: Ino, name: &[u8]) -> Result<Option<Ino>, Errno> {
        checked(name)?;
        Ok(self.dir(dir)?.entries.get(name).copied())
    }

    /// A directory that entries may be added to: not one that was removed.
    pub(super) fn open_dir(&self, ino: Ino) -> Result<&Arc<Inode>, Errno> {
        let inode = self.get(ino)?;
        match &inode.body {
            Body::Dir(_) if inode.attr.links == 0 => Err(Errno::NOENT),
            Body::Dir(_) => Ok(inode),
            _ => Err(Errno::NOTDIR),
        }
    }

    fn add_links(&mut self, ino: Ino, more: i32) -> Result<(), Errno> {
        self.change(ino, |inode| {
            inode.attr.links = inode.attr.links.saturating_add_signed(more);
        })
    }

    /// One name less.
    fn unname(&mut self, ino: Ino, now: Stamp) -> Result<(), Errno> {
        self.change(ino, |inode| {
            let is_dir = matches!(inode.body, Body::Dir(_));
            inode.attr.links = if is_dir { 0 } else { inode.attr.links.saturating_sub(1) };
            inode.attr.ctime = now;
        })?;
        self.drop_if_gone(ino);
        Ok(())
    }

    fn is_dir(&self, ino: Ino) -> Result<bool, Errno> {
        Ok(matches!(self.get(ino)?.body, Body::Dir(_)))
    }

    fn is_empty(&self, ino: Ino) -> Result<bool, Errno> {
        Ok(self.dir(ino)?.entries.is_empty())
    }

    /// Whether `ino` is `above` or somewhere below it.
    fn is_below(&self, ino: Ino, above: Ino) -> Result<bool, Errno> {
        let mut at = ino;
        loop {
            if at == above {
                return Ok(true);
            }
            let parent = self.dir(at)?.parent;
            if parent == at {
                return Ok(false);
            }
            at = parent;
        }
    }

    fn set_parent(&mut self, ino: Ino, parent: Ino) -> Result<(), Errno> {
        self.change(ino, |inode| {
            if let Body::Dir(dir) = &mut inode.body {
                dir.parent = parent;
            }
        })
    }
}

impl Volume {
    pub(super) fn do_lookup(&self, parent: Ino, name: &[u8]) -> Result<Attr, Errno> {
        let state = self.state();
        let ino = state.entry(parent, name)?.ok_or(Errno::NOENT)?;
        Ok(state.get(ino)?.stat())
    }

    pub(super) fn do_make(
        &self,
        parent: Ino,
        name: &[u8],
        new: &New,
        who: Caller,
    ) -> Result<Attr, Errno> {
        if new.target.len() > TARGET_LIMIT {
            return Err(Errno::NAMETOOLONG);
        }
        let now = self.now();
        let mut state = self.state();
        if state.entry(parent, name)?.is_some() {
            return Err(Errno::EXIST);
        }
        let above = state.open_dir(parent)?;
        let ino = state.next_ino;
        let mut inode = new_inode(ino, new.kind, now);
        furnish(&mut inode, above, new, who);
        if let Body::Dir(dir) = &mut inode.body {
            dir.parent = parent;
        }
        let attr = inode.stat();
        state.insert(Arc::new(inode));
        state.dirty.insert(ino);
        state.set_entry(parent, name, Some(ino), now)?;
        if new.kind == Type::Dir {
            state.add_links(parent, 1)?;
        }
        drop(state);
        self.touched();
        Ok(attr)
    }

    pub(super) fn do_link(&self, ino: Ino, parent: Ino, name: &[u8]) -> Result<Attr, Errno> {
        let now = self.now();
        let mut state = self.state();
        if state.entry(parent, name)?.is_some() {
            return Err(Errno::EXIST);
        }
        state.open_dir(parent)?;
        let inode = state.get(ino)?;
        match inode.attr.links {
            _ if inode.attr.kind == Type::Dir => return Err(Errno::PERM),
            // Nothing that lost its last name gets one again.
            0 => return Err(Errno::NOENT),
            LINKS_LIMIT.. => return Err(Errno::MLINK),
            _ => {}
        }
        state.set_entry(parent, name, Some(ino), now)?;
        state.change(ino, |inode| {
            inode.attr.links += 1;
            inode.attr.ctime = now;
        })?;
        let attr = state.get(ino)?.stat();
        drop(state);
        self.touched();
        Ok(attr)
    }

    pub(super) fn do_unlink(&self, parent: Ino, name: &[u8]) -> Result<(), Errno> {
        let now = self.now();
        let mut state = self.state();
        let ino = state.entry(parent, name)?.ok_or(Errno::NOENT)?;
        if state.is_dir(ino)? {
            return Err(Errno::ISDIR);
        }
        state.set_entry(parent, name, None, now)?;
        state.unname(ino, now)?;
        drop(state);
        self.touched();
        Ok(())
    }

    pub(super) fn do_rmdir(&self, parent: Ino, name: &[u8]) -> Result<(), Errno> {
        let now = self.now();
        let mut state = self.state();
        let ino = state.entry(parent, name)?.ok_or(Errno::NOENT)?;
        if !state.is_empty(ino)? {
            return Err(Errno::NOTEMPTY);
        }
        state.set_entry(parent, name, None, now)?;
        state.add_links(parent, -1)?;
        state.unname(ino, now)?;
        drop(state);
        self.touched();
        Ok(())
    }

    pub(super) fn do_rename(
        &self,
        from: (Ino, &[u8]),
        to: (Ino, &[u8]),
        how: Rename,
    ) -> Result<(), Errno> {
        let now = self.now();
        let mut state = self.state();
        let moved = state.entry(from.0, from.1)?.ok_or(Errno::NOENT)?;
        let there = state.entry(to.0, to.1)?;
        state.open_dir(to.0)?;
        match (how, there) {
            (Rename::NoReplace, Some(_)) => return Err(Errno::EXIST),
            (Rename::Exchange, None) => return Err(Errno::NOENT),
            // Two names of one file: both stay.
            (_, Some(there)) if there == moved => return Ok(()),
            _ => {}
        }
        let moved_dir = state.is_dir(moved)?;
        if moved_dir && state.is_below(to.0, moved)? {
            return Err(Errno::INVAL);
        }
        match there {
            Some(there) if how == Rename::Exchange => {
                state.exchange((from, moved), (to, there), now)?;
            }
            _ => {
                if let Some(there) = there {
                    state.may_replace(moved_dir, there)?;
                }
                state.move_to(from, to, (moved, moved_dir), there, now)?;
            }
        }
        state.change(moved, |inode| inode.attr.ctime = now)?;
        drop(state);
        self.touched();
        Ok(())
    }
}

impl State {
    fn may_replace(&self, by_dir: bool, there: Ino) -> Result<(), Errno> {
        match (by_dir, self.is_dir(there)?) {
            (true, false) => Err(Errno::NOTDIR),
            (false, true) => Err(Errno::ISDIR),
            (true, true) if !self.is_empty(there)? => Err(Errno::NOTEMPTY),
            _ => Ok(()),
        }
    }

    fn move_to(
        &mut self,
        from: (Ino, &[u8]),
        to: (Ino, &[u8]),
        moved: (Ino, bool),
        there: Option<Ino>,
        now: Stamp,
    ) -> Result<(), Errno> {
        let (ino, is_dir) = moved;
        self.set_entry(from.0, from.1, None, now)?;
        self.set_entry(to.0, to.1, Some(ino), now)?;
        if is_dir {
            self.add_links(from.0, -1)?;
            self.set_parent(ino, to.0)?;
            // One that is replaced made room for it.
            if there.is_none() {
                self.add_links(to.0, 1)?;
            }
        }
        there.map_or(Ok(()), |there| self.unname(there, now))
    }

    fn exchange(
        &mut self,
        one: ((Ino, &[u8]), Ino),
        two: ((Ino, &[u8]), Ino),
        now: Stamp,
    ) -> Result<(), Errno> {
        let ((from, moved), (to, there)) = (one, two);
        let (moved_dir, there_dir) = (self.is_dir(moved)?, self.is_dir(there)?);
        if there_dir && self.is_below(from.0, there)? {
            return Err(Errno::INVAL);
        }
        self.set_entry(from.0, from.1, Some(there), now)?;
        self.set_entry(to.0, to.1, Some(moved), now)?;
        self.set_parent(moved, to.0)?;
        self.set_parent(there, from.0)?;
        if moved_dir != there_dir {
            let more = if moved_dir { 1 } else { -1 };
            self.add_links(to.0, more)?;
            self.add_links(from.0, -more)?;
        }
        self.change(there, |inode| inode.attr.ctime = now)
    }
}

/// Owner, permissions and lists of a new entry, as its directory and its maker decide.
pub(super) fn furnish(inode: &mut Inode, above: &Inode, new: &New, who: Caller) {
    let mut mode = new.mode & 0o7777;
    let attr = &mut inode.attr;
    attr.uid = who.uid;
    attr.gid = who.gid;
    attr.rdev = new.rdev;
    if above.attr.mode & SETGID != 0 {
        attr.gid = above.attr.gid;
        if new.kind == Type::Dir {
            mode |= SETGID;
        }
    }
    if let Body::Symlink(target) = &mut inode.body {
        target.clone_from(&new.target);
        attr.size = target.len() as u64;
        attr.mode = 0o777;
        return;
    }
    let Some(default) = above.xattrs.get(acl::DEFAULT).and_then(|list| Acl::parse(list)) else {
        attr.mode = mode & !new.umask;
        return;
    };
    if new.kind == Type::Dir {
        inode.xattrs.insert(acl::DEFAULT.to_vec(), default.bytes());
    }
    let (own, mode) = default.inherited(mode);
    attr.mode = mode;
    if let Some(own) = own {
        inode.xattrs.insert(acl::ACCESS.to_vec(), own.bytes());
    }
}
