//! From a file back to its name.

use std::collections::BTreeMap;

use super::Volume;
use super::node::{Body, Inode};
use crate::drive::ops::{Ino, ROOT};
use crate::vault::tree::Content;

/// Deepest directory that is told by its name.
const DEPTH: usize = 4096;

impl Volume {
    /// A path, from the topmost directory, of a file of which this content is needed. Looks at
    /// every directory.
    pub(crate) fn path_of(&self, content: &Content) -> Option<Vec<u8>> {
        let state = self.state();
        let needs = |inode: &&std::sync::Arc<Inode>| match &inode.body {
            Body::File(data) => data.base.as_ref().is_some_and(|base| base.content == *content),
            _ => false,
        };
        let found = state.inodes.values().find(needs)?.attr.ino;
        let mut above: BTreeMap<Ino, (Ino, &[u8])> = BTreeMap::new();
        for inode in state.inodes.values() {
            let Body::Dir(dir) = &inode.body else { continue };
            for (name, ino) in &dir.entries {
                above.insert(*ino, (inode.attr.ino, name));
            }
        }
        let (mut names, mut at) = (Vec::new(), found);
        while at != ROOT && names.len() < DEPTH {
            let (parent, name) = above.get(&at)?;
            names.push(*name);
            at = *parent;
        }
        names.reverse();
        Some(names.join(&b'/'))
    }
}
