//! The rules of a file system, without a kernel: each checked where a program would notice.

use std::sync::atomic::AtomicI64;

use bytes::BytesMut;
use chunker::ChunkId;

use super::*;
use crate::drive::ops::{
    Allocate, Caller, Change, Files, New, Read, Rename, Seek, SetTime, Stop, XattrHow,
};
use crate::vault::tree::Piece;

mod model;
mod placing;
mod power;
mod space;

/// A grid that has every chunk at once, in memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<BTreeMap<ChunkId, Bytes>>>);

impl Memory {
    /// Keeps bytes, cut like this, and says what they are called.
    pub(crate) fn keep(&self, bytes: &[u8], chunk: usize) -> Content {
        let mut all = self.0.lock().unwrap();
        let pieces = bytes.chunks(chunk).map(|plain| {
            let id = ChunkId::from_bytes(*blake3::hash(plain).as_bytes());
            all.insert(id, Bytes::copy_from_slice(plain));
            Piece { len: plain.len() as u64, chunk: Some(id) }
        });
        Content::Inline(pieces.collect())
    }
}

impl Far for Memory {
    fn layout(
        &self,
        content: Content,
        size: u64,
    ) -> BoxFuture<'static, Result<Arc<Layout>, Errno>> {
        let Content::Inline(pieces) = content else { unreachable!() };
        let layout = Layout::new(pieces, size).ok_or(Errno::IO);
        Box::pin(async move { layout.map(Arc::new) })
    }

    fn read(
        &self,
        content: Content,
        _: u64,
        at: u64,
        len: u64,
    ) -> BoxFuture<'static, Result<Bytes, Errno>> {
        let Content::Inline(pieces) = content else { unreachable!() };
        let all = self.0.lock().unwrap();
        let mut bytes = BytesMut::new();
        for piece in pieces {
            match piece.chunk {
                Some(id) => bytes.extend_from_slice(&all[&id]),
                None => bytes.resize(bytes.len() + piece.len as usize, 0),
            }
        }
        let range = at as usize..(at + len) as usize;
        let part = bytes.get(range).map(Bytes::copy_from_slice).ok_or(Errno::IO);
        Box::pin(async move { part })
    }
}

/// A drive on a disk of its own.
pub(crate) struct World {
    dir: tempfile::TempDir,
    pub(crate) grid: Memory,
    time: Arc<AtomicI64>,
    pub(crate) volume: Arc<Volume>,
}

pub(crate) const ME: Caller = Caller { uid: 7, gid: 8 };

impl World {
    pub(crate) fn new() -> Self {
        let (dir, grid) = (tempfile::tempdir().unwrap(), Memory::default());
        let time = Arc::new(AtomicI64::new(1_000));
        let volume = Self::open(&dir, &grid, &time);
        Self { dir, grid, time, volume }
    }

    fn open(dir: &tempfile::TempDir, grid: &Memory, time: &Arc<AtomicI64>) -> Arc<Volume> {
        let store = DriveStore::open(&dir.path().join("drive")).unwrap();
        let time = Arc::clone(time);
        let now = move || Stamp { secs: time.fetch_add(1, Ordering::Relaxed), nanos: 5 };
        Arc::new(Volume::open(store, Arc::new(grid.clone()), Arc::new(now)).unwrap())
    }

    /// The program is killed, and started again: only what is on the disk is left.
    pub(crate) fn killed(&mut self) {
        self.volume = Self::open(&self.dir, &self.grid, &self.time);
    }

    pub(crate) fn make(&self, parent: Ino, name: &str, kind: Type) -> Attr {
        self.make_with(parent, name, kind, 0o777, 0o022).unwrap()
    }

    fn make_with(
        &self,
        parent: Ino,
        name: &str,
        kind: Type,
        mode: u32,
        umask: u32,
    ) -> Result<Attr, Errno> {
        let new = New { kind, mode, umask, rdev: 0, target: Vec::new() };
        self.volume.make(parent, name.as_bytes(), &new, ME)
    }

    pub(crate) fn read(&self, ino: Ino, at: u64, len: u32) -> Vec<u8> {
        match self.volume.read(ino, at, len).unwrap() {
            Read::Now(bytes) => bytes.to_vec(),
            Read::Later(later) => futures::executor::block_on(later).unwrap().to_vec(),
        }
    }

