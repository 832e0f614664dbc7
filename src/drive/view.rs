//! Snapshots as a read-only tree: one of them, or all in two directories, `snapshots` (by time,
//! with `latest`) and `ids`.
//!
//! A directory's listing is fetched when somebody looks into it, and kept. Numbers are given out as
//! entries are met, the same number for all names of one file. Snapshots that are made while the
//! view is mounted appear; forgotten ones disappear, but what was opened of them stays readable as
//! long as its packs are held.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chunker::SnapshotId;
use p2p::Grid;
use rustix::io::Errno;

use super::lru::Lru;
use super::ops::{Attr, Files, Ino, Listed, ROOT, Read, Space, Stop, Type};
use super::reader::{Layout, Reader};
use crate::flow::{Ctx, FlowError, look};
use crate::vault::snapshot::Snapshot;
use crate::vault::tree::{Content, Kind, Meta, Node, Piece, Stamp, Tree, Xattr};

/// Layouts of files kept, by their number of pieces.
const LAYOUT_PIECES: usize = 1 << 20;
/// How long what never changes may be remembered.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);
/// How long the list of snapshots may be remembered.
const SOON: Duration = Duration::from_secs(1);

/// Snapshots of a vault.
pub struct View<G> {
    shared: Arc<Shared<G>>,
}

struct Shared<G> {
    ctx: Ctx<G>,
    reader: Arc<Reader<G>>,
    slots: Mutex<Slots>,
    layouts: Mutex<Lru<Ino, Arc<Layout>>>,
}

impl<G> std::fmt::Debug for View<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").finish_non_exhaustive()
    }
}

type Children = BTreeMap<Vec<u8>, Ino>;

/// Everything met so far; number n is at n - 1.
#[derive(Debug, Default)]
struct Slots {
    all: Vec<Slot>,
    /// Files with several names: by snapshot, device and inode.
    linked: BTreeMap<(Ino, u64, u64), Ino>,
    /// The directories of snapshots, by their ids.
    snapshots: BTreeMap<SnapshotId, Ino>,
}

#[derive(Debug)]
struct Slot {
    attr: Attr,
    parent: Ino,
    /// The snapshot's topmost directory.
    top: Ino,
    what: What,
    xattrs: Vec<Xattr>,
    children: Option<Arc<Children>>,
}

#[derive(Debug, Clone)]
enum What {
    /// The directory of snapshots by time.
    Times,
    /// The directory of snapshots by id.
    Ids,
    /// A directory of which the children are known for good.
    Fixed,
    /// A directory of a snapshot.
    Dir(Vec<Piece>),
    File(Content),
    Symlink(Vec<u8>),
    Other,
}

/// Where the directories that belong to no snapshot are, below a view of all.
const TIMES: Ino = 2;
const IDS: Ino = 3;

impl<G: Grid> View<G> {
    /// One directory of a snapshot.
    pub fn of_one(
        ctx: Ctx<G>,
        reader: Arc<Reader<G>>,
        snapshot: &Snapshot,
        tree: Vec<Piece>,
    ) -> Self {
        let mut slots = Slots::default();
        slots.add(ROOT, None, What::Dir(tree), plain_dir(snapshot.time));
        Self::with(ctx, reader, slots)
    }

    /// All snapshots, those to come as well.
    pub fn of_all(ctx: Ctx<G>, reader: Arc<Reader<G>>) -> Self {
        let mut slots = Slots::default();
        let now = Stamp { secs: ctx.clock.now_secs() as i64, nanos: 0 };
        slots.add(ROOT, None, What::Fixed, plain_dir(now));
        slots.add(ROOT, None, What::Times, plain_dir(now));
        slots.add(ROOT, None, What::Ids, plain_dir(now));
        let children = [(b"snapshots".to_vec(), TIMES), (b"ids".to_vec(), IDS)];
        if let Some(root) = slots.all.first_mut() {
            root.children = Some(Arc::new(Children::from(children)));
        }
        Self::with(ctx, reader, slots)
    }

    fn with(ctx: Ctx<G>, reader: Arc<Reader<G>>, slots: Slots) -> Self {
        let layouts = Mutex::new(Lru::new(LAYOUT_PIECES));
        Self { shared: Arc::new(Shared { ctx, reader, slots: Mutex::new(slots), layouts }) }
    }

    fn children(&self, ino: Ino) -> Result<Arc<Children>, Stop> {
        let shared = &self.shared;
        let mut slots = shared.slots();
        match &slots.get(ino)?.what {
            What::Times | What::Ids => {
                let snapshots = look::snapshots(&shared.ctx).map_err(|error| errno(&error))?;
                slots.refresh(&snapshots);
            }
            What::Fixed | What::Dir(_) => {}
            _ => return Err(Errno::NOTDIR.into()),
        }
        let slot = slots.get(ino)?;
        match (&slot.children, &slot.what) {
            (Some(children), _) => Ok(Arc::clone(children)),
            (None, What::Dir(tree)) => {
                let (shared, tree) = (Arc::clone(shared), tree.clone());
                Err(Stop::Wait(Box::pin(async move { shared.load(ino, &tree).await })))
            }
            _ => Ok(Arc::default()),
        }
    }
}

