//! The tree that a follower shows, and how it becomes that of the next commit.
//!
//! Numbers are given out here, each once. A directory keeps its number from commit to commit, and
//! so does whatever has the same bytes: what the kernel holds of a number's content is always
//! right. What the next commit does not have stays as long as the kernel knows it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustix::io::Errno;

use crate::drive::ops::{Attr, Ino, Listed, ROOT, Type};
use crate::drive::volume::node::{Body, Dir, Inode};

/// One commit's entries, and those of earlier ones that are in use.
#[derive(Debug, Default)]
pub(super) struct Tree {
    inodes: BTreeMap<Ino, Arc<Inode>>,
    /// What the numbers of the commit that is shown are here.
    ours: BTreeMap<Ino, Ino>,
    /// Our numbers of what is shown.
    shown: BTreeSet<Ino>,
    /// How often the kernel was told of each number.
    known: BTreeMap<Ino, u64>,
    /// The last number given out.
    last: Ino,
    stored: u64,
}

impl Tree {
    /// Shows these from now on.
    pub(super) fn show(&mut self, inodes: Vec<Inode>) {
        let mut ours = BTreeMap::new();
        self.last = self.last.max(ROOT);
        for inode in &inodes {
            let theirs = inode.attr.ino;
            let kept = self.ours.get(&theirs).and_then(|ino| self.inodes.get(ino));
            let ino = match kept.filter(|old| is_same(old, inode)) {
                _ if theirs == ROOT => ROOT,
                Some(old) => old.attr.ino,
                None => {
                    self.last += 1;
                    self.last
                }
            };
            ours.insert(theirs, ino);
        }
        self.inodes.retain(|ino, _| self.known.contains_key(ino));
        self.stored = 0;
        for mut inode in inodes {
            if inode.attr.kind == Type::File {
                self.stored += inode.attr.size;
            }
            let number = |theirs: &Ino| ours.get(theirs).copied().unwrap_or(ROOT);
            inode.attr.ino = number(&inode.attr.ino);
            if let Body::Dir(dir) = &mut inode.body {
                dir.parent = number(&dir.parent);
                dir.entries.values_mut().for_each(|ino| *ino = number(ino));
            }
            self.inodes.insert(inode.attr.ino, Arc::new(inode));
        }
        self.shown = ours.values().copied().collect();
        self.ours = ours;
    }

    pub(super) const fn stored(&self) -> u64 {
        self.stored
    }

    /// How many files and directories there are.
    pub(super) fn len(&self) -> u64 {
        self.ours.len() as u64
    }

    pub(super) fn get(&self, ino: Ino) -> Result<Arc<Inode>, Errno> {
        self.inodes.get(&ino).cloned().ok_or(Errno::NOENT)
    }

    pub(super) fn lookup(&self, parent: Ino, name: &[u8]) -> Result<Attr, Errno> {
        let parent = self.get(parent)?;
        let ino = dir(&parent)?.entries.get(name).ok_or(Errno::NOENT)?;
        Ok(attr(&*self.get(*ino)?))
    }

    pub(super) fn list(&self, ino: Ino) -> Result<Vec<Listed>, Errno> {
        let inode = self.get(ino)?;
        let dir = dir(&inode)?;
        let above = |name: &[u8], ino| Listed { name: name.to_vec(), ino, kind: Type::Dir };
        let mut all = vec![above(b".", ino), above(b"..", dir.parent)];
        for (name, ino) in &dir.entries {
            // Of a directory that is gone, what is gone as well.
            let Some(inode) = self.inodes.get(ino) else { continue };
            all.push(Listed { name: name.clone(), ino: *ino, kind: inode.attr.kind });
        }
        Ok(all)
    }

    pub(super) fn remember(&mut self, ino: Ino) {
        *self.known.entry(ino).or_default() += 1;
    }

    pub(super) fn forget(&mut self, ino: Ino, times: u64) {
        let Some(left) = self.known.get_mut(&ino) else { return };
        *left = left.saturating_sub(times);
        if *left > 0 {
            return;
        }
        self.known.remove(&ino);
        if !self.shown.contains(&ino) {
            self.inodes.remove(&ino);
        }
    }
}

fn dir(inode: &Inode) -> Result<&Dir, Errno> {
    match &inode.body {
        Body::Dir(dir) => Ok(dir),
        _ => Err(Errno::NOTDIR),
    }
}

/// What `stat` says of it.
pub(super) fn attr(inode: &Inode) -> Attr {
    let allocated = match &inode.body {
        Body::File(data) => data.base.as_ref().map_or(0, |base| base.allocated),
        _ => 0,
    };
    Attr { allocated, ..inode.attr }
}

/// Whether all that the kernel may hold of the one is right of the other as well.
fn is_same(old: &Inode, new: &Inode) -> bool {
    if old.attr.kind != new.attr.kind || old.attr.rdev != new.attr.rdev {
        return false;
    }
    match (&old.body, &new.body) {
        (Body::File(old), Body::File(new)) => {
            let bytes = |base: &crate::drive::volume::node::Base| (base.size, base.content.clone());
            old.base.as_ref().map(bytes) == new.base.as_ref().map(bytes)
        }
        (Body::Symlink(old), Body::Symlink(new)) => old == new,
        (Body::Dir(_), Body::Dir(_)) | (Body::Other, Body::Other) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