    pub(crate) fn size(&self, ino: Ino) -> u64 {
        self.volume.attr(ino).unwrap().size
    }

    pub(crate) fn find(&self, parent: Ino, name: &str) -> Result<Attr, Errno> {
        match self.volume.lookup(parent, name.as_bytes()) {
            Ok(attr) => Ok(attr),
            Err(Stop::Errno(errno)) => Err(errno),
            Err(Stop::Wait(_)) => panic!("nothing of the table is far"),
        }
    }

    pub(crate) fn names(&self, ino: Ino) -> Vec<String> {
        let text = |one: &crate::drive::ops::Listed| String::from_utf8(one.name.clone()).unwrap();
        self.volume.list(ino).unwrap().iter().skip(2).map(text).collect()
    }

    /// A file's bytes are in a commit that nobody has.
    pub(crate) fn lose(&self, ino: Ino) {
        let content = Content::Inline(Vec::new());
        let mut state = self.volume.state();
        let lost = state.change_data(ino, |data, attr| {
            let (size, of) = (attr.size, data.changed);
            let base = node::Base { content, size, allocated: size, commit: 0, of };
            *data = Data { base: Some(base), changed: of, ..Data::default() };
        });
        lost.unwrap();
    }

    fn links(&self, ino: Ino) -> u32 {
        self.volume.attr(ino).unwrap().links
    }
}

#[test]
fn links_count_names_and_directories_count_those_below() {
    let w = World::new();
    let dir = w.make(ROOT, "d", Type::Dir).ino;
    w.make(dir, "e", Type::Dir);
    let file = w.make(dir, "f", Type::File).ino;
    assert_eq!((w.links(ROOT), w.links(dir), w.links(file)), (3, 3, 1));
    w.volume.link(file, ROOT, b"g").unwrap();
    assert_eq!(w.links(file), 2);
    assert_eq!(w.volume.link(dir, ROOT, b"h").unwrap_err(), Errno::PERM);
    assert_eq!(w.volume.rmdir(ROOT, b"d").unwrap_err(), Errno::NOTEMPTY);
    assert_eq!(w.volume.unlink(ROOT, b"d").unwrap_err(), Errno::ISDIR);
    assert_eq!(w.volume.rmdir(dir, b"f").unwrap_err(), Errno::NOTDIR);
    w.volume.unlink(dir, b"f").unwrap();
    w.volume.rmdir(dir, b"e").unwrap();
    w.volume.rmdir(ROOT, b"d").unwrap();
    assert_eq!((w.links(ROOT), w.links(file)), (2, 1));
    assert_eq!(w.names(ROOT), ["g"]);
}

#[test]
fn a_file_without_a_name_lives_as_long_as_somebody_knows_it() {
    let mut w = World::new();
    let file = w.make(ROOT, "f", Type::File).ino;
    w.volume.remember(file);
    w.volume.write(file, 0, b"still here", true).unwrap();
    w.volume.unlink(ROOT, b"f").unwrap();
    assert_eq!((w.read(file, 0, 99), w.links(file)), (b"still here".to_vec(), 0));
    assert_eq!(w.volume.link(file, ROOT, b"again").unwrap_err(), Errno::NOENT);
    w.volume.forget(file, 1);
    assert!(w.volume.attr(file).is_err());
    let file = w.make(ROOT, "g", Type::File).ino;
    w.volume.remember(file);
    w.volume.write(file, 0, b"gone", true).unwrap();
    w.volume.unlink(ROOT, b"g").unwrap();
    w.volume.sync_all().unwrap();
    w.killed();
    assert!(w.volume.attr(file).is_err());
    assert_eq!(w.volume.store.numbers().unwrap(), Vec::<u64>::new());
}