impl<G: Grid> Shared<G> {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        // Slots are only ever added whole.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn load(&self, ino: Ino, tree: &[Piece]) -> Result<(), Errno> {
        let tree: Tree = self.reader.record(tree).await.map_err(|error| errno(&error))?;
        let mut slots = self.slots();
        if slots.get(ino)?.children.is_some() {
            return Ok(());
        }
        let faulty: BTreeMap<_, _> = tree.faults().into_iter().collect();
        let mut children = Children::new();
        for (at, node) in tree.nodes.into_iter().enumerate() {
            if let Some(fault) = faulty.get(&at) {
                tracing::warn!(%fault, "an entry of a snapshot is not shown");
                continue;
            }
            let name = node.name.clone();
            children.insert(name, slots.enter(ino, node)?);
        }
        slots.get_mut(ino)?.children = Some(Arc::new(children));
        Ok(())
    }

    async fn layout(&self, ino: Ino, content: &Content, size: u64) -> Result<Arc<Layout>, Errno> {
        if let Some(layout) = self.layouts().get(&ino) {
            return Ok(layout);
        }
        let layout = self.reader.layout(content, size).await.map_err(|error| errno(&error))?;
        let layout = Arc::new(layout);
        self.layouts().put(ino, Arc::clone(&layout), layout.weight());
        Ok(layout)
    }

    fn layouts(&self) -> MutexGuard<'_, Lru<Ino, Arc<Layout>>> {
        self.layouts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(
        &self,
        ino: Ino,
        content: &Content,
        size: u64,
        range: (u64, u32),
    ) -> Result<Bytes, Errno> {
        let layout = self.layout(ino, content, size).await?;
        let read = self.reader.read(&layout, range.0, u64::from(range.1)).await;
        read.map_err(|error| errno(&error))
    }
}

/// Whatever keeps data away, a program that reads a file learns that it cannot be had.
fn errno(error: &FlowError) -> Errno {
    tracing::warn!(%error, "a snapshot cannot be read");
    Errno::IO
}

impl Slots {
    fn get(&self, ino: Ino) -> Result<&Slot, Errno> {
        let at = usize::try_from(ino).ok().and_then(|ino| ino.checked_sub(1));
        at.and_then(|at| self.all.get(at)).ok_or(Errno::NOENT)
    }

    fn get_mut(&mut self, ino: Ino) -> Result<&mut Slot, Errno> {
        let at = usize::try_from(ino).ok().and_then(|ino| ino.checked_sub(1));
        at.and_then(|at| self.all.get_mut(at)).ok_or(Errno::NOENT)
    }

    /// Adds an entry; without a top it is a snapshot's topmost directory.
    fn add(&mut self, parent: Ino, top: Option<Ino>, what: What, node: (Type, u64, Meta)) -> Ino {
        let ino = self.all.len() as Ino + 1;
        let (kind, size, meta) = node;
        let attr = Attr::of((ino, kind, size), &meta);
        let top = top.unwrap_or(ino);
        self.all.push(Slot { attr, parent, top, what, xattrs: meta.xattrs, children: None });
        ino
    }

    /// Adds what a listing has, unless it is another name of a file that is there.
    fn enter(&mut self, parent: Ino, node: Node) -> Result<Ino, Errno> {
        let top = self.get(parent)?.top;
        let linked = (node.meta.links > 1 && !matches!(node.kind, Kind::Dir { .. })).then_some((
            top,
            node.meta.device,
            node.meta.inode,
        ));
        if let Some(known) = linked.and_then(|key| self.linked.get(&key)) {
            return Ok(*known);
        }
        let (kind, size, what) = match node.kind {
            Kind::Dir { tree } => (Type::Dir, 4096, What::Dir(tree)),
            Kind::File { size, content } => (Type::File, size, What::File(content)),
            Kind::Symlink { target } => (Type::Symlink, target.len() as u64, What::Symlink(target)),
            Kind::Fifo => (Type::Fifo, 0, What::Other),
            Kind::Socket => (Type::Socket, 0, What::Other),
            Kind::CharDevice { rdev } | Kind::BlockDevice { rdev } => {
                let block = matches!(node.kind, Kind::BlockDevice { .. });
                let kind = if block { Type::BlockDevice } else { Type::CharDevice };
                let ino = self.add(parent, Some(top), What::Other, (kind, 0, node.meta));
                self.get_mut(ino)?.attr.rdev = rdev;
                return Ok(ino);
            }
        };
        let ino = self.add(parent, Some(top), what, (kind, size, node.meta));
        if let Some(key) = linked {
            self.linked.insert(key, ino);
        }
        Ok(ino)
    }

