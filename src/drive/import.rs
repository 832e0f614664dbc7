//! The tree of a commit as a table of inodes: how a drive comes to a new machine.
//!
//! Only listings are fetched; bytes stay on the grid until they are read. Numbers are those the
//! drive had where the commit was made, as far as they make sense; names that no directory can have
//! are left out with a warning.

use std::collections::BTreeMap;
use std::sync::Arc;

use p2p::Grid;

use super::ops::{Attr, Ino, ROOT, Type};
use super::reader::Reader;
use super::volume::node::{Base, Body, Data, Dir, Inode};
use crate::flow::FlowError;
use crate::vault::snapshot::Snapshot;
use crate::vault::tree::{Kind, Meta, Node, Piece, Tree};

/// The inodes of a drive's snapshot, the root among them.
pub(crate) async fn tree<G: Grid>(
    reader: &Arc<Reader<G>>,
    snapshot: &Snapshot,
    name: &str,
) -> Result<Vec<Inode>, FlowError> {
    let top: Tree = reader.record(&snapshot.root).await?;
    let root = top.nodes.into_iter().find(|node| node.name == name.as_bytes());
    let Some(Node { kind: Kind::Dir { tree }, meta, .. }) = root else {
        return Err(FlowError::Inconsistent);
    };
    let mut table = Table::default();
    let mut root = inode(ROOT, Type::Dir, 4096, &meta);
    root.body = Body::Dir(Dir { parent: ROOT, entries: BTreeMap::new() });
    table.all.insert(ROOT, root);
    let mut open = vec![(ROOT, tree)];
    while let Some((parent, pieces)) = open.pop() {
        let tree: Tree = reader.record(&pieces).await?;
        table.enter(parent, tree, &mut open);
    }
    Ok(table.finish())
}

#[derive(Debug, Default)]
struct Table {
    all: BTreeMap<Ino, Inode>,
    /// Files with several names, by their numbers where the commit was made.
    linked: BTreeMap<u64, Ino>,
    next: Ino,
}

impl Table {
    fn enter(&mut self, parent: Ino, tree: Tree, open: &mut Vec<(Ino, Vec<Piece>)>) {
        let faulty: BTreeMap<_, _> = tree.faults().into_iter().collect();
        for (at, node) in tree.nodes.into_iter().enumerate() {
            if let Some(fault) = faulty.get(&at) {
                tracing::warn!(%fault, "an entry of a drive's commit is left out");
                continue;
            }
            let name = node.name.clone();
            let ino = self.add(parent, node, open);
            if let Some(Inode { body: Body::Dir(dir), .. }) = self.all.get_mut(&parent) {
                dir.entries.insert(name, ino);
            }
        }
    }

    fn add(&mut self, parent: Ino, node: Node, open: &mut Vec<(Ino, Vec<Piece>)>) -> Ino {
        let Node { kind, meta, .. } = node;
        let is_dir = matches!(kind, Kind::Dir { .. });
        let linked = meta.links > 1 && !is_dir;
        if let Some(known) = self.linked.get(&meta.inode).filter(|_| linked) {
            return *known;
        }
        let ino = self.number(meta.inode);
        if linked {
            self.linked.insert(meta.inode, ino);
        }
        let mut made = match kind {
            Kind::Dir { tree } => {
                open.push((ino, tree));
                let mut made = inode(ino, Type::Dir, 4096, &meta);
                made.body = Body::Dir(Dir { parent, entries: BTreeMap::new() });
                made
            }
            Kind::File { size, content } => {
                let mut made = inode(ino, Type::File, size, &meta);
                let base = Base { content, size, allocated: size, commit: 0, of: 0 };
                made.body = Body::File(Data { base: Some(base), ..Data::default() });
                made
            }
            Kind::Symlink { target } => {
                let mut made = inode(ino, Type::Symlink, target.len() as u64, &meta);
                made.body = Body::Symlink(target);
                made
            }
            Kind::Fifo => inode(ino, Type::Fifo, 0, &meta),
            Kind::Socket => inode(ino, Type::Socket, 0, &meta),
            Kind::CharDevice { rdev } => device(ino, Type::CharDevice, rdev, &meta),
            Kind::BlockDevice { rdev } => device(ino, Type::BlockDevice, rdev, &meta),
        };
        made.attr.links = 0;
        self.all.insert(ino, made);
        ino
    }

    /// The number it had, unless that is taken or none.
    fn number(&mut self, wanted: u64) -> Ino {
        let usable = wanted > ROOT && wanted < 1 << 60 && !self.all.contains_key(&wanted);
        if usable {
            return wanted;
        }
        // Beyond all that are given out one after another.
        self.next = self.next.max(1 << 60) + 1;
        self.next
    }

    /// Counts names, whatever the listings said.
    fn finish(mut self) -> Vec<Inode> {
        let mut links: BTreeMap<Ino, u32> = BTreeMap::new();
        for inode in self.all.values() {
            let Body::Dir(dir) = &inode.body else { continue };
            for ino in dir.entries.values() {
                match self.all.get(ino).map(|below| below.attr.kind) {
                    // A directory has its own name, its dot, and one in each directory in it.
                    Some(Type::Dir) => *links.entry(inode.attr.ino).or_default() += 1,
                    _ => *links.entry(*ino).or_default() += 1,
                }
            }
        }
        for (ino, inode) in &mut self.all {
            let own = if inode.attr.kind == Type::Dir { 2 } else { 0 };
            inode.attr.links = links.get(ino).copied().unwrap_or_default() + own;
        }
        self.all.into_values().collect()
    }
}

fn inode(ino: Ino, kind: Type, size: u64, meta: &Meta) -> Inode {
    // Its names are counted when all of them are known.
    let attr = Attr { allocated: 0, links: 0, ..Attr::of((ino, kind, size), meta) };
    let xattrs = meta.xattrs.iter().map(|xattr| (xattr.name.clone(), xattr.value.clone()));
    Inode { attr, xattrs: xattrs.collect(), body: Body::Other }
}

fn device(ino: Ino, kind: Type, rdev: u64, meta: &Meta) -> Inode {
    let mut made = inode(ino, kind, 0, meta);
    made.attr.rdev = rdev;
    made
}
