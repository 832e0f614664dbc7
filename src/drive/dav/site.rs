//! A tree as the crate wants to see it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use dav_server::davpath::DavPath;
use dav_server::fs::{
    DavDirEntry, DavFile, DavFileSystem, DavMetaData, DavProp, FsError, FsFuture, FsResult,
    FsStream, OpenOptions, ReadDirMeta,
};
use futures::FutureExt;
use rustix::io::Errno;

use super::file::Open;
use super::path::Found;
use super::props::Patched;
use super::{Shared, Whole, fault, joined};
use crate::drive::ops::{Attr, Listed, New, Type, system_time};
use crate::vault::tree::Stamp;

/// Permissions of what is made.
pub(super) const DIR_MODE: u32 = 0o755;
pub(super) const FILE_MODE: u32 = 0o644;
/// The last second that HTTP can name: the end of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;
const EXECUTABLE: u32 = 0o111;

/// The tree, for one request.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) shared: Arc<Shared>,
    pub(super) whole: Whole,
}

/// What is known of something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meta {
    attr: Attr,
    /// Looks like a file, whatever it is.
    one: bool,
}

impl Meta {
    pub(super) const fn of(attr: Attr) -> Self {
        Self { attr, one: false }
    }
}

impl DavMetaData for Meta {
    fn len(&self) -> u64 {
        if self.attr.kind == Type::File { self.attr.size } else { 0 }
    }

    fn modified(&self) -> FsResult<SystemTime> {
        Ok(time(self.attr.mtime))
    }

    fn is_dir(&self) -> bool {
        self.attr.kind == Type::Dir && !self.one
    }

    fn etag(&self) -> Option<String> {
        let Attr { ino, size, mtime, .. } = self.attr;
        Some(format!("{ino:x}-{size:x}-{:x}.{:x}", mtime.secs, mtime.nanos))
    }

    fn accessed(&self) -> FsResult<SystemTime> {
        Ok(time(self.attr.atime))
    }

    fn status_changed(&self) -> FsResult<SystemTime> {
        Ok(time(self.attr.ctime))
    }

    fn executable(&self) -> FsResult<bool> {
        Ok(self.attr.kind == Type::File && self.attr.mode & EXECUTABLE != 0)
    }
}

/// As near to a time as HTTP can say.
fn time(stamp: Stamp) -> SystemTime {
    let secs = stamp.secs.clamp(0, LAST_SECOND);
    let nanos = if secs == stamp.secs { stamp.nanos } else { 0 };
    system_time(Stamp { secs, nanos })
}

/// An entry of a directory.
struct Entry {
    name: Vec<u8>,
    shared: Arc<Shared>,
    /// Where it is.
    path: Vec<u8>,
}

impl DavDirEntry for Entry {
    fn name(&self) -> Vec<u8> {
        self.name.clone()
    }

    fn metadata(&self) -> FsFuture<'_, Box<dyn DavMetaData>> {
        async move {
            let found = self.shared.find(&self.path, true).await.map_err(fault)?;
            Ok(boxed(found.there().map_err(fault)?))
        }
        .boxed()
    }
}

fn boxed(attr: Attr) -> Box<dyn DavMetaData> {
    Box::new(Meta::of(attr))
}

impl Site {
    /// What is at a path, by its own name.
    async fn named(&self, path: &DavPath) -> Result<(Found, Attr), Errno> {
        let found = self.shared.find(path.as_bytes(), false).await?;
        let attr = found.attr.ok_or(Errno::NOENT)?;
        Ok((found, attr))
    }

    async fn remove(&self, path: &DavPath) -> Result<(), Errno> {
        // It makes room for what is moved there, in one step.
        if self.whole == Whole::Move {
            return Ok(());
        }
        let (found, _) = self.named(path).await?;
        if found.name.is_empty() {
            return Err(Errno::PERM);
        }
        let removed = self.shared.work(move |shared| {
            shared.remove(found.parent, &found.name)?;
            shared.files.sync(found.parent)
        });
        removed.await
    }

    async fn list(&self, path: &DavPath) -> Result<Vec<Listed>, Errno> {
        let found = self.shared.find(path.as_bytes(), true).await?;
        let attr = found.there()?;
        let mut all = self.shared.ask(|files| files.list(attr.ino)).await?;
        all.retain(|entry| {
            let shown = matches!(entry.kind, Type::File | Type::Dir | Type::Symlink);
            shown && !matches!(&*entry.name, b"." | b"..")
        });
        Ok(all)
    }
}