#[test]
fn renames_replace_exchange_or_refuse() {
    let w = World::new();
    let (a, b) = (w.make(ROOT, "a", Type::Dir).ino, w.make(ROOT, "b", Type::Dir).ino);
    let (f, g) = (w.make(a, "f", Type::File).ino, w.make(b, "g", Type::File).ino);
    let rename = |from: (Ino, &str), to: (Ino, &str), how| {
        w.volume.rename((from.0, from.1.as_bytes()), (to.0, to.1.as_bytes()), how)
    };
    assert_eq!(rename((a, "f"), (b, "g"), Rename::NoReplace), Err(Errno::EXIST));
    assert_eq!(rename((a, "f"), (b, "h"), Rename::Exchange), Err(Errno::NOENT));
    assert_eq!(rename((ROOT, "a"), (a, "a"), Rename::Plain), Err(Errno::INVAL));
    assert_eq!(rename((ROOT, "a"), (b, "g"), Rename::Plain), Err(Errno::NOTDIR));
    assert_eq!(rename((a, "f"), (ROOT, "b"), Rename::Plain), Err(Errno::ISDIR));
    assert_eq!(rename((ROOT, "a"), (ROOT, "b"), Rename::Plain), Err(Errno::NOTEMPTY));
    rename((a, "f"), (b, "g"), Rename::Exchange).unwrap();
    assert_eq!((w.find(a, "f").unwrap().ino, w.find(b, "g").unwrap().ino), (g, f));
    rename((ROOT, "a"), (b, "g"), Rename::Exchange).unwrap();
    assert_eq!((w.find(ROOT, "a").unwrap().ino, w.find(b, "g").unwrap().ino), (f, a));
    assert_eq!((w.links(ROOT), w.links(b)), (3, 3));
    rename((a, "f"), (ROOT, "a"), Rename::Plain).unwrap();
    assert!(w.volume.attr(f).is_err(), "the file that was replaced is gone");
    let c = w.make(ROOT, "c", Type::Dir).ino;
    rename((b, "g"), (ROOT, "c"), Rename::Plain).unwrap();
    assert!(w.volume.attr(c).is_err());
    assert_eq!((w.links(ROOT), w.links(b), w.find(ROOT, "c").unwrap().ino), (4, 2, a));
    let up = &w.volume.list(a).unwrap()[1];
    assert_eq!((up.name.as_slice(), up.ino), (&b".."[..], ROOT));
    w.volume.link(g, a, b"one").unwrap();
    rename((ROOT, "a"), (a, "one"), Rename::Plain).unwrap();
    assert!(w.find(ROOT, "a").is_ok(), "two names of one file both stay");
}

#[test]
fn names_are_bytes_up_to_255() {
    let w = World::new();
    let long = "n".repeat(255);
    w.make(ROOT, &long, Type::File);
    assert!(w.find(ROOT, &long).is_ok());
    let longer = "n".repeat(256);
    assert_eq!(w.find(ROOT, &longer).unwrap_err(), Errno::NAMETOOLONG);
    let made = w.make_with(ROOT, &longer, Type::File, 0, 0);
    assert_eq!(made.unwrap_err(), Errno::NAMETOOLONG);
}

#[test]
fn who_writes_takes_the_right_to_run_as_somebody_else_away() {
    let w = World::new();
    let file = w.make_with(ROOT, "f", Type::File, 0o6755, 0).unwrap().ino;
    w.volume.write(file, 0, b"x", true).unwrap();
    assert_eq!(w.volume.attr(file).unwrap().mode, 0o6755);
    w.volume.write(file, 0, b"x", false).unwrap();
    assert_eq!(w.volume.attr(file).unwrap().mode, 0o755);
    let change = Change { mode: Some(0o6745), ..Change::default() };
    w.volume.set_attr(file, &change, ME).unwrap();
    let change = Change { uid: Some(9), ..Change::default() };
    // Without the group's right to run it, the bit is for locking and stays.
    assert_eq!(w.volume.set_attr(file, &change, ME).unwrap().mode, 0o2745);
}

#[test]
fn entries_of_a_setgid_directory_get_its_group() {
    let w = World::new();
    let dir = w.make_with(ROOT, "d", Type::Dir, 0o2775, 0).unwrap().ino;
    let change = Change { gid: Some(55), ..Change::default() };
    w.volume.set_attr(dir, &change, ME).unwrap();
    let below = w.make(dir, "e", Type::Dir);
    assert_eq!((below.gid, below.mode, below.uid), (55, 0o2755, 7));
    assert_eq!(w.make(dir, "f", Type::File).gid, 55);
}

#[test]
fn times_are_kept_to_the_nanosecond_and_survive() {
    let mut w = World::new();
    let file = w.make(ROOT, "f", Type::File).ino;
    let at = Stamp { secs: -3, nanos: 999_999_999 };
    let change = Change { mtime: Some(SetTime::At(at)), ..Change::default() };
    let before = w.volume.attr(file).unwrap();
    let set = w.volume.set_attr(file, &change, ME).unwrap();
    assert_eq!((set.mtime, set.atime), (at, before.atime));
    assert!(set.ctime > before.ctime);
    w.volume.sync(file).unwrap();
    w.killed();
    assert_eq!(w.volume.attr(file).unwrap(), set);
}

