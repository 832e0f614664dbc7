//! Files that get their name when they are whole: what is uploaded is seen at its end or not at
//! all.
//!
//! A file without a name is like one that was unlinked while it is open: it takes room, no commit
//! has it, and it is gone once it is forgotten, or when the drive is opened after a crash.

use std::sync::{Arc, PoisonError};

use rustix::io::Errno;

use super::attrs::drop_privileges;
use super::naming::furnish;
use super::node::{Body, Data};
use super::{State, Volume, new_inode};
use crate::drive::ops::{Attr, Caller, Ino, New, Type};
use crate::vault::tree::Stamp;

/// Permissions of a file that has no name yet: nobody opens it.
const CLOSED: u32 = 0;

impl Volume {
    pub(super) fn do_unnamed(&self, who: Caller) -> Attr {
        let now = self.now();
        let mut state = self.state();
        let ino = state.next_ino;
        let mut inode = new_inode(ino, Type::File, now);
        inode.attr.links = 0;
        inode.attr.mode = CLOSED;
        inode.attr.uid = who.uid;
        inode.attr.gid = who.gid;
        let attr = inode.stat();
        state.insert(Arc::new(inode));
        state.dirty.insert(ino);
        state.known.insert(ino, 1);
        attr
    }

    /// Two files' bytes change hands, so nobody may be writing meanwhile: a writer writes to the
    /// data file that it found.
    pub(super) fn do_place(&self, ino: Ino, to: (Ino, &[u8]), mode: u32) -> Result<Attr, Errno> {
        let _gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        let mut state = self.state();
        if state.get(ino)?.attr.links != 0 {
            return Err(Errno::INVAL);
        }
        state.data_of(ino)?;
        let placed = match state.entry(to.0, to.1)? {
            Some(there) => state.take_bytes(ino, there, now).map(|()| there),
            None => state.name(ino, to, mode, now).map(|()| ino),
        }?;
        let attr = state.get(placed)?.stat();
        drop(state);
        self.touched();
        Ok(attr)
    }
}

impl State {
    /// The first name of a file that has none.
    fn name(&mut self, ino: Ino, to: (Ino, &[u8]), mode: u32, now: Stamp) -> Result<(), Errno> {
        let above = Arc::clone(self.open_dir(to.0)?);
        self.change(ino, |inode| {
            let who = Caller { uid: inode.attr.uid, gid: inode.attr.gid };
            let new = New { kind: Type::File, mode, umask: 0, rdev: 0, target: Vec::new() };
            furnish(inode, &above, &new, who);
            inode.attr.links = 1;
            inode.attr.ctime = now;
        })?;
        self.set_entry(to.0, to.1, Some(ino), now)
    }

    /// `there` has the bytes of `from` from now on.
    fn take_bytes(&mut self, from: Ino, there: Ino, now: Stamp) -> Result<(), Errno> {
        self.data_of(there)?;
        let size = self.get(from)?.attr.size;
        let data = self.change_data(from, |data, attr| {
            attr.size = 0;
            std::mem::take(data)
        })?;
        let old = self.change(there, |inode| {
            drop_privileges(inode);
            inode.attr.size = size;
            inode.attr.mtime = now;
            inode.attr.ctime = now;
            let Body::File(held) = &mut inode.body else { return None };
            // No commit took these bytes of this file.
            let changed = held.changed + data.changed + 1;
            std::mem::replace(held, Data { changed, ..data }).no
        })?;
        if let Some(no) = old {
            self.doom(no);
        }
        self.unsynced.remove(&from);
        self.wrote(there);
        Ok(())
    }
}