    /// Makes the lists of snapshots those that there are now.
    fn refresh(&mut self, listed: &[look::Listed]) {
        let (mut times, mut ids) = (Children::new(), Children::new());
        let mut newest = None;
        for look::Listed { id, snapshot, .. } in listed {
            let ino = self.snapshots.get(id).copied().unwrap_or_else(|| {
                let what = What::Dir(snapshot.root.clone());
                self.add(TIMES, None, what, plain_dir(snapshot.time))
            });
            self.snapshots.insert(*id, ino);
            let mut name = time_name(snapshot.time);
            if times.contains_key(name.as_bytes()) {
                name = format!("{name}_{}", id.short());
            }
            times.insert(name.clone().into_bytes(), ino);
            ids.insert(id.short().into_bytes(), ino);
            newest = Some(name);
        }
        if let Some(newest) = newest {
            times.insert(b"latest".to_vec(), self.latest(newest.into_bytes()));
        }
        for (ino, children) in [(TIMES, times), (IDS, ids)] {
            if let Ok(slot) = self.get_mut(ino) {
                slot.children = Some(Arc::new(children));
            }
        }
    }

    /// The link to the newest snapshot: another number when it points elsewhere, because the
    /// kernel may remember where a link points.
    fn latest(&mut self, target: Vec<u8>) -> Ino {
        let known = self
            .get(TIMES)
            .ok()
            .and_then(|slot| slot.children.as_ref()?.get(&b"latest"[..]).copied());
        if let Some(ino) = known
            && let Ok(Slot { what: What::Symlink(to), .. }) = self.get(ino)
            && *to == target
        {
            return ino;
        }
        let meta = Meta { mode: 0o777, links: 1, ..Meta::default() };
        let len = target.len() as u64;
        self.add(TIMES, Some(TIMES), What::Symlink(target), (Type::Symlink, len, meta))
    }
}

/// Like `2026-11-25T15:21:32Z`.
fn time_name(time: Stamp) -> String {
    let named = jiff::Timestamp::from_second(time.secs);
    named.map_or_else(|_| format!("@{}", time.secs), |time| time.to_string())
}

/// A directory that is in no listing.
fn plain_dir(time: Stamp) -> (Type, u64, Meta) {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let meta =
        Meta { mode: 0o755, uid, gid, mtime: time, ctime: time, links: 1, ..Meta::default() };
    (Type::Dir, 4096, meta)
}

impl<G: Grid> Files for View<G> {
    fn lookup(&self, parent: Ino, name: &[u8]) -> Result<Attr, Stop> {
        let children = self.children(parent)?;
        let ino = children.get(name).ok_or(Errno::NOENT)?;
        self.attr(*ino)
    }

    fn attr(&self, ino: Ino) -> Result<Attr, Stop> {
        Ok(self.shared.slots().get(ino)?.attr)
    }

    fn list(&self, ino: Ino) -> Result<Vec<Listed>, Stop> {
        let children = self.children(ino)?;
        let slots = self.shared.slots();
        let above = slots.get(ino)?.parent;
        let dir = |name: &[u8], ino| Listed { name: name.to_vec(), ino, kind: Type::Dir };
        let mut all = vec![dir(b".", ino), dir(b"..", above)];
        for (name, ino) in &*children {
            let kind = slots.get(*ino)?.attr.kind;
            all.push(Listed { name: name.clone(), ino: *ino, kind });
        }
        Ok(all)
    }

    fn target(&self, ino: Ino) -> Result<Vec<u8>, Stop> {
        match &self.shared.slots().get(ino)?.what {
            What::Symlink(target) => Ok(target.clone()),
            _ => Err(Errno::INVAL.into()),
        }
    }

    fn read(&self, ino: Ino, at: u64, len: u32) -> Result<Read, Errno> {
        let (content, size) = match self.shared.slots().get(ino)? {
            Slot { what: What::File(content), attr, .. } => (content.clone(), attr.size),
            Slot { attr: Attr { kind: Type::Dir, .. }, .. } => return Err(Errno::ISDIR),
            _ => return Err(Errno::INVAL),
        };
        if at >= size {
            return Ok(Read::Now(Bytes::new()));
        }
        let shared = Arc::clone(&self.shared);
        let read = async move { shared.read(ino, &content, size, (at, len)).await };
        Ok(Read::Later(Box::pin(read)))
    }

    fn xattr(&self, ino: Ino, name: &[u8]) -> Result<Vec<u8>, Stop> {
        let slots = self.shared.slots();
        let found = slots.get(ino)?.xattrs.iter().find(|xattr| xattr.name == name);
        found.map(|xattr| xattr.value.clone()).ok_or(Errno::NODATA.into())
    }

    fn xattr_names(&self, ino: Ino) -> Result<Vec<Vec<u8>>, Stop> {
        let slots = self.shared.slots();
        Ok(slots.get(ino)?.xattrs.iter().map(|xattr| xattr.name.clone()).collect())
    }

    fn space(&self) -> Space {
        Space { total: 0, available: 0, files: self.shared.slots().all.len() as u64 }
    }

    fn patience(&self, ino: Ino) -> Duration {
        match self.shared.slots().get(ino) {
            Ok(Slot { what: What::Times | What::Ids, .. }) => SOON,
            // The link to the newest one, and the snapshots themselves, which can be forgotten.
            Ok(Slot { parent: TIMES, .. }) if ino > IDS => SOON,
            _ => FOR_EVER,
        }
    }
}