#[test]
fn reading_renews_the_read_time_once_after_a_change() {
    let w = World::new();
    let file = w.make(ROOT, "f", Type::File).ino;
    w.volume.write(file, 0, b"x", true).unwrap();
    let written = w.volume.attr(file).unwrap();
    w.read(file, 0, 1);
    let read = w.volume.attr(file).unwrap();
    assert!(read.atime > written.mtime);
    w.read(file, 0, 1);
    assert_eq!(w.volume.attr(file).unwrap().atime, read.atime);
}

#[test]
fn holes_are_found_and_take_no_room() {
    let w = World::new();
    let file = w.make(ROOT, "f", Type::File).ino;
    let mib = 1 << 20;
    w.volume.write(file, 10 * mib, &vec![1; mib as usize], true).unwrap();
    let change = Change { size: Some(20 * mib), ..Change::default() };
    w.volume.set_attr(file, &change, ME).unwrap();
    let seek = |at, what| w.volume.seek(file, at, what);
    assert_eq!(seek(0, Seek::Data), Ok(10 * mib));
    assert_eq!(seek(10 * mib + 1, Seek::Hole), Ok(11 * mib));
    assert_eq!(seek(11 * mib, Seek::Data), Err(Errno::NXIO));
    assert_eq!(seek(0, Seek::Hole), Ok(0));
    assert_eq!(seek(20 * mib, Seek::Hole), Err(Errno::NXIO));
    assert_eq!(w.volume.attr(file).unwrap().allocated, mib);
    w.volume.allocate(file, 10 * mib, mib / 2, Allocate::Punch).unwrap();
    assert_eq!(seek(0, Seek::Data), Ok(10 * mib + mib / 2));
    assert_eq!(w.read(file, 10 * mib + mib / 2 - 1, 2), [0, 1]);
    w.volume.allocate(file, 0, mib, Allocate::Reserve { keep_size: false }).unwrap();
    assert_eq!((seek(0, Seek::Data), w.read(file, 5, 2)), (Ok(0), vec![0, 0]));
}

#[test]
fn attributes_are_made_replaced_and_refused_as_asked() {
    let w = World::new();
    let file = w.make(ROOT, "f", Type::File).ino;
    let set = |name: &str, value: &[u8], how| w.volume.set_xattr(file, name.as_bytes(), value, how);
    assert_eq!(set("user.a", b"1", XattrHow::Replace), Err(Errno::NODATA));
    set("user.a", b"1", XattrHow::Create).unwrap();
    assert_eq!(set("user.a", b"2", XattrHow::Create), Err(Errno::EXIST));
    set("user.a", b"", XattrHow::Replace).unwrap();
    assert_eq!(w.volume.xattr(file, b"user.a").unwrap(), b"");
    assert_eq!(set("system.other", b"", XattrHow::Either), Err(Errno::OPNOTSUPP));
    assert_eq!(set("user.gbak.state", b"grid", XattrHow::Either), Err(Errno::PERM));
    assert_eq!(set("user.b", &vec![0; 65_537], XattrHow::Either), Err(Errno::RANGE));
    assert_eq!(w.volume.xattr_names(file).unwrap(), [b"user.a"]);
    w.volume.remove_xattr(file, b"user.a").unwrap();
    assert_eq!(w.volume.remove_xattr(file, b"user.a"), Err(Errno::NODATA));
}