impl DavFileSystem for Site {
    fn open<'a>(
        &'a self,
        path: &'a DavPath,
        options: OpenOptions,
    ) -> FsFuture<'a, Box<dyn DavFile>> {
        async move {
            let found = self.shared.find(path.as_bytes(), true).await.map_err(fault)?;
            let opened = if options.write {
                Open::to_write(&self.shared, found, &options).await
            } else {
                Open::to_read(&self.shared, &found)
            };
            Ok(Box::new(opened.map_err(fault)?) as Box<dyn DavFile>)
        }
        .boxed()
    }

    fn read_dir<'a>(
        &'a self,
        path: &'a DavPath,
        _: ReadDirMeta,
    ) -> FsFuture<'a, FsStream<Box<dyn DavDirEntry>>> {
        async move {
            let all = self.list(path).await.map_err(fault)?;
            let (shared, above) = (Arc::clone(&self.shared), joined(path));
            let entries = all.into_iter().map(move |Listed { name, .. }| {
                let path = [&above[..], b"/", &name].concat();
                let entry = Entry { name, shared: Arc::clone(&shared), path };
                Ok(Box::new(entry) as Box<dyn DavDirEntry>)
            });
            Ok(Box::pin(futures::stream::iter(entries)) as FsStream<Box<dyn DavDirEntry>>)
        }
        .boxed()
    }

    fn metadata<'a>(&'a self, path: &'a DavPath) -> FsFuture<'a, Box<dyn DavMetaData>> {
        async move {
            let found = self.shared.find(path.as_bytes(), true).await.map_err(fault)?;
            let attr = found.there().map_err(fault)?;
            let one = matches!(&self.whole, Whole::Copy { from } if *from == joined(path));
            Ok(Box::new(Meta { attr, one }) as Box<dyn DavMetaData>)
        }
        .boxed()
    }

    fn symlink_metadata<'a>(&'a self, path: &'a DavPath) -> FsFuture<'a, Box<dyn DavMetaData>> {
        async move {
            let (_, attr) = self.named(path).await.map_err(fault)?;
            let one = self.whole != Whole::Nothing;
            Ok(Box::new(Meta { attr, one }) as Box<dyn DavMetaData>)
        }
        .boxed()
    }

    fn create_dir<'a>(&'a self, path: &'a DavPath) -> FsFuture<'a, ()> {
        async move {
            let found = self.shared.find(path.as_bytes(), false).await.map_err(fault)?;
            if found.attr.is_some() {
                return Err(FsError::Exists);
            }
            let made = self.shared.work(move |shared| {
                let (kind, mode) = (Type::Dir, DIR_MODE);
                let new = New { kind, mode, umask: 0, rdev: 0, target: Vec::new() };
                let made = shared.make(found.parent, &found.name, &new)?;
                shared.files.sync(made.ino)
            });
            made.await.map_err(fault)
        }
        .boxed()
    }

    fn remove_dir<'a>(&'a self, path: &'a DavPath) -> FsFuture<'a, ()> {
        self.remove(path).map(|done| done.map_err(fault)).boxed()
    }

    fn remove_file<'a>(&'a self, path: &'a DavPath) -> FsFuture<'a, ()> {
        self.remove(path).map(|done| done.map_err(fault)).boxed()
    }

    fn rename<'a>(&'a self, from: &'a DavPath, to: &'a DavPath) -> FsFuture<'a, ()> {
        async move {
            let (from, attr) = self.named(from).await.map_err(fault)?;
            let to = self.shared.find(to.as_bytes(), false).await.map_err(fault)?;
            if from.name.is_empty() || to.name.is_empty() {
                return Err(FsError::Forbidden);
            }
            let moved = self.shared.work(move |shared| {
                shared.rename(attr.ino, &from, &to)?;
                shared.files.sync(to.parent)
            });
            moved.await.map_err(fault)
        }
        .boxed()
    }

    fn copy<'a>(&'a self, from: &'a DavPath, to: &'a DavPath) -> FsFuture<'a, ()> {
        async move {
            let (_, attr) = self.named(from).await.map_err(fault)?;
            let to = self.shared.find(to.as_bytes(), false).await.map_err(fault)?;
            if to.name.is_empty() {
                return Err(FsError::Forbidden);
            }
            self.shared.copy(attr, to.parent, to.name).await.map_err(fault)
        }
        .boxed()
    }

    fn have_props<'a>(&'a self, _: &'a DavPath) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(std::future::ready(true))
    }

    fn patch_props<'a>(
        &'a self,
        path: &'a DavPath,
        patch: Vec<(bool, DavProp)>,
    ) -> FsFuture<'a, Patched> {
        async move {
            let found = self.shared.find(path.as_bytes(), true).await.map_err(fault)?;
            let ino = found.there().map_err(fault)?.ino;
            self.shared.work(move |shared| shared.patch(ino, patch)).await.map_err(fault)
        }
        .boxed()
    }

    fn get_props<'a>(&'a self, path: &'a DavPath, _content: bool) -> FsFuture<'a, Vec<DavProp>> {
        async move {
            let found = self.shared.find(path.as_bytes(), true).await.map_err(fault)?;
            let ino = found.there().map_err(fault)?.ino;
            self.shared.props(ino).await.map_err(fault)
        }
        .boxed()
    }

    fn get_quota(&self) -> FsFuture<'_, (u64, Option<u64>)> {
        let space = self.shared.files.space();
        // Snapshots have none.
        let quota = if space.total == 0 {
            Err(FsError::NotImplemented)
        } else {
            Ok((space.total.saturating_sub(space.available), Some(space.total)))
        };
        std::future::ready(quota).boxed()
    }
}
