//! Modes, owners, times and extended attributes.

use rustix::io::Errno;

use super::Volume;
use super::acl::{self, Acl};
use super::node::{Body, Inode};
use crate::drive::ops::{Attr, Caller, Change, Ino, SetTime, Type, XattrHow};
use crate::vault::tree::{NAME_LIMIT, Stamp};

/// Longest value of an attribute, as Linux has it.
const VALUE_LIMIT: usize = 64 * 1024;
/// All attributes of one entry, names and values.
const XATTRS_LIMIT: usize = 1024 * 1024;
/// Says whether a file's bytes are safe; made up when asked for.
const STATE: &[u8] = b"user.gbak.state";
const SETUID: u32 = 0o4000;
const SETGID: u32 = 0o2000;
const GROUP_EXEC: u32 = 0o010;

/// Whether there is anything that lets a program run as somebody else.
pub(super) fn has_privileges(inode: &Inode) -> bool {
    let bits = inode.attr.mode & (SETUID | SETGID) != 0;
    bits || inode.xattrs.contains_key(&b"security.capability"[..])
}

/// Takes away what lets a program run as somebody else.
pub(super) fn drop_privileges(inode: &mut Inode) {
    if inode.attr.kind != Type::Dir {
        let executable = inode.attr.mode & GROUP_EXEC != 0;
        let bits = if executable { SETUID | SETGID } else { SETUID };
        inode.attr.mode &= !bits;
        inode.xattrs.remove(&b"security.capability"[..]);
    }
}

impl Volume {
    pub(super) fn do_attr(&self, ino: Ino) -> Result<Attr, Errno> {
        Ok(self.state().get(ino)?.stat())
    }

    pub(super) fn do_set_attr(
        &self,
        ino: Ino,
        change: &Change,
        who: Caller,
    ) -> Result<Attr, Errno> {
        if let Some(size) = change.size {
            self.resize(ino, size, who.uid != 0)?;
        }
        let now = self.now();
        let mut state = self.state();
        state.change(ino, |inode| apply(inode, change, now))?;
        let attr = state.get(ino)?.stat();
        drop(state);
        self.touched();
        Ok(attr)
    }

    pub(super) fn do_xattr(&self, ino: Ino, name: &[u8]) -> Result<Vec<u8>, Errno> {
        let state = self.state();
        let inode = state.get(ino)?;
        if name == STATE {
            let Body::File(data) = &inode.body else { return Err(Errno::NODATA) };
            return Ok(state.safety(data).as_bytes().to_vec());
        }
        inode.xattrs.get(name).cloned().ok_or(Errno::NODATA)
    }

    pub(super) fn do_xattr_names(&self, ino: Ino) -> Result<Vec<Vec<u8>>, Errno> {
        Ok(self.state().get(ino)?.xattrs.keys().cloned().collect())
    }

    pub(super) fn do_set_xattr(
        &self,
        ino: Ino,
        name: &[u8],
        value: &[u8],
        how: XattrHow,
    ) -> Result<(), Errno> {
        allowed(name)?;
        if name.len() > NAME_LIMIT || value.len() > VALUE_LIMIT {
            return Err(Errno::RANGE);
        }
        let list = match name {
            acl::ACCESS | acl::DEFAULT => Some(Acl::parse(value).ok_or(Errno::INVAL)?),
            _ => None,
        };
        let now = self.now();
        let mut state = self.state();
        let inode = state.get(ino)?;
        match (how, inode.xattrs.contains_key(name)) {
            (XattrHow::Create, true) => return Err(Errno::EXIST),
            (XattrHow::Replace, false) => return Err(Errno::NODATA),
            _ => {}
        }
        if name == acl::DEFAULT && inode.attr.kind != Type::Dir {
            return Err(Errno::ACCESS);
        }
        let held = |(name, value): (&Vec<u8>, &Vec<u8>)| name.len() + value.len();
        let held: usize = inode.xattrs.iter().map(held).sum();
        if held + name.len() + value.len() > XATTRS_LIMIT {
            return Err(Errno::NOSPC);
        }
        state.change(ino, |inode| {
            inode.attr.ctime = now;
            match list {
                Some(list) if name == acl::ACCESS => {
                    inode.attr.mode = inode.attr.mode & !0o777 | list.mode();
                    if list.is_minimal() {
                        inode.xattrs.remove(name);
                        return;
                    }
                }
                _ => {}
            }
            inode.xattrs.insert(name.to_vec(), value.to_vec());
        })?;
        drop(state);
        self.touched();
        Ok(())
    }

    pub(super) fn do_remove_xattr(&self, ino: Ino, name: &[u8]) -> Result<(), Errno> {
        allowed(name)?;
        let now = self.now();
        let mut state = self.state();
        if !state.get(ino)?.xattrs.contains_key(name) {
            return Err(Errno::NODATA);
        }
        state.change(ino, |inode| {
            inode.xattrs.remove(name);
            inode.attr.ctime = now;
        })?;
        drop(state);
        self.touched();
        Ok(())
    }
}

/// Names that somebody may set.
fn allowed(name: &[u8]) -> Result<(), Errno> {
    if name == STATE {
        return Err(Errno::PERM);
    }
    let known = [&b"user."[..], b"trusted.", b"security."];
    let fits = known.iter().any(|space| name.starts_with(space) && name.len() > space.len());
    if fits || name == acl::ACCESS || name == acl::DEFAULT { Ok(()) } else { Err(Errno::OPNOTSUPP) }
}

fn apply(inode: &mut Inode, change: &Change, now: Stamp) {
    if change.uid.is_some() || change.gid.is_some() {
        drop_privileges(inode);
    }
    let attr = &mut inode.attr;
    attr.uid = change.uid.unwrap_or(attr.uid);
    attr.gid = change.gid.unwrap_or(attr.gid);
    let time = |set: SetTime| match set {
        SetTime::Now => now,
        SetTime::At(stamp) => stamp,
    };
    if let Some(set) = change.atime {
        attr.atime = time(set);
    }
    if let Some(set) = change.mtime {
        attr.mtime = time(set);
    }
    attr.ctime = now;
    if let Some(mode) = change.mode {
        attr.mode = mode & 0o7777;
        if let Some(mut list) = inode.xattrs.get(acl::ACCESS).and_then(|list| Acl::parse(list)) {
            list.set_mode(mode);
            inode.xattrs.insert(acl::ACCESS.to_vec(), list.bytes());
        }
    }
}