#[test]
fn lists_and_permission_bits_follow_each_other() {
    let w = World::new();
    let file = w.make_with(ROOT, "f", Type::File, 0o644, 0).unwrap().ino;
    let list = |user: u16, named: u16, group: u16, mask: u16, other: u16| {
        let mut bytes = 2_u32.to_le_bytes().to_vec();
        for (tag, perm, id) in [
            (1_u16, user, u32::MAX),
            (2, named, 12),
            (4, group, u32::MAX),
            (16, mask, u32::MAX),
            (32, other, u32::MAX),
        ] {
            bytes.extend_from_slice(&tag.to_le_bytes());
            bytes.extend_from_slice(&perm.to_le_bytes());
            bytes.extend_from_slice(&id.to_le_bytes());
        }
        bytes
    };
    w.volume.set_xattr(file, acl::ACCESS, &list(7, 6, 5, 6, 1), XattrHow::Either).unwrap();
    assert_eq!(w.volume.attr(file).unwrap().mode, 0o761);
    let change = Change { mode: Some(0o640), ..Change::default() };
    w.volume.set_attr(file, &change, ME).unwrap();
    assert_eq!(w.volume.xattr(file, acl::ACCESS).unwrap(), list(6, 6, 5, 4, 0));
    let dir = w.make(ROOT, "d", Type::Dir).ino;
    w.volume.set_xattr(dir, acl::DEFAULT, &list(7, 7, 7, 7, 0), XattrHow::Either).unwrap();
    let below = w.make_with(dir, "f", Type::File, 0o666, 0o077).unwrap();
    assert_eq!(below.mode, 0o660, "a default list takes the umask's place");
    assert_eq!(w.volume.xattr(below.ino, acl::ACCESS).unwrap(), list(6, 7, 7, 6, 0));
}

#[test]
fn what_was_synced_is_there_after_a_kill_and_a_truncated_file_is_never_half_old() {
    let mut w = World::new();
    let file = w.make(ROOT, "f", Type::File).ino;
    w.volume.write(file, 0, b"the old content", true).unwrap();
    w.volume.sync(file).unwrap();
    let change = Change { size: Some(0), ..Change::default() };
    w.volume.set_attr(file, &change, ME).unwrap();
    w.volume.write(file, 0, b"new", true).unwrap();
    // Nothing asked for this to be kept.
    w.killed();
    assert_eq!(w.read(w.find(ROOT, "f").unwrap().ino, 0, 99), b"the old content");
}

#[test]
fn a_name_that_was_replaced_without_a_sync_still_has_its_bytes_after_a_kill() {
    let mut w = World::new();
    let old = w.make(ROOT, "f", Type::File).ino;
    w.volume.write(old, 0, b"old", true).unwrap();
    w.volume.sync(old).unwrap();
    let new = w.make(ROOT, "f.tmp", Type::File).ino;
    w.volume.write(new, 0, b"new", true).unwrap();
    w.volume.rename((ROOT, b"f.tmp"), (ROOT, b"f"), Rename::Plain).unwrap();
    w.killed();
    assert_eq!(w.read(w.find(ROOT, "f").unwrap().ino, 0, 9), b"old");
    assert_eq!(w.names(ROOT), ["f"]);
}

#[test]
fn a_fenced_drive_is_read_and_synced_and_changed_by_nobody() {
    let w = World::new();
    let file = w.make(ROOT, "f", Type::File).ino;
    w.volume.write(file, 0, b"before", true).unwrap();
    let changes = w.volume.changes();
    w.volume.fence();
    let rofs = Errno::ROFS;
    let new = New { kind: Type::File, mode: 0o644, umask: 0, rdev: 0, target: Vec::new() };
    let cut = Change { size: Some(0), ..Change::default() };
    assert_eq!(w.volume.write(file, 0, b"after", true).unwrap_err(), rofs);
    assert_eq!(w.volume.set_attr(file, &cut, ME).unwrap_err(), rofs);
    assert_eq!(w.volume.make(ROOT, b"g", &new, ME).unwrap_err(), rofs);
    assert_eq!(w.volume.link(file, ROOT, b"g").unwrap_err(), rofs);
    assert_eq!(w.volume.unlink(ROOT, b"f").unwrap_err(), rofs);
    assert_eq!(w.volume.rmdir(ROOT, b"f").unwrap_err(), rofs);
    assert_eq!(w.volume.rename((ROOT, b"f"), (ROOT, b"g"), Rename::Plain).unwrap_err(), rofs);
    assert_eq!(w.volume.allocate(file, 0, 9, Allocate::Punch).unwrap_err(), rofs);
    assert_eq!(w.volume.set_xattr(file, b"user.a", b"", XattrHow::Either).unwrap_err(), rofs);
    assert_eq!(w.volume.remove_xattr(file, b"user.a").unwrap_err(), rofs);
    w.volume.sync(file).unwrap();
    assert_eq!((w.volume.changes(), w.volume.space().available), (changes, 0));
    assert!(matches!(w.volume.read(file, 0, 9), Ok(Read::Now(bytes)) if &*bytes == b"before"));
}
